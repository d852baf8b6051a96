"""The gas mixers of a site: their bank between the stations, which are loops, and the outputs of the gases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from controller.frame import F8
from controller.model.mixers import Mixer
from controller.stages.loops import Loops
from controller.stages.mixing import AIR_OXYGEN, MixingBank
from controller.stages.outputs import Outputs


class Mixers:
    """Works after the loops and before the interlocks. A mixer whose total is not live leaves its outputs as they are;
    an oxygen station that is not automatic adds nothing to the air, one of carbon dioxide gives none.
    """

    def __init__(self, mixers: Sequence[Mixer]) -> None:
        self._count = len(mixers)
        stations = np.array([mixer.stations for mixer in mixers], np.intp).reshape(-1, 3).T
        self._there = stations >= 0
        self._station = np.maximum(stations, 0)
        self._station_scale = np.array([mixer.station_scale for mixer in mixers], np.float64).reshape(-1, 3).T
        outputs = np.array([mixer.outputs for mixer in mixers], np.intp).reshape(-1, 5).T
        self._moved = outputs >= 0
        self._output = np.maximum(outputs, 0)
        self._output_scale = np.array([mixer.output_scale for mixer in mixers], np.float64).reshape(-1, 5).T
        self.bank = MixingBank(
            np.array([mixer.high for mixer in mixers], np.float64).reshape(-1, 5).T,
            np.array([mixer.smallest for mixer in mixers], np.float64).reshape(-1, 5).T,
            np.array([mixer.additive for mixer in mixers], np.bool_),
            np.array([mixer.keeps_total for mixer in mixers], np.bool_),
        )

    def __len__(self) -> int:
        return self._count

    def find(self, outputs: Outputs, loops: Loops) -> None:
        """Before the loops: once all outputs of a mixer are read, stations that adopt what is found begin there."""
        if not (self._count and outputs.returned.any()):
            return
        found = self.bank.achieved(self._flows(outputs.actual)) / self._station_scale
        read = (outputs.ready[self._output] | ~self._moved).all(axis=0)
        for key, mixer in zip(*np.nonzero(self._there & read & np.isfinite(found)), strict=True):
            row, value = int(self._station[key, mixer]), float(found[key, mixer])
            loops.reached[row] = value
            if loops.states[row].adopt:
                loops.states[row].adopt = False
                loops.setpoints.ask(row, value)
                loops.setpoints.start(row, value)

    def step(self, loops: Loops, outputs: Outputs) -> None:
        """After the loops: from the stations' setpoints to the targets of the gases."""
        if not self._count:
            return
        wish = loops.sp[self._station] * self._station_scale
        used = loops.automatic[self._station] & self._there
        carbon_dioxide = np.where(used[2], wish[2], 0.0)
        oxygen = np.where(used[1], wish[1], AIR_OXYGEN * (1.0 - carbon_dioxide))
        flows = self.bank.spread(wish[0], oxygen, carbon_dioxide) * self._output_scale
        moved = self._moved & loops.live[self._station[0]]
        outputs.target[self._output[moved]] = flows[moved]

    def tell(self, outputs: Outputs, loops: Loops) -> None:
        """After the interlocks: what the outputs amount to is where the stations stand; NaN where nothing is known."""
        if self._count:
            stands = self.bank.positions(self._flows(outputs.actual)) / self._station_scale
            loops.reached[self._station[self._there]] = stands[self._there]

    def _flows(self, actual: F8) -> F8:
        """The gases' flows in the unit of each mixer's total."""
        return np.where(self._moved, actual[self._output] / self._output_scale, 0.0)
