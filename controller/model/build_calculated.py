"""From a vessel class to its calculated tags: every conversion between tags and models is made here, once."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from controller.config.calculated_base import filled, options, parameters, wanted
from controller.model.calculation import Calculation, Input
from controller.model.tags import Tag
from controller.units import convert, convert_difference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.config.calculated_base import CalculatedBase, Parameter
    from controller.config.vessel_class import VesselClassConfig


def build_calculated(vessel: str, kind: VesselClassConfig, first: int) -> list[Tag]:
    """The calculated tags of one vessel, whose tags start at row ``first``: measurements, outputs, calculated."""
    names = (*kind.measurements, *kind.outputs, *kind.calculated)
    rows = {name: first + place for place, name in enumerate(names)}
    return [_tag(vessel, kind, name, entry, rows) for name, entry in kind.calculated.items()]


def _tag(vessel: str, kind: VesselClassConfig, name: str, entry: CalculatedBase, rows: Mapping[str, int]) -> Tag:
    calculation = _calculation(kind, entry, rows)
    low, high = -math.inf, math.inf
    if entry.credible is not None:
        low, high = entry.credible.to(entry.unit)
        calculation = replace(calculation, low=low, high=high)
    elif entry.from_ == "volume_from_weight":
        low, high = kind.working_volume.to(entry.unit)
    return Tag(vessel, name, entry.title, entry.unit, entry.decimals, "calculated", low, high, calculation=calculation)


def _calculation(kind: VesselClassConfig, entry: CalculatedBase, rows: Mapping[str, int]) -> Calculation:
    given = [(one, str(kind.unit(one.tag))) for one in wanted(entry)]
    units = {"unit": entry.unit, **{one.name: unit for one, unit in given}}
    inputs = [Input(one.name, rows[one.tag], *_conversion(unit, one.spec.unit, units)) for one, unit in given]
    sampled = any(one.tag in kind.measurements and kind.measurements[one.tag].sampled for one, _ in given)
    return Calculation(
        entry.from_,
        entry.version,
        tuple(inputs),
        {one.name: _number(one, units) for one in parameters(entry)},
        {**options(entry), **({"sampled": "yes"} if sampled else {})},
        gain=convert_difference(1.0, filled(entry.gives, units), entry.unit),
    )


def _conversion(unit: str, wanted_in: str, units: Mapping[str, str]) -> tuple[float, float]:
    """Gain and offset from a tag's unit to a model's; temperatures are points of their scales."""
    like = filled(wanted_in, units)
    return convert_difference(1.0, unit, like), convert(0.0, unit, like)


def _number(parameter: Parameter, units: Mapping[str, str]) -> float:
    value = parameter.value
    return value if isinstance(value, float) else value.difference(filled(parameter.unit, units))
