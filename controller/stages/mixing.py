"""Gas mixing: which flows give a total, an oxygen fraction and a carbon dioxide fraction; and what flows amount to.

Dry air holds 20.95 % oxygen. The rest beside the carbon dioxide is air with oxygen above, air with nitrogen below what
air alone gives: one mix for every wish, and it does not jump where the one becomes the other.

A mass-flow controller cannot hold a flow below its smallest: such a share of oxygen, nitrogen or carbon dioxide is not
given, and air, the neighbour of all of them, takes its place; air itself is not less than its own smallest unless none
is wanted. So what cannot be held always moves the mix towards air, which no culture dies of.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8

AIR_OXYGEN = 0.2095
"""Volume fraction of oxygen in dry air."""
TINY = 1e-12
Rows = NDArray[np.intp]
Mix = tuple[F8, F8]
"""Flows of air, oxygen, nitrogen and carbon dioxide, shape ``(4, n)``, and what was possible, ``(3, n)``."""


class Gas(IntEnum):
    """The places of the gases in flows. ``FINE_AIR`` is a second, smaller controller on air for small flows."""

    AIR = 0
    OXYGEN = 1
    NITROGEN = 2
    CARBON_DIOXIDE = 3
    FINE_AIR = 4


class MixingBank:
    """``n`` mixers. ``high`` and ``smallest`` are the most and the least that each controller holds, shape ``(5, n)``,
    0 for a gas that a mixer does not have.

    ``additive`` mixers, shape ``(n,)``, keep the air flow that is asked for as total and add to it. Of the others those
    with ``keeps_total`` keep the total where a controller is at its end, and else the fractions.
    """

    def __init__(self, high: F8, smallest: F8, additive: NDArray[np.bool_], keeps_total: NDArray[np.bool_]) -> None:
        self.n = n = high.shape[1]
        self._high, self._smallest, self._additive = high, smallest, additive
        self._ways: list[tuple[Callable[[F8, F8, F8, Rows], Mix], Rows]] = [
            (self._lower, np.flatnonzero(~additive & ~keeps_total)),
            (self._keep, np.flatnonzero(~additive & keeps_total)),
            (self._add, np.flatnonzero(additive)),
        ]
        self._air_high = high[Gas.AIR] + high[Gas.FINE_AIR]
        fine = high[Gas.FINE_AIR] > 0.0
        self._air_smallest = np.where(fine, smallest[Gas.FINE_AIR], smallest[Gas.AIR])
        self._has = high > 0.0
        self.flows = np.zeros((5, n))
        self.possible = np.full((3, n), np.nan)
        self._wish, self._stands = np.full((2, 3, n), np.nan)

    def spread(self, total: F8, oxygen: F8, carbon_dioxide: F8) -> F8:
        """The flows ``(5, n)`` that give ``total`` with these volume fractions, as far as the controllers can;
        ``possible`` is then the wish as far as their ranges allow it, shape ``(3, n)``. Where a wish is no number the
        last one stands. The flows must not be changed.
        """
        wish = np.stack((total, oxygen, carbon_dioxide))
        if np.array_equal(wish, self._wish):
            return self.flows
        self._wish = wish = np.where(np.isnan(wish), self._wish, wish)
        flows, self.possible = np.empty((4, self.n)), self._within_reach(wish)
        for way, rows in self._ways:
            if len(rows):
                flows[:, rows], self.possible[:, rows] = way(
                    self.possible[0, rows], self.possible[1, rows], self.possible[2, rows], rows
                )
        self.flows = np.minimum(self._with_fine_air(flows), self._high)
        return self.flows

    def achieved(self, flows: F8) -> F8:
        """Total, oxygen and carbon dioxide fraction of ``flows``, shape ``(3, n)``; of no flow no fraction is known,
        NaN. The total of an additive mixer is its air.
        """
        air = flows[Gas.AIR] + flows[Gas.FINE_AIR]
        whole = flows.sum(axis=0)
        of_whole = np.divide(1.0, whole, out=np.full(self.n, np.nan), where=whole > TINY)
        oxygen, carbon_dioxide = AIR_OXYGEN * air + flows[Gas.OXYGEN], flows[Gas.CARBON_DIOXIDE]
        return np.stack((np.where(self._additive, air, whole), oxygen * of_whole, carbon_dioxide * of_whole))

    def positions(self, actual: F8) -> F8:
        """Where the wishes stand, given the ``actual`` flows, shape ``(3, n)``: what was possible, less what the
        outputs did not follow. A share too small to be held counts as given. While nothing flows, fractions stay where
        they were.
        """
        now = self.possible + self.achieved(actual) - self.achieved(self.flows)
        self._stands = np.where(np.isnan(now), self._stands, now)
        return self._stands

    def _within_reach(self, wish: F8) -> F8:
        """The wish without what no mix of the gases there could be."""
        total, oxygen, carbon_dioxide = np.maximum(wish, 0.0)
        total = np.where(total < TINY, 0.0, total)
        carbon_dioxide = np.minimum(carbon_dioxide, self._has[Gas.CARBON_DIOXIDE].astype(np.float64))
        rest = 1.0 - carbon_dioxide
        by_air = AIR_OXYGEN * rest
        oxygen = np.minimum(oxygen, np.where(self._has[Gas.OXYGEN], rest, by_air))
        oxygen = np.maximum(oxygen, np.where(self._has[Gas.NITROGEN], 0.0, by_air))
        return np.stack((total, oxygen, carbon_dioxide))

    def _lower(self, asked: F8, oxygen: F8, carbon_dioxide: F8, rows: Rows) -> Mix:
        """Constant total, which is lowered where a controller is at its end."""
        total = np.minimum(asked, self._most(oxygen, carbon_dioxide, rows))
        given = self._holdable(Gas.CARBON_DIOXIDE, total * carbon_dioxide, rows)
        if (given < total * carbon_dioxide).any():
            total = np.minimum(asked, self._most(oxygen, np.where(given > 0.0, carbon_dioxide, 0.0), rows))
        flows = self._settle(*balance(total - given, total * oxygen), given, rows)
        return flows, np.stack((total, oxygen, carbon_dioxide))

    def _most(self, oxygen: F8, carbon_dioxide: F8, rows: Rows) -> F8:
        """The largest total in which every controller can give its share."""
        shares = np.stack((*balance(1.0 - carbon_dioxide, oxygen), carbon_dioxide))
        needed = shares > TINY
        most = np.divide(self._highs(rows), shares, out=np.full(shares.shape, np.inf), where=needed)
        return np.asarray(most.min(axis=0))

    def _highs(self, rows: Rows) -> F8:
        """The most of air, oxygen, nitrogen and carbon dioxide."""
        return np.concatenate((self._air_high[None, rows], self._high[Gas.OXYGEN : Gas.FINE_AIR, rows]))

    def _keep(self, total: F8, oxygen: F8, carbon_dioxide: F8, rows: Rows) -> Mix:
        """Constant total; where a controller is at its end, air takes the place of what it cannot give."""
        highs = self._highs(rows)
        given = np.minimum(total * carbon_dioxide, highs[Gas.CARBON_DIOXIDE])
        given = self._holdable(Gas.CARBON_DIOXIDE, given, rows)
        rest = total - given
        _, added, thinned = balance(rest, total * oxygen)
        added, thinned = np.minimum(added, highs[Gas.OXYGEN]), np.minimum(thinned, highs[Gas.NITROGEN])
        air = np.minimum(rest - added - thinned, highs[Gas.AIR])
        whole = np.stack((air, added, thinned, given))
        possible = _amounts_to(whole, (whole.sum(axis=0), oxygen, carbon_dioxide))
        return self._settle(air, added, thinned, given, rows), possible

    def _add(self, base: F8, oxygen: F8, carbon_dioxide: F8, rows: Rows) -> Mix:
        """Air as it is asked for, and to it what makes the fractions."""
        base = np.minimum(base, self._air_high[rows])
        base = np.where(base < self._air_smallest[rows], 0.0, base)
        smallest = self._smallest[:, rows]
        within_ranges = self._additions(base, oxygen, carbon_dioxide, rows, np.zeros_like(smallest))
        flows = self._additions(base, oxygen, carbon_dioxide, rows, smallest)
        return flows, _amounts_to(within_ranges, (base, oxygen, carbon_dioxide))

    def _additions(self, base: F8, oxygen: F8, carbon_dioxide: F8, rows: Rows, smallest: F8) -> F8:
        """``base`` and what is added to it, by controllers that hold no less than ``smallest``, shape ``(5, n)``."""
        highs = self._highs(rows)
        rich = (1.0 - AIR_OXYGEN) * base / np.maximum(1.0 - oxygen - carbon_dioxide, TINY)
        poor = AIR_OXYGEN * base / np.maximum(oxygen, TINY)
        whole = np.where(oxygen >= AIR_OXYGEN * (1.0 - carbon_dioxide), rich, poor)
        # Judged by the air alone: else more oxygen might bring carbon dioxide in, which dilutes the oxygen.
        odds = carbon_dioxide / np.maximum(1.0 - carbon_dioxide, TINY)
        held = odds * base >= np.maximum(smallest[Gas.CARBON_DIOXIDE], TINY)
        given = np.where(held, np.minimum(carbon_dioxide * whole, highs[Gas.CARBON_DIOXIDE]), 0.0)
        excess = oxygen * (base + given) - AIR_OXYGEN * base
        added = np.minimum(np.maximum(excess, 0.0) / np.maximum(1.0 - oxygen, TINY), highs[Gas.OXYGEN])
        added = np.where(added < smallest[Gas.OXYGEN], 0.0, added)
        thinned = np.minimum(np.maximum(-excess, 0.0) / np.maximum(oxygen, TINY), highs[Gas.NITROGEN])
        thinned = np.where(thinned < smallest[Gas.NITROGEN], 0.0, thinned)
        fitting = np.minimum(odds * (base + added + thinned), highs[Gas.CARBON_DIOXIDE])
        return np.stack((base, added, thinned, np.where(held, fitting, 0.0)))

    def _settle(self, air: F8, oxygen: F8, nitrogen: F8, carbon_dioxide: F8, rows: Rows) -> F8:
        """The same sum in flows that the controllers can hold, nearer to air where need be; nothing at all where not
        even air can be held.
        """
        rest, least = air + oxygen + nitrogen, self._air_smallest[rows]
        lacking = np.where(air > TINY * rest, np.maximum(np.minimum(least, rest) - air, 0.0), 0.0)
        oxygen = self._holdable(Gas.OXYGEN, np.maximum(oxygen - lacking, 0.0), rows)
        nitrogen = self._holdable(Gas.NITROGEN, np.maximum(nitrogen - lacking, 0.0), rows)
        air = np.minimum(np.maximum(rest - oxygen - nitrogen, 0.0), self._air_high[rows])
        air = np.where(air < least, 0.0, air)
        return np.stack((air, oxygen, nitrogen, carbon_dioxide)) * (air + oxygen + nitrogen > 0.0)

    def _holdable(self, gas: Gas, flow: F8, rows: Rows) -> F8:
        """A flow, or nothing where the controller cannot hold it."""
        return np.where(flow < self._smallest[gas, rows], 0.0, flow)

    def _with_fine_air(self, flows: F8) -> F8:
        """Air over its two controllers: the fine one first, and the other never below its smallest."""
        fine = np.minimum(flows[Gas.AIR], self._high[Gas.FINE_AIR])
        main = flows[Gas.AIR] - fine
        short = np.where(main > 0.0, np.maximum(self._smallest[Gas.AIR] - main, 0.0), 0.0)
        return np.stack((main + short, *flows[1:], fine - short))


def balance(rest: F8, oxygen: F8) -> tuple[F8, F8, F8]:
    """Air, oxygen and nitrogen whose sum is ``rest`` and which hold ``oxygen``, all in one unit: the only such mix of
    air with one of the others.
    """
    excess = oxygen - AIR_OXYGEN * rest
    added = np.maximum(excess, 0.0) / (1.0 - AIR_OXYGEN)
    thinned = np.maximum(-excess, 0.0) / AIR_OXYGEN
    return np.maximum(rest - added - thinned, 0.0), added, thinned


def _amounts_to(flows: F8, wish: tuple[F8, F8, F8]) -> F8:
    """The total of ``wish`` with the fractions that the flows give; those of the wish where nothing flows."""
    air, oxygen, _, carbon_dioxide = flows
    whole = flows.sum(axis=0)
    held, some = AIR_OXYGEN * air + oxygen, whole > TINY
    share = np.divide(1.0, whole, out=np.zeros_like(whole), where=some)
    return np.stack((
        wish[0], np.where(some, held * share, wish[1]), np.where(some, carbon_dioxide * share, wish[2])
    ))  # fmt: skip
