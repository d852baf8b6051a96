"""Conditions and values: the small language of recipes and interlocks, compiled once and evaluated every scan.

A condition is true, false or unknown (``None``): unknown when what decides it is Bad, NaN or was never read.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, Protocol

from controller.config.checker import Finding
from controller.config.vessel_class import VesselClassConfig
from controller.recipe.amounts import Amount, Getter, Reads, Sense, multiplied
from controller.recipe.compiler import Compiler
from controller.recipe.symbols import Symbols, class_symbols
from controller.recipe.syntax import parse
from controller.recipe.tokens import ConditionError, Fault
from controller.recipe.truths import Truth
from controller.units import parse_unit

__all__ = [
    "Condition", "ConditionError", "Fault", "Reader", "Value", "VesselCondition", "check_condition",
    "compile_condition", "compile_value",
]  # fmt: skip


class Condition(NamedTuple):
    """A compiled statement; ``names`` are what it reads.

    ``read`` gives value and quality of a name; :meth:`on` binds it to a vessel instead.
    """

    text: str
    names: frozenset[str]
    truth: Truth

    def evaluate(self, read: Reads) -> bool | None:
        """True, false, or ``None`` when it can't be decided."""
        return self.truth.evaluate(read)

    def explain(self, read: Reads) -> str:
        """The statement with the values of the moment: ``viable_density 1.20 >= 4.00 10*6/mL``."""
        return self.truth.explain(read)

    def on(self, vessel: str) -> VesselCondition:
        """The condition on one vessel of a site."""
        return VesselCondition(vessel, self)


class Reader(Protocol):
    """The values of the moment, of all vessels."""

    def read(self, vessel: str, name: str) -> tuple[float, int]:
        """Value and quality of a tag, of ``<loop>.sp`` or of ``<loop>.op``."""


class VesselCondition(NamedTuple):
    """A condition that reads one vessel, such as an interlock's."""

    vessel: str
    condition: Condition

    def evaluate(self, reader: Reader) -> bool | None:
        """True, false, or ``None`` when it can't be decided."""
        return self.condition.evaluate(partial(reader.read, self.vessel))

    def explain(self, reader: Reader) -> str:
        """The statement with the values of the moment."""
        return self.condition.explain(partial(reader.read, self.vessel))


class Value(NamedTuple):
    """A compiled number in ``unit``; ``names`` are what it reads, ``constant`` is set when that is nothing."""

    text: str
    unit: str
    names: frozenset[str]
    constant: float | None
    get: Getter

    def evaluate(self, read: Reads) -> float:
        """The number in ``unit``; NaN when it is unknown."""
        return self.get(read)


def compile_condition(text: str, symbols: Symbols) -> Condition:
    """The condition that ``text`` says. Raises :class:`ConditionError` with everything that is wrong."""
    compiler = Compiler(text, symbols)
    truth = compiler.truth(parse(text))
    if truth is None or compiler.faults:
        raise ConditionError(compiler.faults)
    return Condition(text, frozenset(compiler.names), truth)


def compile_value(text: str, symbols: Symbols, unit: str, *, times: tuple[str, ...] = ()) -> Value:
    """The number that ``text`` says, multiplied by the names ``times``, in ``unit``; a lone temperature is a point.

    Raises :class:`ConditionError` with everything that is wrong, a wrong dimension included.
    """
    compiler = Compiler(text, symbols)
    amount = compiler.amount(parse(text))
    if amount is not None:
        for name in times:
            factor = Compiler(name, symbols)
            right = factor.amount(parse(name))
            compiler.faults += factor.faults
            compiler.names |= factor.names
            amount = multiplied(amount, right) if right is not None else amount
    if amount is None or compiler.faults:
        raise ConditionError(compiler.faults)
    result = _in_unit(amount, unit)
    return Value(text, unit, frozenset(compiler.names), result.constant, result.get)


def check_condition(text: str, vessel_class: VesselClassConfig) -> list[Finding]:
    """Everything that is wrong with a condition on a vessel of a class, such as an interlock's."""
    try:
        compile_condition(text, class_symbols(vessel_class))
    except ConditionError as error:
        return [Finding(*fault) for fault in error.faults]
    return []


def _in_unit(amount: Amount, unit: str) -> Amount:
    wanted = parse_unit(unit)
    if amount.bare and (wanted.factor != 1 or wanted.dimension != amount.unit.dimension):
        raise ConditionError([Fault(0, "a unit is missing", f"as in {amount.source} {unit}")])
    if amount.unit.dimension != wanted.dimension:
        found = f"{amount.unit.kind} ({amount.unit.text})"
        raise ConditionError([Fault(0, f"{wanted.kind} ({unit}) is expected here, not {found}")])
    try:
        return amount.to(wanted, point=amount.sense is not Sense.DIFFERENCE)
    except OverflowError as error:
        raise ConditionError([Fault(0, f"too large a number in {unit}")]) from error
