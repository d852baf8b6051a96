"""The bottles that feeds are taken from: what is left, and when nothing is."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from controller.commands import Json
from controller.frame import F8
from controller.model.programs import FeedTable
from controller.stages.flags import any_of, rows_where
from controller.stages.programs.balance import Balances, Weighed
from controller.stages.programs.run import number

REFILL_SHARE = 0.05
"""A bottle that became heavier by this share of its volume was filled or changed; less is somebody at the balance."""
LOW_AGAIN_SHARE = 0.02
"""By this share of its volume a bottle must be above ``warn_at`` to be no longer low."""


class Bottles:
    """All feeds' bottles; arrays of shape ``(feeds,)``. ``left`` is NaN where there is no bottle. ``empty``: nothing
    comes any more, until a new bottle is seen or told; ``stopped`` are those whose pump must not run.
    """

    def __init__(self, table: FeedTable, balances: Balances) -> None:
        n = len(table)
        self._table, self._balances = table, balances
        bottles = [feed.bottle for feed in table.rows]
        self._volume = np.array([bottle.volume if bottle else np.nan for bottle in bottles], np.float64)
        self._warn_at = np.array([bottle.warn_at if bottle else np.nan for bottle in bottles], np.float64)
        self._low_at = self._warn_at.copy()
        self._stops = np.array([bottle is not None and bottle.stops for bottle in bottles], np.bool_)
        weighed = [bottle for row in balances.rows if (bottle := table.rows[row].bottle)]
        self._tare = np.array([bottle.tare for bottle in weighed], np.float64)
        self._density = np.array([bottle.density for bottle in weighed], np.float64)
        self.left = self._volume.copy()
        self.low, self.empty, self.stopped = np.zeros((3, n), np.bool_)

    def step(self, delivered: F8, weighed: list[Weighed]) -> list[tuple[int, str]]:
        """Take the amounts ``delivered`` since the last scan, and what balances say; gives texts for the record."""
        self.left = np.maximum(self.left - delivered, 0.0)
        told = [text for one in weighed if (text := self._weighed(one))]
        if len(self._tare):
            left = (self._balances.weight - self._tare) / self._density
            rows = self._balances.rows
            self.left[rows] = np.where(np.isfinite(left), np.maximum(left, 0.0), self.left[rows])
        used_up = self.left <= 0.0
        if any_of(used_up):
            rows = rows_where(used_up & ~self.empty)
            told += [self._run_out(row, "everything in it was delivered") for row in rows.tolist()]
        low = self.left <= self._low_at
        if low.tobytes() != self.low.tobytes():
            told += [(row, self._low_text(row)) for row in np.flatnonzero(low & ~self.low).tolist()]
            self.low = low
            self._low_at = self._warn_at + np.where(low, LOW_AGAIN_SHARE * self._volume, 0.0)
        return told

    def _weighed(self, one: Weighed) -> tuple[int, str] | None:
        """A step of a weight, or a pump that runs and takes nothing out."""
        row, feed = one.row, self._table.rows[one.row]
        bottle = feed.bottle
        if bottle is None:
            return None
        if one.dry and not self.empty[row]:
            return self._run_out(row, "its weight does not fall while the pump runs")
        if one.step == 0.0:
            return None
        more = one.step / bottle.density
        if more < REFILL_SHARE * bottle.volume:
            return row, f"{feed.title}: the balance jumped by {one.step:+.1f} g, which is not counted as delivered"
        if math.isnan(bottle.tare):
            self.fill(row, min(float(self.left[row]) + more, bottle.volume))
        else:
            self.fill(row, float(self.left[row]))
        return row, f"{feed.title}: the bottle was filled or changed, {more:+.4g} {feed.amount} on the balance"

    def _run_out(self, row: int, why: str) -> tuple[int, str]:
        self.empty[row] = True
        self._stop(row)
        what = "the pump is stopped" if self.stopped[row] else "the pump goes on"
        return row, f"{self._table.rows[row].title}: the bottle is empty, {why}; {what}"

    def _low_text(self, row: int) -> str:
        feed = self._table.rows[row]
        return f"{feed.title}: {self.left[row]:.4g} {feed.amount} left in the bottle"

    def _stop(self, row: int) -> None:
        self.stopped[row] = self.empty[row] and self._stops[row]

    def fill(self, row: int, left: float) -> None:
        """A bottle with ``left`` in it is connected now."""
        self.left[row], self.empty[row] = left, False
        self.low[row], self._low_at[row] = left <= self._warn_at[row], self._warn_at[row]
        self._stop(row)

    def rebase(self, vessel: str) -> None:
        """A batch begins on ``vessel``: with full bottles, as far as no balance knows better."""
        for row, feed in enumerate(self._table.rows):
            if feed.vessel == vessel and feed.bottle is not None:
                self.fill(row, feed.bottle.volume)

    def state(self, row: int) -> dict[str, Json]:
        """What is left, and whether it is empty."""
        left = float(self.left[row])
        return {"left": left if math.isfinite(left) else None, "empty": bool(self.empty[row])}

    def restore(self, row: int, state: Mapping[str, Json]) -> None:
        """Take over what :meth:`state` gave."""
        if self._table.rows[row].bottle is None:
            return
        self.left[row] = min(max(number(state.get("left"), float(self._volume[row])), 0.0), float(self._volume[row]))
        self.empty[row] = bool(state.get("empty"))
        self._stop(row)
