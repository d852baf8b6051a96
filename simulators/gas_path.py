"""The gas of a vessel on its way: mixed, through the line, past the liquid, into the head space."""

from __future__ import annotations

from typing import Generic, NamedTuple

from simulators.numeric import Real, exp, filled, maximum, minimum, where
from simulators.physics.delay import DeadTime
from simulators.physics.gas import AIR_CO2, AIR_O2, GAS_MOLAR_L, headspace_left, headspace_step
from simulators.physics.lag import toward
from simulators.tank import Tank

SECONDS_PER_HOUR = 3600.0
NO_GAS = 1e-6
"""mL/min that count as none."""
LEAST_LEAVING = 0.01
"""Share of the gas that leaves at least."""
LEAST_HEADSPACE = 0.05
"""Share of the brim's volume that stays above the liquid."""


class Gas(NamedTuple, Generic[Real]):
    """Mole fractions in dry gas."""

    o2: Real
    co2: Real


class GasPath(Generic[Real]):
    """`inlet` is what reaches the liquid and `exhaust` what is in the head space, both by the volume that flows in;
    `flow` is all gas, mL/min. `whole` is, where the exhaust is analysed, all that leaves by what flows in, else None.
    """

    inlet: Gas[Real]
    exhaust: Gas[Real]
    flow: Real
    whole: Real | None

    def __init__(self, tank: Tank, like: Real, analysed: bool = False) -> None:
        """Air everywhere, and none flows; `like` has a number for each vessel."""
        self._tank = tank
        self._mixture: Gas[Real] = Gas(filled(like, AIR_O2), filled(like, AIR_CO2))
        self.inlet = self.exhaust = self._mixture
        self.flow = filled(like, 0.0)
        self.whole = filled(like, 1.0) if analysed else None
        self._line: DeadTime[Real] = DeadTime(tank.gas_dead_s, self._mixture)

    def mix(self, air: Real, o2: Real, co2: Real, n2: Real, dt_s: float) -> None:
        """Let the flows in mL/min that the controllers deliver enter the line for `dt_s`; without, it keeps its gas."""
        total = air + o2 + co2 + n2
        flows, some = total > NO_GAS, maximum(total, NO_GAS)
        self.flow = total
        self._mixture = Gas(
            where(flows, (AIR_O2 * air + o2) / some, self._mixture.o2),
            where(flows, (AIR_CO2 * air + co2) / some, self._mixture.co2),
        )
        arrived = self._line.step(self._mixture, dt_s)
        tau = self._tank.gas_line_s
        self.inlet = Gas(
            toward(self.inlet.o2, arrived[0], dt_s, tau),
            toward(self.inlet.co2, arrived[1], dt_s, tau),
        )

    def beside_liquid(self) -> Gas[Real]:
        """What the liquid exchanges with: the inlet gas; without any, at its surface, the head space."""
        flows = self.flow > NO_GAS
        return Gas(where(flows, self.inlet.o2, self.exhaust.o2), where(flows, self.inlet.co2, self.exhaust.co2))

    def room(self, volume_l: Real) -> Real:
        """Head space over the liquid, L."""
        brim = self._tank.brim_l
        return maximum(brim - volume_l, LEAST_HEADSPACE * brim)

    def leave(self, taken: Gas[Real], volume_l: Real, dt_s: float) -> None:
        """Fill the head space over `volume_l` of liquid that takes so many mM/h."""
        hours, room = dt_s / SECONDS_PER_HOUR, self.room(volume_l)
        turned = 0.06 * self.flow * hours / room
        kept, taking = exp(-turned), (0.001 * GAS_MOLAR_L * hours) * volume_l / room
        inlet, exhaust = self.inlet, self.exhaust
        self.exhaust = Gas(
            headspace_step(exhaust.o2, inlet.o2, taken.o2 * taking, turned, kept),
            headspace_step(exhaust.co2, inlet.co2, taken.co2 * taking, turned, kept),
        )
        if self.whole is not None:
            self.whole = headspace_left(self.whole, 1.0, (taken.o2 + taken.co2) * taking, turned, kept)

    def leaving(self) -> Gas[Real]:
        """What an analyser is given: shares of the gas that leaves."""
        whole = filled(self.flow, 1.0) if self.whole is None else maximum(self.whole, LEAST_LEAVING)
        return Gas(minimum(self.exhaust.o2 / whole, 1.0), minimum(self.exhaust.co2 / whole, 1.0))
