"""One loop in one scan: where causes look."""

from __future__ import annotations

from math import isnan
from typing import NamedTuple

from controller.explain.facts import Facts, LoopFacts
from controller.explain.numbers import Numbers
from controller.explain.words import said
from controller.frame import BAD, GOOD
from controller.model.loops import Loop
from controller.model.site import Site
from controller.stages.loop_state import Mode
from controller.stages.programs.shown import feed_columns


class Named(NamedTuple):
    """A signal as people call it."""

    title: str
    unit: str
    decimals: int


class Scene(NamedTuple):
    """Loop ``row`` of a site, with the facts and numbers of one scan."""

    site: Site
    facts: Facts
    numbers: Numbers
    row: int

    @property
    def loop(self) -> Loop:
        """The loop's configuration."""
        return self.site.loops.rows[self.row]

    @property
    def own(self) -> LoopFacts:
        """The loop's facts."""
        return self.facts.loops[self.row]

    @property
    def mode(self) -> Mode:
        """The commanded mode."""
        return self.own.state.mode

    def sp(self, value: float) -> str:
        """A setpoint as text."""
        return said(value, self.loop.unit, self.loop.decimals)

    def op(self, value: float) -> str:
        """An output as text."""
        return said(value, self.loop.op_unit)

    def named(self, signal: int) -> Named:
        """What people call a signal."""
        tags, loops = self.site.tags.tags, self.site.loops.rows
        if signal < len(tags):
            return Named(tags[signal].title, tags[signal].unit, tags[signal].decimals)
        kind, row = divmod(signal - len(tags), len(loops))
        loop = loops[row]
        return Named(f"{loop.title} output", loop.op_unit, 1) if kind else Named(loop.title, loop.unit, loop.decimals)

    def read(self, vessel: str, name: str) -> tuple[float, int]:
        """Value and quality by name, as conditions read them; what is not known here is Bad."""
        tag = self.site.tags.index.get(f"{vessel}.{name}")
        if tag is not None:
            return self.numbers.signal(tag)
        loop, _, part = name.rpartition(".")
        row = self.site.loops.index.get(f"{vessel}.{loop}")
        if row is None or part not in {"sp", "op"}:
            value = self._of_feed(f"{vessel}.{loop}", part)
            return value, BAD if isnan(value) else GOOD
        numbers = self.numbers.loop(row)
        if part == "op":
            return numbers.achieved, GOOD if numbers.achieved == numbers.achieved else BAD
        led = self.facts.loops[row].state.mode >= Mode.CASCADE
        return numbers.working if led else numbers.asked, GOOD

    def _of_feed(self, feed: str, kind: str) -> float:
        """A number of a feed, NaN where there is none."""
        row = self.site.feeds.index.get(feed)
        columns = feed_columns(self.site.feeds)
        places = [place for place, column in enumerate(columns) if (column.row, column.kind) == (row, kind)]
        return float(self.numbers.feeds[places[0]]) if places else float("nan")
