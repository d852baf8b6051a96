"""The runtime: calls the scan on absolute deadlines, and carries what it says to the wires and into the record.

Everything here is about time and I/O; every decision is in :mod:`controller.scan`. A scan never waits for a device,
for the disk or for a reader: reads are collected as they arrived, writes and records are handed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from controller.clock import Clock, process_age_s, wall_ns

if TYPE_CHECKING:
    from controller.door import Door
    from controller.frame import Frame
    from controller.scan import Scan, ScanResult
    from drivers.contract import WriteOutcome

NS = 1_000_000_000
JITTER = 0.05
"""Share of a period by which scans may come early or late and still count as one period apart."""
READ_LEAD = 0.3
"""Reads are asked for this share of a period before the scan uses them, so that values are fresh and nobody waits."""


class PlantIo(Protocol):
    """The wires, or the plant that stands in for them in a rehearsal."""

    def collect(self, now_ns: int) -> Frame:
        """The newest sample of every tag, as a frame; never waits."""

    def outcomes(self) -> Sequence[WriteOutcome]:
        """What became of earlier writes, since the last call."""

    def write(self, writes: Mapping[int, float]) -> None:
        """Hand over writes by tag index, in tag units; never waits."""

    def request_reads(self) -> None:
        """Ask every link to read now."""

    def heartbeat(self, count: int) -> None:
        """Tell every device with a watchdog that scan ``count`` completed."""


class Recorder(Protocol):
    """Where a finished scan goes: the record and whoever watches."""

    def scanned(self, result: ScanResult, utc: float, process_s: float) -> None:
        """Store and publish one scan; never waits."""


@dataclass(slots=True)
class ScanStats:
    """How the scan itself is doing, in wall time; ``first_scan_s`` counts from the start of the process. ``read_ns`` is
    the process time of the values that the last completed scan used, 0 before the first.
    """

    scans: int = 0
    overruns: int = 0
    duration_s: float = 0.0
    lateness_s: float = 0.0
    last_wall_ns: int = 0
    first_scan_s: float = float("nan")
    read_ns: int = 0
    observers: list[Callable[[float, float], None]] = field(default_factory=list)

    def completed(self, started_ns: int, read_ns: int, late_s: float) -> None:
        """Note one finished scan that started at ``started_ns`` (wall), ``late_s`` after its deadline, with the values
        of ``read_ns`` (process).
        """
        if self.scans == 0:
            self.first_scan_s = process_age_s()
        self.last_wall_ns, self.read_ns = wall_ns(), read_ns
        self.scans += 1
        self.duration_s = (self.last_wall_ns - started_ns) / NS
        self.lateness_s = late_s
        for observe in self.observers:
            observe(self.duration_s, late_s)

    def silence_s(self) -> float:
        """Wall seconds since the last completed scan; infinite before the first."""
        return (wall_ns() - self.last_wall_ns) / NS if self.scans else float("inf")


class Runtime:
    """One supervisor's cycle. ``period_s`` is process time."""

    def __init__(self, scan: Scan, io: PlantIo, door: Door, recorder: Recorder, clock: Clock, period_s: float) -> None:
        self.scan = scan
        self.io = io
        self.door = door
        self.recorder = recorder
        self.clock = clock
        self.period_ns = round(period_s * NS)
        self.stats = ScanStats()
        self._last_ns: int | None = None
        self._counted_ns = 0

    async def run(self) -> None:
        """Scan until cancelled, one period after a scan that was made already. Deadlines are absolute: a late scan does
        not delay the ones after it. A scan itself is never interrupted: it does not wait for anything.
        """
        deadline = self.clock.now_ns() if self._last_ns is None else await self._wait(self._last_ns)
        while True:
            self.tick(deadline)
            deadline = await self._wait(deadline)

    def tick(self, deadline_ns: int) -> ScanResult:
        """One scan: read → … → record. The heartbeat is told last: it says that all of it was done."""
        started = wall_ns()
        now = self.clock.now_ns()
        dt_ns = self._since_last(now)
        result = self.scan.step(self.io.collect(now), self.door.take(), self.io.outcomes(), now / NS, dt_ns / NS)
        self.io.write(result.writes)
        for proposal in result.proposals:
            self.door.submit(proposal)
        self.recorder.scanned(result, self.clock.utc(), now / NS)
        # Whoever is told that a command was carried out may look in the same moment: what is shown is of this scan.
        self.door.settle(result.outcomes)
        self.io.heartbeat(self.stats.scans + 1)
        self.stats.completed(started, now, max(0.0, (now - deadline_ns) / NS / self.clock.speed))
        return result

    def _since_last(self, now: int) -> int:
        """The time since the last scan. A little jitter counts as none, so that control need not be computed for
        another ``dt`` in every scan; it is made up for as soon as it is more: what all scans were told is the time that
        passed, to within that little.
        """
        before, self._last_ns = self._last_ns, now
        if before is None:
            self._counted_ns = now
            return self.period_ns
        since = now - self._counted_ns
        if abs(since - self.period_ns) <= JITTER * self.period_ns:
            since = self.period_ns
        self._counted_ns += since
        return since

    async def _wait(self, deadline: int) -> int:
        """Wait for the deadline after ``deadline``; reads are asked for a little before it."""
        following = self._next_deadline(deadline)
        await self.clock.sleep_until(following - round(self.period_ns * READ_LEAD))
        self.io.request_reads()
        await self.clock.sleep_until(following)
        return following

    def _next_deadline(self, deadline: int) -> int:
        due = deadline + self.period_ns
        missed = (self.clock.now_ns() - due) // self.period_ns
        if missed > 0:
            self.stats.overruns += missed
            due += missed * self.period_ns
        return due
