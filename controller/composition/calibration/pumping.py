"""A pump that is run for a number of revolutions or a time, and always stopped."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from controller.composition.calibration.live import ATTEMPTS, RETRY_S, Instrument, Unreachable
from drivers.contract import Quality

POLL_S = 0.1
STAND_S = 0.5
"""Between two looks at the counter of a pump that runs out."""
SLOWER = 3.0
"""A pump that takes so many times longer than it should does not turn as told."""


class Amount(NamedTuple):
    """How long a pump is to run: revolutions, or else seconds."""

    turns: float | None
    seconds: float


class Turned(NamedTuple):
    """What a pump did: revolutions, the time from start to stop, and whether it counted them itself."""

    turns: float
    seconds: float
    counted: bool


class Pump:
    """The head of one pump: where its speed is written, in revolutions per minute, and where it counts, if it does."""

    def __init__(self, instrument: Instrument, speed: str, counter: str) -> None:
        self.instrument = instrument
        self._speed = instrument.point(speed)
        self._counter = [instrument.point(counter)] if counter else []

    async def run(self, speed: float, amount: Amount) -> Turned:
        """Run and stop. Raises :class:`Unreachable`, also when it is not known to stand."""
        loop = asyncio.get_running_loop()
        await self.stop()
        before = await self._count()
        try:
            if failed := await self.instrument.write(self._speed, speed):
                raise Unreachable(f"{self.instrument.name}: the pump was not started: {failed}")
            started = loop.time()
            await self._wait(speed, amount, before)
        finally:
            await self.stop()
        seconds = loop.time() - started
        after = await self._standing()
        if before is None or after is None:
            return Turned(speed * seconds / 60.0, seconds, counted=False)
        return Turned(after - before, seconds, counted=True)

    async def stop(self) -> None:
        """Stop, in several attempts. Raises :class:`Unreachable` when it is not known to stand."""
        failed = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(RETRY_S)
            if not (failed := await self.instrument.write(self._speed, 0.0)):
                return
        name = self.instrument.name
        raise Unreachable(f"{name}: THE PUMP IS NOT KNOWN TO STAND, stop it by hand: {failed}")

    async def _wait(self, speed: float, amount: Amount, before: float | None) -> None:
        """Until the amount is reached."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        due_s = amount.seconds if amount.turns is None else 60.0 * amount.turns / speed
        while (now := loop.time() - started) < due_s * (SLOWER if self._counts(amount) else 1.0):
            if self._counts(amount) and amount.turns is not None and before is not None:
                counted = await self._count(attempts=1)
                if counted is not None and counted - before >= amount.turns:
                    return
            await asyncio.sleep(max(0.0, min(POLL_S, due_s - now)) or POLL_S)

    def _counts(self, amount: Amount) -> bool:
        return bool(self._counter) and amount.turns is not None

    async def _count(self, attempts: int = ATTEMPTS) -> float | None:
        """The count; a pump that runs and does not answer at once is stopped, and not asked again."""
        if not self._counter:
            return None
        (sample,) = await self.instrument.read(self._counter, attempts)
        if sample.quality is Quality.BAD:
            raise Unreachable(f"{self.instrument.name}: the count of revolutions is not there: {sample.detail}")
        return sample.value

    async def _standing(self) -> float | None:
        """The count once it stands: a head runs out."""
        count = await self._count()
        for _ in range(ATTEMPTS):
            await asyncio.sleep(STAND_S)
            count, last = await self._count(), count
            if count == last:
                return count
        raise Unreachable(f"{self.instrument.name}: told to stop, but it still counts: stop it by hand")
