"""Calibrations that are stored while a supervisor runs: they wait for its next start, and everybody can see it.

Taking one over at once would change, in the middle of a batch, what a total has counted, what a pump is told, and what
a recorded scan replays to; so a running supervisor only tells (decision record 0019).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from controller.commands import Event, EventType, Json
from controller.composition.calibrations import in_force, stored
from controller.composition.paths import calibrations_path

if TYPE_CHECKING:
    from controller.config.calibrated import Calibrated
    from controller.config.load import LoadedSite

log = logging.getLogger("biovisor.calibrations")
LOOK_S = 2.0
Key = tuple[str, str]


class CalibrationWatch:
    """Looks at the stored calibrations of a site of which ``loaded`` has those in force; ``tell`` puts on record."""

    def __init__(
        self, loaded: LoadedSite, data: Path, tell: Callable[[Sequence[Event]], None], *, simulated: bool
    ) -> None:
        self._loaded, self._data, self._simulated, self._tell = loaded, data, simulated, tell
        self._path = calibrations_path(data, loaded.config.site, simulated=simulated)
        self._seen: tuple[int, int] | None = None
        self._waiting: dict[Key, tuple[Calibrated | None, Calibrated | None]] = {}
        self._wrong = ""

    def view(self) -> Json:
        """What waits, in the shape of the live JSON. Any thread may ask."""
        return [
            {"vessel": vessel, "name": name, "id": new.id if new else "", "in_force": now.id if now else ""}
            for (vessel, name), (now, new) in sorted(self._waiting.items())
        ]

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        import asyncio  # slow to import: not before the first scan

        while True:
            await asyncio.sleep(LOOK_S)
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """See whether the file has changed, and tell what waits now."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            found = stored(self._loaded, self._data, simulated=self._simulated)
        except ValueError as error:
            self._seen = None  # it may be so for a moment only
            self._tell_wrong(str(error))
            return
        self._tell_wrong(found.unfit[0] if found.unfit else "")
        waiting = self._compared(self._loaded._replace(calibrations=found.in_force))
        news = [key for key in {**self._waiting, **waiting} if self._waiting.get(key) != waiting.get(key)]
        self._waiting = waiting
        events = [_told(key, waiting.get(key)) for key in news]
        for event in events:
            log.info("%s: %s", event.object, event.text)
        self._tell(events)

    def _compared(self, then: LoadedSite) -> dict[Key, tuple[Calibrated | None, Calibrated | None]]:
        """What the next start would put in force in place of what is, where that is another one."""
        found: dict[Key, tuple[Calibrated | None, Calibrated | None]] = {}
        for vessel in self._loaded.classes:
            for name in {**in_force(self._loaded, vessel), **in_force(then, vessel)}:
                now, new = self._loaded.calibration(vessel, name), then.calibration(vessel, name)
                if (now and now.id) != (new and new.id):
                    found[vessel, name] = (now, new)
        return found

    def _tell_wrong(self, wrong: str) -> None:
        if wrong and wrong != self._wrong:
            text = f"{wrong}; what is in force stays so, but the next start will be refused"
            log.error("%s", text)
            self._tell([Event(EventType.GENERAL, "System", "calibrations", text)])
        self._wrong = wrong

    def _stamp(self) -> tuple[int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return 0, 0
        return status.st_mtime_ns, status.st_size


def _told(key: Key, change: tuple[Calibrated | None, Calibrated | None] | None) -> Event:
    vessel, name = key
    if change is None:
        text = "what is stored is again what is in force; nothing waits for the next start"
        return Event(EventType.EQUIPMENT, "Status Change", f"{vessel}.{name}", text, vessel=vessel)
    now, new = change
    text = f"{_worded(new)} waits for the next start; until then {_worded(now)} stays in force"
    return Event(
        EventType.EQUIPMENT, "Status Change", f"{vessel}.{name}", text,
        vessel=vessel, value=new.id if new else "", previous=now.id if now else "",
    )  # fmt: skip


def _worded(one: Calibrated | None) -> str:
    if one is None:
        return "no calibration"
    return f"calibration {one.id} (factor {one.factor}" + (f", offset {one.offset})" if one.offset else ")")
