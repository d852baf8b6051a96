"""The names that a text of the language may use: tags, setpoints and outputs of loops, what feeds have delivered and
have left, formula parameters, elapsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from controller.config.loop_class import DirectLoop
from controller.config.loop_units import output_unit, setpoint_unit
from controller.config.program_limits import amount_unit
from controller.config.vessel_class import VesselClassConfig

ELAPSED = "elapsed"
"""Process time since the operation began."""


class Symbol(NamedTuple):
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
    for name in vessel_class.loops:
        symbols.update(_feed_symbols(vessel_class, name))
    return symbols


def _feed_symbols(vessel_class: VesselClassConfig, loop: str) -> dict[str, Symbol]:
    """What a loop with programs or a bottle has delivered, and has left."""
    config = vessel_class.loops[loop]
    unit = setpoint_unit(vessel_class, config)
    if not isinstance(config, DirectLoop) or not (config.programs or config.bottle) or unit is None:
        return {}
    amount = amount_unit(unit, vessel_class.unit(config.total) if config.total else None)
    symbols = {f"{loop}.total": Symbol(amount)} if amount else {}
    return {**symbols, f"{loop}.left": Symbol(amount)} if amount and config.bottle else symbols
