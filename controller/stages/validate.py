"""Validate: judge every reading by its range, its rate and its age. Values are never clamped, only judged."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from controller.commands import Json
from controller.frame import BAD, UNCERTAIN, Frame
from controller.model.tags import TagTable
from controller.stages.flags import Flags, any_bad, any_of
from controller.stages.frozen import Frozen
from drivers.contract import Reason

SHORTEST_RATE_S = 1.0
"""Rates are judged over at least this time, so that noise between two fast scans is not taken for a jump."""


class Validator:
    """Judges frames of ``(tags,)`` arrays.

    A value older than 2/3 of its limit is Uncertain, older than the limit Bad. The limit is the tag's ``max_age``, or
    three scan periods; never below ``minimum_stale_s``, because on a scaled clock wires stay as slow as they are.
    What should be noisy and stands still for too long is ``frozen``.
    A jump faster than ``max_rate`` is Bad; what is allowed grows with the time since the last believed value, so that
    a real step is believed in the end.
    """

    def __init__(self, tags: TagTable, period_s: float, minimum_stale_s: float = 0.0) -> None:
        rows = tags.tags
        limit = tags.column(3.0 * period_s if np.isnan(tag.max_age) else tag.max_age for tag in rows)
        limit = np.maximum(limit, minimum_stale_s)
        limit[[tag.sampled or tag.kind == "calculated" for tag in rows]] = np.inf
        limit[[tag.point is not None and tag.point.access == "w" for tag in rows]] = np.inf
        self.oldest_good, self.oldest = limit * (2.0 / 3.0), limit
        self._low, self._high = tags.low, tags.high
        self._sampled = np.array([row for row, tag in enumerate(rows) if tag.sampled], np.intp)
        self._sample_names = [rows[row].full_name for row in self._sampled]
        self._sample = np.full(len(self._sampled), np.nan)
        self._sampled_at = np.full(len(self._sampled), -np.inf)
        self._read, self._known, self._known_at = b"", self._sampled, self._sampled_at
        self._rated = np.array([row for row, tag in enumerate(rows) if np.isfinite(tag.max_rate)], np.intp)
        self._max_rate = tags.column(rows[row].max_rate for row in self._rated)
        self._least_jump = self._max_rate * SHORTEST_RATE_S
        self._believed = np.full(len(self._rated), np.nan)
        self._believed_at = np.zeros(len(self._rated))
        self.frozen = Frozen(tags, max(period_s, minimum_stale_s / 3.0))

    def step(self, raw: Frame, now_s: float) -> Frame:
        """A judged copy of ``raw``; ``now_s`` is process time."""
        frame = raw.copy()
        within, good = (frame.value >= self._low) & (frame.value <= self._high), frame.quality < BAD
        if within.tobytes() != good.tobytes() or any_of(np.isinf(frame.value)):
            self._judge_values(frame, good & ~within)
        stale = frame.age > self.oldest_good
        if any_of(stale):
            self._mark(frame, stale & (frame.quality < UNCERTAIN), UNCERTAIN, Reason.STALE)
            self._mark(frame, (frame.age > self.oldest) & (frame.quality < BAD), BAD, Reason.STALE)
        if len(self._rated):
            self._judge_rates(frame, now_s)
        if len(self._sampled):
            self._age_samples(frame, now_s)
        self.frozen.step(frame, now_s)
        return frame

    def state(self) -> dict[str, Json]:
        """The newest sample of every sampled tag and its process time, by name."""
        kept = zip(self._sample_names, self._sample.tolist(), self._sampled_at.tolist(), strict=True)
        return {name: [value, at] for name, value, at in kept if np.isfinite(value)}

    def restore(self, state: Mapping[str, Json], shift: float) -> None:
        """Take over what :meth:`state` gave, on a process time that is ``shift`` later."""
        self._read = b""
        for place, name in enumerate(self._sample_names):
            entry = state.get(name)
            if isinstance(entry, list) and all(isinstance(number, float | int) for number in entry):
                value, at = (float(str(number)) for number in entry)
                self._sample[place], self._sampled_at[place] = value, at + shift

    def _age_samples(self, frame: Frame, now_s: float) -> None:
        """A sampled value is as old as its sample, however often it is read again."""
        value = frame.value[self._sampled]
        read = value.tobytes()
        if read != self._read:
            self._read = read
            known = np.isfinite(value)
            new = known & (value != self._sample)
            self._sample[new], self._sampled_at[new] = value[new], now_s - frame.age[self._sampled][new]
            self._known, self._known_at = self._sampled[known], self._sampled_at[known]
        frame.age[self._known] = now_s - self._known_at

    def _judge_values(self, frame: Frame, wrong: Flags) -> None:
        """What is no number is Bad, and NaN; what is out of range is Bad, and stays."""
        finite = np.isfinite(frame.value)
        if any_of(wrong):
            self._mark(frame, wrong & ~finite, BAD, Reason.DEVICE)
            self._mark(frame, wrong & finite, BAD, Reason.RANGE)
        frame.value[~finite] = np.nan

    @staticmethod
    def _mark(frame: Frame, where: Flags, quality: int, reason: Reason) -> None:
        frame.quality[where] = quality
        frame.reason[where] = reason

    def _judge_rates(self, frame: Frame, now_s: float) -> None:
        """Bad where the value is further from the last believed one than the process can have moved."""
        rows = self._rated
        value, taken_at = frame.value[rows], now_s - frame.age[rows]
        moved = np.abs(value - self._believed)
        if not (any_bad(frame.quality[rows]) or any_of(moved > self._least_jump)):
            self._believed, self._believed_at = value, taken_at
            return
        usable = frame.quality[rows] < BAD
        jumped = usable & (moved > self._max_rate * np.maximum(taken_at - self._believed_at, SHORTEST_RATE_S))
        if any_of(jumped):
            frame.quality[rows[jumped]] = BAD
            frame.reason[rows[jumped]] = Reason.RATE
        believed = usable & ~jumped
        self._believed[believed] = value[believed]
        self._believed_at[believed] = taken_at[believed]
