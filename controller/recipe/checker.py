"""What all checks of a recipe need: a bound recipe, the vessel class it is for, and the names its texts may use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from controller.config.bind import Bound
from controller.config.problems import Path, nearest
from controller.config.vessel_class import VesselClassConfig
from controller.recipe.conditions import Condition, ConditionError, Value, compile_condition, compile_value
from controller.recipe.model import RecipeConfig
from controller.recipe.symbols import ELAPSED, Symbol, Symbols, class_symbols
from controller.recipe.tokens import Kind, tokenise
from controller.units import Quantity, UnitError


@dataclass(slots=True)
class RecipeChecker:
    """Adds to a bound recipe what is wrong with it. Without a vessel class only what no class could put right."""

    bound: Bound[RecipeConfig]
    config: RecipeConfig
    vessel_class: VesselClassConfig | None
    parameters: dict[str, Symbol] = field(init=False)
    names: dict[str, Symbol] = field(init=False)

    def __post_init__(self) -> None:
        self.parameters = {name: Symbol(one.value.unit, one.value.value) for name, one in self.config.formula.items()}
        known = class_symbols(self.vessel_class) if self.vessel_class else {}
        self.names = {**known, **self.parameters, ELAPSED: Symbol("s")}

    def problem(self, path: Path, message: str, hint: str = "", *, at_key: bool = False) -> None:
        """Add a problem."""
        self.bound.problem(path, message, hint, at_key=at_key)

    def known(self, path: Path, name: str, names: Collection[str], what: str) -> bool:
        """Whether ``name`` is one of ``names``; a problem at ``path`` if not."""
        if name in names:
            return True
        self.problem(path, f"there is no {what} {name!r}", nearest(name, list(names)))
        return False

    def condition(self, path: Path, text: str | None) -> Condition | None:
        """The condition that ``text`` says; ``None``, with problems, when it is not understood or the class unknown."""
        if text is None or not self._checkable(path, text):
            return None
        try:
            return compile_condition(text, self.names)
        except ConditionError as error:
            self._report(path, error)
            return None

    def value(
        self, path: Path, text: str, unit: str, *, times: tuple[str, ...] = (), more: Mapping[str, Symbol] | None = None
    ) -> Value | None:
        """The number that ``text`` says, out of quantities and parameters, in ``unit``; else ``None``, with problems.

        ``times`` are tags that it is multiplied by, ``more`` further names that it may use.
        """
        if not self._checkable(path, text):
            return None
        symbols: Symbols = {**(self.names if times else self.parameters), **(more or {})}
        try:
            return compile_value(text, symbols, unit, times=times)
        except ConditionError as error:
            self._report(path, error)
            return None

    def quantity(self, path: Path, quantity: Quantity, unit: str) -> float | None:
        """A quantity of the model in ``unit``; ``None``, with a problem, when the units don't fit."""
        try:
            return quantity.to(unit)
        except UnitError as error:
            self.problem(path, f"{path[-1]}: {error.message}", error.hint)
            return None

    def _checkable(self, path: Path, text: str) -> bool:
        """Whether every name in the text could be known: a parameter that is itself wrong is not wrong here too."""
        try:
            names = {token.text for token in tokenise(text) if token.kind is Kind.NAME}
        except ConditionError as error:
            self._report(path, error)
            return False
        broken = set(self.bound.document.names(("formula",))) - set(self.parameters)
        return self.vessel_class is not None and not names & broken

    def _report(self, path: Path, error: ConditionError) -> None:
        for fault in error.faults:
            self.bound.problem(path, f"{path[-1]}: {fault.message}", fault.hint, offset=fault.offset)
