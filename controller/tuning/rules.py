"""Tuning rules: from a process model to a controller.

- *SIMC*: Skogestad, "Simple analytic rules for model reduction and PID controller tuning", J. Process Control 13
  (2003) 291-309, with its half rule for the reduction of a model.
- *AMIGO*: Åström and Hägglund, "Revisiting the Ziegler-Nichols step response method for PID control", J. Process
  Control 14 (2004) 635-650.
- *lambda*: Rivera, Morari and Skogestad, "Internal model control: PID controller design", Ind. Eng. Chem. Process
  Des. Dev. 25 (1986) 252-265, in its PI form for a lag with dead time; for integrating processes Chien and Fruehauf,
  "Consider IMC tuning to improve controller performance", Chem. Eng. Progress 86 (1990), no. 10, 33-41.

An integrating model's gain is per second. All raise ``ValueError`` for a model that they are not for.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.model.pid_forms import Standard
from controller.tuning.process import Process

DERIVATIVE_FILTER = 10.0


@dataclass(frozen=True, slots=True)
class FirstOrder:
    """``gain exp(-delay s)/(lag s + 1)``; of an integrating process ``gain exp(-delay s)/s``, ``lag`` 0."""

    gain: float
    lag: float
    delay: float
    integrating: bool = False

    @property
    def process(self) -> Process:
        """The model as a process."""
        return Process(self.gain, () if self.integrating else (self.lag,), self.delay, integrating=self.integrating)


def half_rule(process: Process) -> FirstOrder:
    """The first-order model: the largest neglected lag counts half to the lag, half to the dead time, all others and
    inverse responses whole to the dead time. Raises ``ValueError`` for a process with positive leads.
    """
    if max(process.leads, default=0.0) > 0.0:
        raise ValueError("the half rule is for lags, dead time and inverse responses, not for positive leads")
    lags = sorted(process.lags, reverse=True)
    kept = 0.0 if process.integrating else lags.pop(0)
    half = lags.pop(0) / 2.0 if lags else 0.0
    delay = process.delay + half + sum(lags) - sum(process.leads)
    if process.integrating:
        return FirstOrder(process.gain, 0.0, delay + half, integrating=True)
    return FirstOrder(process.gain, kept + half, delay)


def simc(model: FirstOrder, closed: float | None = None) -> Standard:
    """PI for a closed-loop time constant ``closed``, by default the dead time (``tau_c = theta``: tight and robust)."""
    target = _dead_time(model) if closed is None else closed
    whole = target + model.delay
    if model.integrating:
        return Standard(1.0 / (model.gain * whole), 4.0 * whole)
    return Standard(model.lag / (model.gain * whole), min(model.lag, 4.0 * whole))


def amigo_pi(model: FirstOrder) -> Standard:
    """PI with a maximum sensitivity of about 1.4."""
    k, t, dead = model.gain, model.lag, _dead_time(model)
    if model.integrating:
        return Standard(0.35 / (k * dead), 13.4 * dead)
    gain = 0.15 / k + (0.35 - dead * t / (dead + t) ** 2) * t / (k * dead)
    return Standard(gain, 0.35 * dead + 13.0 * dead * t**2 / (t**2 + 12.0 * dead * t + 7.0 * dead**2))


def amigo_pid(model: FirstOrder) -> Standard:
    """PID with a maximum sensitivity of about 1.4."""
    k, t, dead = model.gain, model.lag, _dead_time(model)
    if model.integrating:
        return _pid(0.45 / (k * dead), 8.0 * dead, 0.5 * dead)
    return _pid(
        (0.2 + 0.45 * t / dead) / k,
        dead * (0.4 * dead + 0.8 * t) / (dead + 0.1 * t),
        0.5 * dead * t / (0.3 * dead + t),
    )


def lambda_pi(model: FirstOrder, closed: float | None = None) -> Standard:
    """PI that cancels the lag, for a smooth closed loop with the time constant ``closed``, by default three dead times.
    It answers to loads as slowly as the process itself.
    """
    target = 3.0 * _dead_time(model) if closed is None else closed
    whole = target + model.delay
    if model.integrating:
        return Standard((target + whole) / (model.gain * whole**2), target + whole)
    return Standard(model.lag / (model.gain * whole), model.lag)


def _pid(gain: float, ti: float, td: float) -> Standard:
    return Standard(gain, ti, td, td / DERIVATIVE_FILTER)


def _dead_time(model: FirstOrder) -> float:
    if model.delay <= 0.0:
        raise ValueError("this rule needs a dead time: without one any gain is stable in the model")
    return model.delay
