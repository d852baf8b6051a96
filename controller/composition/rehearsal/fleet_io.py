"""The fleet in the place of the wires: the same points, read and written in process, for all vessels at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.composition.rehearsal.clones import APART
from controller.composition.rehearsal.counter import READINGS, START, Counter
from controller.composition.rehearsal.refusal import Complaint, NotInProcess, Unrehearsed
from controller.composition.rehearsal.signals import behind, in_ml
from controller.config.problems import nearest
from controller.frame import F8, Frame
from drivers.contract import Point, Quality, Reason, WriteOutcome, WriteState

if TYPE_CHECKING:
    from controller.config.site import Connection, SiteConfig
    from controller.model.site import Site
    from simulators.fleet import Fleet

COUNTER = "vicell_blu"
NOWHERE = Point("", "")
"""The point of a tag that is calculated, which nobody writes."""
APPLIED = WriteState.APPLIED


class Bound(NamedTuple):
    """A column of every vessel's tags that shows ``gain`` times a signal, and ``offset`` more."""

    column: int
    signal: str
    gain: float
    offset: float


class Shown:
    """Tags of all vessels that show ``signals``, in ``values`` of ``(vessels, columns)``."""

    def __init__(self, values: F8, bound: Sequence[Bound]) -> None:
        vessels, width = values.shape
        self.signals = [one.signal for one in bound]
        self._values = values.reshape(-1)
        self._rows = np.array([one.column + width * vessel for one in bound for vessel in range(vessels)], np.intp)
        self._gain = np.repeat(np.array([one.gain for one in bound], np.float64), vessels)
        self._offset = np.repeat(np.array([one.offset for one in bound], np.float64), vessels)

    def put(self, found: F8) -> None:
        """Show what was found, ``(signals, vessels)``."""
        self._values[self._rows] = self._gain * found.reshape(-1) + self._offset


class FleetIo:
    """Every point of a site of equal vessels, bound to a signal of the fleet: the tags of vessel ``k`` are those of the
    first, ``k`` times their number further on. Nobody else may move the fleet's actuators. Raises
    :class:`NotInProcess` for points that the plant does not have.
    """

    def __init__(self, config: SiteConfig, site: Site, fleet: Fleet) -> None:
        self._vessels = len(site.vessels)
        self._width = len(site.tags) // self._vessels
        self._told = {output.tag for output in site.outputs.rows if output.once}
        self._fleet, self._points = fleet, [tag.point or NOWHERE for tag in site.tags.tags]
        self._counter, self._starts, self._driven = Counter(fleet.seeds, fleet.truth), set[int](), set[int]()
        self._frame, self._known = Frame.never_read(len(site.tags)), b""
        self._outcomes: list[WriteOutcome] = []
        self._drives, self._places = fleet.asked.reshape(-1), np.zeros(len(site.tags), np.intp)
        self._gain, self._offset = np.ones(len(site.tags)), np.zeros(len(site.tags))
        sensors, samples, asked = (list[Bound](), list[Bound](), list[Bound]())
        complaints: list[Complaint] = []
        for column, tag in enumerate(site.tags.tags[: self._width]):
            if tag.connection is not None and tag.point is not None:
                connection = config.connections[tag.connection]
                try:
                    if connection.driver == COUNTER:
                        self._bind_counter(samples, column, tag.point)
                    else:
                        self._bind(connection, column, tag.point, sensors, asked)
                except Unrehearsed as why:
                    complaints.append(Complaint(tag.connection.partition(APART)[0], why))
        if complaints:
            raise NotInProcess(complaints)
        table = self._frame.value.reshape(self._vessels, self._width)
        self._sensors, self._samples, self._asked = (Shown(table, bound) for bound in (sensors, samples, asked))
        self._signals = np.array([[*fleet.actuators].index(name) for name in self._asked.signals], np.intp)
        self._samples.put(self._counter.read(self._samples.signals))
        self._asked.put(fleet.asked[self._signals])

    def collect(self, now_ns: int) -> Frame:
        """Every signal as it is now: Good, simulated, fresh; what was never counted is Bad. It is the same frame in
        every scan.
        """
        frame = self._frame
        if self._counter.at(now_ns / 1e9):
            self._samples.put(self._counter.read(self._samples.signals))
        self._sensors.put(self._fleet.read(self._sensors.signals))
        known = np.isfinite(frame.value)
        if (found := known.tobytes()) != self._known:
            self._known = found
            frame.quality[:] = np.where(known, Quality.GOOD, Quality.BAD)
            frame.reason[:] = np.where(known, Reason.SIMULATED, Reason.NOT_READ)
            frame.age[:] = np.where(known, 0.0, np.inf)
        return frame

    def outcomes(self) -> Sequence[WriteOutcome]:
        """What became of writes since the last call, as far as the scan asks: of what is written once. The plant always
        obeys.
        """
        taken, self._outcomes = self._outcomes, []
        return taken

    def write(self, writes: Mapping[int, float]) -> None:
        """Move the actuators."""
        if not self._told.isdisjoint(writes):
            self._outcomes += [
                WriteOutcome(self._points[row], value, APPLIED) for row, value in writes.items() if row in self._told
            ]
        if not self._driven.issuperset(writes):
            self._count(writes)
            writes = {row: value for row, value in writes.items() if row in self._driven}
        if writes:
            rows = np.fromiter(writes, np.intp, len(writes))
            values = np.fromiter(writes.values(), np.float64, len(writes))
            self._drives[self._places[rows]] = (values - self._offset[rows]) / self._gain[rows]
            self._asked.put(self._fleet.asked[self._signals])

    def request_reads(self) -> None:
        """Nothing to ask for: reading is instant."""

    def heartbeat(self, count: int) -> None:
        """Nobody watches in process."""

    def _count(self, writes: Mapping[int, float]) -> None:
        """Start the counter where that is asked for."""
        for row in self._starts & writes.keys():
            number = (writes[row] - float(self._offset[row])) / float(self._gain[row])
            self._counter.start(row // self._width, number)

    def _bind(
        self, connection: Connection, column: int, point: Point, sensors: list[Bound], asked: list[Bound]
    ) -> None:
        sensor, actuator, _ = found = behind(connection, point.address)
        found.check(self._fleet.readings, self._fleet.actuators)
        bound = Bound(column, sensor or actuator, point.gain * in_ml(connection, point.address), point.offset)
        (sensors if sensor else asked).append(bound)
        if actuator:
            rows, vessels = self._taken(bound), np.arange(self._vessels)
            self._driven.update(rows.tolist())
            self._places[rows] = [*self._fleet.actuators].index(actuator) * self._vessels + vessels

    def _bind_counter(self, samples: list[Bound], column: int, point: Point) -> None:
        bound = Bound(column, _counted(point.address), point.gain, point.offset)
        if bound.signal:
            samples.append(bound)
        else:
            self._starts.update(self._taken(bound).tolist())

    def _taken(self, bound: Bound) -> NDArray[np.intp]:
        """The rows of what is written; a write is in the tag's unit."""
        rows = bound.column + self._width * np.arange(self._vessels)
        self._gain[rows], self._offset[rows] = bound.gain, bound.offset
        return rows


def _counted(address: str) -> str:
    """What of a sample a point ``<vessel>.<what>`` shows, "" where it starts one. Raises :class:`Unrehearsed`."""
    what = address.rpartition(".")[2]
    known = (START, *READINGS)
    if what not in known:
        raise Unrehearsed(("driver",), f"a rehearsal's cell counter has no point {address}", nearest(what, known))
    return "" if what == START else what
