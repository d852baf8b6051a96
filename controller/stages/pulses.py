"""Pulsed outputs: time-proportional pulses and pulses of a fixed amount, whose mean is what was asked for.

Every output keeps an account, ``owed``: the integral of what was asked for less what was given, in output units times
seconds, by the measured time between scans. A pulse begins when enough is owed and ends when it has been given. The
resolution is the scan; what a pulse gave too much or too little stays in the account, so that the mean is right for
ever and the total is never wrong by a whole pulse.

Time-proportional: a pulse begins when ``h`` is owed and ends when nothing is. With the share ``d`` of what ``on`` gives
and ``h = on P d (1 - d)`` a pulse lasts ``d P`` and a cycle the period ``P``; ``h`` is raised where pulse or pause
would be shorter than allowed, which makes the cycle longer. (A relay with hysteresis as modulator: Åström and
Hägglund, *Advanced PID Control*, 2006, ch. 13.)
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from controller.commands import Json
from controller.frame import F8
from controller.model.loops import OutputTable
from controller.stages.flags import all_of, any_of
from controller.stages.stored import by_name

Flags = NDArray[np.bool_]


class Pulses:
    """The pulsed outputs of a site, arrays of shape ``(pulsed,)``; ``rows`` are their places in the output table.

    Longer than ``longest_dt`` seconds between two scans is an interruption: nothing is made up for, and every account
    begins anew.
    """

    def __init__(self, table: OutputTable, longest_dt: float = 60.0) -> None:
        pulsed = [(row, output) for row, output in enumerate(table.rows) if output.pulse]
        shapes = [output.pulse for _, output in pulsed if output.pulse]
        n = len(pulsed)
        self.rows = np.array([row for row, _ in pulsed], np.intp)
        self.on = np.array([shape.on for shape in shapes], np.float64)
        self.names: list[Json] = [output.name for _, output in pulsed]
        self._longest_dt = longest_dt
        self._rest = table.low[self.rows]
        self._height = self.on - self._rest
        self._amount = np.array([shape.amount for shape in shapes], np.float64)
        self.doses = ~np.isnan(self._amount)
        self._doses = any_of(self.doses)
        self._whole = np.where(self.doses, np.inf, self._height)
        self._period = np.array([shape.period for shape in shapes], np.float64)
        self._shortest_on = np.array([shape.shortest_on for shape in shapes], np.float64)
        self._shortest_off = np.array([shape.shortest_off for shape in shapes], np.float64)
        self._scan_s, self._least_on, self._least_off = np.nan, self._shortest_on, self._shortest_off
        self.owed, self._left, self._asked, self._given = np.zeros((4, n))
        self._since = np.full(n, np.inf)
        self.active = np.zeros(n, np.bool_)

    def __len__(self) -> int:
        return len(self.rows)

    def step(self, demand: F8, free: Flags, overruled: Flags | None, dt: float) -> F8:
        """What is to be written in this scan for ``demand``, ``dt`` seconds after the last.

        Where an output is not ``free`` to be pulsed, a pulse under way ends and counts as given; where it is
        ``overruled`` (``None``: nowhere), nothing is owed afterwards either: a dose that was prevented is not caught up
        with.
        """
        dt = self._account(dt)
        asked = np.maximum(demand - self._rest, 0.0)
        if not all_of(free):
            self._stop(~free, overruled)
            asked = np.where(free, asked, 0.0)
        whole, more = asked >= self._whole, self._height - asked
        active, since = self.active, self._since
        ends = active & self._over(more, dt)
        if any_of(ends):
            active, since = active & ~ends, np.where(ends, 0.0, since)
        begins = self._due(asked, more, since, dt) & ~active
        if self._doses:
            self._left[begins & self.doses] += self._amount[begins & self.doses]
        active = active | begins | whole
        turns = (active != self.active) | (begins & ends)
        if any_of(turns):
            self._since[turns] = 0.0
        self.active, self._asked = active, asked
        self._given = active * self._height
        if any_of(whole):
            np.copyto(self._given, asked, where=whole)
        return self._rest + self._given

    def take_back(self, outputs: NDArray[np.intp]) -> NDArray[np.intp]:
        """Nothing is given in this scan by those of the ``outputs`` that are pulsed, which are returned: a pulse that
        has just begun waits.
        """
        places = np.flatnonzero(np.isin(self.rows, outputs))
        begun = places[self.active[places] & self.doses[places]]
        self._left[begun] -= self._amount[begun]
        self.active[places] = False
        self._given[places] = 0.0
        return np.asarray(self.rows[places])

    def _account(self, dt: float) -> float:
        """What was asked for and what was given since the last scan; gives the time for which that is known."""
        if not 0.0 <= dt <= self._longest_dt:
            self.owed[:] = self._left[:] = self._asked[:] = self._given[:] = 0.0
            self.active[:] = False
            self._since[:] = np.inf
            return 0.0
        self.owed += (self._asked - self._given) * dt
        self._left -= self._given * dt
        self._since += dt
        return dt

    def _stop(self, rows: Flags, overruled: Flags | None) -> None:
        """End the pulses of ``rows`` as if they had been given to their end; drop what is owed where ``overruled``."""
        begins = cut = rows & self.active
        self.owed[cut] -= self._rest_of_pulse()[cut]
        if overruled is not None:
            self.owed[rows & overruled] = 0.0
            begins = cut | (rows & overruled)
        self._left[rows] = 0.0
        self._since[begins] = 0.0
        self.active[rows] = False

    def _rest_of_pulse(self) -> F8:
        """What a pulse under way still has to give."""
        return np.where(self.active, np.maximum(np.where(self.doses, self._left, self.owed), 0.0), 0.0)

    def _over(self, more: F8, dt: float) -> Flags:
        """Whether a pulse under way is nearer to its end now than it would be after another scan; ``more`` is what it
        gives beyond what is asked.
        """
        even = (self.owed <= more * (0.5 * dt)) & (self._since >= self._shortest_on)
        return np.where(self.doses, self._left <= 0.5 * self._height * dt, even) if self._doses else even

    def _due(self, asked: F8, more: F8, since: F8, dt: float) -> Flags:
        """Whether enough is owed for a pulse, and the pause was long enough. Nothing begins while nothing is asked."""
        if dt != self._scan_s:
            self._scan_s = dt
            self._least_on, self._least_off = np.maximum(self._shortest_on, dt), np.maximum(self._shortest_off, dt)
        share = asked / self._height
        size = np.maximum(asked * self._period * (1.0 - share), asked * self._least_off)
        size = np.maximum(size, more * self._least_on)
        # A dose begins before its amount is owed, so that it is not yet owed when the next scan comes, even a late one.
        if self._doses:
            size = np.where(self.doses, self._amount - asked * dt, size)
        return (asked > 0.0) & (since >= self._shortest_off) & (self.owed >= size - asked * (0.5 * dt))

    def state(self) -> dict[str, Json]:
        """What is owed, how long ago the last change was, and the last demand; a pulse under way counts as given."""
        return {
            "names": self.names,
            "owed": (self.owed - self._rest_of_pulse()).tolist(),
            "since": np.minimum(np.where(self.active, 0.0, self._since), 1e9).tolist(),
            "asked": np.where(self.active, 0.0, self._asked).tolist(),
            "left": np.where(self.active, 0.0, self._left).tolist(),
        }

    def restore(self, state: Mapping[str, Json]) -> None:
        """Take over what :meth:`state` gave. A pulse that was under way is not repeated."""
        for place, values in by_name(state, ("owed", "since", "asked", "left"), self.names).items():
            self.owed[place], self._since[place], self._asked[place], self._left[place] = values
