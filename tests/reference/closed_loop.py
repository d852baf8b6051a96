"""The shipped PID bank around a plant, scan by scan."""

from types import SimpleNamespace

import numpy as np

from controller.frame import GOOD
from controller.stages.pid import PidBank
from controller.stages.schedule import Schedules
from simulators.physics.lag import approach


class Bank:
    """Controllers that start from the outputs ``found``; what they put out is achieved. Readings are filtered first."""

    def __init__(self, tunings, found, filter_s=0.0):
        self.pid = PidBank(tunings)
        self.pid.achieved[:] = found
        self._live = np.ones(self.pid.n, bool)
        self._filter_s, self._pv = filter_s, None

    def step(self, reading, sp, dt=1.0):
        """The outputs of a scan."""
        share = approach(dt, self._filter_s) if self._filter_s and self._pv is not None else 1.0
        self._pv = reading if share == 1.0 else self._pv + (reading - self._pv) * share
        sp = np.broadcast_to(np.asarray(sp, float), (self.pid.n,)).copy()
        self.pid.achieved[:] = self.pid.step(self._pv, sp, self._live, dt)
        return self.pid.achieved.copy()


def follow(plant, bank, setpoint, seconds, change=None):
    """Closed loop for ``seconds`` scans; ``change(second)`` disturbs. The plant's ``truth`` of every scan, shape
    (seconds, n).
    """
    reading, trace = plant.read(), []
    for second in range(seconds):
        if change is not None:
            change(second)
        sp = setpoint(second) if callable(setpoint) else setpoint
        reading = plant.step(bank.step(reading, sp))
        trace.append(plant.truth())
    return np.array(trace)


def scheduled(loop, value):
    """Gain, integral and derivative time that a loop's schedule gives where its signal is ``value``."""
    signals = loop.schedule.signal + 1
    schedules = Schedules([loop])
    schedules.apply(
        SimpleNamespace(value=np.full(signals, value), quality=np.full(signals, GOOD)), PidBank([loop.tuning])
    )
    return schedules.current(0)
