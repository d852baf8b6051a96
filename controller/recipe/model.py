"""The model of a recipe file. Attributes are the YAML keys (``set`` is ``set_``, ``for`` is ``for_``).

What one entry can't know alone is in :mod:`controller.recipe.check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from controller.commands import Json
from controller.config.quantity import (
    AnyQuantity,
    AnyRange,
    Duration,
    Identifier,
    Name,
    Parsed,
    Period,
    StrictModel,
    Text,
    UnitCode,
    Version,
    Volume,
    refuse,
    text_of,
)
from controller.config.schema import MODELS
from controller.units import Quantity, missing_unit

KINDS = ("set", "prompt", "count_cells", "feed", "feed_by_count", "exponential_feed")
"""What a phase can be."""


def _expression(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise missing_unit(str(value))
    return text_of(value, "a quantity or the name of a formula parameter", "37.0 Cel")


Expression = Annotated[
    str,
    Parsed(
        _expression, lambda: {"type": "string", "description": "Quantity, formula parameter, or arithmetic with them."}
    ),
]
"""A number in the language of conditions: ``37.0 Cel``, ``culture_temperature``, ``harvest_temperature + 1 Cel``."""


def _given(value: object) -> str | dict[str, str]:
    if not isinstance(value, dict):
        return _plain(value)
    return {text_of(time, "a time", "12 h"): _plain(rate) for time, rate in value.items()}


def _plain(value: object) -> str:
    """A parameter may be a bare number, because some have the unit 1; where a unit is missing, the check says so."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.15g}"
    return text_of(value, "a quantity, a word, or the name of a formula parameter", "0.12 1/h")


Given = Annotated[
    str | dict[str, str],
    Parsed(
        _given,
        lambda: {
            "anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}],
            "description": "Quantity, formula parameter, arithmetic with them, or a word; a table from times to rates.",
        },
    ),
]
"""A parameter of a program as a recipe gives it."""


class Parameter(StrictModel):
    """One value of the formula. *hard*: what the equipment can do; *proven*: what is validated; *normal*: daily
    practice; each inside the one before. ``patient``: it differs from patient to patient.
    """

    title: Text
    value: AnyQuantity
    hard: AnyRange
    proven: AnyRange
    normal: AnyRange
    patient: bool = False


class Input(StrictModel):
    """A number that a prompt asks for, in ``unit``, from ``low`` to ``high``."""

    title: Text
    unit: UnitCode
    low: AnyQuantity
    high: AnyQuantity
    default: AnyQuantity | None = None


class SetSetpoint(StrictModel):
    """A loop's setpoint; the loop is switched to automatic."""

    loop: Name
    to: Expression


class CountCells(StrictModel):
    """A cell count every so often: the operator is asked for a sample, then the counter is started. The first is
    asked for ``first`` after the operation began, at once by default. A count that has not finished after
    ``time_out`` is asked for again.
    """

    every: Expression
    first: Expression = "0 s"
    sample: Volume
    text: Text
    time_out: Period = Quantity(30.0, "min")


class Feed(StrictModel):
    """A feed that a program of the loop leads in the scan itself, with the program's parameters. It ends when ``until``
    is true; its time stands still while ``wait_when`` is true or unknown.
    """

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, Given] = Field(init=False)

    loop: Name
    program: Name
    until: Text | None = None
    wait_when: Text | None = None

    @property
    def parameters(self) -> dict[str, Given]:
        """What is given besides, by name: quantities, parameters of the formula, words, or a table of both."""
        return dict(self.__pydantic_extra__)


class FeedByCount(StrictModel):
    """A feed in proportion to the viable cells, after every count: ``rate`` x viable density x volume; none once
    ``until`` is true.
    """

    loop: Name
    rate: Expression
    until: Text | None = None


class ExponentialFeed(StrictModel):
    """A feed that grows with the culture: ``start`` x exp(``growth`` x time), at most ``highest``. Time stands still
    while ``wait_when`` is true or unknown; the feed ends when ``until`` is true.
    """

    loop: Name
    start: Expression
    growth: Expression
    highest: Expression | None = None
    wait_when: Text | None = None
    until: Text | None = None


class PhaseConfig(StrictModel):
    """The smallest step that touches equipment or people: one of :data:`KINDS`. ``text``, ``inputs`` and ``simulate``
    (what the simulated operator's hands do) belong to a prompt.
    """

    set_: SetSetpoint | None = Field(default=None, alias="set")
    prompt: Name | None = None
    text: Text | None = None
    inputs: dict[Name, Input] = Field(default_factory=dict)
    simulate: dict[Name, dict[Name, Expression]] = Field(default_factory=dict)
    count_cells: CountCells | None = None
    feed: Feed | None = None
    feed_by_count: FeedByCount | None = None
    exponential_feed: ExponentialFeed | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, "set_" if kind == "set" else kind) is not None]
        if len(given) != 1:
            found = f"this has {' and '.join(given)}" if given else "this has none"
            raise refuse(f"a phase is one of {', '.join(KINDS)}: {found}")
        if self.prompt is None and (self.text is not None or self.inputs or self.simulate):
            raise refuse("text, inputs and simulate belong to a prompt")
        if self.prompt is not None and self.text is None:
            raise refuse(f"the prompt {self.prompt!r} has no text", "text: says what the operator has to do")
        return self

    @property
    def loop(self) -> str | None:
        """The loop whose setpoint the phase moves."""
        mover = self.set_ or self.feed or self.feed_by_count or self.exponential_feed
        return mover.loop if mover else None

    @property
    def kind(self) -> str:
        """Which of :data:`KINDS` it is."""
        return next(kind for kind in KINDS if getattr(self, "set_" if kind == "set" else kind) is not None)


class TransitionConfig(StrictModel):
    """When ``when`` has been true for the time ``for``, the batch goes to ``then``: an operation, ``hold``, ``end``."""

    when: Text
    for_: Duration = Field(default=Quantity(0.0, "s"), alias="for")
    then: Name
    because: Text | None = None


class OperationConfig(StrictModel):
    """A part of the procedure. It ends by a transition in ``until``, or goes to ``then`` when all phases are done.
    ``auto_tune`` are the loops that may be tuned by experiment while it is active; without it none may.
    """

    operation: Name
    title: Text
    auto_tune: list[Name] = Field(default_factory=list)
    do: list[PhaseConfig] = Field(default_factory=list)
    until: list[TransitionConfig] = Field(default_factory=list)
    then: Name | None = None


class RecipeConfig(StrictModel):
    """A recipe file: header, formula, procedure. ``requires`` are the tags and loops that it needs of the class,
    ``target`` says what a batch is made for: a condition that is true once it is reached; ``culture`` is the model of
    the cells for which it is written, as in the ``simulation`` of a site's vessel.
    """

    placeholders: ClassVar[Mapping[str, Json]] = {
        "recipe": "unknown",
        "version": "0.0.0",
        "title": "unknown",
        "author": "unknown",
        "licence": "unknown",
        "vessel_class": "unknown",
        "requires": [],
        "procedure": [],
    }

    recipe: Identifier
    version: Version
    title: Text
    author: Text
    licence: Text
    vessel_class: Identifier
    requires: list[Name]
    culture: Identifier | None = None
    target: Text | None = None
    formula: dict[Name, Parameter] = Field(default_factory=dict)
    procedure: list[OperationConfig]


MODELS["recipe"] = RecipeConfig
