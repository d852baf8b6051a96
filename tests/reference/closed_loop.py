"""The shipped PID bank around a plant, scan by scan."""

import numpy as np

from controller.stages.pid import PidBank


class Bank:
    """Controllers that start from the outputs ``found``; what they put out is achieved."""

    def __init__(self, tunings, found):
        self.pid = PidBank(tunings)
        self.pid.achieved[:] = found
        self._live = np.ones(self.pid.n, bool)

    def step(self, pv, sp, dt=1.0):
        """The outputs of a scan."""
        sp = np.broadcast_to(np.asarray(sp, float), (self.pid.n,)).copy()
        self.pid.achieved[:] = self.pid.step(np.asarray(pv, float), sp, self._live, dt)
        return self.pid.achieved.copy()


def follow(plant, bank, setpoint, seconds, change=None, seen=lambda plant: plant.ph):
    """Closed loop for ``seconds`` scans; ``change(second)`` disturbs. The truth of every scan, shape (seconds, n)."""
    pv, trace = plant.read(), []
    for second in range(seconds):
        if change is not None:
            change(second)
        sp = setpoint(second) if callable(setpoint) else setpoint
        pv = plant.step(bank.step(pv, sp))
        trace.append(seen(plant))
    return np.array(trace)
