"""Checks of the phase that lets a program lead a feed: the loop has it, and every parameter is one that it takes."""

from __future__ import annotations

import math
from collections.abc import Mapping

from controller.config.loop_class import DirectLoop, Loop
from controller.config.problems import Path, nearest
from controller.config.program_limits import program_parameters
from controller.config.program_words import PROGRAMS, ParameterWord
from controller.config.vessel_class import VesselClassConfig
from controller.recipe.checker import RecipeChecker
from controller.recipe.model import Feed
from controller.recipe.vocabulary import feed_fault
from controller.units import UnitError


def class_parameters(kind: VesselClassConfig, loop: Loop, program: str) -> dict[str, ParameterWord]:
    """The parameters that a program has on a loop, by name; empty where the loop does not have it."""
    if not isinstance(loop, DirectLoop) or program not in loop.programs or program not in PROGRAMS:
        return {}
    return {word.name: word for word in program_parameters(kind, loop, PROGRAMS[program])}


def check_feed(check: RecipeChecker, kind: VesselClassConfig, path: Path, phase: Feed) -> None:
    """One phase: loop, program, parameters and conditions."""
    check.condition((*path, "until"), phase.until)
    check.condition((*path, "wait_when"), phase.wait_when)
    if not check.known((*path, "loop"), phase.loop, kind.loops, "loop"):
        return
    loop = kind.loops[phase.loop]
    programs = list(loop.programs) if isinstance(loop, DirectLoop) else []
    if phase.program not in programs:
        hint = nearest(phase.program, programs) or f"add programs: [{phase.program}] to it in the vessel class"
        check.problem((*path, "program"), f"loop {phase.loop!r} has no program {phase.program!r}", hint)
        return
    fault = feed_fault(kind, phase.loop)
    if fault is not None:
        check.problem((*path, "loop"), *fault)
    known = class_parameters(kind, loop, phase.program)
    _Parameters(check, path, known).run(phase.parameters)


class _Parameters:
    """The parameters of one phase."""

    def __init__(self, check: RecipeChecker, path: Path, known: Mapping[str, ParameterWord]) -> None:
        self.check, self.path, self.known = check, path, known

    def run(self, given: Mapping[str, str | dict[str, str]]) -> None:
        """All that is needed is given, and all that is given is known and within its limits."""
        for name, word in self.known.items():
            if (word.needed or word.points) and name not in given:
                self.check.problem(self.path, f"{name} is missing", f"{word.title}, in {word.unit}", at_key=True)
        for name, value in given.items():
            path = (*self.path, name)
            if name not in self.known:
                hint = nearest(name, list(self.known))
                self.check.problem(path, f"{name!r} is not known here", hint, at_key=True)
            else:
                self.parameter(path, self.known[name], value)

    def parameter(self, path: Path, word: ParameterWord, value: str | dict[str, str]) -> None:
        """One parameter, in the form it has."""
        if word.points:
            self.table(path, word, value)
        elif isinstance(value, dict):
            self.check.problem(path, f"{word.name}: a number is expected, this is a table", f"as in 1 {word.unit}")
        elif word.choices:
            if value not in word.choices:
                self.check.problem(path, f"{word.name}: {value!r} is not known here", f"{' or '.join(word.choices)}")
        else:
            self.number(path, word, value)

    def table(self, path: Path, word: ParameterWord, value: str | dict[str, str]) -> None:
        """Times from 0 on, each with a rate."""
        if not isinstance(value, dict) or not value:
            message = f"{word.name}: a table from times to rates is expected"
            self.check.problem(path, message, f"as in {{0 h: 1 {word.unit}, 12 h: 2 {word.unit}}}")
            return
        for time, rate in value.items():
            hours = self.check.value((*path, time), time, "h")
            if hours is not None and hours.constant is not None and hours.constant < 0.0:
                self.check.problem((*path, time), f"{time}: a time from 0 h on is expected", at_key=True)
            self.number((*path, time), word, rate)

    def number(self, path: Path, word: ParameterWord, text: str) -> None:
        """A number within the program's limits; of a parameter of the formula all that it may be."""
        value = self.check.value(path, text, word.unit)
        if value is None or value.constant is None:
            return
        limits = f"{word.low:g} .. {word.high:g} {word.unit}" if math.isfinite(word.high) else f"{word.low:g} or more"
        if not word.low <= value.constant <= word.high:
            message = f"{path[-1]}: {value.constant:g} {word.unit} is outside what the program takes"
            self.check.problem(path, message, limits)
        elif text.strip() in self.check.config.formula:
            self.hard_range(text.strip(), word, limits)

    def hard_range(self, parameter: str, word: ParameterWord, limits: str) -> None:
        """A value that the formula may take must be one that the program takes."""
        hard = self.check.config.formula[parameter].hard
        try:
            low, high = hard.to(word.unit)
        except UnitError:
            return  # reported where the formula is checked
        if low < word.low or high > word.high:
            message = f"hard: {hard} reaches beyond what {word.name} of the program can be"
            self.check.problem(("formula", parameter, "hard"), message, limits)
