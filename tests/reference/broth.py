"""The pH of many T-cell batches at once: inorganic carbon, strong ions, gas, base pump, probe.

*Open* vessels are stripped of carbon dioxide by a constant flow of air, *swinging* ones by a transfer that a dissolved
oxygen loop moves up and down by half, and from *closed* ones no carbon dioxide ever leaves: what respires there or is
gassed in stays as acid until base meets it.
"""

from typing import NamedTuple

import numpy as np

from simulators.physics.gas import AIR_CO2, CO2_TO_O2, GAS_MOLAR_L, co2_solubility, vapour_pressure
from simulators.physics.lag import approach
from simulators.physics.ph import Buffers, carbonate_shares, weak_charge
from simulators.tank import medium
from tests.reference.culture import STEP_H, Course

PH = 7.2
BANDED = 0.02
SOLUBILITY = co2_solubility(37.0) * (1.0 - vapour_pressure(37.0))
AIR_ML_MIN = 100.0
KLA = {"open": 12.0, "swinging": 12.0, "closed": 0.0}
SWING_H = 2.0
BUFFERS = {"lean": Buffers(1.0, 0.0), "rpmi": Buffers(5.6, 0.0), "hepes": Buffers(5.6, 25.0)}
BASE_MM = 500.0
MIXING_S, GAS_LINE_S, FLOW_S, PROBE_S = 15.0, 20.0, 1.0, 6.0
NOISE, RESOLUTION = 0.004, 0.001
LEAST_PUMP_ML_H, PUMP_ERROR = 0.6, 0.05
LEAST_CO2_ML_MIN = 4.0
"""A controller of 200 mL/min gives nothing below a fiftieth of it."""
PER_SECOND = 1.0 / 3600.0


class Batch(NamedTuple):
    """One batch: who grows, how it is fed, where its carbon dioxide goes, and what buffers it."""

    donor: str
    feeding: str
    gas: str
    medium: str


class Chemistry:
    """What the batches have in common with the ideal one: courses, media and transfer. Arrays (n,), mM, hours."""

    def __init__(self, batches):
        self.batches = tuple(batches)
        self.n = len(self.batches)
        self.course = Course.of([(batch.donor, batch.feeding) for batch in self.batches])
        buffers = [BUFFERS[batch.medium] for batch in self.batches]
        self.buffers = Buffers(*(np.array(column) for column in zip(*buffers, strict=True)))
        self.fresh = _media(buffers, 7.40)
        self.feed = _media(buffers, 7.30)
        self.closed = np.array([batch.gas == "closed" for batch in self.batches])
        self._kla = np.array([KLA[batch.gas] for batch in self.batches])
        self._swing = np.array([0.5 * (batch.gas == "swinging") for batch in self.batches])

    def transfer(self, hours, gas_ml_min, volume):
        """Transfer coefficient of carbon dioxide in 1/h, capped by what leaving gas can carry."""
        kla = self._kla * (1.0 + self._swing * (1.0 if hours % SWING_H < 0.5 * SWING_H else -1.0))
        carried = 60.0 * gas_ml_min / (GAS_MOLAR_L * volume * co2_solubility(37.0))
        return np.minimum(CO2_TO_O2 * kla, carried)

    def strong_at(self, ph, carbon):
        """The strong-ion difference that holds a pH."""
        return weak_charge(ph, carbon, self.buffers).total


def _media(buffers, ph):
    columns = zip(*(medium(ph, 35.6, one) for one in buffers), strict=True)
    return tuple(np.array(column) for column in columns)


class Broth:
    """``n`` batches in closed loop. ``ph`` is the truth, ``base_mmol`` what was really delivered.

    Every pump has a gain error of its own, which nobody knows.
    """

    def __init__(self, batches, seed, start_h=0.0):
        self.chemistry = chemistry = Chemistry(batches)
        self.n = chemistry.n
        self._noise = np.random.default_rng(seed)
        self._pump = 1.0 + PUMP_ERROR * self._noise.standard_normal(self.n)
        self.strong, self.carbon = (column.copy() for column in chemistry.fresh)
        self.ph = np.full(self.n, 7.4)
        for _ in range(12):
            self._balance()
        self._probe = self.ph.copy()
        self._gas = np.full(self.n, AIR_CO2)
        self._unmixed, self._co2, self.base_mmol, self.base_l, self.starts = np.zeros((5, self.n))
        self._running = np.zeros(self.n, bool)
        self.hours = start_h

    def step(self, base_ml_h, co2_ml_min, dt=1.0):
        """Let a scan pass; gives the readings."""
        course, row = self.chemistry.course, int(self.hours / STEP_H + 1e-9)
        volume = course.volume[row] + np.where(course.grows, self.base_l, 0.0)
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

    def capacity(self):
        """Buffer capacity of the closed liquid, mM per pH."""
        return weak_charge(self.ph, self.carbon, self.chemistry.buffers).slope

    def _pour(self, base_ml_h, volume, dt):
        """Base into the liquid, through its mixing; gives the dilution by it, 1/h."""
        running = base_ml_h >= LEAST_PUMP_ML_H
        litres = np.where(running, base_ml_h * self._pump, 0.0) * (0.001 * PER_SECOND * dt)
        self.starts += running & ~self._running
        self._running = running
        self.base_l += litres
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
        chemistry = self.chemistry
        free, _ = carbonate_shares(self.ph)
        moved = chemistry.transfer(self.hours, total, volume) * (SOLUBILITY * self._gas - free * self.carbon)
        return np.where(chemistry.closed, 60.0 * self._co2 / (GAS_MOLAR_L * volume), moved)

    def _balance(self):
        charge = weak_charge(self.ph, self.carbon, self.chemistry.buffers)
        self.ph += np.clip((self.strong - charge.total) / charge.slope, -0.5, 0.5)


class Ideal(NamedTuple):
    """What nobody can better: base and carbon dioxide in mmol, and the acid that the cells made; rows of the course."""

    base: np.ndarray
    co2: np.ndarray
    acid: np.ndarray


def stoichiometric(batches):
    """The base that the charge balance asks for, per batch, from the beginning to each row of the course.

    The pH is held at the setpoint exactly, from the first moment on. In every step the liquid's strong ions (the
    medium's, less the acid the cells made, more the ammonium) and its inorganic carbon (respired, stripped, fed) are
    compared with what the setpoint asks for. Where strong ions are short, base makes up for them, and no carbon dioxide
    is gassed; where carbon is short, carbon dioxide makes up for it, and no base is given. So this is the least base
    that holds the setpoint: all that a controller needs more has been given against its own carbon dioxide, or above
    the setpoint.
    """
    chemistry = Chemistry(batches)
    course, feed = chemistry.course, chemistry.feed
    strong, carbon = (column.copy() for column in chemistry.fresh)
    base, co2, acid, base_l, diluted = np.zeros((5, chemistry.n))
    free, charge = carbonate_shares(PH)
    others = chemistry.strong_at(PH, 0.0)
    rows = []
    for row, fresh in enumerate(course.fresh):
        volume = course.volume[row] + np.where(course.grows, base_l, 0.0)
        rate = chemistry.transfer(row * STEP_H, AIR_ML_MIN, volume)
        stripped = np.where(chemistry.closed, 0.0, rate * (SOLUBILITY * AIR_CO2 - free * carbon))
        carbon += STEP_H * (stripped + course.respired[row] + fresh * (feed[1] - carbon) - diluted * carbon)
        strong += STEP_H * (course.ions[row] + fresh * (feed[0] - strong) - diluted * strong)
        short = np.maximum(others + carbon * charge - strong, 0.0)
        strong += short
        missing = np.maximum((strong - others) / charge - carbon, 0.0)
        carbon += missing
        base += short * volume
        co2 += missing * volume
        acid -= course.ions[row] * STEP_H * volume
        diluted = short / BASE_MM / STEP_H
        base_l += short * volume / BASE_MM
        rows.append((base.copy(), co2.copy(), acid.copy()))
    return Ideal(*np.moveaxis(np.array(rows), 1, 0))
