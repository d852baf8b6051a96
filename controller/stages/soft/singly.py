"""Every calculated tag by itself, in floats: the quickest way for a vessel or a few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, nan
from typing import NamedTuple

import numpy as np

from controller.frame import U1, Frame
from controller.model.calculation import Calculation
from controller.model.tags import TagTable
from controller.stages.soft.model import (
    FIRST_BAD,
    INCREDIBLE,
    NO_ANSWER,
    REASON_BITS,
    REASON_MASK,
    Model,
    Now,
    Setup,
    words,
)
from controller.stages.soft.registry import make


class Given(NamedTuple):
    """An input: of which tag, by its place among all, where its model looks for it, and how it becomes the model's."""

    tag: int
    value: dict[str, float]
    word: str
    gain: float
    offset: float


class Made(NamedTuple):
    """A calculated tag: its model, what that sees, what becomes of the result, and what is calculated from that."""

    model: Model[float]
    now: Now[float]
    gain: float
    low: float
    high: float
    given: list[Given]


class Singly:
    """The tags ``calculations`` by row, each after those that it depends on. What is measured is gathered for all of
    them at once; what is calculated is given to those that are calculated from it.
    """

    def __init__(self, tags: TagTable, calculations: Mapping[int, Calculation], period_s: float) -> None:
        self._tags = [_made(one, period_s) for one in calculations.values()]
        self.columns = {row: (tag.model, 0) for row, tag in zip(calculations, self._tags, strict=True)}
        self._rows = np.array([*calculations], np.intp)
        self._measured: list[Given] = []
        self._ages: list[tuple[dict[str, float], str]] = []
        places, sources, aged = {row: place for place, row in enumerate(calculations)}, list[int](), list[int]()
        for place, made in enumerate(calculations.values()):
            model, now, *_ = self._tags[place]
            for word, one in zip(words([one.name for one in made.inputs]), made.inputs, strict=True):
                given = Given(place, now.value, word, one.gain, one.offset)
                now.value[word] = nan
                if one.row in places:
                    self._tags[places[one.row]].given.append(given)
                else:
                    self._measured.append(given)
                    sources.append(one.row)
                if model.ages:
                    self._ages.append((now.age, word))
                    aged.append(one.row)
        self._sources, self._aged = np.array(sources, np.intp), np.array(aged, np.intp)
        self._gain = tags.column(one.gain for one in self._measured)
        offset = tags.column(one.offset for one in self._measured)
        self._shifted = np.flatnonzero(offset)
        self._offset = offset[self._shifted]
        self._goals = [(given.value, given.word) for given in self._measured]
        self._seen, self._worst = b"", [0] * len(self._tags)
        self._codes: list[int] = []
        self._quality: U1 = np.zeros(len(self._rows), np.uint8)
        self._reason = self._quality

    @np.errstate(all="ignore")
    def step(self, frame: Frame, dt: float) -> None:
        """Calculate every tag; ``dt`` s since the last scan."""
        self._gather(frame)
        worst = self._judged(frame)
        values, codes = [], []
        for place, (model, now, gain, low, high, others) in enumerate(self._tags):
            now.code = worst[place]
            now.usable = now.code < FIRST_BAD
            found = gain * model.step(now, dt)
            if not low <= found <= high:
                found = _credible(found, now)
            code = now.code
            for tag, value, word, factor, offset in others:
                value[word] = factor * found + offset if offset else factor * found
                worst[tag] = max(worst[tag], code)
            values.append(found)
            codes.append(code)
        self._show(frame, values, codes)

    def _gather(self, frame: Frame) -> None:
        """Show the models what is measured, and how old their inputs are."""
        found = frame.value[self._sources] * self._gain
        if len(self._shifted):
            found[self._shifted] += self._offset
        for (value, word), number in zip(self._goals, found.tolist(), strict=True):
            value[word] = number
        if self._ages:
            for (age, word), number in zip(self._ages, frame.age[self._aged].tolist(), strict=True):
                age[word] = number

    def _judged(self, frame: Frame) -> list[int]:
        """The worst quality and reason of what is measured, for each tag."""
        if (seen := frame.quality.tobytes() + frame.reason.tobytes()) != self._seen:
            self._seen, self._worst = seen, [0] * len(self._tags)
            code = np.left_shift(frame.quality[self._sources], REASON_BITS) | frame.reason[self._sources]
            for given, one in zip(self._measured, code.tolist(), strict=True):
                self._worst[given.tag] = max(self._worst[given.tag], one)
        return self._worst.copy()

    def _show(self, frame: Frame, values: Sequence[float], codes: list[int]) -> None:
        if codes != self._codes:
            found: U1 = np.array(codes, np.uint8)
            self._codes, self._quality = codes, np.right_shift(found, REASON_BITS)
            self._reason = np.bitwise_and(found, REASON_MASK)
        frame.value[self._rows] = values
        frame.quality[self._rows] = self._quality
        frame.reason[self._rows] = self._reason


def _made(calculation: Calculation, period_s: float) -> Made:
    names = tuple(one.name for one in calculation.inputs)
    setup = Setup(0.0, names, calculation.parameters, calculation.options, period_s)
    now: Now[float] = Now({}, {}, usable=False, code=0)
    return Made(make(calculation.model, setup), now, calculation.gain, calculation.low, calculation.high, given=[])


def _credible(found: float, now: Now[float]) -> float:
    """A result that is no number, or not credible, is Bad whatever its inputs were."""
    finite = isfinite(found)
    if now.usable:
        now.code = INCREDIBLE if finite else NO_ANSWER
    return found if finite else nan
