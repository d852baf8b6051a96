"""Cross-checks of a vessel class: what loops' health is judged by."""

from __future__ import annotations

from controller.config.checker import Checker
from controller.config.loop_units import setpoint_unit
from controller.config.problems import Path


def check_health(check: Checker) -> None:
    """A band is a distance in the unit of the setpoint, and more than nothing."""
    for name, loop in check.config.loops.items():
        if loop.health is None:
            continue
        path: Path = ("loops", name, "health")
        if loop.pv is None:
            check.bound.problem(path, f"{name!r} has no pv, so there is nothing to judge", "give it a pv", at_key=True)
            continue
        check.size((*path, "band"), loop.health.band, setpoint_unit(check.config, loop))
