"""What T-cell batches do to the pH of their vessels: media, inorganic carbon, strong ions; and the least base for it.

*Open* vessels are stripped of carbon dioxide by a constant flow of air. From *closed* ones no carbon dioxide ever
leaves: what respires there or is gassed in stays as acid until base meets it. Arrays are over the batches, in mM and
hours.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulators.physics.gas import AIR_CO2, CO2_TO_O2, GAS_MOLAR_L, co2_solubility, vapour_pressure
from simulators.physics.ph import Buffers, carbonate_shares, weak_charge
from simulators.tank import INCUBATOR_CO2_MMHG, medium
from tests.reference.culture import STEP_H, Course

PH = 7.2
FRESH_PH, FEED_PH = 7.40, 7.30
SOLUBILITY = co2_solubility(37.0) * (1.0 - vapour_pressure(37.0))
AIR_ML_MIN = 100.0
KLA = {"open": 12.0, "closed": 0.0}
BUFFERS = {"lean": Buffers(1.0, 0.0), "rpmi": Buffers(5.6, 10.0), "hepes": Buffers(5.6, 25.0)}
BICARBONATE = 24.0
"""Of fresh medium, mM; what a soft sensor is told that the culture holds."""
BASE_MM = 500.0


class Batch(NamedTuple):
    """One batch: who grows, how it is fed, where its carbon dioxide goes, and what buffers it."""

    donor: str
    feeding: str
    gas: str
    medium: str


def transfer(kla, gas_ml_min, volume):
    """Transfer coefficient of carbon dioxide in 1/h, capped by what leaving gas can carry."""
    return np.minimum(CO2_TO_O2 * kla, 60.0 * gas_ml_min / (GAS_MOLAR_L * volume * co2_solubility(37.0)))


class Chemistry:
    """What batches in a control loop have in common with ideal ones."""

    def __init__(self, batches):
        self.batches = tuple(batches)
        self.n = len(self.batches)
        self.course = Course.of([(batch.donor, batch.feeding) for batch in self.batches])
        buffers = [BUFFERS[batch.medium] for batch in self.batches]
        self.buffers = Buffers(*(np.array(column) for column in zip(*buffers, strict=True)))
        self.fresh, self.feed = (_media(buffers, ph) for ph in (FRESH_PH, FEED_PH))
        self.closed = np.array([batch.gas == "closed" for batch in self.batches])
        self.kla = np.array([KLA[batch.gas] for batch in self.batches])

    def strong_at(self, ph, carbon):
        """The strong-ion difference that holds a pH."""
        return weak_charge(ph, carbon, self.buffers).total

    def told_capacity(self):
        """What a soft sensor makes of the medium's declaration for the closed liquid, mM per pH."""
        return weak_charge(PH, BICARBONATE / carbonate_shares(PH)[1], self.buffers).slope


def _media(buffers, ph):
    columns = zip(*(medium(ph, INCUBATOR_CO2_MMHG, one) for one in buffers), strict=True)
    return tuple(np.array(column) for column in columns)


@dataclass(frozen=True)
class Ideal:
    """What nobody can better, a row for each of the course's: base, carbon dioxide and the acid that the cells made,
    mmol from the beginning; and the liquid's strong ions and carbon, mM.
    """

    base: np.ndarray
    co2: np.ndarray
    acid: np.ndarray
    strong: np.ndarray
    carbon: np.ndarray

    def at(self, hours):
        """One moment; the end for all later ones."""
        row = min(round(hours / STEP_H), len(self.base)) - 1
        return Ideal(*(column[row] for column in (self.base, self.co2, self.acid, self.strong, self.carbon)))


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
        rate = transfer(chemistry.kla, AIR_ML_MIN, volume)
        stripped = rate * (SOLUBILITY * AIR_CO2 - free * carbon)
        carbon = carbon + STEP_H * (stripped + course.respired[row] + fresh * (feed[1] - carbon) - diluted * carbon)
        strong = strong + STEP_H * (course.ions[row] + fresh * (feed[0] - strong) - diluted * strong)
        short = np.maximum(others + carbon * charge - strong, 0.0)
        strong = strong + short
        missing = np.maximum((strong - others) / charge - carbon, 0.0)
        carbon = carbon + missing
        base, co2 = base + short * volume, co2 + missing * volume
        acid = acid - course.ions[row] * STEP_H * volume
        diluted = short / BASE_MM / STEP_H
        base_l = base_l + short * volume / BASE_MM
        rows.append((base, co2, acid, strong, carbon))
    return Ideal(*np.moveaxis(np.array(rows), 1, 0))
