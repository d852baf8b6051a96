"""The PID bank: all controllers of one cascade level, computed together.

ISA form with setpoint weights ``b`` and ``c``, filtered derivative, feed-forward ``F`` and tracking of the achieved
output::

    u = K (b r - y) + I + D + F      dI/dt = K/Ti e + (achieved - v)/Tt      D = K Td s/(1 + s Td/N) (c r - y)

Discretisation, with the measured time ``dt`` since the last scan: ``I`` forward (the error of the last scan acts over
the time that passed since), tracking exact (``1 - exp(-dt/Tt)``), ``D`` backward (stable for every ``dt``). ``v`` is
the output before its limits. With ``Tt = Ti`` this is external reset (Åström and Hägglund, *Advanced PID Control*,
2006, ch. 3.5).

One rule makes every change bumpless: a controller that did not run in the last scan, or was changed since, puts out
the achieved output and solves ``I`` for it; it runs from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8
from controller.model.tuning import Tuning
from controller.stages.pid_block import Flags, PidBlock
from controller.stages.pid_memory import LAST, ROWS
from controller.stages.pid_parts import Parts

__all__ = ["BLOCK", "Flags", "PidBank"]

BLOCK = 32768
"""Controllers computed together at most: what is read again within a scan is still in the processor's cache, and the
calls cost next to nothing beside the arithmetic.
"""


class Step(Protocol):
    """What ``step`` of a bank is called with."""

    def __call__(
        self,
        pv: F8,
        sp: F8,
        live: Flags,
        dt: float,
        blocked_up: Flags | None = None,
        blocked_down: Flags | None = None,
        extra: F8 | None = None,
    ) -> F8:
        """The outputs of this scan, limited; the array is overwritten by the next call.

        ``live`` are those that may act; the others put out what they achieved, and so does one whose ``pv`` or
        ``sp`` is no number. The array becomes read-only: a change is another array. ``blocked_up`` and
        ``blocked_down`` stop the integral of a cascade's master in the direction in which its slave cannot follow.
        ``extra`` is the feed-forward, in output units.
        """


class PidBank:
    """``n`` controllers as arrays of shape ``(n,)``.

    ``achieved`` is what the outputs really were in the last scan, mapped back to controller outputs: written by the
    caller after the interlocks, and before ``step`` for a controller that is to put out a given value (manual).
    ``step`` computes one scan. Longer than ``longest_dt`` seconds between two scans counts as an interruption: no
    integral is made up for it.
    """

    def __init__(self, tunings: Sequence[Tuning], longest_dt: float = 60.0) -> None:
        self.n = n = len(tunings)
        self.output: F8 = np.zeros(n)
        self._slices = [slice(first, min(first + BLOCK, n)) for first in range(0, max(n, 1), BLOCK)]
        achieved = np.zeros(n) if len(self._slices) > 1 else None
        # One piece of memory for all blocks: a large piece lies in large pages of the system.
        memory, scratch = np.zeros(ROWS * n), np.zeros(LAST * min(n, BLOCK))
        self._blocks = [
            PidBlock(
                tunings[part],
                longest_dt,
                self.output[part],
                memory[ROWS * part.start : ROWS * part.stop],
                scratch,
                None if achieved is None else achieved[part],
            )
            for part in self._slices
        ]
        self.achieved: F8 = self._blocks[0].achieved if achieved is None else achieved
        self.step: Step = self._blocks[0].step if achieved is None else self._step_blocks
        self._live: Flags | None = None
        self._live_parts: Sequence[Flags] = ()

    @property
    def wanted(self) -> F8:
        """The outputs of the last scan before their limits."""
        return self._joined([block.wanted for block in self._blocks])

    @property
    def integral(self) -> F8:
        """The integral parts, in output units."""
        return self._joined([block.integral for block in self._blocks])

    @property
    def low(self) -> F8:
        """The lowest outputs."""
        return self._joined([block.low for block in self._blocks])

    @property
    def high(self) -> F8:
        """The highest outputs."""
        return self._joined([block.high for block in self._blocks])

    def terms(self) -> F8:
        """The parts of the last outputs before their limits, shape ``(4, n)``: proportional, integral, derivative and
        feed-forward, in output units. A controller that does not act has an integral only.
        """
        return self._joined([parts.terms() for parts in self.parts()])

    def parts(self) -> tuple[Parts, ...]:
        """What the last outputs were made of, copied: one for each :data:`BLOCK` controllers."""
        return tuple([block.parts() for block in self._blocks])

    def retune(self, row: int, tuning: Tuning) -> None:
        """Change one controller's parameters; the next output is the achieved one."""
        self._block(row).retune(row % BLOCK, tuning)

    def reschedule(self, rows: NDArray[np.intp], gain: F8, integral_time: F8, derivative_time: F8) -> None:
        """Change gains (output per PV) and times (s) of ``rows`` while they act: with the same inputs the output stays,
        and what comes then is answered with the new gain.
        """
        if len(self._blocks) == 1:
            self._blocks[0].reschedule(rows, gain, integral_time, derivative_time)
            return
        for place, block in enumerate(self._blocks):
            here = rows // BLOCK == place
            if here.any():
                block.reschedule(rows[here] % BLOCK, gain[here], integral_time[here], derivative_time[here])

    def rebase(self, row: int | None = None) -> None:
        """Continue from the achieved output in the next scan: one controller, or all."""
        if row is not None:
            self._block(row).rebase(row % BLOCK)
            return
        for block in self._blocks:
            block.rebase()

    def resume(self, row: int, integral: float) -> None:
        """Start from the achieved output, but fade to what this ``integral`` asks for, within about a tracking time:
        it was right before an interruption. NaN: nothing is known of it.
        """
        self._block(row).resume(row % BLOCK, integral)

    def running(self, row: int) -> bool:
        """Whether the controller acted in the last scan, so that its integral means something."""
        return self._block(row).running(row % BLOCK)

    def _step_blocks(
        self,
        pv: F8,
        sp: F8,
        live: Flags,
        dt: float,
        blocked_up: Flags | None = None,
        blocked_down: Flags | None = None,
        extra: F8 | None = None,
    ) -> F8:
        """One scan of several blocks."""
        if live is not self._live:
            live.setflags(write=False)
            self._live, self._live_parts = live, [live[part] for part in self._slices]
        for part, block, here in zip(self._slices, self._blocks, self._live_parts, strict=True):
            up, down = (None if flags is None else flags[part] for flags in (blocked_up, blocked_down))
            block.step(pv[part], sp[part], here, dt, up, down, None if extra is None else extra[part])
        return self.output

    def _block(self, row: int) -> PidBlock:
        return self._blocks[row // BLOCK]

    def _joined(self, parts: Sequence[F8]) -> F8:
        return parts[0] if len(parts) == 1 else np.asarray(np.concatenate(parts, axis=-1))
