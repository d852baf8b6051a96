"""From tokens to a tree: the grammar of conditions.

expression  = conjunction { "or" conjunction }
conjunction = negation { "and" negation }
negation    = "not" negation | comparison
comparison  = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
sum         = product { ("+" | "-") product }
product     = factor { ("*" | "/") factor }
factor      = "-" factor | quantity | name | "abs" "(" expression ")" | "(" expression ")"
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from controller.recipe.tokens import ConditionError, Fault, Kind, Token, tokenise

DEEPEST = 30
"""How deep parentheses, ``not`` and minus signs may be nested."""

MOST_OPERATORS = 100
"""How many operators ``+ - * /`` a text may have."""

COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})


class Number(NamedTuple):
    """A number, with its unit or bare. Every part of the tree stands at ``text[offset:end]``."""

    offset: int
    end: int
    value: float
    unit: str | None
    unit_offset: int


class Name(NamedTuple):
    """A tag, a loop's setpoint or output, a formula parameter, ``elapsed``."""

    offset: int
    end: int
    name: str


class Unary(NamedTuple):
    """``-``, ``abs`` or ``not`` of something."""

    offset: int
    end: int
    operator: str
    operand: Node


class Binary(NamedTuple):
    """Two operands of ``+ - * /`` or of a comparison."""

    offset: int
    end: int
    operator: str
    left: Node
    right: Node


class Logic(NamedTuple):
    """Two or more parts joined by ``and``, or by ``or``."""

    offset: int
    end: int
    operator: str
    parts: tuple[Node, ...]


Node: TypeAlias = Number | Name | Unary | Binary | Logic
"""A part of the tree."""


def parse(text: str) -> Node:
    """The tree of ``text``. Raises :class:`ConditionError` at the first thing that is not understood."""
    parser = _Parser(tokenise(text))
    tree = parser.expression()
    if parser.token.kind is not Kind.END:
        raise parser.unexpected()
    return tree


_Part: TypeAlias = Callable[[], Node]


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.depth = 0
        self.operators = 0

    @property
    def token(self) -> Token:
        """The token at hand."""
        return self.tokens[self.position]

    def take(self) -> Token:
        """The token at hand; go on to the next."""
        token = self.token
        self.position += 1
        return token

    def at(self, *texts: str) -> bool:
        """Whether the token at hand is one of these operators or words."""
        return self.token.kind in {Kind.OPERATOR, Kind.WORD} and self.token.text in texts

    def unexpected(self, wanted: str = "") -> ConditionError:
        """The error at the token at hand."""
        token = self.token
        found = "the text ends here" if token.kind is Kind.END else f"{token.text!r} is not expected here"
        hint = f"{wanted} is expected" if wanted else ""
        if token.kind in {Kind.NUMBER, Kind.NAME} and not wanted:
            hint = "an operator such as + or and is missing before it"
        return ConditionError([Fault(token.offset, found, hint)])

    def expect(self, text: str) -> Token:
        """Take this operator. Raises :class:`ConditionError` when it is another."""
        if not self.at(text):
            raise self.unexpected(f"{text!r}")
        return self.take()

    def deeper(self) -> None:
        """Count one more level of nesting."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise ConditionError([Fault(self.token.offset, f"nested more than {DEEPEST} deep")])

    def expression(self) -> Node:
        """Parts joined by ``or``."""
        return self.logic("or", self.conjunction)

    def conjunction(self) -> Node:
        """Parts joined by ``and``."""
        return self.logic("and", self.negation)

    def logic(self, word: str, part: _Part) -> Node:
        """Parts joined by ``word``."""
        parts = [part()]
        while self.at(word):
            self.take()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Logic(parts[0].offset, parts[-1].end, word, tuple(parts))

    def negation(self) -> Node:
        """A comparison, or not."""
        if not self.at("not"):
            return self.comparison()
        start = self.take().offset
        self.deeper()
        operand = self.negation()
        self.depth -= 1
        return Unary(start, operand.end, "not", operand)

    def comparison(self) -> Node:
        """A sum, or two that are compared."""
        left = self.sum()
        if not self.at(*COMPARISONS):
            return left
        operator = self.take().text
        right = self.sum()
        if self.at(*COMPARISONS):
            raise ConditionError([Fault(self.token.offset, "two comparisons in a row", "join them with and")])
        return Binary(left.offset, right.end, operator, left, right)

    def sum(self) -> Node:
        """Products, added and subtracted."""
        return self.chain(("+", "-"), self.product)

    def product(self) -> Node:
        """Factors, multiplied and divided."""
        return self.chain(("*", "/"), self.factor)

    def chain(self, operators: tuple[str, str], part: _Part) -> Node:
        """Parts joined by ``operators``, from left to right."""
        left = part()
        while self.at(*operators):
            self.operators += 1
            if self.operators > MOST_OPERATORS:
                raise ConditionError([Fault(self.token.offset, f"more than {MOST_OPERATORS} operators")])
            operator = self.take().text
            right = part()
            left = Binary(left.offset, right.end, operator, left, right)
        return left

    def factor(self) -> Node:
        """The smallest part."""
        token = self.token
        if token.kind is Kind.NUMBER:
            self.take()
            return Number(token.offset, token.end, float(token.text), token.unit, token.unit_offset)
        if token.kind is Kind.NAME:
            self.take()
            return Name(token.offset, token.end, token.text)
        if not self.at("-", "abs", "("):
            raise self.unexpected("a number, a name or '('")
        return self.nested()

    def nested(self) -> Node:
        """A factor that has another inside."""
        self.deeper()
        token = self.take()
        if token.text == "-":
            operand = self.factor()
            node: Node = Unary(token.offset, operand.end, "-", operand)
        else:
            if token.text == "abs":
                self.expect("(")
            operand = self.expression()
            end = self.expect(")").end
            if token.text == "abs":
                node = Unary(token.offset, end, "abs", operand)
            else:
                node = operand._replace(offset=token.offset, end=end)
        self.depth -= 1
        return node
