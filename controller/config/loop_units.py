"""The units of what loops work with: signals, setpoints and outputs; ``None`` where a class does not say."""

from __future__ import annotations

from controller.config.loop_class import DoseLoop, Loop, PidLoop, RatioLoop, StationLoop
from controller.config.vessel_class import VesselClassConfig

DEEPEST = 8
"""Loops that look at each other so many times over look at themselves."""


def signal_unit(config: VesselClassConfig, signal: str, depth: int = 0) -> str | None:
    """The unit of a tag, of ``<loop>.sp`` or of ``<loop>.op``."""
    name, dot, part = signal.partition(".")
    if not dot:
        return config.unit(name)
    loop = config.loops.get(name)
    if loop is None or depth > DEEPEST:
        return None
    return setpoint_unit(config, loop, depth + 1) if part == "sp" else output_unit(config, loop, depth + 1)


def setpoint_unit(config: VesselClassConfig, loop: Loop, depth: int = 0) -> str | None:
    """The unit of a loop's setpoint: its PV's; of an actuator its output's; of a ratio and a station its own."""
    if isinstance(loop, PidLoop):
        return signal_unit(config, loop.pv, depth)
    if isinstance(loop, RatioLoop):
        return loop.setpoint.default.unit
    if isinstance(loop, DoseLoop):
        return config.unit(loop.pv)
    return loop.unit if isinstance(loop, StationLoop) else config.unit(loop.output)


def output_unit(config: VesselClassConfig, loop: Loop, depth: int = 0) -> str | None:
    """The unit of a loop's output: that of its legs' spans, or of what it moves."""
    if isinstance(loop, PidLoop):
        return loop.legs[0].from_.unit
    if isinstance(loop, StationLoop):
        return loop.unit
    if isinstance(loop, RatioLoop) and loop.loop is not None:
        inner = config.loops.get(loop.loop)
        return setpoint_unit(config, inner, depth + 1) if inner is not None and depth <= DEEPEST else None
    return config.unit(loop.output or "")
