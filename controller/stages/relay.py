"""The relay experiment: the output jumps between two values each time the PV passes its place of rest, so that the
loop swings at about the frequency at which it would become unstable.

Åström and Hägglund, "Automatic tuning of simple regulators with specifications on phase and amplitude margins",
Automatica 20 (1984) 645-651; with different amplitudes up and down as in Berner, Hägglund and Åström, "Asymmetric
relay autotuning: practical features for industrial use", Control Eng. Practice 54 (2016) 231-245, so that the static
gain shows too.
"""

from __future__ import annotations

from controller.stages.experiment import REST_SCANS, Experiment, Guards

HYSTERESIS_SIGMAS = 3.0
CONFIRMED = 3
"""So many scans in a row must show the PV beyond the hysteresis: a single one may be noise."""
CLEAR, MOST = 8000.0, 4
"""Swings of three times the noise are clear after a thousand scans; at most so many times the cycles wanted."""
LEAST_ROOM = 0.2
"""A share of the amplitude: with less room than this on one side there is no oscillation worth its name."""


class Relay(Experiment):
    """``amplitude`` in output units; the output goes by it in one direction and by ``amplitude/asymmetry`` in the
    other, less where the limits leave less. It ends after ``cycles`` whole ones, not counting the first half; where
    they hardly stand out of the noise it goes on until there is enough to see, at most four times as long.

    ``hysteresis`` in PV units is three times the noise unless given, and at least what the PV resolves. ``switches``
    are the times at which the output jumped, seconds since the start.
    """

    method = "relay"

    def __init__(
        self, base: float, sense: float, guards: Guards, amplitude: float, asymmetry: float = 1.0, cycles: int = 4,
        hysteresis: float | None = None, confirmed: int = CONFIRMED, rest_scans: int = REST_SCANS,
    ) -> None:  # fmt: skip
        super().__init__(base, sense, guards, rest_scans)
        self._amplitude, self._asymmetry = amplitude, asymmetry
        self.up = self.down = 0.0
        self.cycles, self.hysteresis = cycles, hysteresis
        self._confirmed, self._seen = confirmed, 0
        self._swing = 0.0
        self.switches: list[float] = []
        self._high = True
        self._make_room()

    @property
    def done_cycles(self) -> int:
        """Whole cycles so far."""
        return max(len(self.switches) - 1, 0) // 2

    @property
    def _clear(self) -> bool:
        """Whether the swings stand out of the noise: the energy of the one over that of the other, per sample."""
        return self._swing >= CLEAR * self.noise * self.noise or self.done_cycles >= MOST * self.cycles

    def begin(self) -> None:
        """Set the amplitudes and the hysteresis; the first jump is up."""
        self._make_room()
        if self.hysteresis is None:
            self.hysteresis = max(HYSTERESIS_SIGMAS * self.noise, self.least)

    def move(self, pv: float) -> float:
        """Switch where the PV left the hysteresis on the other side."""
        beyond = (pv - self.reference) * self.sense
        self._swing += beyond * beyond - self.noise * self.noise
        width = self.hysteresis or 0.0
        past = beyond > width if self._high else beyond < -width
        self._seen = self._seen + 1 if past else 0
        if self._seen >= self._confirmed:
            self._high, self._seen = not self._high, 0
            self.switches.append(self.elapsed)
            if self.done_cycles >= self.cycles and self._clear:
                self.finish(f"{self.done_cycles} cycles")
        return self.base + (self.up if self._high else self.down)

    def _make_room(self) -> None:
        """How far the output may go up and down from where it rests."""
        guards, least = self.guards, self._amplitude / self._asymmetry
        self.up, self.down = self.room(self._amplitude), self.room(-least)
        if min(self.up, -self.down) < LEAST_ROOM * least:
            self.stop(f"no room: the output is at {self.base:.6g} within {guards.low:.6g} .. {guards.high:.6g}")
