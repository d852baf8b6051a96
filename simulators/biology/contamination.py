"""Contamination: bacteria that grow beside a culture, breathe its oxygen and sour its medium.

A fault, not a process: the invader grows exponentially up to a limit and takes no nutrients that the culture's model
knows. Growth of 0.9 .. 1.2 1/h and a seed of 1e3 cfu/mL make it seen after about half a day: first by the oxygen
demand, which doubles every 40 minutes, then by the pH.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple

from simulators.biology.culture import Culture, Environment, Exchange, Inflow
from simulators.numeric import Real, Truth, exp, filled, maximum
from simulators.parameters import Limit, Span, check, usual

SEED = 1e3
"""cfu/mL."""
OXYGEN_HALF = 2e-4
"""Dissolved oxygen in mM that halves growth and breathing; bacteria get along with next to none."""
TINY = 1e-300
CHOSEN = "chosen, for a fast bacterium at 37 Cel"


class Invader(NamedTuple, Generic[Real]):
    """What bacteria do; units in :data:`LIMITS`."""

    mumax: Real
    crowd: Real
    dry_mass: Real
    q_oxygen: Real
    acid: Real


LIMITS: Mapping[str, Limit] = {
    "mumax": Limit(1.05, 0.9, 1.2, "1/h", CHOSEN, "contaminants that matter within a day"),
    "crowd": Limit(1e10, 1e8, 1e11, "cfu/mL", CHOSEN, "dense cultures of bacteria"),
    "dry_mass": Limit(3e-13, 1e-13, 1e-12, "g/cfu", CHOSEN, "bacteria in exponential growth"),
    "q_oxygen": Limit(15.0, 10.0, 20.0, "mmol/h/g", "published for E. coli: 10 .. 20 mmol/g/h", "the published range"),
    "acid": Limit(10.0, 5.0, 50.0, "mmol/g", "chosen: 0.01 mol per g of biomass", "from ammonia alone to mixed acids"),
}
STERILE = Span(0.0, 0.0, "{cfu}/mL", "the models of cultures know no bacteria")
INVADER: Invader[float] = Invader(**usual(LIMITS))


@dataclass(slots=True, eq=False)
class Strain(Generic[Real]):
    """Bacteria that came in together: their density in cfu/mL."""

    density: Real


class Contaminated(Generic[Real]):
    """A culture with bacteria in it; a :class:`simulators.biology.culture.Culture` like the one it holds.

    Bacteria that came in at different times grow alike, and are told apart so that some can be taken out again.
    """

    _strains: list[Strain[Real]]
    _culture: Culture[Real]
    _invader: Invader[Real]

    def __init__(self, culture: Culture[Real], invader: Invader[Real], seed: Real) -> None:
        """`seed` is the density at the start, cfu/mL; 0 for vessels that stay clean. Raises ValueError for an invader
        out of its limits.
        """
        check(invader, LIMITS)
        self._culture, self._invader, self._strains = culture, invader, [Strain(seed)]

    @property
    def bacteria(self) -> Real:
        """All of them, cfu/mL."""
        every = self._strains[0].density
        for strain in self._strains[1:]:
            every = every + strain.density
        return every

    def infect(self, density: Real) -> Strain[Real]:
        """More bacteria come in, cfu/mL; gives what is to be taken out again."""
        self._strains.append(Strain(density))
        return self._strains[-1]

    def cure(self, strain: Strain[Real]) -> None:
        """Take out what came in together, with all that has become of it."""
        self._strains.remove(strain)

    @property
    def interval_s(self) -> float:
        """Process seconds between two advances, at most."""
        return self._culture.interval_s

    def advance(self, hours: float, here: Environment[Real], inflow: Inflow[Real]) -> Exchange[Real]:
        """Let both live for `hours`; what they exchange together."""
        speed = here.oxygen / (here.oxygen + OXYGEN_HALF) * self._room() * self._invader.mumax
        self._grow(exp((speed - inflow.total) * hours))
        return self._together(self._culture.advance(hours, here, inflow))

    def inoculate(self, density: Real, share: Real, viability: Real) -> None:
        """Mix in cells in fresh sterile medium."""
        self._culture.inoculate(density, share, viability)
        self._grow(1.0 - share)

    def dilute(self, share: Real) -> None:
        """Mix in fresh sterile medium."""
        self._culture.dilute(share)
        self._grow(1.0 - share)

    def set(self, name: str, value: Real) -> bool:
        """Set a state variable of the culture by its signal name."""
        return self._culture.set(name, value)

    def truth(self) -> dict[str, Real]:
        """The culture's; a cell counter does not see bacteria."""
        return self._culture.truth()

    def outside(self, here: Environment[Real]) -> dict[str, Truth]:
        """The culture's, and `bacteria` where there are any: its model knows of none."""
        return {**self._culture.outside(here), "bacteria": self.bacteria > 0.0}

    def _grow(self, times: Real) -> None:
        for strain in self._strains:
            strain.density = strain.density * times

    def _room(self) -> Real:
        return maximum(1.0 - self.bacteria / self._invader.crowd, 0.0)

    def _together(self, cells: Exchange[Real]) -> Exchange[Real]:
        """Bacteria at ample oxygen added to what the cells exchange; of half values the mean, by demand."""
        invader = self._invader
        mass = 1000.0 * self.bacteria * invader.dry_mass
        busy = self._room()
        breathed = mass * invader.q_oxygen * busy
        oxygen = cells.oxygen + breathed
        share = breathed / maximum(oxygen, TINY)
        return Exchange(
            oxygen,
            cells.quotient + (1.0 - cells.quotient) * share,
            cells.ions - mass * invader.acid * invader.mumax * busy,
            cells.half + (filled(share, OXYGEN_HALF) - cells.half) * share,
        )
