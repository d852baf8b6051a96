"""The names that a text of the language may use: tags, setpoints and outputs of loops, formula parameters, elapsed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from controller.config.loop_class import DirectLoop, PidLoop
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
    for name in vessel_class.loops:
        setpoint, output = setpoint_unit(vessel_class, name), output_unit(vessel_class, name)
        symbols.update({f"{name}.sp": Symbol(setpoint)} if setpoint else {})
        symbols.update({f"{name}.op": Symbol(output)} if output else {})
    return symbols


def setpoint_unit(vessel_class: VesselClassConfig, loop: str) -> str | None:
    """The unit of a loop's setpoint: that of its PV, without one that of its output; ``None`` when it is not known."""
    config = vessel_class.loops[loop]
    if isinstance(config, DirectLoop):
        return vessel_class.unit(config.output)
    return vessel_class.unit(config.pv)


def output_unit(vessel_class: VesselClassConfig, loop: str) -> str | None:
    """The unit of a loop's output; ``None`` when it is not known."""
    config = vessel_class.loops[loop]
    return config.legs[0].from_.unit if isinstance(config, PidLoop) else vessel_class.unit(config.output)
