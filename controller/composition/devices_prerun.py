"""The checks before a run, put together: of one vessel with its instruments, or of a whole site."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from controller.clock import ScaledClock, iso_utc
from controller.composition.calibrations import Stored, overdue, wanted
from controller.composition.devices import Device, Failed
from controller.composition.devices_check import Check, check_calibrations, check_devices
from controller.composition.devices_points import spots_of
from controller.composition.devices_pumps import pumps_of, try_pump
from controller.units import Quantity

if TYPE_CHECKING:
    from controller.config.load import LoadedSite

UNCONFIRMED = "not confirmed, not touched"


class PreRun:
    """The checks of ``vessel``, or of all vessels, with what is ``stored`` of their calibrations.

    Raises :class:`Failed` for a vessel that the site does not have.
    """

    def __init__(self, site: LoadedSite, stored: Stored, devices: Mapping[str, Device], vessel: str | None) -> None:
        vessels = site.config.vessels
        if vessel is not None and vessel not in vessels:
            raise Failed(f"there is no vessel {vessel!r}; the site has {', '.join(vessels)}", 2)
        self._site, self._stored = site, stored
        self._vessels = {name: one for name, one in vessels.items() if vessel in {None, name}}
        used = {connection for one in self._vessels.values() for connection in one.instruments.values()}
        self._devices = {name: device for name, device in devices.items() if vessel is None or name in used}
        self._spots = {
            name: [spot for spot in spots if spot.vessel in self._vessels] for name, spots in spots_of(site).items()
        }
        self._silent: set[str] = set()

    async def run(self, calibrated_within_days: float) -> list[Check]:
        """Everything that can be known without moving anything."""
        checks = await check_devices(self._devices, self._spots)
        self._silent = {check.what for check in checks if check.result == "failed"}
        utc = ScaledClock().utc()
        for name in self._vessels:
            checks += self._check_calibrations(name, utc, Quantity(calibrated_within_days, "d"))
        return checks

    def _check_calibrations(self, vessel: str, utc: float, limit: Quantity) -> list[Check]:
        names = sorted(wanted(self._site, self._stored, vessel))
        wrong: dict[str, str] = {}
        for one in overdue(self._site, self._stored, vessel, utc):
            text = one.text.removeprefix(f"{one.name}: ")
            wrong[one.name] = f"{wrong[one.name]}; {text}" if one.name in wrong else text
        found = {name: self._site.calibration(vessel, name) for name in names}
        return check_calibrations(vessel, found, wrong, date.fromisoformat(iso_utc(utc)[:10]), limit)

    async def try_pumps(self, confirm: Callable[[str], bool]) -> list[Check]:
        """Turn each pump that ``confirm`` agrees to, one after the other; those whose connection failed are left."""
        checks: list[Check] = []
        answering = {name: device for name, device in self._devices.items() if name not in self._silent}
        for pump in pumps_of(self._site, answering, self._spots):
            if confirm(pump.question):
                checks.append(await try_pump(pump))
            else:
                checks.append(Check(pump.spot.name, "pump", "skipped", UNCONFIRMED))
        return checks
