"""Copies of one loop of a vessel on the stages of the scan: filter, loop, limits of the outputs, tracking.

A whole scan also validates, estimates, watches interlocks and alarms, and shows what it did. Days of process time for
dozens of vessels do not need that at every second.
"""

from dataclasses import replace

import numpy as np

from controller.frame import Frame
from controller.model.loops import LoopTable, OutputTable
from controller.model.tags import TagTable
from controller.stages.loop_state import Mode
from controller.stages.loops import Loops
from controller.stages.outputs import Outputs
from simulators.physics.lag import approach

NOTHING_BUSY = 1e9


class Sisters:
    """``n`` vessels that each have the loop ``name`` of ``site``'s vessel ``vessel``, in automatic.

    ``found`` are the values at which their outputs are found, by output name. A gain schedule's signal is given to
    :meth:`step`.
    """

    def __init__(self, site, vessel, name, n, found, setpoint=None):
        loop = site.loops.rows[site.loops.index[f"{vessel}.{name}"]]
        rows = [leg.target for leg in loop.legs]
        outputs = [site.outputs.rows[row] for row in rows]
        signals = [loop.pv] if loop.schedule is None else [loop.pv, loop.schedule.signal]
        tags = [*(site.tags.tags[row] for row in signals), *(site.tags.tags[output.tag] for output in outputs)]
        width = len(tags)
        self.n, self._names = n, [output.name.partition(".")[2] for output in outputs]
        copies = range(n)
        table = TagTable(tuple(tag._replace(vessel=str(copy)) for copy in copies for tag in tags))
        made = OutputTable(
            tuple(
                output._replace(tag=copy * width + len(signals) + place, name=f"{copy}.{name}")
                for copy in copies
                for place, (output, name) in enumerate(zip(outputs, self._names, strict=True))
            ),
            rivals=tuple(
                tuple(copy * len(outputs) + rows.index(row) for row in pair)
                for copy in copies
                for pair in site.outputs.rivals
                if set(pair) <= set(rows)
            ),
        )
        loops = LoopTable(tuple(_copy(loop, copy, width, len(outputs)) for copy in copies))
        self.outputs, self.loops = Outputs(made, table), Loops(loops, made, len(table))
        self.frame = Frame.never_read(len(table))
        for row in range(len(table)):
            self.frame.quality[row] = self.frame.reason[row] = 0
        self._values = self.frame.value.reshape(n, width)
        self._targets = self.outputs.actual.reshape(n, len(outputs))
        self._out = self._values[:, len(signals) :]
        self._signal = self._values[:, 1] if len(signals) > 1 else None
        self._out[:] = [found[name] for name in self._names]
        self._filter_s, self._forced = table.tags[0].filter_s, np.full(len(made.rows), np.nan)
        self._began, self._now = False, 0.0
        for state in self.loops.states:
            state.mode, state.claimed, state.suspended = Mode.AUTO, True, ""
        if setpoint is not None:
            self.loops.sp_target[:] = self.loops.sp[:] = setpoint
        self.loops.touch()

    def step(self, reading, signal=None, dt=1.0):
        """One scan on the readings ``(n,)``; gives what each output now stands at, ``(n,)``, by name."""
        share = approach(dt, self._filter_s) if self._filter_s and self._began else 1.0
        pv = self._values[:, 0]
        pv[:] = reading if share == 1.0 else pv + (reading - pv) * share
        if self._signal is not None:
            self._signal[:] = signal
        self._began = True
        self._now += dt
        outputs, loops = self.outputs, self.loops
        outputs.observe(self.frame, dt)
        loops.step(self.frame, outputs, dt)
        for tag, value in outputs.command(self._forced, dt, self._now).items():
            self.frame.value[tag] = value
        loops.track(outputs)
        return {name: self._out[:, place].copy() for place, name in enumerate(self._names)}


def _copy(loop, copy, width, outputs):
    """The loop of one copy: its signals come first among the copy's tags, its outputs in the order of its legs."""
    legs = tuple(leg._replace(target=copy * outputs + place) for place, leg in enumerate(loop.legs))
    schedule = loop.schedule and replace(loop.schedule, signal=copy * width + 1)
    return loop._replace(vessel=str(copy), pv=copy * width, legs=legs, schedule=schedule)
