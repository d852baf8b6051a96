"""The mishaps of one vessel, or of many side by side: when each begins, what is going on, when each is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias

from simulators.mishaps.catalogue import AT_ONCE, Mishap
from simulators.mishaps.effect import Effect
from simulators.mishaps.on_drives import (
    Acid,
    Cooling,
    Dark,
    Empty,
    GasLost,
    Held,
    RunsOn,
    WrongGas,
)
from simulators.mishaps.on_readings import Disconnected, Drift, Noisy, OtherUnit, Stuck, Swapped
from simulators.mishaps.on_vessel import Clogged, Foaming, Infected, Leak, WrongSample
from simulators.mishaps.order import Order, check_fitted
from simulators.numeric import Real, Truth
from simulators.vessel import Vessel

KINDS: Mapping[str, type[Effect[Any]]] = {
    "probe-drift-ph": Drift,
    "probe-drift-temperature": Drift,
    "stuck-reading": Stuck,
    "disconnect": Disconnected,
    "noise": Noisy,
    "pump-run-on": RunsOn,
    "pump-stopped": Held,
    "pump-empty": Empty,
    "gas-loss": GasLost,
    "exhaust-clog": Clogged,
    "heater-stuck-on": Held,
    "heater-stuck-off": Held,
    "stirrer-trip": Held,
    "foam-out": Foaming,
    "contamination": Infected,
    "power-cut": Dark,
    "leak": Leak,
    "wrong-sample": WrongSample,
    "swapped-channels": Swapped,
    "wrong-unit": OtherUnit,
}
WRONG_WAY: Mapping[str, type[Effect[Any]]] = {"heater": Cooling, "base_rpm": Acid, "o2_sp": WrongGas}


def in_vessel(mishap: Mishap) -> bool:
    """Whether it does something to the vessel; the others befall wires only."""
    return mishap.name in KINDS or mishap.name == "wrong-way"


def effect(order: Order, here: Truth) -> Effect[Real]:
    """The effect of an order where `here` holds. What only befalls wires does nothing in the vessel."""
    name = order.mishap.name
    kind = WRONG_WAY[order.signal] if name == "wrong-way" else KINDS.get(name, Effect)
    return kind(order, here)


@dataclass(slots=True)
class Entry(Generic[Real]):
    """One ordered mishap: from and until which process time of the vessel, and whether it has begun."""

    number: int
    effect: Effect[Real]
    begin_s: float
    end_s: float
    begun: bool = False

    def began(self, now_s: float) -> None:
        """It begins with a step, and lasts from then on: what is shorter than a step must not be over before one."""
        self.begun = True
        self.begin_s, self.end_s = now_s, now_s + (self.end_s - self.begin_s)


Told: TypeAlias = Callable[[int, str], None]
BEGINS, ENDS, CLEARED = "begins", "ends", "cleared"


class Board(Generic[Real]):
    """What befalls a vessel. It hangs on the vessel only while there is something to happen, so that a vessel without
    mishaps does no more than look whether there is a board.

    `told` is called with a mishap's number and with what it does: begins, ends, is cleared.
    """

    def __init__(self, vessel: Vessel[Real], told: Told = lambda number, what: None) -> None:
        self._vessel: Vessel[Real] = vessel
        self._told = told
        self._entries: list[Entry[Real]] = []
        self._count = 0

    def order(self, order: Order, here: Truth = True) -> int:
        """Let a mishap happen, in the vessels where `here` holds; gives its number.

        Raises ValueError for a signal that this vessel does not have.
        """
        vessel = self._vessel
        check_fitted(order.mishap, order.signal, {**vessel.readings, **vessel.actuators}, "this vessel")
        self._count += 1
        begin_s = vessel.process_s + order.start_s
        end_s = float("inf") if order.mishap.ramp else begin_s + order.duration_s
        if order.mishap.ending == AT_ONCE:
            end_s = begin_s
        self._entries.append(Entry(self._count, effect(order, here), begin_s, end_s))
        vessel.disturbance = self
        return self._count

    def clear(self, number: int) -> bool:
        """End a mishap now, or call it off; whether there was one of that number."""
        for entry in [one for one in self._entries if one.number == number]:
            self._over(entry, CLEARED)
            return True
        return False

    def times(self, number: int) -> tuple[float, float]:
        """From and until which of its process times a vessel has or will have a mishap; infinite without an end."""
        return next((one.begin_s, one.end_s) for one in self._entries if one.number == number)

    def before(self, vessel: Vessel[Real], dt_s: float) -> Mapping[str, Real]:
        """Begin and end what is due and act for a step; gives what the actuators are then asked for."""
        now = vessel.process_s
        for entry in [one for one in self._entries if not one.begun and one.begin_s <= now]:
            entry.began(now)
            self._told(entry.number, BEGINS)
            entry.effect.begin(vessel)
        for entry in [one for one in self._entries if one.begun and one.end_s <= now]:
            self._over(entry, ENDS)
        active = self._active()
        if not active:
            return vessel.actuators
        wanted = dict(vessel.actuators)
        for entry in active:
            entry.effect.drive(wanted)
            entry.effect.act(vessel, now + dt_s - entry.begin_s, dt_s)
        return wanted

    def after(self, vessel: Vessel[Real]) -> None:
        """Change what has just been read."""
        for entry in self._active():
            entry.effect.show(vessel, vessel.process_s - entry.begin_s)

    def _active(self) -> list[Entry[Real]]:
        return [entry for entry in self._entries if entry.begun]

    def _over(self, entry: Entry[Real], what: str) -> None:
        self._entries.remove(entry)
        if entry.begun:
            entry.effect.end(self._vessel)
        self._told(entry.number, what)
        if not self._entries:
            self._vessel.disturbance = None
