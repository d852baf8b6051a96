"""Calculated tags of the cells: their density, how many there are, and how fast they grow."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.config.calculated_base import CalculatedBase, In, LitreTag, LitreTagOrNone
from controller.config.quantity import AnyQuantity, Name, Period, StrictModel, quantity
from controller.units import Quantity

PER_VOLUME = "10*9/L"


class CapacitanceInputs(StrictModel):
    """What the probe shows: capacitance, turbidity, absorbance."""

    signal: Annotated[Name, In("{signal}")]


class DensityFromCapacitance(CalculatedBase):
    """Density by the probe's straight calibration line: ``slope`` for every unit above the ``background`` of the
    medium.
    """

    gives: ClassVar[str] = "{unit}"

    from_: Literal["density_from_capacitance"] = Field(alias="from")
    inputs: CapacitanceInputs
    slope: Annotated[AnyQuantity, In("{unit}/{signal}")]
    background: Annotated[AnyQuantity, In("{signal}")]


class CountInputs(StrictModel):
    """Counted cells; with the ``volume``, what is added to or drawn from the vessel does not count as growth."""

    density: Annotated[Name, In(PER_VOLUME, sampled=True)]
    volume: LitreTagOrNone = None


class DensityFromCounts(CalculatedBase):
    """Density between counts: from the last one on it grows as it grew between the last two, but no faster than
    ``fastest_growth`` (or dies no faster), for ``good_for`` and no longer. After that it is held, and is Uncertain.
    """

    gives: ClassVar[str] = PER_VOLUME

    from_: Literal["density_from_counts"] = Field(alias="from")
    inputs: CountInputs
    good_for: Period
    fastest_growth: Annotated[Quantity, quantity("/h", above=0)]


class GrowthInputs(StrictModel):
    """Cells per volume, counted or continuous; with the ``volume``, dilution does not count as death."""

    density: Annotated[Name, In(PER_VOLUME)]
    volume: LitreTagOrNone = None


class GrowthFromDensity(CalculatedBase):
    """Specific growth rate: the slope of the logarithm over the last ``window``; of counts, through those of the last
    ``window``.
    """

    gives: ClassVar[str] = "/h"

    from_: Literal["growth_from_density"] = Field(alias="from")
    inputs: GrowthInputs
    window: Period


class CellsInputs(StrictModel):
    """Cells per volume, and the volume."""

    density: Annotated[Name, In(PER_VOLUME)]
    volume: LitreTag


class CellsTotal(CalculatedBase):
    """All cells in the vessel."""

    gives: ClassVar[str] = "10*9"

    from_: Literal["cells_total"] = Field(alias="from")
    inputs: CellsInputs
