"""Oxygen uptake rate from dissolved oxygen and kLa."""

from __future__ import annotations

import numpy as np

from controller.frame import F8
from controller.stages.soft.constants import AIR_OXYGEN, air_saturation
from controller.stages.soft.dissolved import DissolvedOxygen
from controller.stages.soft.model import SETTLING, Columns, Model, Now, Setup

MMOL = 1000.0
RENEW_S = 30.0
"""How often the solubility follows the temperature."""


class OurDynamic(Model):
    """``OUR = kLa (O* - O) - dO/dt`` in mmol/L/h: the dynamic method without stopping the gas.

    Sources: Garcia-Ochoa, Gomez, Santos, Merchuk, Biochem. Eng. J. 49 (2010) 289-307; Bandyopadhyay, Humphrey, Taguchi,
    Biotechnol. Bioeng. 9 (1967) 533-544.

    With the gas flow and the volume the gas leaves with less oxygen than it brings, well mixed:
    ``kLa / (1 + kLa V Vm H / Q)`` takes the place of kLa, H being the solubility per mole fraction. Without gas or
    volume there is no answer, and everything begins anew when they are back.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._oxygen = DissolvedOxygen(setup, 1)
        self._molar = setup.parameters["molar_volume"] / (AIR_OXYGEN * MMOL)
        self._saturation = setup.parameters.get("air_saturation", np.full(setup.n, np.nan)).copy()
        self._due_s, self._part = np.zeros((2, setup.n))
        self._due, self._gone = np.zeros((2, setup.n), np.bool_)
        self.memory = {**self._oxygen.memory}

    def step(self, now: Now, dt: float) -> None:
        """The uptake as the probe shows it: behind by its lag, and by the window."""
        oxygen = self._oxygen
        transfer = oxygen.begin(now)[0]
        self._follow_temperature(now, dt)
        np.multiply(self._effective(now), oxygen.force, out=transfer)
        (filtered,) = oxygen.finish(dt)
        np.subtract(filtered, oxygen.slope, out=now.out)
        np.multiply(now.out, self._saturation, out=now.out)
        np.multiply(now.out, 0.01, out=now.out)
        if not oxygen.calm:
            now.doubt(oxygen.settling, SETTLING)
        self._without_gas(now)

    def resume(self, columns: Columns, outage_s: float) -> None:
        """Begin anew after a long time."""
        self._oxygen.resume(columns, outage_s)

    def _without_gas(self, now: Now) -> None:
        """No answer where there is no gas or no volume."""
        if "gas_flow" not in now.value:
            return
        np.minimum(now.value["gas_flow"], now.value["volume"], out=self._part)
        np.less_equal(self._part, 0.0, out=self._gone)
        if np.count_nonzero(self._gone):
            now.out[self._gone] = np.nan
            self._oxygen.forget(self._gone)

    def _effective(self, now: Now) -> F8:
        """KLa with respect to the gas that flows in."""
        value, part = now.value, self._part
        if "gas_flow" not in value:
            return value["kla"]
        np.divide(value["volume"], value["gas_flow"], out=part)
        np.multiply(part, self._molar, out=part)
        np.multiply(part, self._saturation, out=part)
        np.multiply(part, value["kla"], out=part)
        np.add(part, 1.0, out=part)
        np.divide(value["kla"], part, out=part)
        return part

    def _follow_temperature(self, now: Now, dt: float) -> None:
        if "temperature" not in now.value:
            return
        due = self._due
        np.subtract(self._due_s, dt, out=self._due_s)
        np.less_equal(self._due_s, 0.0, out=due)
        if self._oxygen.starts:
            np.logical_or(due, self._oxygen.starting, out=due)
        if np.count_nonzero(due):
            self._due_s[due] = RENEW_S
            self._saturation[due] = air_saturation(now.value["temperature"][due])
