"""What a rehearsal writes down while it runs; arrays have a row for each donor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.commands import Event, EventType, Json
from controller.composition.rehearsal.validity import Left
from controller.frame import F8
from controller.recipe.states import State
from controller.units import parse_unit

if TYPE_CHECKING:
    from controller.frame import Frame
    from controller.model.site import Site
    from controller.model.tags import Tag

GRID_S = 600.0
"""Process seconds between two points of a trend."""
OVER = {State.COMPLETE.value, State.STOPPED.value, State.ABORTED.value, State.HELD.value}
"""The states that a batch does not leave by itself: nobody is there to decide what becomes of one that is held."""
FLOW = parse_unit("L/s")
LARGE_L, DAY_S = 20.0, 86_400.0
"""What an output that can give more than so many litres in a day is told in: litres, whatever its flow is told in."""
F4 = NDArray[np.float32]


class AlarmTime(NamedTuple):
    """One time that an alarm was active, in process seconds; ``open`` where it still was when the batch was over."""

    name: str
    title: str
    since: float
    until: float
    open: bool = False


class Consumed(NamedTuple):
    """An output that doses: which, the unit of what it gave, and how much of it a flow of 1 gives in a second."""

    name: str
    title: str
    unit: str
    per_second: float


@dataclass(slots=True)
class Course:
    """What became of one donor's batch. Times are process seconds since the batch began; NaN: it did not happen.

    ``state`` is empty where no batch could be made, and ``Running`` where it was not over in the time that was
    rehearsed, which is ``followed_s``. ``left`` says why each operation ended. ``loops`` are the figures of each loop
    over all of it, ``yielded`` the truth at its end, ``medium_l`` what was filled in by hand, ``beyond`` what left the
    range of the culture's model, by quantity and operation. Of a patient's product
    ``judged`` says whether there is a verdict, ``failures`` are its words, ``doses`` how many there are.
    """

    donor: str
    state: str = ""
    reason: str = ""
    ended_s: float = float("nan")
    followed_s: float = 0.0
    left: dict[str, str] = field(default_factory=dict)
    reached_s: float = float("nan")
    entered: dict[str, float] = field(default_factory=dict)
    alarms: list[AlarmTime] = field(default_factory=list)
    loops: dict[str, Json] = field(default_factory=dict)
    deviations: int = 0
    held: list[str] = field(default_factory=list)
    yielded: dict[str, float] = field(default_factory=dict)
    medium_l: float = float("nan")
    beyond: dict[tuple[str, str], Left] = field(default_factory=dict)
    judged: bool = False
    failures: list[str] = field(default_factory=list)
    doses: float = float("nan")

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in OVER or bool(self.reason and not self.state)

    @property
    def completed(self) -> bool:
        """Whether it came to the end of the recipe."""
        return self.state == State.COMPLETE


class Books:
    """Everything about the donors of one fleet. ``trends`` are the rows of the tags that are followed."""

    def __init__(self, site: Site, donors: Sequence[str]) -> None:
        self.courses = {name: Course(name) for name in donors}
        self._width, count = len(site.tags) // len(donors), len(donors)
        first = site.tags.tags[: self._width]
        self._alarms = {alarm.full_name: alarm.title for alarm in site.alarms}
        self._active: dict[str, float] = {}
        self._followed = [column for column, tag in enumerate(first) if tag.unit != "1"]
        self.trended = [first[column] for column in self._followed]
        self._points: list[F4] = []
        flows = [(column, tag) for column, tag in enumerate(first) if tag.kind == "output" and _doses(tag.unit)]
        columns = np.array([column for column, _ in flows], np.intp)
        self._flows = columns + self._width * np.arange(count)[:, None]
        self.consumed = [consumed(tag) for _, tag in flows]
        self._per_second = np.array([one.per_second for one in self.consumed])
        self.amounts: F8 = np.zeros((count, len(flows)))
        self._running = np.ones((count, 1))
        self._next_s = 0.0

    def open(self) -> list[str]:
        """The donors whose batches are not over."""
        return [name for name, course in self.courses.items() if not course.over]

    def scanned(self, frame: Frame, now_s: float, dt_s: float) -> bool:
        """Note the values of one scan; says whether it was a point of the trends."""
        if self.consumed:
            self.amounts += frame.value[self._flows] * (self._per_second * dt_s) * self._running
        if now_s < self._next_s:
            return False
        self._next_s += GRID_S
        point = frame.value.reshape(-1, self._width)[:, self._followed].astype(np.float32)
        point[self._running[:, 0] == 0.0] = np.nan
        self._points.append(point)
        return True

    def note(self, events: Sequence[Event], now_s: float) -> None:
        """Note what happened in one scan."""
        for event in events:
            course = self.courses.get(event.vessel)
            if course is None:
                continue
            if event.type is EventType.ALARM and event.object in self._alarms and not course.over:
                self._alarm(course, event, now_s)
            elif event.type is EventType.PROCEDURAL:
                self._procedural(course, event, now_s)
            elif isinstance(event.value, Mapping) and "outside" in event.value:
                course.deviations += 1

    def refused(self, donor: str, reason: str) -> None:
        """No batch could be made for a donor."""
        self.courses[donor].reason = reason
        self._running[list(self.courses).index(donor)] = 0.0

    def close(self, now_s: float) -> None:
        """The rehearsal is over: what is not at its end stays so."""
        for course in self.courses.values():
            if not course.over:
                course.reason = f"not at its end after {now_s / 86_400.0:.1f} d"
                self._end(course, now_s)

    @property
    def trends(self) -> F4:
        """Values of shape (points, donors, tags), NaN once a batch is over."""
        return (
            np.array(self._points)
            if self._points
            else np.zeros((0, len(self.courses), len(self._followed)), np.float32)
        )

    def _alarm(self, course: Course, event: Event, now_s: float) -> None:
        if event.value == "active":
            self._active[event.object] = now_s
        elif (since := self._active.pop(event.object, None)) is not None:
            name = event.object.partition(".")[2]
            course.alarms.append(AlarmTime(name, self._alarms[event.object], since, now_s))

    def _procedural(self, course: Course, event: Event, now_s: float) -> None:
        value = event.value
        if event.subtype == "Process Data" and isinstance(value, Mapping) and value.get("scope") == "batch":
            loops = value.get("loops")
            course.loops = dict(loops) if isinstance(loops, Mapping) else {}
        elif event.subtype == "State Change" and isinstance(value, str):
            if event.previous in set(State) and value in set(State):
                self._change(course, value, event.reason, now_s)
            else:
                course.entered.setdefault(value, now_s)
                if isinstance(event.previous, str):
                    course.left[event.previous] = event.reason

    def _change(self, course: Course, state: str, reason: str, now_s: float) -> None:
        if state == State.HOLDING:
            course.held.append(reason)
        if state in OVER and not course.over:
            course.reason = course.held[-1] if state == State.HELD and course.held else reason
            course.ended_s = now_s
            self._end(course, now_s)
        course.state = state

    def _end(self, course: Course, now_s: float) -> None:
        """What happens to the vessel after the batch is none of it: who is rehearsed for longer must not matter."""
        course.followed_s = now_s
        self._running[list(self.courses).index(course.donor)] = 0.0
        active = [full_name for full_name in self._active if full_name.startswith(f"{course.donor}.")]
        for full_name in active:
            name, since = full_name.partition(".")[2], self._active.pop(full_name)
            course.alarms.append(AlarmTime(name, self._alarms[full_name], since, now_s, open=True))


def _doses(unit: str) -> bool:
    return parse_unit(unit).dimension == FLOW.dimension


def consumed(tag: Tag) -> Consumed:
    """How what an output gave is told: gases in L and base in mL, though a gas flows in mL/min."""
    flow = parse_unit(tag.unit)
    unit = "L" if tag.high * flow.factor / FLOW.factor * DAY_S > LARGE_L else tag.unit.partition("/")[0]
    return Consumed(tag.name, tag.title, unit, float(flow.factor / parse_unit(unit).factor))
