"""The wires as the scan sees them: samples of all links into one frame, writes out to the link that owns the tag."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from controller.frame import Frame
from drivers.contract import Point, Quality, Reason, Sample, WriteOutcome

NS = 1_000_000_000
BEATS = 0x8000
"""Beats are counted below this and begin anew: a register of 16 bits holds them, with or without a sign."""


class LinkLike(Protocol):
    """What is used of :class:`drivers.link.Link`."""

    name: str

    def latest(self) -> Sequence[Sample]:
        """The newest sample of every point, in the order the link was given."""

    def request_read(self) -> None:
        """Read now."""

    def submit(self, writes: Mapping[str, float]) -> None:
        """Write by point key, newest wins."""

    def take_outcomes(self) -> list[WriteOutcome]:
        """What became of writes since the last call."""


class LinkIo:
    """All links of a site.

    ``bindings`` names for every connection its tag indices and points, in the order the link has them; ``heartbeats``
    names the point that counts scans, for the connections that have one. Links arrive when they exist: until then
    their tags stay never read. ``look`` is shown the samples of every link before they are used, ``beaten`` what became
    of a connection's heartbeat.
    """

    def __init__(
        self,
        tags: int,
        bindings: Mapping[str, Sequence[tuple[int, Point]]],
        heartbeats: Mapping[str, Point],
        *,
        simulated: bool,
        look: Callable[[str, Sequence[Sample]], None] | None = None,
        beaten: Callable[[str, WriteOutcome], None] | None = None,
    ) -> None:
        self._look, self._beaten = look, beaten
        self._frame = Frame.never_read(tags)
        self._bindings = {name: [index for index, _ in pairs] for name, pairs in bindings.items()}
        self._owner = {index: (name, point.key) for name, pairs in bindings.items() for index, point in pairs}
        self._heartbeats = {name: point.key for name, point in heartbeats.items()}
        self._good = Reason.SIMULATED if simulated else Reason.OK
        self.links: dict[str, LinkLike] = {}

    def attach(self, links: Mapping[str, LinkLike]) -> None:
        """Start using ``links``, by connection name."""
        self.links.update(links)

    def collect(self, now_ns: int) -> Frame:
        """The newest samples as one frame; ages in seconds of process time."""
        for name, link in self.links.items():
            samples = link.latest()
            if self._look is not None:
                self._look(name, samples)
            self._fill(self._bindings[name], samples, now_ns)
        return self._frame.copy()

    def _fill(self, indices: Sequence[int], samples: Sequence[Sample], now_ns: int) -> None:
        frame, good = self._frame, self._good
        for index, sample in zip(indices, samples, strict=False):
            frame.value[index] = sample.value
            frame.quality[index] = sample.quality
            frame.reason[index] = good if sample.quality == Quality.GOOD else sample.reason
            frame.age[index] = (now_ns - sample.time_ns) / NS if sample.time_ns else np.inf

    def outcomes(self) -> list[WriteOutcome]:
        """What became of writes since the last call, over all links."""
        found: list[WriteOutcome] = []
        for name, link in self.links.items():
            taken = link.take_outcomes()
            if self._beaten is not None and (key := self._heartbeats.get(name)):
                for outcome in taken:
                    if outcome.point.key == key:
                        self._beaten(name, outcome)
            found += taken
        return found

    def write(self, writes: Mapping[int, float]) -> None:
        """Hand each write to the link that owns its tag; a link that does not exist yet gets nothing."""
        by_link: dict[str, dict[str, float]] = {}
        for index, value in writes.items():
            name, key = self._owner[index]
            by_link.setdefault(name, {})[key] = value
        for name, values in by_link.items():
            if name in self.links:
                self.links[name].submit(values)

    def request_reads(self) -> None:
        """Ask every link to read now."""
        for link in self.links.values():
            link.request_read()

    def heartbeat(self, count: int) -> None:
        """Write the scan counter, as far as any register holds it, to every device that watches for it."""
        for name, key in self._heartbeats.items():
            if name in self.links:
                self.links[name].submit({key: float(count % BEATS)})
