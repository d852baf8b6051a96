"""Single points of an instrument: those of a site's tags in the tags' units, and any other as a raw number."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from controller.composition.devices import PAUSE_S, Device, Failed, Session, known_points, session, settled
from controller.config.problems import nearest
from controller.model.build import build
from controller.units import UnitError, parse_quantity
from drivers.contract import DriverError, LinkLost, Point, Quality, Reason, Refused, Sample, WriteOutcome, WriteState
from drivers.link import OPEN_DEADLINE_S
from drivers.link_state import explain

if TYPE_CHECKING:
    from controller.commands import Json
    from controller.config.load import LoadedSite


class Spot(NamedTuple):
    """A point and what is known of it: how it is called, its unit, and the range of its tag."""

    point: Point
    name: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    vessel: str = ""
    is_output: bool = False

    @property
    def is_read(self) -> bool:
        """Whether it can be read."""
        return self.point.access != "w"

    def worded(self, value: float) -> str:
        """A value with its unit, which a mere number has not."""
        return f"{value:.6g} {self.unit}".rstrip() if self.unit != "1" else f"{value:.6g}"


class Reading(NamedTuple):
    """A point and what it said."""

    spot: Spot
    sample: Sample

    def shown(self) -> str:
        """The value with its unit, and its quality unless it is good."""
        _, value, quality, *_ = self.cells()
        return value if quality == "good" else f"{value} ({quality})"

    def cells(self) -> tuple[str, str, str, str, str]:
        """Point, value with unit, quality, reason, detail."""
        value, sample = self.sample.value, self.sample
        shown = self.spot.worded(value) if math.isfinite(value) else "-"
        return self.spot.name, shown, sample.quality.name.lower(), sample.reason.name.lower(), sample.detail

    def as_json(self) -> dict[str, Json]:
        """Point, address, value (null when there is none), unit, quality, reason, detail."""
        value = self.sample.value
        return {
            "point": self.spot.name,
            "address": self.spot.point.address,
            "value": value if math.isfinite(value) else None,
            "unit": self.spot.unit,
            "quality": self.sample.quality.name.lower(),
            "reason": self.sample.reason.name.lower(),
            "detail": self.sample.detail,
        }


def spots_of(site: LoadedSite) -> dict[str, list[Spot]]:
    """By connection, the points of all tags."""
    tags = build(site).tags
    return {
        name: [
            Spot(point, tag.full_name, tag.unit, tag.low, tag.high, tag.vessel, tag.kind == "output")
            for row, point in bound
            if (tag := tags.tags[row])
        ]
        for name, bound in tags.bindings().items()
    }


def choose(device: Device, known: Sequence[Spot], words: Sequence[str]) -> list[Spot]:
    """What is meant by each word: a tag by its full name or, if there is only one, its name; else the instrument's own
    word. Raises :class:`Failed` when it is neither.
    """
    chosen = [_choose(known, word) for word in words]
    known_points(device, [spot.point for spot in chosen])
    return chosen


def near_miss(known: Sequence[Spot], spot: Spot) -> str:
    """Which tags are meant, perhaps, by a word that was taken for the instrument's own; empty when it is a tag."""
    if spot.vessel or not known:
        return ""
    names = [one.name for one in known] + [one.name.partition(".")[2] for one in known]
    hint = nearest(spot.name, names)
    return f"{spot.name!r} is no tag here; {hint}" if hint.startswith("did you mean") else ""


def _choose(known: Sequence[Spot], word: str) -> Spot:
    tags = [spot for spot in known if word in {spot.name, spot.name.partition(".")[2]}]
    if len(tags) > 1:
        raise Failed(f"{word!r} is several tags of this connection: {', '.join(spot.name for spot in tags)}", 2)
    at_address = [spot for spot in known if spot.point.address == word]
    return next(iter([*tags, *at_address]), Spot(Point(word, word, "rw"), word))


async def read(session: Session, spots: Sequence[Spot], *, wait: bool = True) -> list[Reading]:
    """What the points say; ``wait`` until each said something. Raises :class:`DriverError`, ``TimeoutError``."""
    points = [spot.point for spot in spots]
    samples = await (session.read_all(points) if wait else session.read(points))
    return [Reading(spot, sample) for spot, sample in zip(spots, samples, strict=True)]


async def follow(
    device: Device, spots: Sequence[Spot], every_s: float, count: float, show: Callable[[Sequence[Reading]], None]
) -> None:
    """Read ``count`` times (without end if infinite), ``every_s`` apart, and show each reading. An instrument that is
    lost on the way is bad until it is back. Raises :class:`DriverError`, ``TimeoutError`` when it never answered.
    """
    loop = asyncio.get_running_loop()
    made, due = 0, loop.time()

    async def shown(readings: Sequence[Reading]) -> None:
        """Show one reading; wait until the next is due unless it was the last."""
        nonlocal made, due
        show(readings)
        made, due = made + 1, (due if made else loop.time()) + every_s
        if made < count:
            await asyncio.sleep(max(0.0, due - loop.time()))

    while made < count:
        try:
            async with session(device) as opened:
                while made < count:
                    await shown(await read(opened, spots, wait=not made))
        except (DriverError, TimeoutError) as error:
            if not made:
                raise
            lost = Sample(math.nan, Quality.BAD, Reason.LINK, 0, None, explain(error))
            await shown([Reading(spot, lost) for spot in spots])


class Written(NamedTuple):
    """What became of a write, and what is read back; ``None`` when nothing can be."""

    outcome: WriteOutcome
    after: Reading | None


async def write(session: Session, spot: Spot, value: float) -> Written:
    """Write once and look."""
    outcome = await session.write(spot.point, value)
    return Written(outcome, await glance(session, spot))


async def glance(session: Session, spot: Spot) -> Reading | None:
    """What a point says now, if it can be read. Asked again for some seconds: after a failure it may come late."""
    loop = asyncio.get_running_loop()
    end = loop.time() + OPEN_DEADLINE_S
    while spot.is_read:
        samples = await settled(session.read([spot.point], OPEN_DEADLINE_S))
        if not isinstance(samples, BaseException):
            return Reading(spot, samples[0])
        if isinstance(samples, Refused | LinkLost) or loop.time() >= end:
            break
        await asyncio.sleep(PAUSE_S)
    return None


def value_for(spot: Spot, text: str) -> float:
    """The number to write, in the tag's unit. Raises :class:`Failed` for what is none, or is out of range."""
    try:
        value = float(text)
    except ValueError:
        value = _quantity(spot, text)
    if not math.isfinite(value):
        raise Failed(f"{text!r} is no number to write", 2)
    if not spot.low <= value <= spot.high:
        raise Failed(f"{spot.name} must be {spot.low:g} to {spot.high:g} {spot.unit}, not {value:g}".strip(), 2)
    return value


def _quantity(spot: Spot, text: str) -> float:
    if not spot.unit:
        raise Failed(f"{text!r} is no number; this point has no tag, and so no unit", 2)
    try:
        return parse_quantity(text, spot.unit).to(spot.unit)
    except UnitError as error:
        raise Failed(f"{text!r}: {error.message} ({error.hint})", 2) from error


def told(outcome: WriteOutcome) -> str:
    """``applied``, ``refused: why`` or ``unknown: why``."""
    state = outcome.state.value
    return f"{state}: {outcome.detail}" if outcome.detail else state


def is_applied(written: Written) -> bool:
    """Whether the instrument took it."""
    return written.outcome.state is WriteState.APPLIED
