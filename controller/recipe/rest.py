"""Rest: what has to stay as it is so that a batch has nothing to do, and the batches of a site that are at rest.

Most scans of a culture change nothing in its batch: it waits for a count, a limit or a time. What it waits for is put
into arrays once, and a scan looks at all of them together; a batch is stepped again in the scan in which a value leaves
its region or a time has come, as if it had been stepped all along.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from controller.frame import BAD, Frame
from controller.recipe.conditions import Condition
from controller.recipe.symbols import ELAPSED

if TYPE_CHECKING:
    from controller.recipe.batch import Batch
    from controller.recipe.run import Run

WATCHED = 4
"""Values that a batch at rest can wait for; one that waits for more is stepped in every scan."""
AWAKE = -1


@runtime_checkable
class SiteReader(Protocol):
    """A reader of live values that are those of a frame."""

    frame: Frame

    def row(self, vessel: str, name: str) -> int | None:
        """The row of a tag; ``None`` for a name that is no tag."""


@dataclass(slots=True)
class Rest:
    """What has to stay as it is: values in their ``regions``, by row of the frame, and the operation's time before
    ``until_s``. Whatever cannot be watched so, or is not known now, is no rest.
    """

    run: Run
    reader: SiteReader
    regions: dict[int, tuple[float, float]] = field(default_factory=dict)
    until_s: float = math.inf

    def truth(self, condition: Condition | None) -> bool:
        """A condition has to stay what it is now; gives whether that can be watched."""
        if condition is None:
            return True
        edges = condition.truth.edges
        return edges is not None and all(self._side(name, limit) for name, limit in edges)

    def value(self, name: str) -> bool:
        """A value has to stay exactly what it is; gives whether that can be watched."""
        return self._is_unknown(name) or self._narrow(name, lambda value: (value, value))

    def time(self, until_s: float) -> None:
        """The operation must not have lasted so long."""
        self.until_s = min(self.until_s, until_s)

    def _side(self, name: str, limit: float) -> bool:
        """A value has to stay on its side of a limit."""
        if name == ELAPSED:
            if self.run.batch.operation_elapsed_s <= limit:
                self.time(limit)
            return True
        return self._is_unknown(name) or self._narrow(name, lambda value: _region(value, limit))

    def _is_unknown(self, name: str) -> bool:
        """Whether it comes with a sample that is not there yet: it stays so until the sample's number is another."""
        return name in self.run.sampled and not self.run.batch.has_new_sample()

    def _narrow(self, name: str, region_of: _RegionOf) -> bool:
        row, value = self.reader.row(self.run.batch.vessel, name), self.run.number(name)
        if row is None or math.isnan(value):
            return False
        least, most = self.regions.get(row, (-math.inf, math.inf))
        low, high = region_of(value)
        self.regions[row] = max(least, low), min(most, high)
        return True


class _RegionOf(Protocol):
    def __call__(self, value: float, /) -> tuple[float, float]:
        """The region around a value."""


def _region(value: float, limit: float) -> tuple[float, float]:
    if value < limit:
        return -math.inf, math.nextafter(limit, -math.inf)
    return (limit, limit) if value == limit else (math.nextafter(limit, math.inf), math.inf)


@dataclass(slots=True, eq=False)
class Sleeper:
    """A batch with its ``place`` among those at rest, :data:`AWAKE` where it has none."""

    batch: Batch
    place: int = AWAKE


class Resting:
    """The batches at rest, one per place; arrays of shape ``(places,)`` or ``(WATCHED, places)``.

    Their clocks go on here: ``times`` are elapsed, operation's and state's, and a batch has them when it wakes, or
    after :meth:`tell`.
    """

    def __init__(self) -> None:
        self._free: list[int] = []
        self._sleepers: list[Sleeper | None] = []
        self._rows: NDArray[np.intp] = np.zeros((WATCHED, 0), np.intp)
        self._least, self._most = np.zeros((2, WATCHED, 0))
        self._times, self._rates = np.zeros((2, 3, 0))
        self._until, self._asleep = np.zeros(0), np.zeros(0, np.bool_)

    def __len__(self) -> int:
        return len(self._sleepers) - len(self._free)

    def put(self, sleeper: Sleeper, rest: Rest, *, clocked: bool) -> None:
        """Let a batch rest; with nothing to watch it does not. ``clocked``: its operation's time goes on."""
        regions = list(rest.regions.items())
        if not 0 < len(regions) <= WATCHED:
            return
        if not self._free:
            self._make(max(2 * len(self._sleepers), 1))
        place, batch = self._free.pop(), sleeper.batch
        regions += regions[:1] * (WATCHED - len(regions))
        for at, (row, (least, most)) in enumerate(regions):
            self._rows[at, place], self._least[at, place], self._most[at, place] = row, least, most
        self._times[:, place] = batch.elapsed_s, batch.operation_elapsed_s, batch.state_s
        self._rates[:2, place], self._until[place] = float(clocked), rest.until_s
        self._sleepers[place], sleeper.place, self._asleep[place] = sleeper, place, True

    def wake(self, sleeper: Sleeper) -> None:
        """A batch is to be stepped in the next scan."""
        place = sleeper.place
        if place == AWAKE:
            return
        self._tell(sleeper, self._times[:, place].tolist())
        self._sleepers[place], sleeper.place, self._asleep[place] = None, AWAKE, False
        self._free.append(place)

    def tell(self) -> None:
        """Give all batches at rest their times."""
        times = self._times.T.tolist()
        for place, sleeper in enumerate(self._sleepers):
            if sleeper is not None:
                self._tell(sleeper, times[place])

    def step(self, frame: Frame, dt: float) -> None:
        """Wake those for which something may have changed, ``dt`` s after the last scan; for the others time passes."""
        times = self._times + self._rates * dt
        value = frame.value.take(self._rows, mode="clip")
        calm = (value >= self._least) & (value <= self._most) & (frame.quality.take(self._rows, mode="clip") < BAD)
        rests = np.logical_and.reduce(calm) & (times[1] < self._until)
        if dt < 0.0 or b"\x01" in (wakes := self._asleep & ~rests).tobytes():
            for place in np.flatnonzero(self._asleep if dt < 0.0 else wakes).tolist():
                sleeper = self._sleepers[place]
                if sleeper is not None:
                    self.wake(sleeper)
        self._times = times

    @staticmethod
    def _tell(sleeper: Sleeper, times: list[float]) -> None:
        sleeper.batch.elapsed_s, sleeper.batch.operation_elapsed_s, sleeper.batch.state_s = times

    def _make(self, places: int) -> None:
        """Make room for so many batches; those at rest keep their places."""
        before = len(self._sleepers)
        more = np.zeros((WATCHED, places - before))
        self._rows = np.concatenate((self._rows, more.astype(np.intp)), axis=1)
        self._least, self._most = (np.concatenate((limits, more), axis=1) for limits in (self._least, self._most))
        self._times = np.concatenate((self._times, more[:3]), axis=1)
        self._rates = np.concatenate((self._rates, more[:3] + 1.0), axis=1)
        self._until = np.concatenate((self._until, more[0]))
        self._asleep = np.concatenate((self._asleep, more[0] > 0.0))
        self._free += range(places - 1, before - 1, -1)
        self._sleepers += [None] * (places - before)
