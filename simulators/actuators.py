"""Actuators of a vessel: between what an instrument asks for and what the liquid gets.

What is asked for and is no number counts as 0, as an input card would see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic

from simulators.draws import Draws
from simulators.numeric import Real, filled, maximum, minimum, rounded, where, within
from simulators.physics.lag import covered, slew
from simulators.tank import PumpModel, Tank

GASES = ("air", "o2", "co2", "n2")
TURNDOWN = 50.0
"""A mass-flow controller gives nothing below full scale over this."""
FLOW_LAG_S = 1.0
FLOW_ERROR = 0.005
"""Largest relative error of a mass-flow controller's gas, unseen by its own reading."""
SLEW_RPM_PER_S = 50.0
SECONDS_PER_MINUTE, SECONDS_PER_HOUR = 60.0, 3600.0
FULL = 100.0


class Flow(Generic[Real]):
    """A mass-flow controller: first-order lag, a dead zone near zero, and a calibration error of its own.

    `supplied` is 1, or 0 where the gas has run out. `indicated` is what it measures itself, mL/min.
    """

    supplied: Real
    indicated: Real
    _gain: Real
    _zero: Real

    def __init__(self, full_scale: float, error: Real, zero: Real) -> None:
        """`error` is relative and `zero` a share of full scale, which only flows along."""
        self.full_scale = full_scale
        self.supplied = 0.0 * error + 1.0
        self.indicated = 0.0 * error
        self._gain, self._zero = 1.0 + error, zero * full_scale

    @property
    def delivered(self) -> Real:
        """Gas that really flows, mL/min."""
        off = self.indicated * TURNDOWN < 0.5 * self.full_scale
        return self.indicated * self._gain + where(off, 0.0 * self._zero, self._zero)

    def step(self, setpoint: Real, share: float) -> None:
        """Go `share` (0 .. 1) of the way towards a setpoint in mL/min."""
        target = within(setpoint, self.full_scale)
        target = where(target * TURNDOWN < self.full_scale, 0.0 * target, target)
        self.indicated = (self.indicated + (target - self.indicated) * share) * self.supplied


LEAST_GAIN = 0.3
"""Share of its calibration that a tube keeps, however worn."""


class Pump(Generic[Real]):
    """A peristaltic pump: counts revolutions, delivers so many mL for each, with a relative `error`, less by wear.

    `full` is what it really delivers with a new tube, mL per revolution, and `ml_per_rev` the same, or 0 without liquid
    before it.
    """

    revolutions: Real
    delivered_ml: Real
    running_h: Real
    full: Real
    ml_per_rev: Real

    def __init__(self, model: PumpModel, error: Real) -> None:
        self.revolutions = self.delivered_ml = self.running_h = 0.0 * error
        self._model = model
        self.full = self.ml_per_rev = model.ml_per_rev * (1.0 + error)

    def step(self, rpm: Real, dt_s: float) -> Real:
        """Turn for `dt_s`; gives the mL delivered."""
        model = self._model
        speed = within(rpm, model.fastest_rpm)
        if model.least_duty > 0.0:
            speed = where(speed < model.least_duty * model.fastest_rpm, 0.0 * speed, speed)
        before = self.revolutions
        self.revolutions = before + speed * (dt_s / SECONDS_PER_MINUTE)
        turned = self.revolutions - before
        if model.rollers > 0.0:
            turned = (rounded(self.revolutions * model.rollers) - rounded(before * model.rollers)) / model.rollers
        delivered = turned * self.ml_per_rev
        if model.wear_per_h > 0.0:
            delivered = delivered * maximum(1.0 - model.wear_per_h * self.running_h, LEAST_GAIN)
            self.running_h = self.running_h + where(speed > 0.0, 0.0 * speed + dt_s / SECONDS_PER_HOUR, 0.0 * speed)
        self.delivered_ml = self.delivered_ml + delivered
        return delivered


class Valve(Generic[Real]):
    """A control valve that sticks: it moves only once it is asked for more than `band` (%) away from where it is."""

    position: Real
    _band: Real

    def __init__(self, band: Real) -> None:
        """1 .. 3 % are usual."""
        self.position = 0.0 * band
        self._band = band

    def step(self, wanted: Real) -> Real:
        """Where it is after being asked for a position in %."""
        target = within(wanted, FULL)
        moves = abs(target - self.position) > self._band
        self.position = where(moves, target, self.position)
        return self.position


def pulsed(duty: Real, begin_s: float, dt_s: float, period_s: float) -> Real:
    """Share of `dt_s` from `begin_s` on that an output switched by pulses is on, for a `duty` of 0 .. 1."""
    on_s = duty * period_s
    cycles = begin_s // period_s
    before = minimum(0.0 * duty + (begin_s - cycles * period_s), on_s)
    end_s = begin_s + dt_s
    later = end_s // period_s
    after = minimum(0.0 * duty + (end_s - later * period_s), on_s)
    return ((later - cycles) * on_s + after - before) / dt_s


class Drives(Generic[Real]):
    """Heater (%), stirrer (rev/min), gases and pumps of one vessel or many, driven by the vessel's actuator signals.

    Where the tank's heater is switched by pulses, they begin with the first step.
    """

    heater: Real
    agitation: Real
    flows: dict[str, Flow[Real]]
    base: Pump[Real]
    feed: Pump[Real]

    def __init__(self, tank: Tank, draws: Draws[Real]) -> None:
        self._fastest_rpm = tank.fastest_rpm
        self._pulse_s, self._time_s = tank.heater_pulse_s, 0.0
        zero = tank.flow_zero
        self.flows = {
            gas: Flow(full_scale, draws.uniform(-FLOW_ERROR, FLOW_ERROR), draws.uniform(-zero, zero))
            for gas, full_scale in zip(GASES, tank.gas_range, strict=True)
        }
        self._setpoints: list[tuple[str, Flow[Real]]] = [(f"{gas}_sp", flow) for gas, flow in self.flows.items()]
        self.base = Pump(tank.base_pump, tank.base_pump.error * draws.normal())
        self.feed = Pump(tank.feed_pump, tank.feed_pump.error * draws.normal())
        self.heater = self.agitation = filled(self.base.revolutions, 0.0)

    def step(self, wanted: Mapping[str, Real], dt_s: float) -> None:
        """Move everything but the pumps for `dt_s` towards what is wanted."""
        self.heater = within(wanted["heater"], FULL)
        if self._pulse_s > 0.0:
            self.heater = FULL * pulsed(self.heater / FULL, self._time_s, dt_s, self._pulse_s)
        speed = rounded(within(wanted["agitation_sp"], self._fastest_rpm))
        self.agitation = slew(self.agitation, speed, SLEW_RPM_PER_S * dt_s)
        share = covered(dt_s, FLOW_LAG_S)
        for signal, flow in self._setpoints:
            flow.step(wanted[signal], share)
        self._time_s += dt_s
