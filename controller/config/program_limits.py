"""What a program takes on a loop of one vessel class: its parameters in the loop's units, within the loop's ranges.

Made the same for the scan's tables and for the checks of recipes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from controller.config.loop_units import signal_unit
from controller.config.program_words import ParameterWord, ProgramWord, SignalWord, filled
from controller.units import Range, UnitError, convert

if TYPE_CHECKING:
    from controller.config.loop_class import DirectLoop
    from controller.config.vessel_class import VesselClassConfig

A_FLOW = "mL/h"
MOLAR = "mmol/L"
Settings = Mapping[str, "Range | str"]


def is_flow(unit: str) -> bool:
    """Whether a loop of this unit delivers a liquid: volume per time."""
    return fitting(unit, (A_FLOW,)) is not None


def amount_unit(rate: str, total: str | None) -> str:
    """What a loop of unit ``rate`` delivers is told in: its total's unit, mL without one, "" where it is no flow."""
    if not is_flow(rate):
        return ""
    return total or "mL"


def fitting(unit: str | None, units: tuple[str, ...]) -> str | None:
    """The first of ``units`` that ``unit`` converts to; ``None`` when there is none."""
    for candidate in units if unit is not None else ():
        try:
            convert(1.0, str(unit), candidate)
        except UnitError:
            continue
        return candidate
    return None


def signal_name(signal: SignalWord, settings: Settings) -> str:
    """The tag that a program reads as ``signal``, or a loop's ``.sp`` or ``.op``."""
    setting = settings.get(signal.name, signal.default)
    return setting if isinstance(setting, str) else signal.default


def program_parameters(kind: VesselClassConfig, loop: DirectLoop, program: ProgramWord) -> list[ParameterWord]:
    """The parameters that a program has on a loop, each in its unit and within its limits there."""
    settings = loop.programs.get(program.name, {})
    rate = kind.unit(loop.output) or "1"
    amount = amount_unit(rate, kind.unit(loop.total) if loop.total else None)
    read = {
        signal.name: fitting(signal_unit(kind, signal_name(signal, settings)), signal.units)
        for signal in program.signals
    }
    words = [word for word in program.parameters if _exists(word, amount, read)]
    return [_on_loop(word, settings, loop, (rate, amount, read.get("glucose") or MOLAR)) for word in words]


def _exists(word: ParameterWord, amount: str, read: Mapping[str, str | None]) -> bool:
    """A loop that is no flow has no amounts and does not end at nothing; a limit needs what it limits."""
    if word.name == "end_volume":
        return bool(amount) and read.get("volume") is not None
    return bool(amount) or (word.unit != "<amount>" and word.name not in {"at_end", "patience"})


def _on_loop(word: ParameterWord, settings: Settings, loop: DirectLoop, units: tuple[str, str, str]) -> ParameterWord:
    unit, low, high = filled(word.unit, *units), word.low, word.high
    if word.unit == "<rate>":
        low, high = max(low, loop.setpoint.low.to(unit)), min(high, loop.setpoint.high.to(unit))
    setting = settings.get(word.name)
    if isinstance(setting, Range):
        narrow, wide = setting.to(unit)
        low, high = max(low, narrow), min(high, wide)
    default = None if word.default is None else min(max(word.default, low), high)
    return word._replace(unit=unit, low=low, high=high, default=default)
