"""Loop health: how well every loop does, by loop, by operation and by batch. Updated once per scan, after control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from controller.commands import Event, EventType, Json
from controller.frame import F8
from controller.model.build_health import default_health
from controller.model.site import Site
from controller.stages.health_books import NOWHERE, Book, Picture, Place
from controller.stages.health_figures import figures, tuning_view
from controller.stages.health_state import closed, restored, running
from controller.stages.health_sums import Meter, Row, Rows, add
from controller.stages.health_swings import Ended, Swings
from controller.stages.health_trace import Trace, integral_time
from controller.stages.loops import Loops


class Health:
    """Sums of all loops of the site. ``picture`` is what they are after the last scan, for readers on any thread.

    An interval longer than ``longest_dt`` between two scans counts as not seen.
    """

    def __init__(self, site: Site, loops: Loops, period_s: float, longest_dt: float) -> None:
        self._loops, self._longest_dt = loops, longest_dt
        self._names = [loop.full_name for loop in site.loops.rows]
        self.judged_by = [
            site.health.get(loop.full_name) or default_health(loop, site.tags, site.loops, site.alarms)
            for loop in site.loops.rows
        ]
        self.meter = Meter(loops, self.judged_by)
        self.trace = Trace(site.loops.rows, self.meter.judged, period_s)
        self._swings = Swings(len(self._names))
        self._changes = -1
        vessels, rows = [vessel.name for vessel in site.vessels], _rows_of(site)
        sums = np.zeros((2, len(Row), len(self._names)))
        self.picture = Picture(sums[0], sums[1], {name: Book() for name in vessels}, rows)
        self._places = (NOWHERE,) * len(vessels)
        self._closed_of: Mapping[str, Book] = {}
        self._closed: dict[str, Json] = {}

    def step(self, places: Sequence[Place], now_s: float, dt: float) -> list[Event]:
        """Add one scan to the sums, which was ``dt`` after the last. ``places`` is where each vessel of the site is
        after it; what ended gives the events with its figures.
        """
        if self._loops.changes != self._changes:
            self._changes = self._loops.changes
            self.trace.follow(self._loops.tunings)
        meter, picture, rows = self.meter, self.picture, self.trace.due()
        more = meter.measure(self._loops, dt) if 0.0 <= dt <= self._longest_dt else meter.skip(self._loops, dt)
        segment = add(picture.segment, more)
        if len(rows):
            errors, seconds = self.trace.take(rows, segment, meter.since, self._loops.op, now_s)
            _count(segment, self._swings.take(rows, errors, seconds))
        picture = Picture(segment, picture.before, picture.books, picture.rows)
        if places is self._places or places == self._places:
            self.picture = picture
            return []
        return self._turn(picture, places)

    def _turn(self, picture: Picture, places: Sequence[Place]) -> list[Event]:
        """Close what ended on the vessels that are somewhere else now."""
        books, before, events = dict(picture.books), picture.before.copy(), list[Event]()
        for vessel, place in zip(picture.books, places, strict=True):
            book = books[vessel]
            if place == book.place:
                continue
            rows = picture.rows[vessel]
            segment = picture.segment[:, rows]
            before[:, rows] += segment
            picture.segment[:, rows] = 0.0
            self.trace.forget(rows)
            books[vessel] = book.turn(place, segment)
            events += self._ended(vessel, book, place, segment)
        self._places = tuple(places)
        self.picture = picture._replace(before=before, books=books)
        return events

    def _ended(self, vessel: str, book: Book, place: Place, segment: F8) -> list[Event]:
        """What to put on record: an operation that is over, and the batch if it is."""
        events = []
        if book.place.operation:
            events.append(self._event(vessel, book.place, "operation", segment))
        if book.place.batch and place.batch != book.place.batch:
            everything = book.turn(NOWHERE, segment).total(segment.shape[1])
            events.append(self._event(vessel, book.place, "batch", everything))
        return events

    def _event(self, vessel: str, place: Place, scope: str, sums: F8) -> Event:
        entries: dict[str, Json] = {}
        for row, one in zip(self.picture.rows[vessel].tolist(), sums.T, strict=True):
            if self.meter.judged[row]:
                loop, tuning = self._loops.table.rows[row], self.tuning(row)
                entries[loop.name] = {**figures(one), "unit": loop.unit, "tuning": tuning}
        what = place.operation if scope == "operation" else "the whole batch"
        return Event(
            EventType.PROCEDURAL,
            "Process Data",
            place.batch,
            f"{place.batch}: loops in {what}: {_in_band(entries)}",
            vessel,
            place.batch,
            value={"scope": scope, "operation": place.operation if scope == "operation" else "", "loops": entries},
        )

    def tuning(self, row: int) -> Json:
        """The tuning set of a loop that is in force."""
        return tuning_view(self._loops.tunings[row], self._loops.table.rows[row].schedule)

    def integral_time_s(self, row: int) -> float:
        """How slow a loop is by the tuning set that is in force."""
        return integral_time(self._loops.tunings[row])

    def state(self) -> dict[str, Json]:
        """All sums, exactly. The series begin anew after a restart: there is a hole in them."""
        picture = self.picture
        if picture.books is not self._closed_of:
            self._closed, self._closed_of = closed(self._names, picture), picture.books
        return {**self._closed, "running": running(picture, self.meter.since)}

    def restore(self, state: Mapping[str, Json], outage_s: float) -> None:
        """Go on with what :meth:`state` gave, once the loops are restored; nothing was seen for ``outage_s``. The sums
        of another version are not taken over.
        """
        found = restored(state, self._names, self.picture)
        if found is None:
            return
        picture, since = found
        picture.segment[[Row.ELAPSED, Row.UNSEEN]] += outage_s
        self.meter.resume(self._loops, since + outage_s)
        self._places = tuple(book.place for book in picture.books.values())
        self.picture = picture


def _rows_of(site: Site) -> dict[str, Rows]:
    """The loops of each vessel."""
    rows: dict[str, list[int]] = {vessel.name: [] for vessel in site.vessels}
    for row, loop in enumerate(site.loops.rows):
        rows[loop.vessel].append(row)
    return {vessel: np.array(found, np.intp) for vessel, found in rows.items()}


def _in_band(entries: Mapping[str, Json]) -> str:
    """Each loop's time in its band, in words."""
    told = [
        f"{name} {share:.1f} % in band"
        for name, entry in entries.items()
        if isinstance(entry, dict) and isinstance(share := entry["in_band"], float)
    ]
    return ", ".join(told) or "none was in automatic"


def _count(sums: F8, ended: Ended) -> None:
    if len(ended.rows):
        sums[Row.HALVES, ended.rows] += 1.0
        sums[Row.ALIKE, ended.rows] += ended.alike
        sums[Row.ALIKE_S, ended.rows] += ended.alike * ended.length_s
