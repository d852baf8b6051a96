"""A virtual campaign: the cells of many patients expanded at once by one plan, in vessels that are held ideal.

Culture and volume only: temperature, pH and oxygen are what they should be, so that ten days of 500 patients take
seconds. What control, instruments and faults make of it is what a rehearsal shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from simulators.biology.culture import Environment, Inflow
from simulators.biology.donors import Patient, together
from simulators.biology.suspension import Suspension
from simulators.biology.tc_m import TCell
from simulators.biology.verdicts import Outcome, purity
from simulators.numeric import Array, filled, gathered, maximum, some, where
from simulators.parameters import Limit, check, usual

IDEAL = (37.0, 7.2, 0.1, 50.0)
"""Cel, pH, dissolved oxygen in mM and in % of air saturation."""
STEPS_PER_HOUR = 12
STEP_H = 1.0 / STEPS_PER_HOUR
"""Integration is right within 3 % of the model's reference with this step."""
ML_PER_L = 1000.0
TINY = 1e-300


class Plan(NamedTuple):
    """How the cells of a patient are expanded; usual values, those of the shipped CAR-T recipe, in :data:`LIMITS`.

    `medium` and `inoculum` in L, of which the latter brings `density` viable 10*6/mL. Every `counted` hours cells are
    counted and fed `feed` in mL/h per 1e9 of those, until `full` L. Harvest follows at the first count of `target`
    10*6/mL or more, when the vessel is full, or after `longest` hours.
    """

    medium: float
    inoculum: float
    density: float
    counted: float
    feed: float
    full: float
    target: float
    longest: float


RECIPE = "chosen: the shipped recipe for CAR-T cells"
LIMITS: Mapping[str, Limit] = {
    "medium": Limit(1.0, 0.05, 1500.0, "L", RECIPE, "vessels that are sold"),
    "inoculum": Limit(0.05, 0.001, 500.0, "L", RECIPE, "vessels that are sold"),
    "density": Limit(10.5, 0.1, 200.0, "10*6/mL", RECIPE, "cells in a bag"),
    "counted": Limit(24.0, 1.0, 96.0, "h", RECIPE, "from hourly to twice a week"),
    "feed": Limit(4.0, 0.0, 40.0, "mL/h/10*9", RECIPE, "from none to ten times as much"),
    "full": Limit(1.9, 0.05, 2000.0, "L", RECIPE, "vessels that are sold"),
    "target": Limit(3.0, 0.1, 20.0, "10*6/mL", RECIPE, "where the model of T cells holds"),
    "longest": Limit(240.0, 24.0, 720.0, "h", RECIPE, "from a day to a month"),
}
PLAN = Plan(**usual(LIMITS))


class Expansion:
    """Many cultures on their way: `hours` since inoculation, `volume` in L, and which are `done`, that is harvested.

    Those grow on unfed, which their outcome does not see.
    """

    def __init__(self, patients: Sequence[Patient], plan: Plan = PLAN) -> None:
        """Inoculate; raises ValueError for a patient or a plan whose parameters are out of range."""
        check(plan, LIMITS)
        self._patients, self._plan = patients, plan
        (viability,) = gathered([(one.viability,) for one in patients])
        self.culture: Suspension[Array] = Suspension(TCell(together(one.donor for one in patients)))
        self.volume = filled(viability, plan.medium + plan.inoculum)
        self._none = filled(viability, 0.0)
        self.culture.inoculate(filled(viability, plan.density), plan.inoculum / self.volume, viability)
        self._here = Environment(*(filled(viability, value) for value in IDEAL))
        self.hours, self._due, self._steps = 0.0, 0.0, 0
        self.done = viability < 0.0
        self._seen = self._harvested = self._none
        self._alive, self._dead = self.culture.state[:2]
        self._final = self.volume

    def step(self) -> None:
        """Let :data:`STEP_H` pass, count if it is time, and harvest what is due."""
        plan = self._plan
        if self.hours >= self._due:
            self._seen, self._due = self.culture.state[0], self._due + plan.counted
        feeds = (self.volume < plan.full) & ~self.done
        entering = where(feeds, plan.feed / ML_PER_L * self._seen * self.volume, self._none)
        middle = self.volume + entering * (0.5 * STEP_H)
        self.culture.advance(STEP_H, self._here, Inflow(entering / middle, entering / middle, self._none))
        self.volume = self.volume + entering * STEP_H
        self._steps += 1
        self.hours = self._steps / STEPS_PER_HOUR
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
