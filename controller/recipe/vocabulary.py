"""What recipes and vessel classes agree on: feed loops, the tags of a cell count, what hands can do."""

from __future__ import annotations

from collections.abc import Mapping

from controller.config.loop_class import DirectLoop, Loop
from controller.config.vessel_class import VesselClassConfig

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


def is_feed(loop: Loop) -> bool:
    """Whether a loop adds something to the vessel, so that it stops when a batch is held."""
    return loop.on_restart == "safe" or (isinstance(loop, DirectLoop) and loop.total is not None)


def feed_loops(vessel_class: VesselClassConfig) -> tuple[str, ...]:
    """The loops that stop when a batch is held."""
    return tuple(name for name, loop in vessel_class.loops.items() if is_feed(loop))


def driven_by(vessel_class: VesselClassConfig, loop: str) -> tuple[str, ...]:
    """The loops whose setpoints ``loop`` drives as a cascade."""
    return tuple(leg.loop for leg in getattr(vessel_class.loops[loop], "legs", ()) if leg.loop is not None)


def sampled_tags(vessel_class: VesselClassConfig) -> frozenset[str]:
    """The tags that come with a counted sample; those of an earlier batch's sample must not decide in this one."""
    if SAMPLE_NUMBER not in vessel_class.measurements:
        return frozenset()
    return frozenset(name for name, tag in vessel_class.measurements.items() if tag.sampled and name != SAMPLE_NUMBER)
