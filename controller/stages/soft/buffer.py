"""How strongly the culture buffers its pH."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

import numpy as np

from controller.frame import F8
from controller.stages.soft.arithmetic import Columns, Real, row
from controller.stages.soft.constants import CO2_SOLUBILITY, CO2_TO_O2, MM_HG
from controller.stages.soft.model import Setup
from controller.stages.soft.slow import SlowModel

LN10 = log(10.0)
PK1, PK2, PKW, PK_PHOSPHATE, PK_HEPES = 6.10, 9.88, 13.62, 6.80, 7.30
"""At 37 Cel and physiological ionic strength."""
MMOL = 1000.0
SECONDS_PER_HOUR = 3600.0
GAS_L_PER_MOL = 25.4
"""A litre of gas as it leaves, at 37 Cel and 1 atm."""
CARRIES = MMOL / (GAS_L_PER_MOL * CO2_SOLUBILITY * MM_HG)
"""Gas that leaves in equilibrium strips with so many 1/h for every volume of gas per volume and hour."""


class BufferCapacity(SlowModel[Real]):
    """The slope of the charge balance: strong ions, in mmol/L, that move the pH by one.

    ``closed = ln10 (H + OH + phosphate p (1-p) + HEPES e (1-e) + CT (a1 + 4 a2 - c^2))`` where a1 and a2 are the shares
    of the total carbon CT that are bicarbonate and carbonate, and c = a1 + 2 a2. Gas that keeps the partial pressure
    adds ``ln10 CT c^2``. Gas that strips adds, over a time T, the part ``rT / (1 + rT)`` of it, where ``r = kLaCO2 a0``
    (1/h), a0 is the share that is dissolved gas, and kLaCO2 is capped by what the gas can carry away: that is the
    charge balance together with ``dCT/dt = -kLaCO2 (CO2 - CO2*)``, linear in small changes, at the time scale T.

    Sources: Stumm, Morgan, Aquatic Chemistry, 3rd ed. 1996, ch. 3 and 4 (buffer intensity of open and closed systems);
    Stewart, Can. J. Physiol. Pharmacol. 61 (1983) 1444-1461 (strong ions); Royce, Thornhill, AIChE J. 37 (1991)
    1680-1686 (gas that leaves saturated).
    """

    def __init__(self, setup: Setup[Real]) -> None:
        super().__init__(setup)
        self._given = {name: row(value) for name, value in setup.parameters.items()}
        self._kind = setup.options["carbon_dioxide"]

    def find(self, value: Mapping[str, F8], columns: Columns) -> F8:
        """The capacity, in mmol/L per pH."""
        given = self._given
        ph = value["ph"]
        first = 10.0 ** (ph - PK1)
        second = first * 10.0 ** (ph - PK2)
        free = 1.0 / (1.0 + first + second)
        charge = (first + 2.0 * second) * free
        if "co2_pressure" in value:
            carbon = CO2_SOLUBILITY * value["co2_pressure"] / free
        else:
            carbon = given["bicarbonate"][columns] / (first * free)
        bound = MMOL * (10.0**-ph + 10.0 ** (ph - PKW))
        bound += given["phosphate"][columns] * _half_bound(ph - PK_PHOSPHATE)
        bound += given["hepes"][columns] * _half_bound(ph - PK_HEPES)
        bound += carbon * ((first + 4.0 * second) * free - charge * charge)
        bound += self._stripped(value, columns, free) * carbon * charge * charge
        return np.asarray(LN10 * bound)

    def _stripped(self, value: Mapping[str, F8], columns: Columns, free: F8) -> F8 | float:
        """How open the culture is: 0 where all carbon stays, 1 where gas keeps the partial pressure."""
        if self._kind != "stripped":
            return 1.0 if self._kind == "open" else 0.0
        carried = np.where(value["volume"] > 0.0, CARRIES * value["gas_flow"] / value["volume"], np.nan)
        rate = free * np.clip(CO2_TO_O2 * value["kla"], 0.0, np.maximum(carried, 0.0))
        turns = rate * self._given["over"][columns] / SECONDS_PER_HOUR
        return np.asarray(turns / (1.0 + turns))


def _half_bound(above: F8) -> F8:
    """``s (1 - s)`` of a weak acid at a pH so far ``above`` its pK; a quarter where half of it is bound."""
    share = 1.0 / (1.0 + 10.0**-above)
    return np.asarray(share * (1.0 - share))
