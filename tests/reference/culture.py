"""Ten days of T cells (TC-M) as the chemistry of the vessel sees them: acid, respiration, feed and exchange of medium.

The culture is computed once, at the setpoints: inside the bands that the loops have to hold its rates change by less
than a hundredth.
"""

from dataclasses import dataclass
from functools import cache
from math import exp, log

import numpy as np

from simulators.biology.culture import Environment, runge_kutta
from simulators.biology.tc_m import DONOR, FEED_GLUCOSE, FEED_GLUTAMINE, OXYGEN_HALF, rates
from simulators.physics.gas import air_saturation

HOURS, STEP_H = 240.0, 0.05
AT_SETPOINT = Environment(37.0, 7.2, 0.5 * air_saturation(37.0), 50.0)
DONORS = {
    "nominal": DONOR,
    "fast": DONOR._replace(mumax=0.048, tlag=18.0, tact=264.0),
    "slow": DONOR._replace(mumax=0.028, tlag=36.0, tact=168.0),
}
SEED = (0.5, 0.026, 11.1, 2.0, 0.0, 0.1, 0.0)
"""Viable, dead, glucose, glutamine, lactate, ammonia, age at the beginning."""


@dataclass(frozen=True)
class Feeding:
    """What is poured in and what is exchanged. The fed batch grows from ``start_l`` to eight times as much, its feed in
    proportion to the volume from the second day on; perfusion exchanges medium and keeps the cells.
    """

    start_l: float
    grows: bool

    def flow(self, hours):
        """Feed in L/h."""
        rate = log(8.0) / (HOURS - 48.0)
        return rate * self.start_l * exp(rate * (hours - 48.0)) if self.grows and hours >= 48.0 else 0.0

    def exchange(self, hours):
        """Volumes exchanged per hour."""
        vvd = 0.0 if self.grows or hours < 72.0 else 0.5 if hours < 120.0 else 1.0 if hours < 168.0 else 1.5
        return vvd / 24.0


FEEDINGS = {"fed batch": Feeding(0.25, grows=True), "perfusion": Feeding(1.0, grows=False)}


@dataclass(frozen=True)
class Course:
    """Over time, one row for every :data:`STEP_H`, a column for every vessel; concentrations and rates per litre.

    ``volume`` L without base; ``fresh`` is medium that comes in, in volumes per hour, ``grows`` whether it stays;
    ``ions`` what the cells add to the strong-ion difference, and ``respired`` to inorganic carbon, mM/h; ``lactate``.
    """

    volume: np.ndarray
    fresh: np.ndarray
    ions: np.ndarray
    respired: np.ndarray
    lactate: np.ndarray
    grows: np.ndarray

    @staticmethod
    def of(pairs):
        """The courses of pairs of donor and feeding side by side."""
        columns = np.stack([_course(*pair) for pair in pairs], axis=2)
        return Course(*columns, np.array([FEEDINGS[feeding].grows for _, feeding in pairs]))


@cache
def _course(donor_name, feeding_name):
    donor, feeding = DONORS[donor_name], FEEDINGS[feeding_name]
    volume, state, rows = feeding.start_l, SEED, []
    for step in range(round(HOURS / STEP_H)):
        flow, exchange = feeding.flow(step * STEP_H), feeding.exchange(step * STEP_H)
        ions, respired = _rates(state, donor)
        rows.append((volume, flow / volume + exchange, ions, respired, state[4]))
        slope = _slope(flow / volume, exchange, donor)
        state = tuple(max(value, 0.0) for value in runge_kutta(slope, state, STEP_H))
        volume += flow * STEP_H
    return np.array(rows).T


def _rates(state, donor):
    rate, x = rates(state, AT_SETPOINT, donor), state[0]
    ammonium = donor.y_ammonia * rate.glutamine * x + donor.decay_glutamine * state[3]
    oxygen = AT_SETPOINT.oxygen / (AT_SETPOINT.oxygen + OXYGEN_HALF)
    return ammonium - donor.y_lactate * rate.glucose * x, rate.oxygen * oxygen * x


def _slope(dilution, exchange, donor):
    """Time derivatives; exchange renews the medium and keeps the cells."""
    renewed = dilution + exchange

    def slope(state):
        x, dead, glucose, glutamine, lactate, ammonia, _ = state
        rate = rates(state, AT_SETPOINT, donor)
        decay = donor.decay_glutamine * glutamine
        return (
            (rate.growth - rate.death - dilution) * x,
            rate.death * x - (donor.lysis + dilution) * dead,
            renewed * (FEED_GLUCOSE - glucose) - rate.glucose * x,
            renewed * (FEED_GLUTAMINE - glutamine) - rate.glutamine * x - decay,
            donor.y_lactate * rate.glucose * x - renewed * lactate,
            donor.y_ammonia * rate.glutamine * x + decay - renewed * ammonia,
            1.0,
        )

    return slope
