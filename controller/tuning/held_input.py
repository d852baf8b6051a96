"""The exact answer of first-order pieces to a recorded output, at any times: what models are fitted with."""

from __future__ import annotations

import numpy as np

from controller.frame import F8


class HeldInput:
    """An output that is held between changes: ``time`` of each sample in seconds, ``op`` from then on, as deviation
    from rest; both of shape ``(samples,)``. Before the first sample it was at rest.
    """

    def __init__(self, time: F8, op: F8) -> None:
        changed = np.flatnonzero(np.diff(op, prepend=0.0))
        self._at = time[changed] if len(changed) else time[:1]
        self._level = op[changed] if len(changed) else op[:1]

    def through_lag(self, lag: float, delay: float, time: F8) -> F8:
        """What ``exp(-delay s)/(lag s + 1)`` makes of it at ``time``, any shape."""
        if lag <= 0.0:
            return self._held(delay, time)
        decay = np.exp(-np.diff(self._at) / lag)
        start = [0.0]
        for level, kept in zip(self._level[:-1].tolist(), decay.tolist(), strict=True):
            start.append(level + (start[-1] - level) * kept)
        piece, since = self._place(delay, time)
        level, begun = self._level[piece], np.array(start)[piece]
        return np.where(since < 0.0, 0.0, level + (begun - level) * np.exp(-np.maximum(since, 0.0) / lag))

    def integrated(self, delay: float, time: F8) -> F8:
        """What ``exp(-delay s)/s`` makes of it at ``time``."""
        total = np.concatenate([[0.0], np.cumsum(self._level[:-1] * np.diff(self._at))])
        piece, since = self._place(delay, time)
        return np.where(since < 0.0, 0.0, total[piece] + self._level[piece] * since)

    def _held(self, delay: float, time: F8) -> F8:
        piece, since = self._place(delay, time)
        return np.where(since < 0.0, 0.0, self._level[piece])

    def _place(self, delay: float, time: F8) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.intp]], F8]:
        """In which piece each time falls, and how long that has been going on; below 0 before the first."""
        late = time - delay
        piece = np.maximum(np.searchsorted(self._at, late, side="right") - 1, 0)
        return piece, np.asarray(late - self._at[piece])
