"""The model of a gas mixer."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from controller.config.quantity import Name, StrictModel, Text, refuse

GASES = ("air", "oxygen", "nitrogen", "carbon_dioxide", "fine_air")
"""The gases in the order of the mixing bank."""


class Gases(StrictModel):
    """The output of each gas's mass-flow controller. ``fine_air`` is a second, smaller one on air, which gives the
    first part of the air.
    """

    air: Name
    oxygen: Name | None = None
    nitrogen: Name | None = None
    carbon_dioxide: Name | None = None
    fine_air: Name | None = None

    def outputs(self) -> dict[str, str]:
        """The outputs of the gases that are there, by gas."""
        names = {gas: getattr(self, gas) for gas in GASES}
        return {gas: name for gas, name in names.items() if name is not None}


class GasMixer(StrictModel):
    """Flows of ``gases`` that together have the total and the fractions that stations hold.

    ``constant_total``: air with oxygen above what air holds, air with nitrogen below, carbon dioxide within the total;
    ``when_limited`` says what gives way where a controller is at its end. ``additive``: the station ``total`` is the
    air flow, the other gases come on top. Below its range divided by ``turndown`` a controller holds no flow.
    """

    title: Text
    mode: Literal["constant_total", "additive"]
    total: Name
    oxygen: Name | None = None
    carbon_dioxide: Name | None = None
    gases: Gases
    turndown: Annotated[int, Field(ge=2, le=10000)] = 50
    when_limited: Literal["lower_total", "keep_total"] = "lower_total"

    @model_validator(mode="after")
    def _gases_and_stations(self) -> Self:
        if self.oxygen and not (self.gases.oxygen or self.gases.nitrogen):
            raise refuse("an oxygen station needs a gas that changes the oxygen", "add oxygen: or nitrogen: to gases")
        if (self.gases.oxygen or self.gases.nitrogen) and not self.oxygen:
            raise refuse("nobody says how much oxygen there is to be", "add oxygen: and the station")
        if bool(self.carbon_dioxide) != bool(self.gases.carbon_dioxide):
            raise refuse(
                "carbon dioxide needs both its station and its gas", "add the other carbon_dioxide:, or neither"
            )
        return self
