"""What recipes and vessel classes agree on: what stops with a hold, the tags of a cell count, what hands can do."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from controller.config.loop_class import DirectLoop, Loop, PidLoop, RemoteLoop, StationLoop
from controller.config.loop_units import setpoint_unit
from controller.config.vessel_class import VesselClassConfig
from controller.units import parse_unit

HOLD = "hold"
END = "end"
"""Where a transition may lead besides an operation: the batch is held, or it is complete."""

SAMPLE_NUMBER = "sample_number"
"""The tag with the number of the newest counted sample."""

COUNT_REQUEST = "count_request"
"""The output that starts the count of a sample, by its number."""

VIABLE_DENSITY = "viable_density"
VOLUME = "volume"

HANDS: Mapping[str, Mapping[str, str]] = {
    "inoculate": {"volume": "mL", "density": "10*6/mL"},
    "sample": {"volume": "mL"},
    "harvest": {},
}
"""What the simulated operator's hands can do: the amounts of each action, in these units."""


class Stop(NamedTuple):
    """How a loop stops when a batch is held: by setpoint 0 (``by_zero``) or by mode off. It has stopped when its output
    is at ``most``, in the output's unit, or less; infinite where the output alone does not tell.
    """

    by_zero: bool
    most: float


def is_stopped(loop: Loop) -> bool:
    """Whether a loop stops when a batch is held: it feeds or draws off, or only people may begin it after a restart."""
    return loop.on_restart == "safe" or (isinstance(loop, DirectLoop) and loop.total is not None)


def stops(vessel_class: VesselClassConfig) -> dict[str, Stop]:
    """The loops that stop when a batch is held, by name."""
    return {name: _stop(vessel_class, loop) for name, loop in vessel_class.loops.items() if is_stopped(loop)}


def feed_fault(vessel_class: VesselClassConfig, name: str) -> tuple[str, str] | None:
    """Why a phase cannot feed through a loop, with a hint; ``None`` when it can: a setpoint of 0 stops it."""
    loop = vessel_class.loops[name]
    if not is_stopped(loop):
        message = f"{name!r} is not a feed: it would go on while the batch is held"
        return message, "a feed loop has total: or on_restart: safe"
    if loop.setpoint.low.value > 0.0:
        return f"{name!r} cannot be stopped: its setpoint does not go down to 0", ""
    if not _stop(vessel_class, loop).by_zero:
        return f"{name!r} is not a feed: a setpoint of 0 does not stop it", "a feed has type: direct and safe: 0"
    return None


def _stop(vessel_class: VesselClassConfig, loop: Loop) -> Stop:
    """A setpoint of 0 stops an actuator that gives nothing at 0; to a controller it is a value to be reached."""
    if isinstance(loop, PidLoop):
        only = loop.legs[0] if len(loop.legs) == 1 else None
        begins_at_zero = only is not None and only.from_.value == 0.0 == only.start.value
        return Stop(False, 0.0 if begins_at_zero and only and _safe(vessel_class, only.output) == 0.0 else inf)
    if isinstance(loop, StationLoop):
        return Stop(False, inf)
    safe = _safe(vessel_class, loop.output)
    if not isinstance(loop, DirectLoop | RemoteLoop):
        return Stop(False, safe)
    unit = parse_unit(setpoint_unit(vessel_class, loop) or "1")
    zero = unit.offset == 0.0 and loop.setpoint.low.value <= 0.0 <= loop.setpoint.high.value
    by_zero = zero and safe == 0.0
    return Stop(by_zero, 0.0 if by_zero else safe)


def _safe(vessel_class: VesselClassConfig, output: str | None) -> float:
    """The value that an output goes to when its loop is off, in its own unit; infinite where there is none."""
    config = vessel_class.outputs.get(output or "")
    return inf if config is None or config.safe == "none" else config.safe.to(config.unit)


def driven_by(vessel_class: VesselClassConfig, loop: str) -> tuple[str, ...]:
    """The loops whose setpoints ``loop`` drives as a cascade."""
    return tuple(leg.loop for leg in getattr(vessel_class.loops[loop], "legs", ()) if leg.loop is not None)


def sampled_tags(vessel_class: VesselClassConfig) -> frozenset[str]:
    """The tags that come with a counted sample; those of an earlier batch's sample must not decide in this one."""
    if SAMPLE_NUMBER not in vessel_class.measurements:
        return frozenset()
    return frozenset(name for name, tag in vessel_class.measurements.items() if tag.sampled and name != SAMPLE_NUMBER)
