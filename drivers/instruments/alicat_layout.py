"""What is where in an Alicat's data frame, as the device itself tells it (``??D*``).

Every row names one word of the frame, in order. There are two kinds of rows: of firmware up to 5v without, of later one
with a number of the statistic (``A D05 005 Mass Flow  s decimal  7/2 012 02 SCCM``). Rows with a star, and errors and
status codes, come only when there is something to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

ROW = re.compile(
    r"\S +D(?P<number>\d\d) +(?:\d{3} +)?(?P<name>\*?\S.*?) +"
    r"(?P<type>s decimal|decimal|signed|unsigned|string|char)\b(?:.* )?(?P<unit>\S+)"
)
UNIT_ID, GAS = "unit id", "gas"
NUMBERS = ("s decimal", "decimal", "signed", "unsigned")
AT_TIMES = ("*", "error", "status")
"""How the names of what is not always there begin."""
SIGNS = (
    ("setpoint", "setp"), ("pressure", "press"), ("temperature", "temp"), ("total", "tot"), ("volumetric_flow", "vol"),
    ("mass_flow", "mass"),
)  # fmt: skip
"""What is in the name of a statistic, the first that fits: a mass setpoint is a setpoint."""


class Layout(NamedTuple):
    """A frame behind its letter: the places of its numbers by point, and of the gas if it is there; how many words are
    always there, how many numbers may follow, and the units of the points as far as they are told.
    """

    places: Mapping[str, int]
    words: int
    gas: int | None
    spare: int = 0
    units: Mapping[str, str] = {}

    def lacks(self, names: Sequence[str]) -> list[str]:
        """Those of the names that are in no place."""
        return [name for name in names if name not in self.places]


def assumed(frame: Sequence[str]) -> Layout:
    """The layout of a device that does not tell it: these numbers, then a gas perhaps, and codes."""
    return Layout({name: place for place, name in enumerate(frame)}, len(frame), len(frame))


def told(rows: Sequence[str]) -> Layout | None:
    """The layout in the rows of an answer; ``None`` when it is not all there."""
    found = [match for row in rows if (match := ROW.fullmatch(row.strip()))]
    numbers = [int(match["number"]) for match in found]
    if not found or numbers != list(range(numbers[0], numbers[0] + len(found))):
        return None
    fields = [match for match in found if match["name"].lower() != UNIT_ID]
    always = [match for match in fields if not match["name"].lower().startswith(AT_TIMES)]
    places: dict[str, int] = {}
    for place, match in enumerate(always):
        if match["type"] in NUMBERS and (point := _point(match["name"])):
            places.setdefault(point, place)
    gas = next((place for place, match in enumerate(always) if match["name"].lower() == GAS), None)
    spare = sum(match["type"] in NUMBERS for match in fields if match not in always)
    units = {point: always[place]["unit"] for point, place in places.items()}
    return Layout(places, len(always), gas, spare, units) if places else None


def _point(name: str) -> str:
    return next((point for point, sign in SIGNS if sign in name.lower()), "")
