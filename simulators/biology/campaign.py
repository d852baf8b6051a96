"""A virtual campaign: the cells of many patients expanded at once by one plan, in vessels that are held ideal.

Culture and volume only: temperature, pH and oxygen are what they should be, so that ten days of 500 patients take
seconds. What control, instruments and faults make of it is what a rehearsal shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from simulators.biology.culture import Environment, Inflow
from simulators.biology.donors import Patient, together
from simulators.biology.suspension import Suspension
from simulators.biology.tc_m import TCell
from simulators.biology.verdicts import Outcome, purity
from simulators.numeric import Array, filled, gathered, maximum, rounded, some, where

IDEAL = (37.0, 7.2, 0.1, 50.0)
"""Cel, pH, dissolved oxygen in mM and in % of air saturation."""
STEP_H = 1.0 / 12.0
"""Integration is right within 3 % of the model's reference with this step."""
ML_PER_L = 1000.0
TINY = 1e-300


class Plan(NamedTuple):
    """How the cells of a patient are expanded; the usual values are those of the shipped CAR-T recipe.

    `medium` and `inoculum` in L, of which the latter brings `density` viable 10*6/mL. Every `counted` hours cells are
    counted and fed `feed` in mL/h per 1e9 of those, until `full` L. Harvest follows at the first count of `target`
    10*6/mL or more, when the vessel is full, or after `longest` hours.
    """

    medium: float = 1.0
    inoculum: float = 0.05
    density: float = 10.5
    counted: float = 24.0
    feed: float = 4.0
    full: float = 1.9
    target: float = 3.0
    longest: float = 240.0


PLAN = Plan()


class Expansion:
    """Many cultures on their way: `hours` since inoculation, `volume` in L, and which are `done`, that is harvested.

    Those grow on unfed, which their outcome does not see.
    """

    def __init__(self, patients: Sequence[Patient], plan: Plan = PLAN) -> None:
        """Inoculate; raises ValueError for a patient whose parameters are out of range."""
        self._patients, self._plan = patients, plan
        (viability,) = gathered([(one.viability,) for one in patients])
        self.culture: Suspension[Array] = Suspension(TCell(together(one.donor for one in patients)))
        self.volume = filled(viability, plan.medium + plan.inoculum)
        self._none = filled(viability, 0.0)
        self.culture.inoculate(filled(viability, plan.density), plan.inoculum / self.volume, viability)
        self._here = Environment(*(filled(viability, value) for value in IDEAL))
        self.hours, self._steps = 0.0, 0
        self.done = viability < 0.0
        self._seen = self._harvested = self._none
        self._alive, self._dead = self.culture.state[:2]
        self._final = self.volume

    def step(self) -> None:
        """Let :data:`STEP_H` pass, count if it is time, and harvest what is due."""
        plan = self._plan
        if self._steps % int(rounded(plan.counted / STEP_H)) == 0:
            self._seen = self.culture.state[0]
        feeds = (self.volume < plan.full) & ~self.done
        entering = where(feeds, plan.feed / ML_PER_L * self._seen * self.volume, self._none)
        middle = self.volume + entering * (0.5 * STEP_H)
        self.culture.advance(STEP_H, self._here, Inflow(entering / middle, entering / middle, self._none))
        self.volume = self.volume + entering * STEP_H
        self._steps += 1
        self.hours = self._steps * STEP_H
        self._harvest()

    def _harvest(self) -> None:
        plan = self._plan
        due = (self._seen >= plan.target) | (self.volume >= plan.full)
        now = (due | (self.hours >= plan.longest)) & ~self.done
        self._harvested = where(now, filled(self.volume, self.hours), self._harvested)
        self._alive = where(now, self.culture.state[0], self._alive)
        self._dead = where(now, self.culture.state[1], self._dead)
        self._final = where(now, self.volume, self._final)
        self.done = self.done | now

    def outcomes(self) -> list[Outcome | None]:
        """What became of each patient's cells; None of those that still grow."""
        begun = self._plan.density * self._plan.inoculum
        shares = self._alive / maximum(self._alive + self._dead, TINY)
        rows = zip(self._patients, self.done, self._harvested, self._alive * self._final, shares, strict=True)
        return [
            Outcome(float(hours), float(cells), float(share), purity(one, begun, float(cells))) if done else None
            for one, done, hours, cells, share in rows
        ]


def expand(patients: Sequence[Patient], plan: Plan = PLAN) -> list[Outcome | None]:
    """Expand the cells of all patients to their harvest."""
    cultures = Expansion(patients, plan)
    while some(~cultures.done):
        cultures.step()
    return cultures.outcomes()
