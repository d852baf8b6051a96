"""Cross-checks: what no entry of a file can know alone, for a vessel class and for a site with its classes."""

from __future__ import annotations

from controller.config.bind import Bound
from controller.config.check_calculated import check_calculated
from controller.config.check_effects import check_effects
from controller.config.check_health import check_health
from controller.config.check_loops import check_loops
from controller.config.check_mixers import check_mixers
from controller.config.check_outputs import check_outputs
from controller.config.check_programs import check_programs
from controller.config.check_site import SiteChecker
from controller.config.check_tags import check_alarms, check_interlocks, check_tags
from controller.config.checker import Checker, ConditionCheck
from controller.config.vessel_class import VesselClassConfig

__all__ = ["SiteChecker", "check_class"]


def check_class(bound: Bound[VesselClassConfig], conditions: ConditionCheck | None = None) -> None:
    """Add to ``bound`` everything in a vessel class that does not fit together. ``conditions`` checks the interlocks'
    texts, when given.
    """
    if bound.model is None:
        return
    check = Checker(bound, bound.model)
    check_tags(check)
    check_calculated(check)
    check_outputs(check)
    check_loops(check)
    check_mixers(check)
    check_health(check)
    check_effects(check)
    check_programs(check)
    check_interlocks(check, conditions)
    check_alarms(check)
