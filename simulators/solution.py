"""The liquid's dissolved oxygen, inorganic carbon, strong ions and pH."""

from __future__ import annotations

from simulators.biology.culture import Exchange
from simulators.gas_path import Gas, GasPath
from simulators.physics.gas import (
    air_saturation,
    carbon_step,
    co2_rate,
    co2_solubility,
    oxygen_rate,
    oxygen_solubility,
    oxygen_step,
    vapour_pressure,
)
from simulators.physics.lag import covered
from simulators.physics.mass import mixed
from simulators.physics.ph import Buffers, carbon_for, carbonate_shares, solve_ph, strong_for
from simulators.physics.transfer import kla
from simulators.tank import Medium, Tank

SECONDS_PER_HOUR = 3600.0
COLD_START_ITERATIONS = 12
LEAST_CARBON = 1.0
"""Inorganic carbon in mM that a culture has at least; mineral medium brings less, but grows its own."""
SAME_TEMPERATURE = 0.02
"""Cel within which solubilities are kept."""


class Solution:
    """What is dissolved in one vessel. Concentrations in mM, `kla` in 1/h, uptake in mM/h; `ammonia` came as base."""

    def __init__(self, tank: Tank, temperature: float) -> None:
        self._tank = tank
        self.strong = tank.fresh.strong
        self.carbon = tank.fresh.carbon
        self.ammonia = 0.0
        self.kla = tank.kla_surface
        self.oxygen_uptake = 0.0
        self._unmixed = 0.0
        self._set_solubilities(temperature)
        self.oxygen = self._air_saturation
        self.settle()

    @property
    def oxygen_percent(self) -> float:
        """Dissolved oxygen in % of saturation with air at this temperature and 1 atm."""
        return 100.0 * self.oxygen / self._air_saturation

    @oxygen_percent.setter
    def oxygen_percent(self, percent: float) -> None:
        self.oxygen = 0.01 * percent * self._air_saturation

    def buffers(self) -> Buffers[float]:
        """Weak acids and bases, with the ammonia that was given as base."""
        medium = self._tank.buffers
        return Buffers(medium.phosphate, medium.hepes, self.ammonia)

    def warm(self, temperature: float) -> None:
        """Follow the temperature."""
        if abs(temperature - self._temperature) > SAME_TEMPERATURE:
            self._set_solubilities(temperature)

    def settle(self) -> None:
        """Find the pH after strong ions or carbon have been changed at will."""
        self.ph = solve_ph(7.0, self.strong, self.carbon, self.buffers(), COLD_START_ITERATIONS)

    def set_ph(self, ph: float) -> None:
        """Reach a pH by carbon dioxide, or by base where so much acid is in the liquid that none would be left."""
        buffers = self.buffers()
        self.carbon = max(carbon_for(ph, self.strong, buffers), LEAST_CARBON)
        if self.carbon == LEAST_CARBON:
            self.strong = strong_for(ph, self.carbon, buffers)
        self.settle()

    def dilute(self, volume_l: float, added: Medium, added_l: float) -> None:
        """Mix in a liquid saturated with air. The medium's buffers are taken as everywhere the same."""
        self.ammonia = mixed(self.ammonia, volume_l, 0.0, added_l)
        self.strong = mixed(self.strong, volume_l, added.strong, added_l)
        self.carbon = mixed(self.carbon, volume_l, added.carbon, added_l)
        self.oxygen = mixed(self.oxygen, volume_l, self._air_saturation, added_l)

    def pour(self, volume_l: float, base_l: float, feed_l: float, dt_s: float) -> None:
        """Take what the pumps deliver in `dt_s`; base reaches the bulk with the mixing time."""
        if feed_l > 0.0:
            self.dilute(volume_l, self._tank.feed, feed_l)
        if base_l > 0.0:
            self.dilute(volume_l, Medium(0.0, 0.0), base_l)
            self._unmixed += base_l * self._tank.base_mm
        if self._unmixed > 0.0:
            arrived = self._unmixed * covered(dt_s, self._tank.mixing_s)
            self._unmixed -= arrived
            self.strong += arrived / volume_l
            self.ammonia += arrived / volume_l * self._tank.base_ammonia

    def exchange_gas(
        self, gas: GasPath[float], agitation: float, volume_l: float, cells: Exchange[float], dt_s: float
    ) -> None:
        """Transfer and respiration for `dt_s`; the head space gets what is left of the gas."""
        hours = dt_s / SECONDS_PER_HOUR
        tank, dry, flow = self._tank, self._dry_share, gas.flow
        fraction = gas.beside_liquid()
        self.kla = kla(agitation, flow, volume_l, tank.kla_reference, tank.kla_surface)
        rate = oxygen_rate(self.kla, flow, volume_l, self._o2_solubility)
        saturation = self._o2_solubility * fraction.o2 * dry
        oxygen = oxygen_step(self.oxygen, saturation, rate, cells.oxygen, cells.half, hours)
        self.oxygen_uptake = cells.oxygen * oxygen / (cells.half + oxygen)
        evolved = cells.quotient * self.oxygen_uptake
        free, _ = carbonate_shares(self.ph)
        carbon = carbon_step(
            self.carbon,
            free,
            self._co2_solubility * fraction.co2 * dry,
            co2_rate(self.kla, flow, volume_l, self._co2_solubility),
            evolved,
            hours,
        )
        taken = Gas((oxygen - self.oxygen) / hours + self.oxygen_uptake, (carbon - self.carbon) / hours - evolved)
        gas.leave(taken, volume_l, dt_s)
        self.oxygen, self.carbon = oxygen, carbon
        self.strong += cells.ions * hours
        self.ph = solve_ph(self.ph, self.strong, self.carbon, self.buffers())

    def _set_solubilities(self, temperature: float) -> None:
        self._temperature = temperature
        self._dry_share = 1.0 - vapour_pressure(temperature)
        self._o2_solubility = oxygen_solubility(temperature)
        self._co2_solubility = co2_solubility(temperature)
        self._air_saturation = air_saturation(temperature)
