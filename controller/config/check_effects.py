"""Cross-checks of a vessel class: the effect that loops' outputs must have."""

from __future__ import annotations

from controller.config.checker import Checker
from controller.config.loop_class import PidLoop
from controller.config.loop_units import setpoint_unit


def check_effects(check: Checker) -> None:
    """An effect is a distance in the unit of the setpoint, and more than nothing."""
    for name, loop in check.config.loops.items():
        if isinstance(loop, PidLoop) and loop.effect is not None:
            path = ("loops", name, "effect", "least")
            check.size(path, loop.effect.least, setpoint_unit(check.config, loop))
