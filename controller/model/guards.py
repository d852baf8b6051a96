"""The tables of interlocks and alarms."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple


class Interlock(NamedTuple):
    """While tripped, ``force`` holds rows of the output table at values; in the order of the file, later ones win.

    ``when`` and ``release`` are texts of the condition language; without ``release`` it is *not when*. ``on_unknown``
    is what it does when it cannot be decided.
    """

    vessel: str
    name: str
    title: str
    when: str
    release: str | None
    force: tuple[tuple[int, float], ...]
    on_unknown: Literal["trip", "keep"] = "trip"

    @property
    def full_name(self) -> str:
        """``BR-101.over_temperature``."""
        return f"{self.vessel}.{self.name}"


class Alarm(NamedTuple):
    """One alarm on ``tag`` (a row of the tag table), with the operator's part.

    ``side``: the value is above or below ``limit``, or its quality is bad. It returns ``deadband`` inside the limit.
    On the side ``undecided`` it is about an interlock (row ``interlock`` of their table) instead of a tag, on ``held``
    about an output held by its dose guard (row ``output``), on ``blocked`` about a dose loop (row ``loop``), on
    ``told`` about the place ``flag`` of what a feed complains of, on ``idle`` of a loop whose output lacks its effect,
    on ``frozen`` of the values that stand still.
    Such an alarm has no limit. Delays in seconds; ``during`` are the operations in which it counts, always when empty.
    ``tag_name`` is the tag's name in its vessel, "" where there is no tag.
    """

    vessel: str
    name: str
    title: str
    tag: int
    side: Literal["above", "below", "bad", "undecided", "held", "blocked", "told", "idle", "frozen"]
    limit: float = math.nan
    deadband: float = 0.0
    on_delay: float = 0.0
    off_delay: float = 0.0
    priority: int = 2
    unit: str = ""
    during: frozenset[str] = frozenset()
    consequence: str = ""
    cause: str = ""
    action: str = ""
    respond_within: str = ""
    tag_name: str = ""
    interlock: int = -1
    output: int = -1
    loop: int = -1
    flag: int = -1

    @property
    def full_name(self) -> str:
        """``BR-101.temperature_high``."""
        return f"{self.vessel}.{self.name}"
