"""Calculated tags of the gas balance: what the culture takes from the gas and gives to it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.config.calculated_base import CalculatedBase, Flow, LitreTag, Share, UptakeTag, written
from controller.config.calculated_gas import NORMAL, LeastFlow, MolarVolume
from controller.config.quantity import StrictModel, quantity
from controller.units import Quantity


class BalanceInputs(StrictModel):
    """The dry gas that flows in, its composition, that of the dried exhaust, and the culture's volume."""

    flow: Flow
    oxygen_in: Share
    oxygen_out: Share
    carbon_dioxide_in: Share
    carbon_dioxide_out: Share
    volume: LitreTag


class _GasBalance(CalculatedBase):
    """A balance around the vessel in which nitrogen is inert. ``molar_volume`` is that of the gas at the conditions to
    which the flow refers; the result is Uncertain where in and out differ by less than ``analyser_accuracy``.
    """

    gives: ClassVar[str] = "mmol/L/h"

    inputs: BalanceInputs
    least_flow: LeastFlow
    molar_volume: MolarVolume = written(NORMAL)
    analyser_accuracy: Annotated[Quantity, quantity("1", least=0)] = written("0 1")


class OurGasBalance(_GasBalance):
    """Oxygen uptake rate from the gas balance."""

    from_: Literal["our_gas_balance"] = Field(alias="from")


class CerGasBalance(_GasBalance):
    """Carbon dioxide evolution rate from the gas balance."""

    from_: Literal["cer_gas_balance"] = Field(alias="from")


class RqInputs(StrictModel):
    """Carbon dioxide evolution and oxygen uptake."""

    cer: UptakeTag
    our: UptakeTag


class Rq(CalculatedBase):
    """Respiratory quotient; below ``least_our`` the culture breathes too little to tell."""

    gives: ClassVar[str] = "1"

    from_: Literal["rq"] = Field(alias="from")
    inputs: RqInputs
    least_our: Annotated[Quantity, quantity("mmol/L/h", above=0)]
