"""Actuators of a vessel: between what an instrument asks for and what the liquid gets."""

from __future__ import annotations

import random
from collections.abc import Mapping

from simulators.physics.lag import covered, slew

GASES = ("air", "o2", "co2", "n2")
GAS_RANGE: Mapping[str, float] = {"air": 500.0, "o2": 500.0, "co2": 200.0, "n2": 500.0}
"""Full scale of each mass-flow controller, mL/min."""
TURNDOWN = 50.0
"""A mass-flow controller gives nothing below full scale over this."""
FLOW_LAG_S = 1.0
FLOW_ERROR = 0.005
"""Largest relative error of a mass-flow controller's gas, unseen by its own reading."""
SLEW_RPM_PER_S = 50.0
MAX_RPM = 1200.0
MAX_PUMP_RPM = 220.0
SECONDS_PER_MINUTE = 60.0


def limited(value: float, high: float) -> float:
    """`value` within 0 .. `high`; what is no number counts as 0, as an input card would see it."""
    return min(max(0.0, value), high)  # max(0.0, nan) is 0.0 in this order


class Flow:
    """A mass-flow controller: first-order lag, a dead zone near zero, and a calibration error of its own."""

    def __init__(self, full_scale: float, error: float) -> None:
        self.full_scale = full_scale
        self.indicated = 0.0
        self._gain = 1.0 + error

    @property
    def delivered(self) -> float:
        """Gas that really flows, mL/min."""
        return self.indicated * self._gain

    def step(self, setpoint: float, share: float) -> None:
        """Go `share` (0 .. 1) of the way towards a setpoint in mL/min."""
        target = limited(setpoint, self.full_scale)
        if target * TURNDOWN < self.full_scale:
            target = 0.0
        self.indicated += (target - self.indicated) * share


class Pump:
    """A peristaltic pump: counts revolutions, delivers `ml_per_rev` of them with a relative `error`."""

    def __init__(self, ml_per_rev: float, error: float = 0.0) -> None:
        self.revolutions = 0.0
        self.delivered_ml = 0.0
        self._ml_per_rev = ml_per_rev * (1.0 + error)

    def step(self, rpm: float, dt_s: float) -> float:
        """Turn for `dt_s`; gives the mL delivered."""
        turned = limited(rpm, MAX_PUMP_RPM) * dt_s / SECONDS_PER_MINUTE
        self.revolutions += turned
        delivered = turned * self._ml_per_rev
        self.delivered_ml += delivered
        return delivered


class Drives:
    """Heater, stirrer, gases and pumps of one vessel, driven by the vessel's actuator signals."""

    def __init__(self, base_ml_per_rev: float, feed_ml_per_rev: float, noise: random.Random) -> None:
        self.heater = 0.0
        self.agitation = 0.0
        self.flows = {gas: Flow(GAS_RANGE[gas], noise.uniform(-FLOW_ERROR, FLOW_ERROR)) for gas in GASES}
        self.base = Pump(base_ml_per_rev)
        self.feed = Pump(feed_ml_per_rev)

    def step(self, wanted: Mapping[str, float], dt_s: float) -> None:
        """Move everything but the pumps for `dt_s` towards what is wanted."""
        self.heater = limited(wanted["heater"], 100.0)
        speed = limited(wanted["agitation_sp"], MAX_RPM)
        self.agitation = slew(self.agitation, speed, SLEW_RPM_PER_S * dt_s)
        share = covered(dt_s, FLOW_LAG_S)
        for gas, flow in self.flows.items():
            flow.step(wanted[gas + "_sp"], share)
