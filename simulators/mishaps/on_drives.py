"""Mishaps of drives: what acts on the vessel is not what is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from simulators.actuators import Pump
from simulators.bus import AT_START
from simulators.fittings import SENSORS
from simulators.mishaps.catalogue import PROBES
from simulators.mishaps.effect import Effect, Signals
from simulators.numeric import Real, filled, maximum, where
from simulators.vessel import Vessel

HELD: Mapping[str, str] = {"heater-stuck-on": "heater", "heater-stuck-off": "heater", "stirrer-trip": "agitation_sp"}
"""The actuator of those that can only befall one."""


class RunsOn(Effect[Real]):
    """F6: never slower than it once was."""

    _fastest: Real

    def begin(self, vessel: Vessel[Real]) -> None:
        """From what it is asked for now."""
        self._fastest = 0.0 * vessel.volume_l

    def drive(self, wanted: Signals[Real]) -> None:
        """Keep the speed."""
        asked = wanted[self.order.signal]
        self._fastest = maximum(
            self._fastest, where(asked > self._fastest, asked * self.order.magnitude, self._fastest)
        )
        self.put(wanted, self.order.signal, self._fastest)


class Held(Effect[Real]):
    """F7, F10, F11: one actuator at a value, whatever is asked for."""

    def drive(self, wanted: Signals[Real]) -> None:
        """At the magnitude; 0 where it has none."""
        signal = HELD.get(self.order.mishap.name, self.order.signal)
        self.put(wanted, signal, filled(wanted[signal], self.order.magnitude))


class Empty(Effect[Real]):
    """F7: the pump turns and delivers nothing."""

    def act(self, vessel: Vessel[Real], elapsed_s: float, dt_s: float) -> None:
        """No liquid before it."""
        pump = pump_of(vessel, self.order.signal)
        pump.ml_per_rev = where(self.here, 0.0 * pump.full, pump.ml_per_rev)

    def end(self, vessel: Vessel[Real]) -> None:
        """A full bottle."""
        pump = pump_of(vessel, self.order.signal)
        pump.ml_per_rev = where(self.here, pump.full, pump.ml_per_rev)


class GasLost(Effect[Real]):
    """F8: a gas has run out."""

    def act(self, vessel: Vessel[Real], elapsed_s: float, dt_s: float) -> None:
        """No pressure before the controller."""
        flow = vessel.drives.flows[self.order.signal]
        flow.supplied = where(self.here, 0.0 * flow.supplied, flow.supplied)

    def end(self, vessel: Vessel[Real]) -> None:
        """A full bottle."""
        flow = vessel.drives.flows[self.order.signal]
        flow.supplied = where(self.here, filled(flow.supplied, 1.0), flow.supplied)


class Dark(Effect[Real]):
    """F14: nothing runs and nothing is read."""

    def drive(self, wanted: Signals[Real]) -> None:
        """Everything at 0, and what a spring moves where the spring brings it."""
        for name in wanted:
            self.put(wanted, name, filled(wanted[name], AT_START.get(name, 0.0)))

    def show(self, vessel: Vessel[Real], elapsed_s: float) -> None:
        """No number of any probe."""
        for name in (*PROBES, *(name for name in SENSORS if name in vessel.readings)):
            self.put(vessel.readings, name, filled(vessel.readings[name], float("nan")))


class WrongGas(Effect[Real]):
    """F18: oxygen and nitrogen exchanged behind their controllers, whose readings are right."""

    def drive(self, wanted: Signals[Real]) -> None:
        """Each bottle gives what the other is asked for."""
        oxygen, nitrogen = wanted["o2_sp"], wanted["n2_sp"]
        self.put(wanted, "o2_sp", nitrogen)
        self.put(wanted, "n2_sp", oxygen)

    def show(self, vessel: Vessel[Real], elapsed_s: float) -> None:
        """Each controller measures what it lets through."""
        oxygen, nitrogen = vessel.readings["o2"], vessel.readings["n2"]
        self.put(vessel.readings, "o2", nitrogen)
        self.put(vessel.readings, "n2", oxygen)


class Cooling(Effect[Real]):
    """F18: the heater takes away the heat that it should give."""

    def act(self, vessel: Vessel[Real], elapsed_s: float, dt_s: float) -> None:
        """Twice, because the vessel gives it once."""
        tank = vessel.tank
        warmer = (0.01 * tank.heater_w * dt_s / tank.shell.jacket) * vessel.drives.heater
        vessel.jacket = where(self.here, vessel.jacket - 2.0 * warmer, vessel.jacket)


class Acid(Effect[Real]):
    """F18: a strong acid in the bottle of the base, as strong as the base."""

    _poured: Real

    def begin(self, vessel: Vessel[Real]) -> None:
        """From now on."""
        self._poured = vessel.drives.base.delivered_ml

    def act(self, vessel: Vessel[Real], elapsed_s: float, dt_s: float) -> None:
        """Twice the charge the other way, because the vessel takes it for base."""
        poured = vessel.drives.base.delivered_ml
        charge = 0.001 * (poured - self._poured) * vessel.tank.base_mm / vessel.volume_l
        self._poured = poured
        solution = vessel.solution
        solution.strong = where(self.here, solution.strong - 2.0 * charge, solution.strong)


def pump_of(vessel: Vessel[Real], signal: str) -> Pump[Real]:
    """The pump that an actuator signal drives."""
    fitted = {} if vessel.fittings is None else vessel.fittings.pumps
    return {"base": vessel.drives.base, "feed": vessel.drives.feed, **fitted}[signal.removesuffix("_rpm")]
