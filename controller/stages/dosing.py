"""Dose loops: a measured dose when the PV stays beyond its setpoint, then a pause; antifoam, mostly.

A probe that stays wet, whatever is given, is no reason to give more: after so many doses without effect a loop gives
up. It begins again once its PV was back inside for as long as a dose needs beyond it, or when it was switched off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from controller.commands import Json
from controller.frame import F8
from controller.model.doses import Dose
from controller.stages.stored import by_name, numbers

Flags = NDArray[np.bool_]
HOUR_S = 3600.0
NOT_THERE = -1.0
"""The time that a PV has been where it is not."""


class Block(IntEnum):
    """Why a loop gives nothing although its PV is beyond the setpoint."""

    NONE = 0
    IN_VAIN = 1
    HOUR = 2
    BATCH = 3


class DosingBank:
    """``n`` dose loops, arrays of shape ``(n,)``; flows in output units, times in seconds.

    ``blocked`` holds :class:`Block` numbers, ``given`` the doses of each batch. Longer than ``longest_dt`` seconds
    between two scans is an interruption: the times that a PV was beyond or inside begin anew.
    """

    def __init__(self, doses: Sequence[Dose], longest_dt: float = 60.0) -> None:
        self.n = n = len(doses)
        self._longest_dt = longest_dt
        self._sign = np.array([1.0 if dose.above else -1.0 for dose in doses], np.float64)
        self._after = np.array([dose.after for dose in doses], np.float64)
        self._amount = np.array([dose.amount for dose in doses], np.float64)
        self._rate = np.array([dose.rate for dose in doses], np.float64)
        self._lock_out = np.array([dose.lock_out for dose in doses], np.float64)
        self._per_hour = np.array([dose.per_hour for dose in doses], np.float64)
        self._per_batch = np.array([dose.per_batch for dose in doses], np.float64)
        self._give_up = np.array([dose.give_up for dose in doses], np.float64)
        self._beyond, self._inside = np.full((2, n), NOT_THERE)
        self._locked, self._left, self.given, self._in_vain = np.zeros((4, n))
        self.active, self._gave_up = np.zeros((2, n), np.bool_)
        self.blocked = np.zeros(n, np.int8)
        remembered = self._per_hour[np.isfinite(self._per_hour)]
        self._ages = np.full((n, int(remembered.max(initial=0.0))), np.inf)

    def step(self, pv: F8, sp: F8, live: Flags, dt: float) -> F8:
        """The flow of each loop in this scan, ``dt`` seconds after the last.

        A loop that is not ``live`` or whose ``pv`` or ``sp`` is no number gives nothing: a dose under way counts as
        given, and the time beyond begins anew.
        """
        self._pass(max(dt, 0.0))
        excess = (pv - sp) * self._sign
        usable = live & np.isfinite(excess)
        self._watch(usable & (excess > 0.0), usable & (excess <= 0.0), dt)
        self._end(usable, max(dt, 0.0))
        wants = ~self.active & (self._beyond >= self._after) & (self._locked <= 0.0)
        if wants.any() or self.blocked.any():
            self._begin(wants)
        return np.where(self.active, self._rate, 0.0)

    def _pass(self, dt: float) -> None:
        """Let ``dt`` seconds pass."""
        self._left -= np.where(self.active, self._rate * dt, 0.0)
        self._locked = np.maximum(self._locked - np.where(self.active, 0.0, dt), 0.0)
        self._ages += dt

    def _watch(self, beyond: Flags, inside: Flags, dt: float) -> None:
        """Time how long the PV is beyond its setpoint, or inside; once long inside, the doses had their effect."""
        if not 0.0 <= dt <= self._longest_dt:
            self._beyond[:] = self._inside[:] = NOT_THERE
        self._beyond = np.where(beyond, np.where(self._beyond < 0.0, 0.0, self._beyond + dt), NOT_THERE)
        self._inside = np.where(inside, np.where(self._inside < 0.0, 0.0, self._inside + dt), NOT_THERE)
        self.forgive(inside & (self._inside >= self._after))

    def forgive(self, rows: Flags) -> None:
        """Let loops try again that gave up: the PV came back, or somebody switched them off."""
        self._in_vain[rows] = 0.0
        self._gave_up[rows] = False

    def _end(self, usable: Flags, dt: float) -> None:
        """End the doses that are nearer to their end now than after another scan, and those that must not go on. What
        the last scan gave too much or too little, the next dose makes up for.
        """
        ends = self.active & ((self._left <= 0.5 * self._rate * dt) | ~usable)
        self._left[ends & ~usable] = 0.0
        half = 0.5 * self._amount
        self._left[ends] = np.minimum(np.maximum(self._left, -half), half)[ends]
        self._locked[ends] = self._lock_out[ends]
        self.active &= ~ends

    def _begin(self, wants: Flags) -> None:
        """Begin the doses that are wanted and allowed; note why others are not."""
        self._gave_up |= wants & (self._in_vain >= self._give_up)
        full_hour = wants & ((self._ages < HOUR_S).sum(axis=1) >= self._per_hour)
        full_batch = wants & (self.given >= self._per_batch)
        self.blocked[:] = np.where(full_batch, Block.BATCH, np.where(full_hour, Block.HOUR, Block.NONE))
        self.blocked[self._gave_up] = Block.IN_VAIN
        begins = wants & (self.blocked == Block.NONE)
        self.active |= begins
        self._left[begins] += self._amount[begins]
        self.given[begins] += 1.0
        self._in_vain[begins] += 1.0
        if self._ages.shape[1]:
            self._ages[begins] = np.roll(self._ages[begins], 1, axis=1)
            self._ages[begins, 0] = 0.0

    def now(self) -> F8:
        """Where each loop is, shape ``(5, n)``: whether a dose is under way, what of it is still to come, the pause
        that is left, the time beyond the setpoint (negative: inside), and the number of the block.
        """
        return np.array((self.active, self._left, self._locked, self._beyond, self.blocked), np.float64)

    def rebase(self, rows: Flags) -> None:
        """A batch begins: doses of ``rows`` are counted from zero."""
        self.given[rows] = 0.0

    def state(self, names: Sequence[Json]) -> dict[str, Json]:
        """What was given and when, by loop; a dose under way counts as given, and the pause begins with it."""
        return {
            "names": list(names),
            "locked": np.where(self.active, self._lock_out, self._locked).tolist(),
            "left": np.where(self.active, 0.0, self._left).tolist(),
            "given": self.given.tolist(),
            "in_vain": self._in_vain.tolist(),
            "gave_up": self._gave_up.astype(np.float64).tolist(),
            "ages": [[age for age in row if age < HOUR_S] for row in self._ages.tolist()],
        }

    def restore(self, state: Mapping[str, Json], names: Sequence[Json], outage_s: float) -> None:
        """Take over what :meth:`state` gave ``outage_s`` seconds ago. The time beyond begins anew: nobody watched."""
        columns = ("locked", "left", "given", "in_vain", "gave_up")
        stored, ages = state.get("names"), state.get("ages")
        away = max(outage_s, 0.0)
        for place, row in by_name(state, columns, names).items():
            locked, self._left[place], self.given[place], self._in_vain[place], gave_up = row
            self._locked[place], self._gave_up[place] = max(locked - away, 0.0), gave_up > 0.0
            if isinstance(stored, list) and isinstance(ages, list) and len(ages) == len(stored):
                kept = numbers(ages[stored.index(names[place])])[: self._ages.shape[1]]
                self._ages[place, : len(kept)] = np.array(kept) + away
