"""The memory of a block of PID controllers: rows by name, and pieces of several rows that one operation serves."""

from __future__ import annotations

import numpy as np

from controller.frame import F8

PAGE, APART = 512, 160
"""Numbers in 4 KiB, and how far from a multiple of that rows begin: at the same place of a page they would drive each
other out of the processor's cache.
"""
ROWS = 6
"""Rows of what a scan knows of the last one."""
PIECE = 8192
"""Numbers that are summed up at once: of more than 10,000 OpenBLAS makes a task for several threads, and on a busy
machine waiting for these takes longer than the sum.
"""


def rows_of(rows: int, n: int) -> tuple[F8, F8]:
    """Zeros of shape ``(rows, n)``, and all of the memory they lie in, with which one operation serves all rows."""
    stride = n if n < APART else n + (APART - n) % PAGE
    flat = np.zeros(rows * stride)
    return flat.reshape(rows, stride)[:, :n], flat


class PidMemory:
    """``n`` controllers, rows of shape ``(n,)``. ``output`` is where the outputs go; ``scratch`` is the memory of
    ``rows_of(ROWS, n)`` or of more, which blocks may share.

    The rows of ``last`` lie so that one multiplication with ``change`` serves all of them, and one addition then adds
    the lower three to the upper three::

        integral       error
        memory         measured
        wanted         achieved
    """

    __slots__ = (
        "_all_change", "_all_inputs", "_all_weigh", "_change", "_error", "_inputs", "_last", "_left",
        "_measured", "_memory", "_moved", "_moved_lower", "_moved_upper", "_moves", "_pieces", "_right",
        "_state", "_stored", "_terms", "_upper", "_weigh", "achieved", "integral", "output", "wanted",
    )  # fmt: skip

    def __init__(self, n: int, output: F8, scratch: F8) -> None:
        self.output = output
        rows, self._last = rows_of(ROWS, n)
        self.integral, self._memory, self.wanted, self._error, self._measured, self.achieved = rows
        row = len(self._last) // ROWS
        self._stored = rows[:2]
        self._upper, self._state = self._last[: 3 * row], self._last[: 2 * row]
        self._inputs, self._all_inputs = rows[3:5], self._last[3 * row : 5 * row]
        self._pieces = [self._all_inputs[first : first + PIECE] for first in range(0, 2 * row, PIECE)]
        self._change, self._all_change = rows_of(ROWS, n)
        self._weigh, self._all_weigh = rows_of(2, n)
        self._moved = scratch[: ROWS * row]
        self._moves = self._moved.reshape(ROWS, row)[:, :n]
        self._moved_upper, self._moved_lower = self._moved[: 3 * row], self._moved[3 * row :]
        self._terms = self._moved[: 2 * row]
        self._left, self._right = self._moves[:2]
