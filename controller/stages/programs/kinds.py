"""Every kind of program, by the name that configuration, commands and recipes call it."""

from __future__ import annotations

from collections.abc import Mapping

from controller.stages.programs.cells import ByCount, ByGlucose
from controller.stages.programs.kind import Kind
from controller.stages.programs.perfusion import Bleed, Perfusion
from controller.stages.programs.pulses import Pulses
from controller.stages.programs.schedules import Constant, Exponential, Table

_PULSES = Pulses()
KINDS: Mapping[str, Kind] = {
    "constant": Constant(),
    "table": Table(),
    "exponential": Exponential(),
    "by_count": ByCount(),
    "by_glucose": ByGlucose(),
    "do_stat": _PULSES,
    "ph_stat": _PULSES,
    "perfusion": Perfusion(),
    "bleed": Bleed(),
}
"""The kinds are pure: what they remember is kept for them."""
