"""Process faults that wait or go on, as rows of text: when each begins and ends, and how long that still takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

from controller.clock import iso_utc
from controller.commands import Json

HEAD = ("NO", "VESSEL", "STATE", "FAULT", "BEGIN", "END", "REMAINING")
UNTIL_CLEARED = "when cleared"


class Now(NamedTuple):
    """A vessel's process time in s, how fast it passes, and UTC."""

    process_s: float
    speed: float
    utc: float

    def at(self, process_s: float) -> str:
        """A process time, and when that is or was by the clock on the wall, if the speed has not changed."""
        wall = iso_utc(self.utc + (process_s - self.process_s) / self.speed)
        return f"{clock(process_s)} ({wall[:10]} {wall[11:19]} UTC)"


def clock(seconds: float) -> str:
    """Seconds as hours, minutes and seconds: ``26:03:10``."""
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def row(fault: Mapping[str, Json], speed: float, utc: float) -> tuple[str, ...]:
    """One fault as the control port lists it."""
    number = {key: float(cast("float", fault[key])) for key in ("process_s", "begin_s")}
    now, begin = Now(number["process_s"], speed, utc), number["begin_s"]
    waits = fault["what"] == "ordered"
    end = None if fault["end_s"] is None else float(cast("float", fault["end_s"]))
    left = f"begins in {clock(begin - now.process_s)}" if waits else _left(end, now)
    state = "waiting" if waits else "going on"
    told = UNTIL_CLEARED if end is None else now.at(end)
    return (str(fault["number"]), str(fault["vessel"]), state, str(fault["text"]), now.at(begin), told, left)


def _left(end: float | None, now: Now) -> str:
    return "until cleared" if end is None else clock(end - now.process_s)
