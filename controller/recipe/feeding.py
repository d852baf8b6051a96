"""Phases that feed: in proportion to the counted cells, or growing with the culture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from controller.commands import EventType, Json
from controller.recipe.conditions import Condition, Value
from controller.recipe.phase import Phase
from controller.recipe.rest import Rest
from controller.recipe.run import Run
from controller.recipe.vocabulary import VIABLE_DENSITY

STEP = 0.02
"""An exponential feed is set anew when it has grown by this share: the record stays readable, the error below 2 %."""


@dataclass(frozen=True, slots=True)
class FeedLoop:
    """The loop that feeds, and what it takes."""

    name: str
    low: float
    high: float
    unit: str

    def limited(self, value: float) -> float:
        """``value`` inside the limits."""
        return min(max(value, self.low), self.high)


class FeedPhase(Phase):
    """What feeds share: the last setpoint, proposed only when it changes, and none left when the operation ends."""

    endless = True
    keeps_control = True

    def __init__(self, name: str, loop: FeedLoop, until: Condition | None) -> None:
        super().__init__(name, loop.name)
        self.loop = loop
        self.until = until
        self.setpoint: float | None = None
        self.ended = False

    def start(self, run: Run) -> None:
        """Begin without a setpoint."""
        self.setpoint = None
        self.ended = False

    def resume(self, run: Run) -> None:
        """Propose again what was fed."""
        if self.setpoint is not None:
            run.set_loop(self.loop.name, self.setpoint, self.name)

    def stop(self, run: Run) -> None:
        """Feed no more."""
        self.feed(run, 0.0, "the operation ends")

    def is_over(self, run: Run) -> bool | None:
        """Whether ``until`` says so; ``None`` when that is unknown."""
        return False if self.until is None else self.until.evaluate(run.read)

    def end(self, run: Run) -> None:
        """Feed no more: ``until`` is true."""
        self.ended = True
        self.feed(run, 0.0, f"{self.until.explain(run.read)}" if self.until else "")

    def feed(self, run: Run, wanted: float, why: str) -> None:
        """Propose ``wanted``, within the loop's limits, unless it is in force already."""
        value = self.loop.limited(wanted)
        in_force = run.batch.setpoints.get(self.loop.name, 0.0) if self.setpoint is None else self.setpoint
        if value == in_force:
            return
        if value < wanted:
            text = f"{self.name} wants {wanted:.4g} {self.loop.unit}; {value:.4g} {self.loop.unit} is the most."
            run.tell(EventType.MESSAGE, "Status Change", text, value=value, previous=wanted)
        run.set_loop(self.loop.name, value, self.name, engage=self.setpoint is None, why=why)
        self.setpoint = value

    def state(self) -> dict[str, Json]:
        """The setpoint in force, and whether the feed is over."""
        return {"setpoint": self.setpoint, "ended": self.ended}

    def restore(self, state: Mapping[str, Json]) -> None:
        """Take back what was in force."""
        self.setpoint = _number(state["setpoint"])
        self.ended = bool(state["ended"])


class FeedByCountPhase(FeedPhase):
    """Sets the feed to ``amount`` (rate x viable density x volume, in the loop's unit) after every count.

    Once ``until`` was true nothing is fed before the next count. While anything is unknown the last setpoint stays.
    """

    def __init__(self, loop: FeedLoop, amount: Value, until: Condition | None) -> None:
        super().__init__("feed_by_count", loop, until)
        self.amount = amount
        self._sample: float | None = None
        self._density = math.nan

    def start(self, run: Run) -> None:
        """Begin with the next count."""
        super().start(run)
        self._sample, self._density = None, math.nan

    def step(self, run: Run) -> None:
        """Feed by a new count; stop at the limit."""
        over = self.is_over(run)
        if over and not self.ended:
            self.end(run)
        density = run.number(VIABLE_DENSITY)
        if over is None or math.isnan(density) or (run.batch.counted, density) == (self._sample, self._density):
            return
        amount = self.amount.evaluate(run.read)
        if math.isnan(amount):
            return
        self._sample, self._density = run.batch.counted, density
        self.ended = over
        if not over:
            self.feed(run, amount, f"viable density {density:.3g}")

    def rests(self, rest: Rest) -> bool:
        """Until the next count, or ``until`` is another."""
        run, density = rest.run, rest.run.number(VIABLE_DENSITY)
        fed = math.isnan(density) or (run.batch.counted, density) == (self._sample, self._density)
        return fed and rest.value(VIABLE_DENSITY) and rest.truth(self.until)

    def state(self) -> dict[str, Json]:
        """Also the count that the setpoint comes from."""
        density = None if math.isnan(self._density) else self._density
        return {**super().state(), "sample": self._sample, "density": density}

    def restore(self, state: Mapping[str, Json]) -> None:
        """Take back the count that the setpoint comes from."""
        super().restore(state)
        self._sample = _number(state["sample"])
        density = _number(state["density"])
        self._density = math.nan if density is None else density


class ExponentialFeedPhase(FeedPhase):
    """Feeds ``start`` x exp(``growth_per_h`` x time), so that the culture grows at ``growth_per_h`` on what it is fed.

    Time stands still while ``wait_when`` is true, or while that or ``until`` is unknown. Source of the profile: the
    substrate balance at a constant growth rate, as in Anane et al., Biochem. Eng. J. 125 (2017) 23.
    """

    def __init__(
        self,
        loop: FeedLoop,
        start: float,
        growth_per_h: float,
        *,
        highest: float,
        wait_when: Condition | None,
        until: Condition | None,
    ) -> None:
        super().__init__("exponential_feed", loop, until)
        self.first = start
        self.growth_per_h = growth_per_h
        self.highest = highest
        self.wait_when = wait_when
        self._fed_s = 0.0

    def start(self, run: Run) -> None:
        """Begin at the start of the profile."""
        super().start(run)
        self._fed_s = 0.0
        if self.is_over(run) is False:
            self.feed(run, self.first, "")

    def step(self, run: Run) -> None:
        """Follow the profile; stop for good once ``until`` is true."""
        if self.ended:
            return
        over = self.is_over(run)
        if over:
            self.end(run)
        if over is not False:
            return
        if self.wait_when is None or self.wait_when.evaluate(run.read) is False:
            self._fed_s += run.dt
        wanted = self._wanted()
        if self.setpoint is None or wanted >= self.setpoint * (1 + STEP) or wanted == self._most() > self.setpoint:
            self.feed(run, wanted, "")

    def rests(self, rest: Rest) -> bool:
        """Once it is over."""
        return self.ended

    def state(self) -> dict[str, Json]:
        """Also how far along the profile it is."""
        return {**super().state(), "fed_s": self._fed_s}

    def restore(self, state: Mapping[str, Json]) -> None:
        """Take back how far along the profile it was."""
        super().restore(state)
        self._fed_s = _number(state["fed_s"]) or 0.0

    def _wanted(self) -> float:
        most = self._most()
        exponent = self.growth_per_h * self._fed_s / 3600
        # Beyond e^60 any feed is at its limit; exp() itself would overflow after some months.
        return min(self.first * math.exp(min(exponent, 60.0)), most)

    def _most(self) -> float:
        return min(self.highest, self.loop.high)


def _number(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) else None
