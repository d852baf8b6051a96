"""From the tree to functions: names looked up, units made one, types and dimensions checked; once, not in the scan."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from controller.config.problems import nearest
from controller.frame import BAD
from controller.recipe import amounts, truths
from controller.recipe.amounts import Amount, Clash, Getter, Reads, Sense
from controller.recipe.symbols import Symbols
from controller.recipe.syntax import COMPARISONS, Binary, Logic, Name, Node, Number, Unary
from controller.recipe.tokens import Fault
from controller.recipe.truths import Truth
from controller.units import UnitError, parse_unit

T = TypeVar("T", Amount, Truth)

_ARITHMETIC: dict[str, Callable[[Amount, Amount], Amount]] = {
    "+": amounts.added,
    "-": amounts.subtracted,
    "*": amounts.multiplied,
    "/": amounts.divided,
}


class Compiler:
    """Compiles one text. What is wrong is collected in ``faults``, and the part it is in becomes ``None``."""

    def __init__(self, text: str, symbols: Symbols) -> None:
        self.text = text
        self.symbols = symbols
        self.faults: list[Fault] = []
        self.names: set[str] = set()

    def truth(self, node: Node) -> Truth | None:
        """The statement that ``node`` makes."""
        if isinstance(node, Logic):
            parts = [self.truth(part) for part in node.parts]
            known = [part for part in parts if part is not None]
            join = truths.conjunction if node.operator == "and" else truths.disjunction
            return join(known) if len(known) == len(parts) else None
        if isinstance(node, Unary) and node.operator == "not":
            inner = self.truth(node.operand)
            return truths.negation(inner) if inner else None
        if isinstance(node, Binary) and node.operator in COMPARISONS:
            left, right = self.amount(node.left), self.amount(node.right)
            return self.attempt(node, lambda: truths.comparison(node.operator, left, right)) if left and right else None
        if self.amount(node) is not None:
            self.fault(node.offset, "a comparison is expected here, this is a number", "compare it, as in > 5 %")
        return None

    def amount(self, node: Node) -> Amount | None:
        """The number that ``node`` stands for."""
        if isinstance(node, Number):
            return self.number(node)
        if isinstance(node, Name):
            return self.name(node)
        if isinstance(node, Binary) and node.operator in _ARITHMETIC:
            left, right = self.amount(node.left), self.amount(node.right)
            combine = _ARITHMETIC[node.operator]
            return self.attempt(node, lambda: combine(left, right)) if left and right else None
        if isinstance(node, Unary) and node.operator != "not":
            inner = self.amount(node.operand)
            change = amounts.negated if node.operator == "-" else amounts.absolute
            return self.attempt(node, lambda: change(inner)) if inner else None
        self.fault(node.offset, "a number is expected here, this is a statement")
        return None

    def number(self, node: Number) -> Amount | None:
        """A number in the text."""
        try:
            unit = parse_unit(node.unit) if node.unit is not None else amounts.ONE
        except UnitError as error:
            self.fault(node.unit_offset, error.message, error.hint)
            return None
        source = self.text[node.offset : node.end]
        if not math.isfinite(node.value):
            self.fault(node.offset, f"{source} is too large")
            return None
        return amounts.constant(node.value, unit, amounts.literal_sense(unit), source, bare=node.unit is None)

    def name(self, node: Name) -> Amount | None:
        """A name in the text."""
        symbol = self.symbols.get(node.name)
        if symbol is None:
            self.fault(node.offset, f"there is no {node.name!r} here", nearest(node.name, list(self.symbols)))
            return None
        unit = parse_unit(symbol.unit)
        if symbol.constant is not None:
            return amounts.constant(symbol.constant, unit, amounts.literal_sense(unit), node.name)
        self.names.add(node.name)
        sense = Sense.POINT if unit.dimension == amounts.TEMPERATURE else Sense.PLAIN
        return Amount(unit, sense, _reader(node.name), None, False, node.name, node.name)

    def attempt(self, node: Node, make: Callable[[], T]) -> T | None:
        """What ``make`` gives, or ``None`` and a fault at ``node``."""
        try:
            result = make()
        except Clash as clash:
            self.fault(node.offset, clash.message, clash.hint)
            return None
        except OverflowError:
            self.fault(node.offset, "the result is too large")
            return None
        return self.named(node, result) if isinstance(result, Amount) else result

    def named(self, node: Node, amount: Amount) -> Amount | None:
        """A calculated amount under the text it comes from."""
        if amount.constant is not None and not math.isfinite(amount.constant):
            self.fault(node.offset, "the result is too large")
            return None
        source = self.text[node.offset : node.end]
        return Amount(amount.unit, amount.sense, amount.get, amount.constant, amount.bare, source)

    def fault(self, offset: int, message: str, hint: str = "") -> None:
        """Note what is wrong at a place of the text."""
        self.faults.append(Fault(offset, message, hint))


def _reader(name: str) -> Getter:
    def get(read: Reads) -> float:
        """The value now."""
        value, quality = read(name)
        return value if quality < BAD and -math.inf < value < math.inf else math.nan

    return get
