"""Mishaps of the vessel and of what is in it: its exhaust, its foam, its culture, its volume."""

from __future__ import annotations

from simulators.biology.contamination import INVADER, Contaminated, Invader, Strain
from simulators.mishaps.effect import Effect
from simulators.numeric import Real, filled, maximum, where
from simulators.physics.mass import back_pressure
from simulators.vessel import Vessel

SECONDS_PER_HOUR = 3600.0
LEAST_VVM = 0.02
"""Volumes of gas per volume and minute for which a mishap that needs gas is reckoned, where less flows."""


class Clogged(Effect[Real]):
    """F9: the exhaust filter lets through less and less. Cleared, it is as wet as it would have been."""

    _added: Real
    _most: Real

    def begin(self, vessel: Vessel[Real]) -> None:
        """Find what resistance gives the pressure at this flow."""
        dry = back_pressure(flowing(vessel), vessel.tank.back_pressure, 0.0 * vessel.wetness)
        self._most = 1.0 / dry
        self._added = 0.0 * vessel.wetness

    def act(self, vessel: Vessel[Real], elapsed_s: float, dt_s: float) -> None:
        """A bit more."""
        target = where(self.here, self.grown(elapsed_s) * self._most, 0.0 * self._added)
        vessel.wetness = vessel.wetness + (target - self._added)
        self._added = target

    def end(self, vessel: Vessel[Real]) -> None:
        """A new filter."""
        vessel.wetness = maximum(vessel.wetness - self._added, 0.0)


class Foaming(Effect[Real]):
    """F12: as much protein as makes the foam too high for the head space."""

    _added: Real

    def begin(self, vessel: Vessel[Real]) -> None:
        """Add it."""
        foaming = vessel.tank.foaming
        wanted = foaming.greatest + self.order.magnitude
        needed = wanted / (foaming.rate * foaming.lasts_h * (0.001 * flowing(vessel)))
        self._added = where(self.here, needed, 0.0 * needed)
        vessel.protein = vessel.protein + self._added

    def end(self, vessel: Vessel[Real]) -> None:
        """Take it out."""
        vessel.protein = maximum(vessel.protein - self._added, 0.0)


class Infected(Effect[Real]):
    """F13: bacteria in the culture, which go on growing by themselves.

    The culture is not brought up to now for it: that would move the cells of the vessels beside it by a rounding.
    """

    _strain: Strain[Real]

    def begin(self, vessel: Vessel[Real]) -> None:
        """Seed them."""
        none = filled(vessel.volume_l, 0.0)
        if not isinstance(vessel.culture, Contaminated):
            invader: Invader[Real] = Invader(*(filled(none, value) for value in INVADER))
            vessel.culture = Contaminated(vessel.culture, invader, none)
        seed = filled(none, self.order.magnitude)
        self._strain = vessel.culture.infect(where(self.here, seed, none))

    def end(self, vessel: Vessel[Real]) -> None:
        """None of these is left."""
        if isinstance(vessel.culture, Contaminated):
            vessel.culture.cure(self._strain)


class Leak(Effect[Real]):
    """F15: the liquid runs out."""

    def act(self, vessel: Vessel[Real], elapsed_s: float, dt_s: float) -> None:
        """At a rate in mL/h."""
        lost = 0.001 * self.order.magnitude * dt_s / SECONDS_PER_HOUR
        vessel.spill(where(self.here, filled(vessel.volume_l, lost), filled(vessel.volume_l, 0.0)))


class WrongSample(Effect[Real]):
    """F15: somebody took more than was written down."""

    def begin(self, vessel: Vessel[Real]) -> None:
        """In mL."""
        drawn = filled(vessel.volume_l, 0.001 * self.order.magnitude)
        vessel.spill(where(self.here, drawn, 0.0 * drawn))


def flowing(vessel: Vessel[Real]) -> Real:
    """Gas in mL/min, or a little where none flows."""
    return maximum(vessel.gas.flow, 1000.0 * LEAST_VVM * vessel.tank.nominal_l)
