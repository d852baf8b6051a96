"""Calculated tags of any values: totals, rates of change, quotients."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.config.calculated_base import CalculatedBase, In, written
from controller.config.quantity import AnyQuantity, Name, Period, StrictModel


class TotalInputs(StrictModel):
    """What is integrated: any tag that is something per time."""

    flow: Annotated[Name, In("{unit}/s")]


class Total(CalculatedBase):
    """The integral of a flow over time since the start of the batch. A gap in the flow of up to ``bridge`` is taken as
    a straight line; a longer one is not counted, and the total is Uncertain from then on.
    """

    gives: ClassVar[str] = "{unit}"

    from_: Literal["total"] = Field(alias="from")
    inputs: TotalInputs
    bridge: Period = written("60 s")


class RateInputs(StrictModel):
    """What changes."""

    of: Annotated[Name, In("{of}")]


class Rate(CalculatedBase):
    """How fast a tag changes: the slope of a straight line through the last ``window``."""

    gives: ClassVar[str] = "{of}/s"

    from_: Literal["rate"] = Field(alias="from")
    inputs: RateInputs
    window: Period


class QuotientInputs(StrictModel):
    """What is divided, and by what."""

    of: Annotated[Name, In("{of}")]
    per: Annotated[Name, In("{per}")]


class Quotient(CalculatedBase):
    """One tag per another: a flow per volume, a flow per cells, an uptake per cells. ``least`` is the smallest divisor
    that means something.
    """

    gives: ClassVar[str] = "{of}/{per}"

    from_: Literal["quotient"] = Field(alias="from")
    inputs: QuotientInputs
    least: Annotated[AnyQuantity, In("{per}")]
