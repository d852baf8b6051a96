"""Points of which their device says that they have no value, or whose device is silent while others on the line answer:
told when that begins and ends, never in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from controller.commands import Json
from drivers.contract import Quality, Reason

if TYPE_CHECKING:
    from drivers.contract import Point, Sample

NAMED = 8
"""The points that one message names; it counts the others."""

Tell = Callable[[str, str, bool], None]
"""Takes a link's name, a sentence, and whether something is wrong."""


class PointFaults:
    """Looks at every read of every link. ``bindings`` gives a link's tag indices and points, in its samples' order.

    Points that fail together for the same reason are told together. A point is in order again with its next value; a
    lost link says nothing of it. That there was no answer for a point is told from the second time in a row, and only
    while others are answered.
    """

    def __init__(self, bindings: Mapping[str, Sequence[tuple[int, Point]]], tell: Tell) -> None:
        self._points = {name: [point for _, point in pairs] for name, pairs in bindings.items()}
        self._tell = tell
        self._seen: dict[str, Sequence[Sample]] = {}
        self._details: dict[str, dict[Point, str]] = {name: {} for name in bindings}
        self._unanswered: set[Point] = set()

    def look(self, link: str, samples: Sequence[Sample]) -> None:
        """Take the newest samples of a link; the same ones again are nothing new."""
        if samples is self._seen.get(link):
            return
        self._seen[link] = samples
        details, began, ended = self._details[link], dict[str, list[str]](), list[str]()
        answers = any(sample.quality < Quality.BAD for sample in samples)
        for point, sample in zip(self._points[link], samples, strict=False):
            if sample.quality < Quality.BAD:
                self._unanswered.discard(point)
                if details.pop(point, None) is not None:
                    ended.append(point.address)
            elif sample.reason == Reason.DEVICE or (sample.reason == Reason.LINK and answers and self._again(point)):
                if point not in details:
                    began.setdefault(sample.detail, []).append(point.address)
                details[point] = sample.detail
        for detail, addresses in began.items():
            self._tell(link, f"{link}: {_listed(addresses)}: {detail or 'no valid value'}", True)
        if ended:
            self._tell(link, f"{link}: {_listed(ended)}: in order again", False)

    def _again(self, point: Point) -> bool:
        """Whether it was not answered before either: one answer may get lost."""
        before = point in self._unanswered
        self._unanswered.add(point)
        return before

    def shown(self, link: str) -> list[Json]:
        """The points of a link that have no value now: tag, point, and what the device says."""
        details = self._details.get(link, {})
        return [{"tag": point.key, "point": point.address, "detail": detail} for point, detail in details.items()]


def _listed(addresses: Sequence[str]) -> str:
    more = f" and {len(addresses) - NAMED} more" if len(addresses) > NAMED else ""
    return ", ".join(dict.fromkeys(addresses[:NAMED])) + more
