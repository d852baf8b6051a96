"""The fleet in the place of the wires: the same points, read and written in process, for all vessels at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from controller.composition.rehearsal.clones import APART
from controller.composition.rehearsal.counter import READINGS, START, Counter
from controller.composition.rehearsal.refusal import Complaint, NotInProcess, Unrehearsed
from controller.composition.rehearsal.signals import behind, in_ml
from controller.config.problems import nearest
from controller.frame import Frame
from drivers.contract import Point, Quality, Reason, WriteOutcome, WriteState

if TYPE_CHECKING:
    from controller.config.site import Connection, SiteConfig
    from controller.model.site import Site
    from simulators.fleet import Fleet

COUNTER = "vicell_blu"
NOWHERE = Point("", "")
"""The point of a tag that is calculated, which nobody writes."""
APPLIED = WriteState.APPLIED


class Writer(NamedTuple):
    """Where a write goes: a signal of the plant, "" for the counter."""

    signal: str
    gain: float
    offset: float


class FleetIo:
    """Every point of a site of equal vessels, bound to a signal of the fleet: the tags of vessel ``k`` are those of the
    first, ``k`` times their number further on. Raises :class:`NotInProcess` for points that the plant does not have.
    """

    def __init__(self, config: SiteConfig, site: Site, fleet: Fleet) -> None:
        vessels = len(site.vessels)
        self._told = {output.tag for output in site.outputs.rows if output.once}
        self._fleet, self._points = fleet, [tag.point or NOWHERE for tag in site.tags.tags]
        self._counter = Counter(vessels, fleet.truth)
        self._frame = Frame.never_read(len(site.tags))
        self._width = len(site.tags) // vessels
        self._table = self._frame.value.reshape(vessels, self._width)
        self._sensors: dict[str, list[tuple[int, Point]]] = {}
        self._held: list[tuple[int, Writer]] = []
        self._writers: dict[int, Writer] = {}
        self._outcomes: list[WriteOutcome] = []
        complaints: list[Complaint] = []
        for column, tag in enumerate(site.tags.tags[: self._width]):
            if tag.connection is not None and tag.point is not None:
                try:
                    self._bind(config.connections[tag.connection], column, tag.point)
                except Unrehearsed as why:
                    complaints.append(Complaint(tag.connection.partition(APART)[0], why))
        if complaints:
            raise NotInProcess(complaints)
        self._reads = [
            (name, column, point.gain, point.offset) for name, bound in self._sensors.items() for column, point in bound
        ]

    def collect(self, now_ns: int) -> Frame:
        """Every signal as it is now: Good, simulated, fresh; what was never counted is Bad."""
        self._counter.at(now_ns / 1e9)
        signals, frame = {**self._fleet.readings, **self._counter.readings}, self._frame
        for name, column, gain, offset in self._reads:
            self._table[:, column] = gain * signals[name] + offset
        for column, writer in self._held:
            self._table[:, column] = writer.gain * self._fleet.actuators[writer.signal] + writer.offset
        known = np.isfinite(frame.value)
        frame.quality[:] = np.where(known, Quality.GOOD, Quality.BAD)
        frame.reason[:] = np.where(known, Reason.SIMULATED, Reason.NOT_READ)
        frame.age[:] = np.where(known, 0.0, np.inf)
        return frame.copy()

    def outcomes(self) -> Sequence[WriteOutcome]:
        """What became of writes since the last call, as far as the scan asks: of what is written once. The plant always
        obeys.
        """
        taken, self._outcomes = self._outcomes, []
        return taken

    def write(self, writes: Mapping[int, float]) -> None:
        """Move the actuators."""
        if not writes:
            return
        rows, values = np.array([*writes]), np.array([*writes.values()])
        vessels, columns = np.divmod(rows, self._width)
        for column, writer in self._writers.items():
            at = np.flatnonzero(columns == column)
            if not len(at):
                continue
            numbers = (values[at] - writer.offset) / writer.gain
            if writer.signal:
                self._fleet.actuators[writer.signal][vessels[at]] = numbers
            else:
                for vessel, number in zip(vessels[at].tolist(), numbers.tolist(), strict=True):
                    self._counter.start(vessel, number)
        self._outcomes += [
            WriteOutcome(self._points[row], value, APPLIED) for row, value in writes.items() if row in self._told
        ]

    def request_reads(self) -> None:
        """Nothing to ask for: reading is instant."""

    def heartbeat(self, count: int) -> None:
        """Nobody watches in process."""

    def _bind(self, connection: Connection, column: int, point: Point) -> None:
        if connection.driver == COUNTER:
            sensor, actuator = _counted(point.address), ""
            writes = not sensor
        else:
            sensor, actuator, _ = found = behind(connection, point.address)
            found.check(self._fleet.readings, self._fleet.actuators)
            point = point._replace(gain=point.gain * in_ml(connection, point.address))
            writes = bool(actuator)
        writer = Writer(actuator, point.gain, point.offset)
        if sensor:
            self._sensors.setdefault(sensor, []).append((column, point))
        elif actuator:
            self._held.append((column, writer))
        if writes:
            self._writers[column] = writer


def _counted(address: str) -> str:
    """What of a sample a point ``<vessel>.<what>`` shows, "" where it starts one. Raises :class:`Unrehearsed`."""
    what = address.rpartition(".")[2]
    known = (START, *READINGS)
    if what not in known:
        raise Unrehearsed(("driver",), f"a rehearsal's cell counter has no point {address}", nearest(what, known))
    return "" if what == START else what
