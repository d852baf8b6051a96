"""Live values by name: what conditions of interlocks and recipes read."""

from __future__ import annotations

import math
from collections.abc import Sequence

from controller.frame import BAD, GOOD, Frame
from controller.model.site import Site
from controller.recipe.conditions import Condition, VesselCondition, compile_condition
from controller.recipe.symbols import Symbol
from controller.stages.edges import Edges
from controller.stages.loops import Loops
from controller.stages.programs.shown import FeedNumbers

FEED_NAMES = ("total", "left")
"""What conditions can read of a feed."""


class LiveReader:
    """The values of the scan at hand: any tag, ``<loop>.sp`` and ``<loop>.op``, of a feed ``.total`` and ``.left``.
    ``frame`` is set by every scan.
    """

    def __init__(self, site: Site, loops: Loops, feeds: FeedNumbers) -> None:
        self.frame = Frame.never_read(len(site.tags))
        self._tags = {(tag.vessel, tag.name): row for row, tag in enumerate(site.tags.tags)}
        self._setpoints = {(loop.vessel, f"{loop.name}.sp"): row for row, loop in enumerate(site.loops.rows)}
        self._outputs = {(loop.vessel, f"{loop.name}.op"): row for row, loop in enumerate(site.loops.rows)}
        self._feeds = {
            (feed.vessel, f"{feed.name}.{kind}"): feeds.place(feed.vessel, feed.name, kind)
            for feed in site.feeds.rows
            for kind in FEED_NAMES
            if feeds.place(feed.vessel, feed.name, kind) >= 0
        }
        self._loops, self._numbers = loops, feeds

    def row(self, vessel: str, name: str) -> int | None:
        """The row of a tag in the frame; ``None`` for what is no tag."""
        return self._tags.get((vessel, name))

    def read(self, vessel: str, name: str) -> tuple[float, int]:
        """Value and quality. Raises ``KeyError`` for a name that the vessel does not have."""
        row = self._tags.get((vessel, name))
        if row is not None:
            return self.frame.value.item(row), self.frame.quality.item(row)
        row = self._setpoints.get((vessel, name))
        if row is not None:
            return self._loops.shown_setpoint(row), GOOD
        place = self._feeds.get((vessel, name))
        value = self._loops.op.item(self._outputs[vessel, name]) if place is None else self._numbers.one(place)
        return value, BAD if math.isnan(value) else GOOD

    def mode(self, vessel: str, loop: str) -> str:
        """The mode of a loop. Raises ``KeyError`` for a loop that the vessel does not have."""
        return self._loops.states[self._outputs[vessel, f"{loop}.op"]].mode.word


def interlock_conditions(site: Site) -> list[tuple[VesselCondition, VesselCondition | None]]:
    """The compiled ``when`` and ``release`` of every interlock. Raises :class:`ConditionError` for a text that the
    configuration check would have refused.
    """
    conditions: list[tuple[VesselCondition, VesselCondition | None]] = []
    symbols, compiled = site_symbols(site), dict[tuple[str, frozenset[tuple[str, Symbol]]], Condition]()
    words = {vessel: frozenset(found.items()) for vessel, found in symbols.items()}

    def on(vessel: str, text: str) -> VesselCondition:
        """What vessels of one class say in the same words is compiled once."""
        key = (text, words[vessel])
        if key not in compiled:
            compiled[key] = compile_condition(text, symbols[vessel])
        return compiled[key].on(vessel)

    for interlock in site.interlocks:
        release = on(interlock.vessel, interlock.release) if interlock.release else None
        conditions.append((on(interlock.vessel, interlock.when), release))
    return conditions


def interlock_edges(site: Site, conditions: Sequence[tuple[VesselCondition, VesselCondition | None]]) -> Edges:
    """The edges of the interlocks' conditions that are about tags only."""
    found: list[tuple[int, float]] = []
    watched = []
    for interlock, pair in zip(site.interlocks, conditions, strict=True):
        parts = [part.condition.truth.edges for part in pair if part is not None]
        edges = [
            (site.tags.index.get(f"{interlock.vessel}.{name}"), limit) for part in parts for name, limit in part or ()
        ]
        known = [(row, limit) for row, limit in edges if row is not None]
        watched.append(None not in parts and len(known) == len(edges))
        found += known
    return Edges([row for row, _ in found], [limit for _, limit in found], watched)


def site_symbols(site: Site) -> dict[str, dict[str, Symbol]]:
    """Everything that each vessel can be asked, with units."""
    symbols: dict[str, dict[str, Symbol]] = {vessel.name: {} for vessel in site.vessels}
    for tag in site.tags.tags:
        symbols[tag.vessel][tag.name] = Symbol(tag.unit)
    for loop in site.loops.rows:
        symbols[loop.vessel] |= {f"{loop.name}.sp": Symbol(loop.unit), f"{loop.name}.op": Symbol(loop.op_unit)}
    for feed in site.feeds.rows:
        if feed.is_flow:
            symbols[feed.vessel][f"{feed.name}.total"] = Symbol(feed.amount)
            symbols[feed.vessel] |= {f"{feed.name}.left": Symbol(feed.amount)} if feed.bottle else {}
    return symbols
