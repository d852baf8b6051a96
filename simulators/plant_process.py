"""The plant as a process: steps in process time on absolute deadlines, and serves the control port beside it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict

from simulators.bus import Bus
from simulators.control import Control, FaultLink
from simulators.instrument import Json
from simulators.mishap_port import MishapPort
from simulators.plant import Plant
from simulators.spec import SiteSpec

PLANT = "plant"
"""Name of the plant's process among the instruments."""

PERIOD_S = 0.1
"""Wall seconds between two steps."""

SHORTEST_STEP_S = 0.2
"""Process seconds of a step at least; at speed 1 the period is stretched to it."""


class VesselSignals:
    """One vessel's slots of the bus."""

    def __init__(self, bus: Bus, vessel: str) -> None:
        self._bus = bus
        self._vessel = vessel

    def read(self, signal: str) -> float:
        """The newest value. Raises KeyError for a name that does not exist."""
        return self._bus.get(self._vessel, signal)

    def write(self, signal: str, value: float) -> None:
        """Set an actuator. Raises KeyError for a name that does not exist."""
        self._bus.set(self._vessel, signal, value)


async def run_plant(
    spec: SiteSpec, bus: Bus, links: Mapping[str, socket.socket], ready: Callable[[Mapping[str, Json]], None], go: int
) -> None:
    """Be the plant until cancelled.

    `links` lead to the instruments, `ready` takes the control port's address. Process time begins when the pipe `go`
    says so, that is when every instrument answers and drives its outputs.
    """
    plant = Plant(spec.vessels, seed=spec.seed)
    show(plant, bus)
    faults = {name: FaultLink(link) for name, link in links.items()}
    port = MishapPort(plant.mishaps, faults, spec.instruments_at(), spec.speed)
    ready({"control": await Control(PlantWorld(plant, bus), faults, port.operations).listen()})
    begin = asyncio.Event()
    asyncio.get_running_loop().add_reader(go, begin.set)
    await begin.wait()
    asyncio.get_running_loop().remove_reader(go)
    await pace(plant, bus, spec.speed, port.tell)


class PlantWorld:
    """The plant as the control port sees it. A hand's work is done once for each identifier."""

    def __init__(self, plant: Plant, bus: Bus) -> None:
        self._plant = plant
        self._bus = bus
        self._done: dict[str, None] = {}

    def state(self, vessel: str) -> Mapping[str, float]:
        """Every signal of a vessel by name. Raises KeyError for an unknown vessel."""
        return self._bus.state(vessel)

    def hands(self, identifier: str, vessel: str, action: str, amounts: Mapping[str, float]) -> None:
        """Inoculate, sample, harvest or fill. Raises ValueError or KeyError for what cannot be done."""
        self._plant.hands(identifier, vessel, action, amounts)
        self._done.setdefault(identifier)
        show(self._plant, self._bus)

    def hands_done(self) -> list[str]:
        """Identifiers of what has been done by hand, in order."""
        return list(self._done)

    def deeds(self) -> dict[str, Json]:
        """How often what was done to each vessel by hand, and the mL that came of it, by vessel and action."""
        vessels = self._plant.vessels
        return {vessel: {name: asdict(one) for name, one in self._plant.deeds(vessel).items()} for vessel in vessels}

    def set_state(self, vessel: str, state: Mapping[str, float]) -> None:
        """Set state variables. Raises ValueError or KeyError for what does not exist."""
        self._plant.set_state(vessel, state)
        show(self._plant, self._bus)


def take_orders(plant: Plant, bus: Bus) -> None:
    """What the instruments drive, from the bus into the plant."""
    for vessel in bus.vessels:
        plant.actuators[vessel].update(bus.actuators(vessel))


def show(plant: Plant, bus: Bus) -> None:
    """What is measured and what is so, from the plant onto the bus."""
    for vessel in bus.vessels:
        bus.publish(vessel, plant.sensors[vessel])
        bus.publish(vessel, plant.truth(vessel))


async def pace(plant: Plant, bus: Bus, speed: float, tell: Callable[[], None]) -> None:
    """Step for ever, so that process time is wall time times `speed`; `tell` is called after every step.

    Steps are of one length, whatever the computer does: a run is the same on a slow and on a fast one. What was
    missed is caught up step by step.
    """
    period_s = max(PERIOD_S, SHORTEST_STEP_S / speed)
    deadline = time.monotonic()
    while True:
        deadline += period_s
        await asyncio.sleep(max(deadline - time.monotonic(), 0.0))
        take_orders(plant, bus)
        plant.step(period_s * speed)
        show(plant, bus)
        tell()
