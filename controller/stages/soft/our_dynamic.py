"""Oxygen uptake rate from dissolved oxygen and kLa."""

from __future__ import annotations

from controller.stages.soft.arithmetic import Real, Truth, filled, minimum, over, some, where
from controller.stages.soft.constants import AIR_OXYGEN, air_saturation
from controller.stages.soft.dissolved import DissolvedOxygen
from controller.stages.soft.model import SETTLING, Model, Now, Setup

MMOL = 1000.0
RENEW_S = 30.0
"""How often the solubility follows the temperature."""


class OurDynamic(Model[Real]):
    """``OUR = kLa (O* - O) - dO/dt`` in mmol/L/h: the dynamic method without stopping the gas.

    Sources: Garcia-Ochoa, Gomez, Santos, Merchuk, Biochem. Eng. J. 49 (2010) 289-307; Bandyopadhyay, Humphrey, Taguchi,
    Biotechnol. Bioeng. 9 (1967) 533-544.

    With the gas flow and the volume the gas leaves with less oxygen than it brings, well mixed:
    ``kLa / (1 + kLa V Vm H / Q)`` takes the place of kLa, H being the solubility per mole fraction. Without gas or
    volume there is no answer, and everything begins anew when they are back.
    """

    _saturation: Real
    _due_s: Real

    def __init__(self, setup: Setup[Real]) -> None:
        super().__init__(setup)
        self._oxygen: DissolvedOxygen[Real] = DissolvedOxygen(setup, self.memory, 1)
        self._molar: Real = setup.parameters["molar_volume"] / (AIR_OXYGEN * MMOL)
        self._saturation = setup.parameters.get("air_saturation", filled(setup.none, float("nan")))
        self._due_s = setup.none

    def step(self, now: Now[Real], dt: float) -> Real:
        """The uptake as the probe shows it: behind by its lag, and by the window."""
        oxygen = self._oxygen
        oxygen.begin(now)
        if "temperature" in now.value:
            self._follow_temperature(now.value["temperature"], dt)
        (filtered,) = oxygen.finish([self._effective(now) * oxygen.force], dt)
        found: Real = (filtered - oxygen.slope) * self._saturation * 0.01
        if not oxygen.calm:
            now.doubt(oxygen.settling, SETTLING)
        if "gas_flow" not in now.value:
            return found
        gone = minimum(now.value["gas_flow"], now.value["volume"]) <= 0.0
        if some(gone):
            found = where(gone, float("nan"), found)
            oxygen.forget(gone)
        return found

    def resume(self, chosen: Truth, outage_s: float) -> None:
        """Begin anew after a long time."""
        self._oxygen.resume(chosen, outage_s)

    def _effective(self, now: Now[Real]) -> Real:
        """KLa with respect to the gas that flows in."""
        value, kla = now.value, now.value["kla"]
        if "gas_flow" not in value:
            return kla
        held = over(value["volume"], value["gas_flow"]) * self._molar * self._saturation
        return over(kla, held * kla + 1.0)

    def _follow_temperature(self, temperature: Real, dt: float) -> None:
        self._due_s = self._due_s - dt
        due: Truth = self._due_s <= 0.0
        if self._oxygen.starts:
            due = due | self._oxygen.starting
        if some(due):
            self._due_s = where(due, RENEW_S, self._due_s)
            self._saturation = where(due, air_saturation(temperature), self._saturation)
