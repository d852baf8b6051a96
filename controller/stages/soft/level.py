"""Calculated tags that do not depend on each other: their inputs are gathered together, each model is called once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from controller.frame import F8, U1, Frame
from controller.model.calculation import Calculation
from controller.model.tags import TagTable
from controller.stages.soft.model import FIRST_BAD, INCREDIBLE, NO_ANSWER, Model, Now, Setup, words
from controller.stages.soft.registry import make


class Level:
    """Some calculated tags, ``groups`` of rows. The tags of a group are one model object, each of them one of its
    columns; ``rows`` has them in this order, and ``columns`` gives the model and the column of each.

    All arrays are made once: over all inputs, tag by tag, and over all tags. What models see of them are views.
    """

    def __init__(
        self,
        tags: TagTable,
        calculations: Mapping[int, Calculation],
        groups: Sequence[Sequence[int]],
        period_s: float,
    ) -> None:
        self._period_s = period_s
        made = [calculations[row] for group in groups for row in group]
        inputs = [one for calculation in made for one in calculation.inputs]
        n = len(made)
        self.rows = np.array([row for group in groups for row in group], np.intp)
        self.columns: dict[int, tuple[Model[F8], int]] = {}
        self._sources = np.array([one.row for one in inputs], np.intp)
        self._gain, offset = tags.column(one.gain for one in inputs), tags.column(one.offset for one in inputs)
        self._shifted = np.flatnonzero(offset)
        self._offset = offset[self._shifted]
        self._starts = np.cumsum([0, *(len(one.inputs) for one in made[:-1])]).astype(np.intp)
        self._low, self._high = tags.column(one.low for one in made), tags.column(one.high for one in made)
        self._out_gain = tags.column(one.gain for one in made)
        self._value, self._age, self._codes = np.zeros(len(inputs)), np.zeros(len(inputs)), _codes(len(inputs))
        self._out, self._code = np.zeros(n), _codes(n)
        self._usable, self._credible, self._wrong = np.zeros((3, n), np.bool_)
        self._models = [self._model(tags, [calculations[row] for row in group], group) for group in groups]
        self._aged = any(model.ages for model, _, _ in self._models)

    def step(self, frame: Frame, code: U1, dt: float) -> None:
        """Calculate on ``frame`` and the ``code`` (quality and reason) of all tags; both get the results."""
        value, out, worst = self._value, self._out, self._code
        frame.value.take(self._sources, out=value, mode="clip")
        np.multiply(value, self._gain, out=value)
        if len(self._shifted):
            value[self._shifted] += self._offset
        if self._aged:
            frame.age.take(self._sources, out=self._age, mode="clip")
        code.take(self._sources, out=self._codes, mode="clip")
        np.maximum.reduceat(self._codes, self._starts, out=worst)
        np.less(worst, FIRST_BAD, out=self._usable)
        for model, now, mine in self._models:
            mine[:] = model.step(now, dt)
        np.multiply(out, self._out_gain, out=out)
        self._judge()
        frame.value[self.rows] = out
        code[self.rows] = worst

    def _judge(self) -> None:
        """A result that is no number, or not credible, is Bad whatever its inputs were."""
        out, worst, credible, wrong = self._out, self._code, self._credible, self._wrong
        np.greater_equal(out, self._low, out=credible)
        np.less_equal(out, self._high, out=wrong)
        np.logical_and(credible, wrong, out=credible)
        if np.count_nonzero(credible) == len(credible):
            return
        np.greater(self._usable, credible, out=wrong)
        np.copyto(worst, NO_ANSWER, where=wrong)
        finite = np.isfinite(out)
        np.logical_and(wrong, finite, out=wrong)
        np.copyto(worst, INCREDIBLE, where=wrong)
        np.copyto(out, np.nan, where=~finite)

    def _model(
        self, tags: TagTable, made: Sequence[Calculation], group: Sequence[int]
    ) -> tuple[Model[F8], Now[F8], F8]:
        """The model of some tags, its view of the level's arrays, and where its results go."""
        names, n = [one.name for one in made[0].inputs], len(made)
        parameters = {name: tags.column(one.parameters[name] for one in made) for name in made[0].parameters}
        model = make(made[0].model, Setup(np.zeros(n), tuple(names), parameters, made[0].options, self._period_s))
        place = len(self.columns)
        self.columns |= {row: (model, column) for column, row in enumerate(group)}
        mine, start = slice(place, place + n), int(self._starts[place])
        block = slice(start, start + n * len(names))
        every, ages = (list(table[block].reshape(n, len(names)).T) for table in (self._value, self._age))
        now: Now[F8] = Now(
            value=dict(zip(words(names), every, strict=True)),
            age=dict(zip(names, ages, strict=True)),
            usable=self._usable[mine],
            code=self._code[mine],
        )
        return model, now, self._out[mine]


def _codes(n: int) -> U1:
    return np.zeros(n, np.uint8)
