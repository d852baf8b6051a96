"""The liquid's dissolved oxygen, inorganic carbon, strong ions and pH."""

from __future__ import annotations

from typing import Generic, NamedTuple

from simulators.biology.culture import Exchange
from simulators.gas_path import Gas, GasPath
from simulators.numeric import Real, filled, maximum, some, where
from simulators.physics.gas import (
    AIR_O2,
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
from simulators.physics.ph import Buffers, carbon_for, follow_ph, protons, shares_at, solve_ph, strong_for
from simulators.physics.transfer import kla, stirred, thickened, under_antifoam
from simulators.tank import Medium, Tank

SECONDS_PER_HOUR = 3600.0
COLD_START_ITERATIONS = 12
COLD_START_PH = 7.0
LEAST_CARBON = 1.0
"""Inorganic carbon in mM that a culture has at least; mineral medium brings less, but grows its own."""
WATER = Medium(0.0, 0.0)
"""What base and acid dilute with; their ions arrive later."""


class Around(NamedTuple, Generic[Real]):
    """What a gas meets on its way to the liquid: `pressure` in atm, `antifoam` (1 right after a dose, 0 long after),
    `viscosity` relative to water.
    """

    pressure: Real
    antifoam: Real
    viscosity: Real


class Solution(Generic[Real]):
    """What is dissolved in a vessel, or in each of many. Concentrations in mM, `kla` in 1/h, uptake in mM/h; `ammonia`
    came as base.
    """

    strong: Real
    carbon: Real
    ammonia: Real
    oxygen: Real
    ph: Real
    kla: Real
    oxygen_uptake: Real
    _unmixed: Real
    _unmixed_acid: Real
    _transfer: Real
    _turned: Real
    _stirred: Real
    _dry_share: Real
    _o2_solubility: Real
    _co2_solubility: Real
    _air_saturation: Real

    def __init__(self, tank: Tank, temperature: Real, transfer: Real) -> None:
        """Fresh medium under air; the vessel's coefficients are `transfer` times the tank's."""
        self._tank, self._transfer = tank, transfer
        self.strong = filled(temperature, tank.fresh.strong)
        self.carbon = filled(temperature, tank.fresh.carbon)
        self.ammonia = self.oxygen_uptake = self._unmixed = self._unmixed_acid = filled(temperature, 0.0)
        self.kla = filled(temperature, tank.kla_surface)
        self._turned = self._stirred = filled(temperature, 0.0)
        self.warm(temperature)
        self.oxygen = self._air_saturation
        self.settle()

    @property
    def oxygen_percent(self) -> Real:
        """Dissolved oxygen in % of saturation with air at this temperature and 1 atm."""
        return 100.0 * self.oxygen / self._air_saturation

    @oxygen_percent.setter
    def oxygen_percent(self, percent: Real) -> None:
        self.oxygen = 0.01 * percent * self._air_saturation

    def buffers(self) -> Buffers[Real]:
        """Weak acids and bases, with the ammonia that was given as base."""
        medium = self._tank.buffers
        return Buffers(medium.phosphate, medium.hepes, self.ammonia)

    def warm(self, temperature: Real) -> None:
        """Follow the temperature; now and then is enough."""
        self._dry_share = 1.0 - vapour_pressure(temperature)
        self._o2_solubility = oxygen_solubility(temperature)
        self._co2_solubility = co2_solubility(temperature)
        self._air_saturation = self._o2_solubility * AIR_O2 * self._dry_share

    def settle(self) -> None:
        """Find the pH after strong ions or carbon have been changed at will."""
        start = filled(self.strong, COLD_START_PH)
        self.ph = solve_ph(start, self.strong, self.carbon, self.buffers(), COLD_START_ITERATIONS)

    def set_ph(self, ph: Real) -> None:
        """Reach a pH by carbon dioxide, or by base where so much acid is in the liquid that none would be left."""
        buffers = self.buffers()
        self.carbon = maximum(carbon_for(ph, self.strong, buffers), LEAST_CARBON)
        sour = self.carbon == LEAST_CARBON
        self.strong = where(sour, strong_for(ph, self.carbon, buffers), self.strong)
        self.settle()

    def dilute(self, volume_l: Real, added: Medium, added_l: Real) -> None:
        """Mix in a liquid saturated with air. The medium's buffers are taken as everywhere the same."""
        self.ammonia = mixed(self.ammonia, volume_l, 0.0, added_l)
        self.strong = mixed(self.strong, volume_l, added.strong, added_l)
        self.carbon = mixed(self.carbon, volume_l, added.carbon, added_l)
        self.oxygen = mixed(self.oxygen, volume_l, self._air_saturation, added_l)

    def pour(self, volume_l: Real, base_l: Real, feed_l: Real, dt_s: float) -> None:
        """Take what the pumps deliver in `dt_s`; base reaches the bulk with the mixing time."""
        if some(feed_l > 0.0):
            self.dilute(volume_l, self._tank.feed, feed_l)
        if some(base_l > 0.0):
            self.dilute(volume_l, WATER, base_l)
            self._unmixed = self._unmixed + base_l * self._tank.base_mm
        if some(self._unmixed > 0.0):
            arrived = self._unmixed * covered(dt_s, self._tank.mixing_s)
            self._unmixed = self._unmixed - arrived
            stronger = arrived / volume_l
            self.strong = self.strong + stronger
            self.ammonia = self.ammonia + stronger * self._tank.base_ammonia

    def acidify(self, volume_l: Real, acid_l: Real, other_l: Real, dt_s: float) -> None:
        """Take what an acid pump delivers in `dt_s`, which reaches the bulk with the mixing time, and what is neither
        acid nor base.
        """
        self.dilute(volume_l, WATER, acid_l + other_l)
        self._unmixed_acid = self._unmixed_acid + acid_l * self._tank.acid_mm
        arrived = self._unmixed_acid * covered(dt_s, self._tank.mixing_s)
        self._unmixed_acid = self._unmixed_acid - arrived
        self.strong = self.strong - arrived / volume_l

    def exchange_gas(
        self,
        gas: GasPath[Real],
        agitation: Real,
        volume_l: Real,
        around: Around[Real],
        cells: Exchange[Real],
        dt_s: float,
    ) -> None:
        """Transfer and respiration for `dt_s`; the head space gets what is left of the gas."""
        hours = dt_s / SECONDS_PER_HOUR
        tank, flow, pressure = self._tank, gas.flow, around.pressure
        dry = self._dry_share + (pressure - 1.0)
        fraction = gas.beside_liquid()
        if some(agitation != self._turned):
            self._turned, self._stirred = agitation, stirred(agitation, tank.reference_rpm)
        own = kla(self._stirred, flow, volume_l, tank.kla_reference, tank.kla_surface) * self._transfer
        if some(around.viscosity != 1.0):
            own = thickened(own, around.viscosity)
        self.kla = under_antifoam(own, around.antifoam)
        rate = oxygen_rate(self.kla, flow, volume_l, self._o2_solubility, pressure)
        saturation = self._o2_solubility * fraction.o2 * dry
        oxygen = oxygen_step(self.oxygen, saturation, rate, cells.oxygen, cells.half, hours)
        self.oxygen_uptake = cells.oxygen * oxygen / (cells.half + oxygen)
        evolved = cells.quotient * self.oxygen_uptake
        h = protons(self.ph)
        free, _ = shares_at(h)
        held = self._co2_solubility * fraction.co2 * dry
        leaving = co2_rate(self.kla, flow, volume_l, self._co2_solubility, pressure)
        carbon = carbon_step(self.carbon, free, held, leaving, evolved, hours)
        taken = Gas((oxygen - self.oxygen) / hours + self.oxygen_uptake, (carbon - self.carbon) / hours - evolved)
        gas.leave(taken, volume_l, dt_s)
        self.oxygen, self.carbon = oxygen, carbon
        self.strong = self.strong + cells.ions * hours
        self.ph = follow_ph(self.ph, h, self.strong, self.carbon, self.buffers())
