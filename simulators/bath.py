"""The bath of a simulated circulator: its liquid follows the setpoint while the circulator runs, else the room.

Settings: `temperature` of the liquid at the start (25). Signals: `bath` is its temperature, `power` (-100 to 100 %,
negative when it cools) drives it; alone, it warms and cools as fast as its power allows and then with a lag.
"""

from __future__ import annotations

import asyncio
import math

from simulators.instrument import Context

ROOM = 22.0
RATE = 0.05
"""Cel/s at full power."""
LAG_S = 40.0
"""Time constant with which the last of a step is followed."""
ROOM_LAG_S = 3600.0
STEP_S = 0.05
"""Wall seconds between two steps."""


class Bath:
    """The liquid and what holds its temperature. Times are process seconds."""

    def __init__(self, context: Context, setpoint: float) -> None:
        self.setpoint, self.on = setpoint, False
        self._alone = float(str(context.spec.get("temperature", 25.0)))
        self._clock, self._at = context.clock, context.clock()
        self._measured, self._drive = context.source("bath", lambda: self._alone), context.sink("power")

    @property
    def temperature(self) -> float:
        """What its sensor measures, Cel."""
        return self._measured()

    @property
    def power(self) -> float:
        """What heats or cools it now, %."""
        if not self.on:
            return 0.0
        return min(max(100.0 * (self.setpoint - self.temperature) / (RATE * LAG_S), -100.0), 100.0)

    def step(self) -> None:
        """Bring it to the present."""
        now = self._clock()
        elapsed_s, self._at = now - self._at, now
        if self.on:
            gap = self.setpoint - self._alone
            ramp_s = min(max(abs(gap) / RATE - LAG_S, 0.0), elapsed_s)
            self._alone += math.copysign(RATE * ramp_s, gap)
            self._alone -= (self.setpoint - self._alone) * math.expm1((ramp_s - elapsed_s) / LAG_S)
        else:
            self._alone -= (ROOM - self._alone) * math.expm1(-elapsed_s / ROOM_LAG_S)
        self._drive(self.power)

    async def live(self) -> None:
        """Step until cancelled."""
        while True:
            self.step()
            await asyncio.sleep(STEP_S)
