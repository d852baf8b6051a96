"""The check before a run: what can be known of a site's instruments without moving anything.

Every check has one line: what was checked, whether it is right, if not why, and what to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Literal, NamedTuple

from controller.composition.devices import Device, Failed, Owned, Session, session, settled
from controller.composition.devices_points import Reading, Spot, read
from controller.units import Quantity
from drivers.contract import LinkLost, Quality, Reason, Refused, WrongIdentity
from drivers.link_state import explain

if TYPE_CHECKING:
    from controller.commands import Json
    from controller.config.calibrated import Calibrated

Result = Literal["ok", "failed", "skipped"]
PLUG = "check power, cable and the connection's URL; end other programs that use the port"
SILENT = "check that it is on, its number on the line, and the settings in the URL; `biovisor device scan` tries others"
CHANGE = "connect the expected instrument, or change `expect` of the connection"
REMEDIES: Mapping[type[Exception], str] = {
    Owned: "look at the supervisor's page, or stop it and test again",
    Failed: "correct the connection in the site file",
    LinkLost: PLUG,
    Refused: "remove the reason that is given",
}
"""What to do when a connection fails with one of these."""
SENSOR = "check the sensor, its cable and what the instrument itself shows"
CALIBRATE = "`biovisor device calibrate`, or enter factor and date in the site file"


class Check(NamedTuple):
    """One line: what of (a connection, tag or calibration), the check, its result, why, and what to do."""

    what: str
    check: str
    result: Result
    why: str = ""
    todo: str = ""

    def as_json(self) -> dict[str, Json]:
        """By name."""
        return dict(self._asdict())


async def check_devices(devices: Mapping[str, Device], spots: Mapping[str, Sequence[Spot]]) -> list[Check]:
    """Every connection and the points of its tags, all connections at the same time."""
    checks = await asyncio.gather(*(check_device(device, spots.get(name, ())) for name, device in devices.items()))
    return [check for some in checks for check in some]


async def check_device(device: Device, spots: Sequence[Spot]) -> list[Check]:
    """Whether it answers, is the expected one, and every point of its tags is as it should be."""
    result = await settled(_ask(device, [spot for spot in spots if spot.is_read]))
    if isinstance(result, WrongIdentity):
        return [Check(device.name, "answers", "ok"), Check(device.name, "identity", "failed", str(result), CHANGE)]
    if isinstance(result, BaseException):
        why = str(result) if isinstance(result, Failed) else explain(result)
        todo = next((remedy for kind, remedy in REMEDIES.items() if isinstance(result, kind)), SILENT)
        return [Check(device.name, "answers", "failed", why, todo)]
    return result


async def _ask(device: Device, spots: Sequence[Spot]) -> list[Check]:
    async with session(device) as opened:
        who = opened.identity
        told = " ".join(filter(None, (who.vendor, who.model, who.serial, who.firmware)))
        checks = [Check(device.name, "answers", "ok", told)]
        if device.expected:
            checks.append(Check(device.name, "identity", "ok", "as the site file expects"))
        return checks + await _check_points(opened, spots)


async def _check_points(opened: Session, spots: Sequence[Spot]) -> list[Check]:
    if not spots:
        return []
    readings = await settled(read(opened, spots))
    if isinstance(readings, BaseException):
        return [Check(spot.name, "value", "failed", explain(readings), SENSOR) for spot in spots]
    return [check_reading(reading) for reading in readings]


def check_reading(reading: Reading) -> Check:
    """Whether a value is good and within the range of its tag; what has not been sampled yet is nothing wrong."""
    spot, sample = reading
    shown = spot.worded(sample.value)
    if sample.reason is Reason.NO_SAMPLE:
        return Check(spot.name, "value", "ok", sample.detail)
    if sample.quality is Quality.BAD:
        return Check(spot.name, "value", "failed", sample.detail or sample.reason.name.lower(), SENSOR)
    if sample.quality is Quality.UNCERTAIN:
        return Check(spot.name, "value", "failed", f"{shown}, uncertain: {sample.detail}", SENSOR)
    if not spot.low <= sample.value <= spot.high:
        return Check(spot.name, "value", "failed", f"{shown} is not within {spot.low:g} to {spot.high:g}", SENSOR)
    return Check(spot.name, "value", "ok", shown)


def check_calibrations(
    vessel: str, found: Mapping[str, Calibrated | None], wrong: Mapping[str, str], today: date, limit: Quantity
) -> list[Check]:
    """Every calibration that the vessel has or its class needs: nothing is ``wrong`` with it (expired, missing, a check
    that failed, each by its name), and it is not older than the limit. ``None`` is a check of an instrument.
    """
    checks: list[Check] = []
    for name, one in found.items():
        if name in wrong:
            why, is_right = wrong[name], False
        else:
            why, is_right = _age(one, today, limit) if one else ("its check has passed", True)
        what = f"{vessel}.{name}"
        checks.append(Check(what, "calibration", *(("ok", why) if is_right else ("failed", why, CALIBRATE))))
    return checks


def _age(one: Calibrated, today: date, limit: Quantity) -> tuple[str, bool]:
    days = (today - date.fromisoformat(one.date[:10])).days
    if days < 0:
        return f"its date, {one.date[:10]}, is in the future", False
    until = f", valid until {one.expires[:10]}" if one.expires else ""
    return f"{one.id} of {one.date[:10]}, {days} days old{until}", days <= limit.to("d")
