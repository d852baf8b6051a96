"""The names that a text of the language may use: tags, setpoints and outputs of loops, formula parameters, elapsed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from controller.config.loop_units import output_unit, setpoint_unit
from controller.config.vessel_class import VesselClassConfig

ELAPSED = "elapsed"
"""Process time since the operation began."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name: the unit of its value, and the value itself when it is a parameter, which never changes in a batch."""

    unit: str
    constant: float | None = None


Symbols: TypeAlias = Mapping[str, Symbol]


def class_symbols(vessel_class: VesselClassConfig) -> dict[str, Symbol]:
    """Everything that a vessel of a class can be asked: ``temperature``, ``temperature.sp``, ``temperature.op``."""
    sections = (vessel_class.measurements, vessel_class.calculated, vessel_class.outputs)
    symbols = {name: Symbol(tag.unit) for section in sections for name, tag in section.items()}
    for name, loop in vessel_class.loops.items():
        setpoint, output = setpoint_unit(vessel_class, loop), output_unit(vessel_class, loop)
        symbols.update({f"{name}.sp": Symbol(setpoint)} if setpoint else {})
        symbols.update({f"{name}.op": Symbol(output)} if output else {})
    return symbols
