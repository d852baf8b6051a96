"""The pH of many T-cell batches at once as a controller meets it: pump, gas line, mixing, probe."""

import numpy as np

from simulators.physics.gas import AIR_CO2, GAS_MOLAR_L
from simulators.physics.lag import approach
from simulators.physics.ph import carbonate_shares, weak_charge
from tests.reference.chemistry import AIR_ML_MIN, BASE_MM, PH, SOLUBILITY, Chemistry, stoichiometric, transfer
from tests.reference.culture import STEP_H

MIXING_S, GAS_LINE_S, FLOW_S, PROBE_S = 15.0, 20.0, 1.0, 6.0
NOISE, RESOLUTION = 0.004, 0.001
LEAST_PUMP_ML_H, PUMP_ERROR = 0.6, 0.05
LEAST_CO2_ML_MIN = 4.0
"""A mass-flow controller of 200 mL/min gives nothing below a fiftieth of it."""
PER_SECOND = 1.0 / 3600.0


class Broth:
    """``n`` batches, from ``start_h`` after their beginning, where they are at the setpoint then.

    ``ph`` is the truth, ``base_mmol`` what was really delivered: every pump has a gain error of its own, which nobody
    knows. The probes' offset and drift are left out: no loop can see them.
    """

    def __init__(self, batches, seed, start_h=0.0):
        self.chemistry = chemistry = Chemistry(batches)
        self.n, self.hours = chemistry.n, start_h
        self._noise = np.random.default_rng(seed)
        self._pump = 1.0 + PUMP_ERROR * self._noise.standard_normal(self.n)
        self._unmixed, self._co2, self.base_mmol, self.starts = np.zeros((4, self.n))
        self._running = np.zeros(self.n, bool)
        self._ideal = stoichiometric(batches)
        self.strong, self.carbon = (column.copy() for column in chemistry.fresh)
        if start_h > 0.0:
            begun = self._ideal.at(start_h)
            self.strong, self.carbon, self.base_mmol = begun.strong.copy(), begun.carbon.copy(), begun.base.copy()
        self._from = self.base_mmol.copy()
        self.ph = np.full(self.n, PH)
        for _ in range(12):
            self._balance()
        self._probe, self._gas = self.ph.copy(), np.full(self.n, AIR_CO2)

    @property
    def volume(self):
        """L, base included where the vessel keeps what is poured in."""
        course, row = self.chemistry.course, self._row()
        return course.volume[row] + np.where(course.grows, self.base_mmol / BASE_MM, 0.0)

    def step(self, base_ml_h, co2_ml_min, dt=1.0):
        """Let a scan pass; gives the readings."""
        course, row, volume = self.chemistry.course, self._row(), self.volume
        diluted = self._pour(base_ml_h, volume, dt)
        hours = dt * PER_SECOND
        source = self._gassed(co2_ml_min, volume, dt) + course.respired[row] - diluted * self.carbon
        fresh, feed = course.fresh[row], self.chemistry.feed
        self.carbon += hours * (source + fresh * (feed[1] - self.carbon))
        self.strong += hours * (course.ions[row] + fresh * (feed[0] - self.strong) - diluted * self.strong)
        self._balance()
        self.hours += hours
        self._probe += (self.ph - self._probe) * approach(dt, PROBE_S)
        return self.read()

    def read(self):
        """What the probes say."""
        return np.round((self._probe + self._noise.normal(0.0, NOISE, self.n)) / RESOLUTION) * RESOLUTION

    def truth(self):
        """What is controlled."""
        return self.ph.copy()

    def given(self):
        """Base given since the start, mmol, and the least that would have held the setpoint all the time. What
        stands in a pH that is not the setpoint just now was not needed, or is still to be given: it is no waste.
        """
        chemistry = self.chemistry
        standing = (self.strong - chemistry.strong_at(PH, self.carbon)) * self.volume + self._unmixed
        return self.base_mmol - self._from - standing, self._ideal.at(self.hours).base - self._from

    def acid(self):
        """Acid that the cells made from the beginning of the batch, mmol."""
        return self._ideal.at(self.hours).acid

    def _row(self):
        return min(int(self.hours / STEP_H + 1e-9), len(self.chemistry.course.volume) - 1)

    def _pour(self, base_ml_h, volume, dt):
        """Base into the liquid, through its mixing; gives the dilution by it, 1/h."""
        running = base_ml_h >= LEAST_PUMP_ML_H
        litres = np.where(running, base_ml_h * self._pump, 0.0) * (0.001 * PER_SECOND * dt)
        self.starts += running & ~self._running
        self._running = running
        self.base_mmol += litres * BASE_MM
        self._unmixed += litres * BASE_MM
        arrived = self._unmixed * approach(dt, MIXING_S)
        self._unmixed -= arrived
        self.strong += arrived / volume
        return litres / (volume * dt * PER_SECOND)

    def _gassed(self, co2_ml_min, volume, dt):
        """Carbon dioxide from the gas, mM/h, negative where it is stripped. What is gassed into a closed vessel
        dissolves.
        """
        wanted = np.where(co2_ml_min >= LEAST_CO2_ML_MIN, co2_ml_min, 0.0)
        self._co2 += (wanted - self._co2) * approach(dt, FLOW_S)
        total = AIR_ML_MIN + self._co2
        self._gas += ((AIR_CO2 * AIR_ML_MIN + self._co2) / total - self._gas) * approach(dt, GAS_LINE_S)
        free, _ = carbonate_shares(self.ph)
        moved = transfer(self.chemistry.kla, total, volume) * (SOLUBILITY * self._gas - free * self.carbon)
        return np.where(self.chemistry.closed, 60.0 * self._co2 / (GAS_MOLAR_L * volume), moved)

    def _balance(self):
        charge = weak_charge(self.ph, self.carbon, self.chemistry.buffers)
        self.ph = self.ph + np.clip((self.strong - charge.total) / charge.slope, -0.5, 0.5)
