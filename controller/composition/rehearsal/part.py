"""Rehearsing many donors in several processes: each takes some of them, and what comes out does not depend on how."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from typing import NamedTuple

import numpy as np

from controller.composition.rehearsal.alike import pairs
from controller.composition.rehearsal.books import F4, Consumed, Course
from controller.composition.rehearsal.donors import donor_name
from controller.composition.rehearsal.rehearsal import Rehearsal, Setting
from controller.frame import F8

MOST_TOGETHER = 128
"""Donors that are stepped as one fleet at most: more no longer fit into a processor's cache."""


class Trended(NamedTuple):
    """A tag that is followed; of an output ``told_by`` is the measurement of what it brings about, "" for none."""

    name: str
    title: str
    unit: str
    decimals: int
    told_by: str = ""


@dataclass(slots=True)
class Part:
    """What became of some donors, in the order of their numbers. ``amounts`` has the shape (donors, consumed),
    ``trends`` (points, donors, tags); ``refused`` is what hands could not do, by donor.
    """

    courses: list[Course]
    consumed: list[Consumed]
    amounts: F8
    trended: list[Trended]
    trends: F4
    refused: list[tuple[str, str]]


class Shown(NamedTuple):
    """How far a rehearsal is: share of the donors whose batches are over, and the process seconds of the others."""

    over: int
    process_s: float


def rehearse_part(setting: Setting, numbers: Sequence[int], show: Callable[[float, int], None] | None = None) -> Part:
    """Rehearse some donors in this process."""
    rehearsal = Rehearsal(setting, numbers)
    books = rehearsal.run(show)
    told = pairs(books.trended)
    tags = [Trended(tag.name, tag.title, tag.unit, tag.decimals, told.get(tag.name, "")) for tag in books.trended]
    refused = [(rehearsal.names[column], why) for column, why in rehearsal.fleet.refused]
    return Part(list(books.courses.values()), books.consumed, books.amounts, tags, books.trends, refused)


def rehearse(setting: Setting, donors: int, processes: int, show: Callable[[Shown], None] | None = None) -> Part:
    """Rehearse the first ``donors`` of the population in so many processes.

    Raises what :class:`Rehearsal` does, and ``RuntimeError`` where a process fails otherwise.
    """
    lots = _lots(donors, processes)
    if len(lots) == 1:
        alone = None if show is None else lambda seconds, over: show(Shown(over, seconds))
        return rehearse_part(setting, lots[0], alone)
    Rehearsal(setting, [0])  # what is wrong is told here, in words, before anything is started
    return joined(_Team(setting, lots, processes).run(show))


def joined(parts: Sequence[Part]) -> Part:
    """Several parts as one, in their order. Trends that are over earlier go on with NaN."""
    first = parts[0]
    points = max(len(part.trends) for part in parts)
    trends = [_stretched(part.trends, points) for part in parts]
    return Part(
        [course for part in parts for course in part.courses],
        first.consumed,
        np.concatenate([part.amounts for part in parts]),
        first.trended,
        np.concatenate(trends, axis=1),
        [refused for part in parts for refused in part.refused],
    )


def _stretched(trends: F4, points: int) -> F4:
    _, donors, tags = trends.shape
    missing = np.full((points - len(trends), donors, tags), np.nan, np.float32)
    return np.concatenate([trends, missing])


def _lots(donors: int, processes: int) -> list[range]:
    """Donors by lot: as many lots as processes or a multiple of it, none much larger than another."""
    rounds = -(-donors // (processes * MOST_TOGETHER))
    count = min(donors, processes * rounds)
    edges = [donors * number // count for number in range(count + 1)]
    return [range(begin, end) for begin, end in pairwise(edges)]


class _Team:
    """Processes at work, so many at a time."""

    def __init__(self, setting: Setting, lots: Sequence[range], processes: int) -> None:
        self._setting, self._lots, self._most = setting, lots, processes
        self._context = multiprocessing.get_context("spawn")
        self._parts: dict[int, Part] = {}
        self._seen: dict[int, Shown] = {}

    def run(self, show: Callable[[Shown], None] | None) -> list[Part]:
        """Rehearse every lot."""
        waiting, lines = list(enumerate(self._lots)), dict[Connection, int]()
        team = []
        try:
            while waiting or lines:
                while waiting and len(lines) < self._most:
                    place, lot = waiting.pop(0)
                    near, far = self._context.Pipe(duplex=False)
                    member = self._context.Process(target=_work, args=(self._setting, lot, far), daemon=True)
                    member.start()
                    far.close()
                    team.append(member)
                    lines[near] = place
                for line in wait(list(lines)):
                    assert isinstance(line, Connection)
                    if self._hear(line, lines[line]):
                        del lines[line]
                    if show is not None:
                        show(self._shown())
        finally:
            for member in team:
                member.terminate()
                member.join()
        return [self._parts[place] for place in range(len(self._lots))]

    def _hear(self, line: Connection, place: int) -> bool:
        """Take one message; says whether it was the last."""
        try:
            message = line.recv()
        except EOFError:
            lot = self._lots[place]
            who = f"donors {donor_name(lot[0])} to {donor_name(lot[-1])}"
            raise RuntimeError(f"the process that rehearsed {who} ended early, as if it was killed") from None
        if isinstance(message, str):
            raise RuntimeError(message)
        if isinstance(message, Part):
            self._parts[place] = message
            self._seen[place] = Shown(len(self._lots[place]), 0.0)
            return True
        self._seen[place] = Shown(*message)
        return False

    def _shown(self) -> Shown:
        return Shown(sum(one.over for one in self._seen.values()), max(one.process_s for one in self._seen.values()))


def _work(setting: Setting, numbers: Sequence[int], line: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started it decides, and ends it
    try:
        line.send(rehearse_part(setting, numbers, lambda seconds, over: line.send((over, seconds))))
    except (LookupError, ValueError) as error:
        line.send(str(error))
    line.close()
