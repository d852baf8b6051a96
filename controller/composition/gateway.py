"""The gateway's implementation: HTTP's only way to the supervisor, from another thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from controller.api.gateway import ReadBack, Refused, SiteInfo
from controller.commands import Command, Event, Outcome
from controller.door import DoorClosed

if TYPE_CHECKING:
    from controller.composition.read_back import ReadBacks
    from controller.door import Door
    from controller.publish import Publisher
    from controller.runtime import ScanStats
    from controller.stages.health_report import HealthReport
    from controller.stages.tuning_report import TuningReport
    from controller.store import Store

ALIVE_PERIODS = 3.0
"""The scan counts as stopped after so many periods without one, but never before ``ALIVE_MIN_S``."""
ALIVE_MIN_S = 3.0
T = TypeVar("T")


async def within(future: Future[T], timeout_s: float) -> T | None:
    """The result of another thread's future, ``None`` when it is not there within ``timeout_s``; the future goes on."""
    if future.done():
        return future.result()
    import asyncio

    done, _ = await asyncio.wait([asyncio.ensure_future(asyncio.wrap_future(shielded(future)))], timeout=timeout_s)
    return done.pop().result() if done else None


def shielded(future: Future[T]) -> Future[T]:
    """A future of its own that follows another: who stops waiting for it cancels nothing for anybody else."""
    follower: Future[T] = Future()

    def follow(finished: Future[T]) -> None:
        if follower.set_running_or_notify_cancel():
            follower.set_result(finished.result())

    future.add_done_callback(follow)
    return follower


class SupervisorGateway:
    """What :class:`controller.api.gateway.Gateway` asks for, on a running supervisor.

    ``period_s`` is the scan's period in wall seconds; ``not_ready`` gives the reasons why vessels cannot be
    operated, told of what process time the values of the last scan are.
    ``site`` is never changed, only replaced as a whole by any thread: a request sees the one or the other.
    """

    def __init__(
        self,
        site: SiteInfo,
        door: Door,
        store: Store,
        publisher: Publisher,
        stats: ScanStats,
        health: HealthReport,
        tuning: TuningReport,
        read_backs: ReadBacks,
        period_s: float,
        not_ready: Callable[[int], Sequence[str]],
        number_batch: Callable[[str], str],
    ) -> None:
        self.site = site
        self.store = store
        self.publisher = publisher
        self.stats = stats
        self.health = health
        self.tuning = tuning
        self._door = door
        self._read_backs = read_backs
        self._silent_s = max(ALIVE_MIN_S, ALIVE_PERIODS * period_s)
        self._not_ready = not_ready
        self._number_batch = number_batch

    async def submit(self, command: Command) -> int:
        """Commit ``command`` and give its journal number; 0 when it acts although it could not be committed yet.

        Raises :class:`Refused` while the scan does not run, and when the supervisor is stopping.
        """
        import asyncio

        alive, silent_s = self.scan_alive()
        if not alive:
            raise Refused(f"the scan has not run for {silent_s:.0f} s; nothing is accepted until it does")
        try:
            return await asyncio.wrap_future(self._door.submit(command))
        except DoorClosed as closed:
            raise Refused(str(closed)) from None

    async def outcome(self, journal: int, timeout_s: float) -> Outcome | None:
        """What the scan made of a command, waiting at most ``timeout_s``."""
        future = self._door.outcome(journal)
        if future is None:
            return None
        found: Outcome | None = await within(future, timeout_s)
        return found

    async def read_back(self, journal: int, timeout_s: float) -> ReadBack | None:
        """What the device says after an applied command, waiting at most ``timeout_s``."""
        return await within(self._read_backs.of(journal), timeout_s)

    def new_batch(self, vessel: str) -> str:
        """A batch id that was never used."""
        return self._number_batch(vessel)

    def note(self, event: Event) -> None:
        """Put on record what was refused before it could become a command."""
        self.store.append([event])

    def scan_alive(self) -> tuple[bool, float]:
        """Whether the scan runs, and the wall seconds since it last completed."""
        silent = self.stats.silence_s()
        return silent <= self._silent_s, silent

    def ready(self) -> tuple[bool, Sequence[str]]:
        """Whether vessels can be operated, and if not, why."""
        reasons = list(self._not_ready(self.stats.read_ns))
        return not reasons, reasons
