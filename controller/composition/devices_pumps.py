"""Pumps tried before a run: each turns for a moment at its smallest speed, and must be seen to.

Only points that a driver declares as turning a pump are ever touched, and only pumps that stand. Whatever happens after
the start, the pump is stopped.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from controller.composition.devices import Device, Owned, Session, session, settled
from controller.composition.devices_check import REMEDIES, Check
from controller.composition.devices_points import Reading, Spot, glance, told
from drivers import registry
from drivers.contract import Point, Quality, WriteState
from drivers.link_state import explain

if TYPE_CHECKING:
    from controller.config.load import LoadedSite

TURNS_S = 2.0
STOPS = 3
STOP_AGAIN_S = 0.5
LOOK = "look at the pump: its display, whether it is under remote control, whether its head is closed"
STOP = "stop the pump at its panel"


class Pump(NamedTuple):
    """An output that turns a pump: the smallest speed that is seen, in the unit of its tag, the point that then rises,
    and one that must be set back afterwards, "" for none.
    """

    device: Device
    spot: Spot
    speed: float
    shown_by: str
    changes: str = ""

    @property
    def rest(self) -> float:
        """What the tag says while it stands."""
        return self.spot.point.offset

    @property
    def question(self) -> str:
        """What the operator is asked to confirm."""
        return f"Turn {self.spot.name} ({self.device.name}) for {TURNS_S:g} s at {self.speed:.4g} {self.spot.unit}"


def pumps_of(site: LoadedSite, devices: Mapping[str, Device], spots: Mapping[str, Sequence[Spot]]) -> list[Pump]:
    """The pumps among the outputs: those whose drivers say so. Imports the drivers."""
    pumps: list[Pump] = []
    for name, device in devices.items():
        turning = {**registry.about(device.kind).turns, **getattr(device.create(), "turns", {})}
        for spot in spots.get(name, ()):
            turns = turning.get(spot.point.address)
            if spot.is_output and turns is not None:
                slowest = spot.point.gain * turns.slowest + spot.point.offset
                pumps.append(Pump(device, spot, max(slowest, _smallest(site, spot)), turns.shown_by, turns.changes))
    return pumps


def _smallest(site: LoadedSite, spot: Spot) -> float:
    smallest = site.classes[spot.vessel].outputs[spot.name.partition(".")[2]].smallest
    return smallest.to(spot.unit) if smallest else 0.0


async def try_pump(pump: Pump) -> Check:
    """Turn it for a moment, and stop it."""
    result = await settled(_try(pump))
    if isinstance(result, Owned):
        return _failed(pump, str(result), REMEDIES[Owned])
    return _failed(pump, explain(result)) if isinstance(result, BaseException) else result


def _failed(pump: Pump, why: str, todo: str = LOOK) -> Check:
    return Check(pump.spot.name, "pump", "failed", why, todo)


async def _try(pump: Pump) -> Check:
    if pump.speed > pump.spot.high:
        why = f"what its output may be, {pump.spot.high:g} {pump.spot.unit}, is too slow to be seen; not touched"
        return Check(pump.spot.name, "pump", "skipped", why, "try it by hand")
    async with session(pump.device, to_act=True) as opened:
        standing = await glance(opened, pump.spot)
        if standing is None or standing.sample.quality is not Quality.GOOD:
            return _failed(pump, "it does not say whether it stands; not touched")
        if standing.sample.value != pump.rest:
            return _failed(pump, "it turns already; not touched", STOP)
        turned = asyncio.ensure_future(_turn(opened, pump))
        try:
            return await asyncio.shield(turned)
        finally:
            await turned  # Ctrl-C does not keep it from being stopped


async def _turn(opened: Session, pump: Pump) -> Check:
    counter = _bare(pump.shown_by)
    before = await glance(opened, counter)
    changed = await glance(opened, _bare(pump.changes)) if pump.changes else None
    started = await opened.write(pump.spot.point, pump.speed)
    if started.state is not WriteState.REFUSED:
        await asyncio.sleep(TURNS_S)
    if why := await _stop(opened, pump):
        return _failed(pump, why, STOP)
    if why := await _set_back(opened, changed):
        return _failed(pump, why, "set it again")
    if started.state is WriteState.REFUSED:
        return _failed(pump, told(started))
    after = await glance(opened, counter)
    rise = math.nan if before is None or after is None else after.sample.value - before.sample.value
    if not rise > 0:
        return _failed(pump, f"told to turn ({told(started)}), but {pump.shown_by} did not rise")
    why = f"{pump.shown_by} rose by {rise:.3g} at {pump.speed:.4g} {pump.spot.unit}"
    return Check(pump.spot.name, "pump", "ok", why)


def _bare(address: str) -> Spot:
    """A point without a tag."""
    return Spot(Point(address, address, "rw"), address)


async def _set_back(opened: Session, before: Reading | None) -> str:
    """Give a point the value that it had before the pump turned; why it has another one, or an empty text."""
    if before is None or not before.sample.value > 0:
        return ""
    spot, value = before.spot, before.sample.value
    now = await glance(opened, spot)
    if now is not None and now.sample.value == value:
        return ""
    outcome = await opened.write(spot.point, value)
    if outcome.state is WriteState.APPLIED:
        return ""
    return f"its {spot.name} was {value:g}, and is another one now: {told(outcome)}"


async def _stop(opened: Session, pump: Pump) -> str:
    """Stop it, and look; of all that is written, only a stop is repeated, over a new connection. Why it may still turn,
    or an empty text.
    """
    why = await _tell_to_stop(opened, pump)
    for _ in range(STOPS):
        if not why:
            break
        await asyncio.sleep(STOP_AGAIN_S)
        result = await settled(_stop_anew(pump))
        why = explain(result) if isinstance(result, BaseException) else result
    return why and f"it may still turn: {why}"


async def _stop_anew(pump: Pump) -> str:
    async with session(pump.device, to_stop=True) as opened:
        return await _tell_to_stop(opened, pump)


async def _tell_to_stop(opened: Session, pump: Pump) -> str:
    stopped = await opened.write(pump.spot.point, pump.rest)
    standing = await glance(opened, pump.spot)
    stands = standing is not None and standing.sample.value == pump.rest
    return "" if stands else f"the stop was {told(stopped)}"
