"""Checks of the phases: loops and tags exist, values are in their loops' limits, texts are understood."""

from __future__ import annotations

from collections.abc import Mapping

from controller.config.loop_units import setpoint_unit
from controller.config.problems import Path, nearest
from controller.config.vessel_class import VesselClassConfig
from controller.recipe.check_feed import check_feed
from controller.recipe.checker import RecipeChecker
from controller.recipe.conditions import Value
from controller.recipe.model import CountCells, ExponentialFeed, FeedByCount, Input, PhaseConfig, SetSetpoint
from controller.recipe.symbols import Symbol
from controller.recipe.vocabulary import COUNT_REQUEST, HANDS, SAMPLE_NUMBER, VIABLE_DENSITY, VOLUME, feed_fault
from controller.units import UnitError, convert


def check_phases(check: RecipeChecker, vessel_class: VesselClassConfig) -> None:
    """Every phase of every operation."""
    for number, operation in enumerate(check.config.procedure):
        moved: set[str] = set()
        _tunable(check, vessel_class, number, operation.auto_tune)
        for index, phase in enumerate(operation.do):
            path: Path = ("procedure", number, "do", index)
            _PhaseChecker(check, vessel_class, path).run(phase)
            if phase.loop in moved:
                message = f"loop {phase.loop!r} is moved by an earlier phase of the operation"
                check.problem((*path, phase.kind, "loop"), message)
            moved |= {phase.loop} if phase.loop is not None else set()


def _tunable(check: RecipeChecker, vessel_class: VesselClassConfig, number: int, loops: list[str]) -> None:
    """What may be tuned has a controller."""
    known = [name for name, loop in vessel_class.loops.items() if loop.type == "pid"]
    for index, name in enumerate(loops):
        check.known(("procedure", number, "auto_tune", index), name, known, "loop with a controller")


class _PhaseChecker:
    def __init__(self, check: RecipeChecker, vessel_class: VesselClassConfig, path: Path) -> None:
        self.check = check
        self.vessel_class = vessel_class
        self.path = path

    def run(self, phase: PhaseConfig) -> None:
        """Check one phase."""
        if phase.set_ is not None:
            self.set(phase.set_)
        if phase.prompt is not None:
            self.prompt(phase)
        if phase.count_cells is not None:
            self.count(phase.count_cells)
        if phase.feed is not None:
            check_feed(self.check, self.vessel_class, (*self.path, "feed"), phase.feed)
        if phase.feed_by_count is not None:
            self.feed_by_count(phase.feed_by_count)
        if phase.exponential_feed is not None:
            self.exponential(phase.exponential_feed)

    def set(self, phase: SetSetpoint) -> None:
        """The value is one that the loop takes."""
        path = (*self.path, "set")
        unit = self.loop(path, phase.loop)
        if unit is None:
            return
        value = self.check.value((*path, "to"), phase.to, unit)
        low, high = self.limits(phase.loop, unit)
        if value is None or value.constant is None:
            return
        parameter = self.check.config.formula.get(phase.to.strip())
        if not low <= value.constant <= high:
            reached = "" if parameter is None else f" ({phase.to} is {parameter.value})"
            message = f"to: {value.constant:g} {unit}{reached} is outside what the loop takes"
            self.check.problem((*path, "to"), message, f"{low:g} .. {high:g} {unit}")
        elif parameter is not None:
            self.hard_range(phase, unit, (low, high))

    def hard_range(self, phase: SetSetpoint, unit: str, limits: tuple[float, float]) -> None:
        """A value that the formula may take must be one that the loop takes."""
        hard = self.check.config.formula[phase.to.strip()].hard
        try:
            low, high = hard.to(unit)
        except UnitError:
            return  # reported where the formula is checked
        if low < limits[0] or high > limits[1]:
            path: Path = ("formula", phase.to.strip(), "hard")
            message = f"hard: {hard} reaches beyond what loop {phase.loop!r} takes"
            self.check.problem(path, message, f"{limits[0]:g} .. {limits[1]:g} {unit}")

    def prompt(self, phase: PhaseConfig) -> None:
        """Inputs make sense, and hands can do what they are asked to."""
        for name, wanted in phase.inputs.items():
            self.input((*self.path, "inputs", name), name, wanted)
        inputs = {name: Symbol(wanted.unit) for name, wanted in phase.inputs.items()}
        for action, amounts in phase.simulate.items():
            path = (*self.path, "simulate", action)
            if action not in HANDS:
                message = f"hands cannot {action!r}"
                self.check.problem(path, message, nearest(action, list(HANDS)), at_key=True)
            else:
                self.amounts(path, amounts, HANDS[action], inputs)

    def amounts(
        self, path: Path, given: Mapping[str, str], wanted: Mapping[str, str], inputs: Mapping[str, Symbol]
    ) -> None:
        """An action has exactly its amounts, in units that fit."""
        for name in wanted:
            if name not in given:
                self.check.problem(path, f"{name} is missing", at_key=True)
        for name, text in given.items():
            if name not in wanted:
                hint = nearest(name, list(wanted)) or "it takes no amounts"
                self.check.problem((*path, name), f"{name!r} is not known here", hint, at_key=True)
            else:
                self.check.value((*path, name), text, wanted[name], more=inputs)

    def input(self, path: Path, name: str, wanted: Input) -> None:
        """Limits and default fit the unit and each other."""
        if name in self.check.names:
            self.check.problem(path, f"{name!r} is a tag or a parameter already", "give it another name", at_key=True)
        low = self.check.quantity((*path, "low"), wanted.low, wanted.unit)
        high = self.check.quantity((*path, "high"), wanted.high, wanted.unit)
        if low is None or high is None:
            return
        if low > high:
            self.check.problem((*path, "low"), f"low: {wanted.low} is above high, {wanted.high}")
        if wanted.default is not None:
            default = self.check.quantity((*path, "default"), wanted.default, wanted.unit)
            if default is not None and not low <= default <= high:
                self.check.problem(
                    (*path, "default"), f"default: {wanted.default} is outside {wanted.low} .. {wanted.high}"
                )

    def count(self, phase: CountCells) -> None:
        """Times are times, and the class can count."""
        path = (*self.path, "count_cells")
        every = self.check.value((*path, "every"), phase.every, "s")
        if every is not None and every.constant is not None and every.constant <= 0:
            self.check.problem((*path, "every"), "every: a time longer than zero is expected")
        self.check.value((*path, "first"), phase.first, "s")
        if SAMPLE_NUMBER not in self.vessel_class.measurements or COUNT_REQUEST not in self.vessel_class.outputs:
            message = f"class {self.vessel_class.vessel_class} cannot count cells"
            self.check.problem(path, message, f"it needs {SAMPLE_NUMBER} and {COUNT_REQUEST}", at_key=True)

    def feed_by_count(self, phase: FeedByCount) -> None:
        """The rate gives a flow, and the condition is understood."""
        path = (*self.path, "feed_by_count")
        unit = self.feed_loop(path, phase.loop)
        missing = [name for name in (VIABLE_DENSITY, VOLUME) if name not in self.check.names]
        if missing:
            message = f"class {self.vessel_class.vessel_class} has no {' and no '.join(missing)}"
            self.check.problem(path, message, at_key=True)
        elif unit is not None:
            amount = self.check.value((*path, "rate"), phase.rate, unit, times=(VIABLE_DENSITY, VOLUME))
            self.rate((*path, "rate"), amount, self.limits(phase.loop, unit)[1])
        self.check.condition((*path, "until"), phase.until)

    def rate(self, path: Path, amount: Value | None, most: float) -> None:
        """Numbers of cells have no dimension: a rate that forgot to be per cells shows by its size only."""
        if amount is None:
            return
        try:
            litre = {VIABLE_DENSITY: convert(1.0, "10*6/mL", self.check.names[VIABLE_DENSITY].unit)}
            litre[VOLUME] = convert(1.0, "L", self.check.names[VOLUME].unit)
        except UnitError:
            return  # cells that are not counted by number: a wrong rate shows in its dimension
        value = amount.evaluate(lambda name: (litre[name], 0))
        if value > most:
            message = f"rate: {value:g} {amount.unit} for 10*9 cells is more than the loop takes ({most:g})"
            self.check.problem(path, message, f"a rate is per cells, as in 4 {amount.unit}/10*9")

    def exponential(self, phase: ExponentialFeed) -> None:
        """Start and limit are what the loop takes, and the conditions are understood."""
        path = (*self.path, "exponential_feed")
        unit = self.feed_loop(path, phase.loop)
        self.check.value((*path, "growth"), phase.growth, "h-1")
        if unit is not None:
            low, high = self.limits(phase.loop, unit)
            for key, text in (("start", phase.start), ("highest", phase.highest)):
                value = self.check.value((*path, key), text, unit) if text is not None else None
                self.inside((*path, key), value, low, high)
        self.check.condition((*path, "wait_when"), phase.wait_when)
        self.check.condition((*path, "until"), phase.until)

    def inside(self, path: Path, value: Value | None, low: float, high: float) -> None:
        """A fixed value lies within the loop's limits."""
        if value is not None and value.constant is not None and not low <= value.constant <= high:
            message = f"{path[-1]}: {value.constant:g} {value.unit} is outside what the loop takes"
            self.check.problem(path, message, f"{low:g} .. {high:g} {value.unit}")

    def loop(self, path: Path, name: str) -> str | None:
        """The unit of a loop's setpoint; ``None``, with a problem, when there is no such loop."""
        if not self.check.known((*path, "loop"), name, self.vessel_class.loops, "loop"):
            return None
        return setpoint_unit(self.vessel_class, self.vessel_class.loops[name])

    def feed_loop(self, path: Path, name: str) -> str | None:
        """The unit of a feed loop's setpoint; ``None``, with a problem, when there is no such loop."""
        unit = self.loop(path, name)
        fault = feed_fault(self.vessel_class, name) if unit is not None else None
        if fault is not None:
            self.check.problem((*path, "loop"), *fault)
        return unit

    def limits(self, name: str, unit: str) -> tuple[float, float]:
        """What a loop's setpoint may be, in ``unit``."""
        setpoint = self.vessel_class.loops[name].setpoint
        return setpoint.low.to(unit), setpoint.high.to(unit)
