"""The memory of a block of PID controllers: rows by name, and pieces of several rows that one operation serves."""

from __future__ import annotations

from controller.frame import F8

LAST = 6
"""Rows of what a scan knows of the last one."""
ROWS = 2 * LAST + 4
"""Rows of all that a scan needs: that, its coefficients, those of the inputs, and the limits."""
PIECE = 8192
"""Numbers that are summed up at once: of more than 10,000 OpenBLAS makes a task for several threads, and on a busy
machine waiting for these takes longer than the sum.
"""


class PidMemory:
    """``n`` controllers, rows of shape ``(n,)``. ``output`` is where the outputs go. ``memory`` are zeros for
    :data:`ROWS` rows; ``scratch`` is memory for :data:`LAST` rows or more, which blocks may share.

    The rows of what is known of the last scan lie so that a multiplication with ``change`` serves all of them, and one
    addition then adds the lower three to the upper three::

        integral       error
        memory         measured
        wanted         achieved

    One multiplication of all rows is the fastest for a few controllers. For one of many blocks, memory is what takes
    the time: then ``achieved`` may be another array, and what has no other use is multiplied where it is.
    """

    __slots__ = (
        "_all_inputs", "_all_weigh", "_change", "_error", "_inputs", "_left", "_measured", "_memory", "_moved_lower",
        "_moved_upper", "_moves", "_pieces", "_products", "_right", "_state", "_stored", "_terms", "_upper", "_weigh",
        "achieved", "high", "integral", "low", "output", "wanted",
    )  # fmt: skip

    def __init__(self, n: int, output: F8, memory: F8, scratch: F8, achieved: F8 | None = None) -> None:
        self.output = output
        rows, moved = memory.reshape(ROWS, n), scratch[: LAST * n].reshape(LAST, n)
        self.integral, self._memory, self.wanted, self._error, self._measured, self.achieved = rows[:LAST]
        self._change, self._weigh = rows[LAST : 2 * LAST], rows[2 * LAST : 2 * LAST + 2]
        self.low, self.high = rows[2 * LAST + 2 :]
        last, change = memory[: LAST * n], memory[LAST * n : 2 * LAST * n]
        self._all_weigh = memory[2 * LAST * n : (2 * LAST + 2) * n]
        self._stored, self._state, self._upper = rows[:2], last[: 2 * n], last[: 3 * n]
        self._inputs, self._all_inputs = rows[3:5], last[3 * n : 5 * n]
        self._pieces = [self._all_inputs[first : first + PIECE] for first in range(0, 2 * n, PIECE)]
        self._terms, (self._left, self._right) = scratch[: 2 * n], moved[:2]
        if achieved is None:
            self._moves = [*moved]
            self._moved_upper, self._moved_lower = scratch[: 3 * n], scratch[3 * n : LAST * n]
            self._products = [(last, change, scratch[: LAST * n])]
            return
        self.achieved = achieved
        self._moves = [*rows[:3], *moved[:3]]
        self._moved_upper, self._moved_lower = self._upper, scratch[: 3 * n]
        self._products = [
            (self._upper, change[: 3 * n], self._upper),
            (self._all_inputs, change[3 * n : 5 * n], scratch[: 2 * n]),
            (achieved, self._change[5], moved[2]),
        ]
