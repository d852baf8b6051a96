"""A calibration in force: from where it comes, what it is, until when it is valid, and what it does to a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from controller.units import Quantity, UnitError, convert, parse_unit, per

if TYPE_CHECKING:
    from controller.config.site import Calibration
    from controller.config.vessel_class import VesselClassConfig

SITE_FILE = "site file"
"""The id of a calibration that stands in the site file."""


class Calibrated(NamedTuple):
    """``tag = factor * instrument's number + offset``. ``date`` and ``expires`` are ISO texts, the latter empty for one
    that is valid for good; ``id`` is the stored entry's.
    """

    id: str
    factor: Quantity
    offset: Quantity | None
    date: str
    expires: str = ""

    def line(self, unit: str) -> tuple[float, float]:
        """Gain and offset from the instrument's number to a tag in ``unit``. Raises :class:`UnitError`."""
        return gain_of(self.factor, unit), self.offset.difference(unit) if self.offset else 0.0


def from_site(calibration: Calibration) -> Calibrated:
    """What the site file says."""
    return Calibrated(SITE_FILE, calibration.factor, calibration.offset, calibration.date.isoformat())


def gain_of(factor: Quantity, unit: str) -> float:
    """``0.025 mL/{rev}`` is the gain of a total in mL as it is; of a flow it is per minute, since pumps turn in
    ``{rev}/min``. Raises :class:`UnitError`.
    """
    try:
        return convert(factor.value, factor.unit, unit)
    except UnitError:
        return convert(factor.value, per(factor.unit, "min"), unit)


def fits(unit: str, tag_unit: str) -> bool:
    """Whether a factor in ``unit`` times an instrument's number, plain or a rate per time, is in the tag's unit."""
    return any(parse_unit(unit).compatible(parse_unit(per(tag_unit, raw))) for raw in ("1", "s-1"))


def alike(unit: str, other: str) -> bool:
    """Whether one unit converts to the other."""
    return parse_unit(unit).compatible(parse_unit(other))


def users(vessel_class: VesselClassConfig, name: str) -> list[tuple[str, str]]:
    """The tags that the calibration ``name`` goes into, each with its unit."""
    measured = [(key, one.unit) for key, one in vessel_class.measurements.items() if (one.calibration or key) == name]
    return measured + [(key, one.unit) for key, one in vessel_class.outputs.items() if key == name]
