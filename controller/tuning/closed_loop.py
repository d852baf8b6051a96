"""Closed loops of process models and the controllers as shipped, and what is read from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from controller.frame import F8
from controller.model.pid_forms import Standard
from controller.model.tuning import Tuning
from controller.stages.pid import PidBank
from controller.tuning.plants import Plants
from controller.tuning.process import Process

WIDE = 1e9
"""Output limits of a loop that is to be judged without limits."""


@dataclass(frozen=True, slots=True)
class Case:
    """One loop at rest, all values as deviations from there; at time 0 its setpoint and its load step.

    ``setpoint`` in PV units; ``load`` is added to the output on its way to the process, in output units. ``low`` and
    ``high`` limit the output's deviation.
    """

    process: Process
    pid: Standard
    setpoint: float = 0.0
    load: float = 0.0
    low: float = -WIDE
    high: float = WIDE
    weight: float = 1.0

    def tuning(self, dt: float) -> Tuning:
        """The controller's parameters, times as multiples of ``dt``."""
        pid = self.pid
        tuning = Tuning(
            pid.gain, pid.integral_time / dt, pid.derivative_time / dt, setpoint_weight=self.weight,
            low=self.low, high=self.high,
        )  # fmt: skip
        if pid.filter_time <= 0.0:
            return tuning
        return replace(tuning, derivative_filter=pid.derivative_time / pid.filter_time)


@dataclass(frozen=True, slots=True)
class Responses:
    """``n`` loops in time: ``time``, ``pv`` and ``op`` have shape ``(samples, n)``; ``setpoint`` has shape ``(n,)``.

    ``op[i]`` is what the controller puts out on seeing ``pv[i]``.
    """

    time: F8
    pv: F8
    op: F8
    setpoint: F8

    @property
    def iae(self) -> F8:
        """The integral of the absolute error, ``(n,)``, in PV units times seconds."""
        error = np.abs(self.setpoint - self.pv)
        return np.asarray(((error[1:] + error[:-1]) / 2.0 * np.diff(self.time, axis=0)).sum(axis=0))

    @property
    def overshoot(self) -> F8:
        """By how much the PV goes beyond the new setpoint, in percent of the step, ``(n,)``; NaN without a step."""
        beyond = np.maximum((self.pv * np.sign(self.setpoint)).max(axis=0) - np.abs(self.setpoint), 0.0)
        step = np.abs(self.setpoint)
        return np.asarray(100.0 * beyond / np.where(step > 0.0, step, np.nan))

    @property
    def deviation(self) -> F8:
        """The largest distance from the setpoint, ``(n,)``."""
        return np.asarray(np.abs(self.setpoint - self.pv).max(axis=0))

    @property
    def travel(self) -> F8:
        """All the way that the output went, ``(n,)``: its total variation."""
        return np.asarray(np.abs(np.diff(self.op, axis=0)).sum(axis=0))


def simulate(cases: Sequence[Case], dt: F8, samples: int) -> Responses:
    """Run the cases together, each with its own ``dt`` in seconds, shape ``(n,)``, for so many samples.

    To the bank of controllers each loop's ``dt`` is 1, its times are multiples of it: so loops of any speed run side by
    side on the discretisation that is shipped.
    """
    n = len(cases)
    plants = Plants([case.process for case in cases], dt)
    bank = PidBank([case.tuning(step) for case, step in zip(cases, dt.tolist(), strict=True)])
    setpoint = np.array([case.setpoint for case in cases], np.float64)
    load = np.array([case.load for case in cases], np.float64)
    live, pv, op = np.ones(n, np.bool_), np.zeros((samples, n)), np.zeros((samples, n))
    bank.step(pv[0], np.zeros(n), live, 0.0)
    for sample in range(samples):
        if sample:
            pv[sample] = plants.step(op[sample - 1] + load)
        op[sample] = bank.step(pv[sample], setpoint, live, 1.0)
        bank.achieved[:] = op[sample]
    return Responses(np.arange(samples)[:, None] * dt, pv, op, setpoint)
