"""Signals: the judged frame, and after it the setpoints and outputs that the loops had in the last scan."""

from __future__ import annotations

import numpy as np

from controller.frame import BAD, F8, GOOD, U1, Frame
from controller.model.loops import Loop, LoopTable
from drivers.contract import Reason


class Signals:
    """Values and qualities by the numbers of :class:`controller.model.signals.SignalIndex`, shape ``(signals,)``,
    overwritten by the next scan; on a site where control looks at tags only, they are the frame's own arrays, shape
    ``(tags,)``.
    """

    def __init__(self, table: LoopTable, tags: int) -> None:
        self._tags, n = tags, len(table)
        self._loops = any(signal >= tags for loop in table.rows for signal in _used(loop))
        signals = tags + 2 * n if self._loops else tags
        self.value: F8 = np.full(signals, np.nan)
        self.quality: U1 = np.full(signals, BAD, np.uint8)
        self._own, self._known = self.value[tags:], b""
        self._frame = Frame.never_read(tags)

    def take(self, frame: Frame, sp: F8, op: F8) -> None:
        """Look at one scan; ``sp`` and ``op`` are those of the scan before."""
        self._frame = frame
        if not self._loops:
            self.value, self.quality = frame.value, frame.quality
            return
        tags, loops = self._tags, len(sp)
        self.value[:tags], self.quality[:tags] = frame.value, frame.quality
        self._own[:loops], self._own[loops:] = sp, op
        known = np.isfinite(self._own)
        if known.tobytes() != self._known:
            self._known = known.tobytes()
            self.quality[tags:] = np.where(known, GOOD, BAD)

    def now(self, signal: int, frame: Frame) -> tuple[float, int]:
        """Value and quality of one signal in a frame that was not taken yet."""
        if signal < self._tags:
            return float(frame.value[signal]), int(frame.quality[signal])
        return float(self.value[signal]), int(self.quality[signal])

    def reason(self, signal: int) -> Reason:
        """Why the quality of a signal is what it is."""
        if signal < self._tags:
            return Reason(int(self._frame.reason[signal]))
        return Reason.OK if self.quality[signal] == GOOD else Reason.NOT_READ


def _used(loop: Loop) -> list[int]:
    """The signals of one loop."""
    signals = [loop.pv, loop.of, *(one.signal for one in loop.feed_forward)]
    return signals if loop.schedule is None else [*signals, loop.schedule.signal]
