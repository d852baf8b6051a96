"""Loop health on loops that are moved by hand: what a controller would do is set, not computed."""

from dataclasses import replace

import numpy as np

from controller.frame import Frame
from controller.model.loops import LoopTable
from controller.stages.health import Health
from controller.stages.health_books import NOWHERE
from controller.stages.health_report import HealthReport
from controller.stages.loop_state import Mode
from controller.stages.loops import Loops
from tests.control.conftest import bench_site

LOOP = "BR-101.temperature"


def tuned(site, name, **changes):
    """The site with another tuning of one loop."""
    rows = [
        loop._replace(tuning=replace(loop.tuning, **changes)) if loop.full_name == name else loop
        for loop in site.loops.rows
    ]
    return replace(site, loops=LoopTable(tuple(rows)))


class Bench:
    """One site's health and its loops; ``LOOP`` controls, the others are off."""

    def __init__(self, site=None, loop=LOOP):
        self.site = site or bench_site()
        self.loops = Loops(self.site.loops, self.site.outputs, len(self.site.tags))
        self.health = Health(self.site, self.loops, 1.0, 10.0)
        self.report = HealthReport(self.site, self.health)
        self.frame = Frame.never_read(len(self.site.tags))
        self.frame.value[:], self.frame.quality[:] = 0.0, 0
        self.places = [NOWHERE] * len(self.site.vessels)
        self.now = 1000.0
        self.row = self.site.loops.index[loop]
        self.loops.op[:] = 0.0
        self.mode(Mode.AUTO)

    @property
    def pv(self):
        return self.site.loops.rows[self.row].pv

    def mode(self, mode, suspended=""):
        state = self.loops.states[self.row]
        state.mode, state.suspended = mode, suspended
        self.loops.touch()

    def setpoint(self, value):
        self.loops.sp[self.row] = self.loops.sp_target[self.row] = value
        self.loops.touch()

    def limited(self, side):
        self.loops.limited[self.row] = side
        self.loops.touch()

    def scan(self, error, output=None, dt=1.0):
        """One scan in which the loop's PV is ``error`` below its setpoint."""
        self.now += dt
        self.frame.value[self.pv] = self.loops.sp[self.row] - error
        if output is not None:
            self.loops.op[self.row] = output
        self.loops.signals.take(self.frame, self.loops.sp, self.loops.op)
        return self.health.step(tuple(self.places), self.now, dt)

    def scans(self, errors, outputs=None, dt=1.0):
        outputs = np.zeros(len(errors)) if outputs is None else outputs
        return [self.scan(error, output, dt) for error, output in zip(errors, outputs, strict=True)]

    def settle(self):
        """Let the time go by after which the error is taken into the series, without an error."""
        tuning = self.site.loops.rows[self.row].tuning
        self.scans(np.zeros(int(3 * tuning.integral_time) + 2))

    def settled(self):
        """As if all that time had gone by, after one scan."""
        self.scan(0.0)
        self.health.meter.since[:] = 1e9

    def view(self):
        return self.report.loop(*self.site.loops.rows[self.row].full_name.split("."))

    def figures(self):
        return self.view()["all"]
