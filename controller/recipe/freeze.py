"""From a checked recipe and a formula to the control recipe of one batch."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from controller.commands import Json
from controller.config.loop_units import setpoint_unit
from controller.config.program_words import ParameterWord
from controller.config.vessel_class import VesselClassConfig
from controller.recipe.asking import Hands, PromptPhase, SetPhase
from controller.recipe.check import LoadedRecipe
from controller.recipe.check_feed import class_parameters
from controller.recipe.conditions import Condition, Value, compile_condition, compile_value
from controller.recipe.control import ControlRecipe, Operation, Transition
from controller.recipe.counting import CountPhase
from controller.recipe.feeding import ExponentialFeedPhase, FeedByCountPhase, FeedLoop
from controller.recipe.model import (
    CountCells,
    ExponentialFeed,
    Feed,
    FeedByCount,
    OperationConfig,
    PhaseConfig,
    SetSetpoint,
    TransitionConfig,
)
from controller.recipe.phase import Input, Phase
from controller.recipe.program import ProgramPhase
from controller.recipe.symbols import ELAPSED, Symbol, class_symbols
from controller.recipe.vocabulary import HANDS, VIABLE_DENSITY, VOLUME, driven_by, sampled_tags, stops


def freeze(recipe: LoadedRecipe, vessel_class: VesselClassConfig, formula: Mapping[str, float]) -> ControlRecipe:
    """The control recipe of a batch; ``formula`` gives every parameter's value in the unit of the recipe's own.

    Raises :class:`controller.recipe.conditions.ConditionError` when the recipe does not fit the class.
    """
    freezer = _Freezer(recipe, vessel_class, formula)
    operations = {one.operation: freezer.operation(one) for one in recipe.config.procedure}
    moved = [phase.loop for one in recipe.config.procedure for phase in one.do if phase.loop is not None]
    driven = [slave for loop in moved for slave in driven_by(vessel_class, loop)]
    loops = tuple(dict.fromkeys([*moved, *driven]))
    return ControlRecipe(recipe, vessel_class, operations, loops, stops(vessel_class), sampled_tags(vessel_class))


class _Freezer:
    def __init__(self, recipe: LoadedRecipe, vessel_class: VesselClassConfig, formula: Mapping[str, float]) -> None:
        self.vessel_class = vessel_class
        self.parameters = {
            name: Symbol(one.value.unit, formula.get(name, one.value.value))
            for name, one in recipe.config.formula.items()
        }
        self.names = {**class_symbols(vessel_class), **self.parameters, ELAPSED: Symbol("s")}

    def operation(self, config: OperationConfig) -> Operation:
        """One operation."""
        phases = [self.phase(one) for one in config.do]
        transitions = [self.transition(one) for one in config.until]
        return Operation(config.operation, config.title, phases, transitions, config.then, frozenset(config.auto_tune))

    def transition(self, config: TransitionConfig) -> Transition:
        """One transition."""
        when = compile_condition(config.when, self.names)
        return Transition(when, config.for_.to("s"), config.then, config.because or "")

    def phase(self, config: PhaseConfig) -> Phase:
        """One phase, of the kind that is given."""
        if config.set_ is not None:
            return self.set(config.set_)
        if config.count_cells is not None:
            return self.count(config.count_cells)
        if config.feed is not None:
            return self.program(config.feed)
        if config.feed_by_count is not None:
            return self.feed_by_count(config.feed_by_count)
        if config.exponential_feed is not None:
            return self.exponential(config.exponential_feed)
        return self.prompt(config)

    def set(self, config: SetSetpoint) -> SetPhase:
        """A setpoint, with its value worked out."""
        return SetPhase(config.loop, self.fixed(config.to, self.unit(config.loop)))

    def prompt(self, config: PhaseConfig) -> PromptPhase:
        """A prompt, with its limits in the unit of each input."""
        inputs = tuple(
            Input(
                name,
                one.title,
                one.unit,
                one.low.to(one.unit),
                one.high.to(one.unit),
                one.default.to(one.unit) if one.default else None,
            )
            for name, one in config.inputs.items()
        )
        return PromptPhase(config.prompt or "", config.text or "", inputs, self.hands(config))

    def hands(self, config: PhaseConfig) -> Hands:
        """What simulated hands do, once the inputs are known."""
        symbols = {**self.parameters, **{name: Symbol(one.unit) for name, one in config.inputs.items()}}
        actions = {
            action: {name: compile_value(text, symbols, HANDS[action][name]) for name, text in amounts.items()}
            for action, amounts in config.simulate.items()
        }
        return lambda inputs: _done_by_hand(actions, inputs)

    def count(self, config: CountCells) -> CountPhase:
        """A count, with its times in seconds."""
        every, first = self.fixed(config.every, "s"), self.fixed(config.first, "s")
        return CountPhase(every, first, config.sample.to("mL"), config.text, config.time_out.to("s"))

    def program(self, config: Feed) -> ProgramPhase:
        """A program, with its parameters worked out in its own units."""
        loop = self.vessel_class.loops[config.loop]
        known = class_parameters(self.vessel_class, loop, config.program)
        given: dict[str, Json] = {
            name: self.given(known[name], value) for name, value in config.parameters.items() if name in known
        }
        until, wait_when = self.condition(config.until), self.condition(config.wait_when)
        return ProgramPhase(config.loop, config.program, given, until, wait_when)

    def given(self, word: ParameterWord, value: str | dict[str, str]) -> Json:
        """One parameter: a number in its unit, a word, or the points of a table in hours."""
        if isinstance(value, dict):
            points = sorted((self.fixed(time, "h"), self.fixed(rate, word.unit)) for time, rate in value.items())
            return [[hour, rate] for hour, rate in points]
        return value if word.choices else self.fixed(value, word.unit)

    def feed_by_count(self, config: FeedByCount) -> FeedByCountPhase:
        """A feed by count; the amount stays to be worked out with every count."""
        amount = compile_value(config.rate, self.names, self.unit(config.loop), times=(VIABLE_DENSITY, VOLUME))
        return FeedByCountPhase(self.feed_loop(config.loop), amount, self.condition(config.until))

    def exponential(self, config: ExponentialFeed) -> ExponentialFeedPhase:
        """An exponential feed, with its profile worked out."""
        unit = self.unit(config.loop)
        return ExponentialFeedPhase(
            self.feed_loop(config.loop),
            self.fixed(config.start, unit),
            self.fixed(config.growth, "h-1"),
            highest=self.fixed(config.highest, unit) if config.highest else inf,
            wait_when=self.condition(config.wait_when),
            until=self.condition(config.until),
        )

    def condition(self, text: str | None) -> Condition | None:
        """A compiled condition, or none."""
        return compile_condition(text, self.names) if text is not None else None

    def fixed(self, text: str, unit: str) -> float:
        """A number that is known beforehand."""
        value = compile_value(text, self.parameters, unit)
        return value.evaluate(lambda name: (0.0, 0))

    def unit(self, loop: str) -> str:
        """The unit of a loop's setpoint."""
        return setpoint_unit(self.vessel_class, self.vessel_class.loops[loop]) or "1"

    def feed_loop(self, loop: str) -> FeedLoop:
        """A feed loop and its limits."""
        setpoint, unit = self.vessel_class.loops[loop].setpoint, self.unit(loop)
        return FeedLoop(loop, setpoint.low.to(unit), setpoint.high.to(unit), unit)


def _done_by_hand(actions: Mapping[str, Mapping[str, Value]], inputs: Mapping[str, float]) -> dict[str, Json]:
    return {
        action: {name: value.evaluate(lambda name: (inputs[name], 0)) for name, value in amounts.items()}
        for action, amounts in actions.items()
    }
