"""Frequency responses of the pH to the two ways of moving it, linear around a state at the setpoint."""

from typing import NamedTuple

from simulators.physics.gas import GAS_MOLAR_L
from simulators.physics.ph import carbonate_shares, weak_charge
from tests.reference.broth import FLOW_S, GAS_LINE_S, MIXING_S, PER_SECOND, PROBE_S
from tests.reference.chemistry import BASE_MM, BUFFERS, PH, SOLUBILITY, transfer
from tests.reference.margins import lag

NUDGE = 1e-5


class State(NamedTuple):
    """A culture at the setpoint: its medium, bicarbonate in mM, kLa in 1/h (0: closed), volume in L, air and carbon
    dioxide in mL/min.
    """

    medium: str
    bicarbonate: float
    kla: float
    volume: float
    air: float = 100.0
    co2: float = 5.0

    @property
    def carbon(self):
        """Inorganic carbon, mM."""
        return self.bicarbonate / carbonate_shares(PH)[1]

    @property
    def capacity(self):
        """Of the closed liquid, mM per pH."""
        return weak_charge(PH, self.carbon, BUFFERS[self.medium]).slope


def base_response(w, state):
    """From base in mL/h to the reading."""
    strong = BASE_MM * 0.001 * PER_SECOND / state.volume / (1j * w) * lag(w, MIXING_S)
    return _reading(w, state, strong, 0.0)


def co2_response(w, state):
    """From carbon dioxide in mL/min to the reading."""
    total = state.air + state.co2
    if state.kla == 0.0:
        gassed = 60.0 / (GAS_MOLAR_L * state.volume) * PER_SECOND * lag(w, FLOW_S)
    else:
        share = state.air / total**2 * lag(w, FLOW_S) * lag(w, GAS_LINE_S)
        gassed = transfer(state.kla, total, state.volume) * PER_SECOND * SOLUBILITY * share
    return _reading(w, state, 0.0, gassed)


def _reading(w, state, strong, gassed):
    """The reading for strong ions in mM and carbon dioxide gassed in, in mM/s: what is stripped follows the pH."""
    free, charge = carbonate_shares(PH)
    freed = (carbonate_shares(PH + NUDGE)[0] - free) / NUDGE
    rate = transfer(state.kla, state.air + state.co2, state.volume) * PER_SECOND
    capacity = state.capacity
    held = 1j * w + rate * (free - state.carbon * freed * charge / capacity)
    carbon = (gassed - rate * state.carbon * freed * strong / capacity) / held
    return (strong - charge * carbon) / capacity * lag(w, PROBE_S)
