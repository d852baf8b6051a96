"""The 2 L vessel's dissolved oxygen beside a flow of air, as a sequence moves it: nitrogen, stirrer, oxygen."""

import numpy as np

from simulators.physics.gas import AIR_O2
from simulators.physics.transfer import kla, stirred
from simulators.tank import CELL_CULTURE
from tests.reference.margins import lag

LEGS = {
    "nitrogen": (0.0, 25.0, 200.0, 0.0),
    "agitation": (25.0, 60.0, 60.0, 180.0),
    "oxygen": (60.0, 100.0, 0.0, 200.0),
}
"""From and to in % of the output, start and end in mL/min and rev/min: as in the class."""
FLOW_S = 1.0
NUDGE = 1e-4


def aerated(w, place, volume, do, probe_s, air, tank=CELL_CULTURE):
    """From the loop's output in % to the reading in %, around the output ``place`` (not where two legs meet), with a
    ``do`` in % held by the uptake, and ``air`` in mL/min. Volume, speeds and flows of a larger ``tank``, whose legs are
    as much larger, are said as those of 2 L.
    """
    transfer, saturation = _state(place, volume, air, tank)
    higher, lower = (_state(place + nudge, volume, air, tank) for nudge in (NUDGE, -NUDGE))
    by_transfer, by_gas = ((up - down) / (2.0 * NUDGE) for up, down in zip(higher, lower, strict=True))
    low, high, *_ = LEGS["agitation"]
    mixed = 1.0 if low < place < high else lag(w, FLOW_S)
    moved = by_transfer * (saturation - do) * mixed
    if not low < place < high:
        moved = moved + transfer * by_gas * mixed * lag(w, tank.gas_line_s)
    return moved / (1j * w + transfer) * lag(w, probe_s)


def _state(place, volume, air, tank):
    """kLa in 1/s and what the gas would saturate the culture with, %."""
    nitrogen, agitation, oxygen = (
        start + (end - start) * np.clip((place - low) / (high - low), 0.0, 1.0)
        for low, high, start, end in LEGS.values()
    )
    gas = air + nitrogen + oxygen
    transfer = kla_of(agitation, gas, volume, tank) / 3600.0
    return transfer, 100.0 * (AIR_O2 * air + oxygen) / gas / AIR_O2


def kla_of(agitation, gas, litres, tank=CELL_CULTURE):
    """1/h, of the stirrer in rev/min and the gas in mL/min."""
    stirring = stirred(agitation, CELL_CULTURE.reference_rpm)
    return kla(stirring, gas, litres, tank.kla_reference, tank.kla_surface)
