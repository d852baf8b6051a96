"""Request bodies: strict, finite, no coercion, no unknown fields."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


def _says_something(text: str) -> str:
    if not any(character.isalnum() for character in text):
        raise ValueError("a reason is needed, in words")
    return text


Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(_says_something),
    Field(description="Why; goes on record.", examples=["warm up"]),
]
UnitCode = Annotated[
    str, StringConstraints(min_length=1, max_length=40), Field(description="UCUM code.", examples=["Cel"])
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Revision = Annotated[
    int | None,
    Field(default=None, ge=0, le=2**53, description="Refused when the loop has been changed since this revision."),
]


class Strict(BaseModel):
    """Base of every body."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class Amount(Strict):
    """A number with its unit."""

    value: float
    unit: UnitCode


class SetpointChange(Amount):
    """A new setpoint, in any unit that converts to the loop's."""

    reason: Reason
    expected_revision: Revision


class OutputChange(Amount):
    """A new output of a loop in manual mode."""

    reason: Reason
    expected_revision: Revision


class ModeChange(Strict):
    """A new mode of a loop."""

    mode: Literal["auto", "manual", "off", "cascade", "remote", "out_of_service"]
    reason: Reason
    expected_revision: Revision


class ProgramChange(Strict):
    """A program to begin, or null to end the present one. Parameters are text with unit, ``"0.12 1/h"``, or a word; a
    table is a mapping from times to rates.
    """

    program: Name | None
    parameters: dict[Name, Name | dict[Name, Name]] = Field(
        default_factory=dict, max_length=50, examples=[{"growth_rate": "0.12 1/h", "start": "4 mL/h"}]
    )
    reason: Reason
    expected_revision: Revision


class BottleChange(Strict):
    """A bottle that was connected: full, or with so much in it."""

    value: float | None = Field(default=None, ge=0.0)
    unit: UnitCode | None = None
    reason: Reason
    expected_revision: Revision


class Because(Strict):
    """Why; for what needs no more."""

    reason: Reason
    expected_revision: Revision


class TuningChange(Because):
    """A new tuning set: what is not given stays. ``integral_time_s`` null is no integral action."""

    gain: float
    gain_unit: UnitCode = Field(description="Output per PV unit.", examples=["%/Cel"])
    integral_time_s: float | None = None
    derivative_time_s: float = 0.0
    derivative_filter: float = 10.0
    setpoint_weight: float = 1.0
    derivative_weight: float = 0.0
    tracking_time_s: float = 0.0


class TuneStart(Because):
    """An experiment. ``amplitude`` in output units, 10 % of the output's range by default; ``pv_low`` and ``pv_high``
    narrow the band that the loop's alarms set, in the loop's unit. ``asymmetry`` and ``cycles`` are for the relay.
    """

    method: Literal["relay", "step"] = "relay"
    amplitude: float | None = None
    asymmetry: float | None = None
    cycles: int | None = None
    longest_s: float | None = None
    pv_low: float | None = None
    pv_high: float | None = None


class NewBatch(Strict):
    """A batch to be made from a recipe; formula values as text with unit, ``"36.9 Cel"``."""

    vessel: Name
    recipe: Name
    formula: dict[Name, Name] = Field(
        default_factory=dict, max_length=200, examples=[{"culture_temperature": "36.9 Cel"}]
    )
    begin_at: Name | None = Field(default=None, description="Operation to begin at instead of the first.")
    reason: Reason


class BatchAction(Strict):
    """Why a batch is started, held, stopped …"""

    reason: Reason


class Acceptance(Strict):
    """Why another instrument is written to from now on; ``instrument`` is what its connection gives as ``stranger``."""

    instrument: str = Field(min_length=1, max_length=400)
    reason: Reason


class PromptAnswer(Strict):
    """The answer to a prompt: each of its inputs."""

    inputs: dict[Name, Amount] = Field(default_factory=dict, max_length=50)
    reason: Reason
