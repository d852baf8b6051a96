"""The program of the simulated PLC: outputs follow the host as long as the host's heartbeat lives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

WATCHDOG_S = 5.0
"""Wall seconds without a changing heartbeat after which the outputs go to safe."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output: the actuator it drives, its range, where it is at power-up and when the host is gone; and what the
    actuator gets of it.
    """

    actuator: str
    high: float
    start: float = 0.0
    safe: float = 0.0
    scale: float = 1.0


OUTPUTS: Mapping[str, Output] = {
    "Heater.OP": Output("heater", 100.0),
    "Agit.SP": Output("agitation_sp", 1200.0, start=60.0, safe=60.0),
    "Air.SP": Output("air_sp", 500.0, start=50.0, safe=50.0),
    "O2.SP": Output("o2_sp", 500.0),
    "CO2.SP": Output("co2_sp", 500.0),
    "N2.SP": Output("n2_sp", 500.0),
}
"""Outputs by tag. Heater in %, agitation in rev/min, gases in mL/min."""
FITTED_OUTPUTS: Mapping[str, Output] = {
    "Vent.OP": Output("exhaust_valve", 100.0, start=100.0, safe=100.0),
    "Cooling.OP": Output("cooling_valve", 100.0),
}
"""Outputs that are there with what they drive, in %: without the host the vent is open and nothing cools."""
PUMP_RPM = 220.0
"""The fastest a pump turns."""


@dataclass(slots=True)
class PlcProgram:
    """One scan at a time: :meth:`scan` takes what the host has written and gives what the outputs are.

    The watchdog is armed by the first change of the heartbeat; before, the outputs can be set by hand from any client.
    """

    outputs: Mapping[str, Output] = field(default_factory=lambda: OUTPUTS)
    safe: bool = False
    drives: dict[str, float] = field(default_factory=dict)
    _armed: bool = False
    _heartbeat: int | None = None
    _beat_s: float = 0.0

    def __post_init__(self) -> None:
        """Everything is where it starts."""
        self.drives = {tag: output.start for tag, output in self.outputs.items()}

    def scan(self, heartbeat: int, written: Mapping[str, object], now_s: float) -> dict[str, float]:
        """One cycle at `now_s` (monotonic wall seconds). Gives the tags that must be forced to their safe values."""
        self._watch(heartbeat, now_s)
        if self.safe:
            forced = {tag: output.safe for tag, output in self.outputs.items()}
            self.drives.update(forced)
            return forced
        for tag, output in self.outputs.items():
            value = written.get(tag)
            if isinstance(value, (int, float)) and math.isfinite(value):  # the module ignores what is no number
                self.drives[tag] = min(max(float(value), 0.0), output.high)
        return {}

    def _watch(self, heartbeat: int, now_s: float) -> None:
        if heartbeat != self._heartbeat:
            self._armed = self._armed or self._heartbeat is not None
            self._heartbeat = heartbeat
            self._beat_s = now_s
            self.safe = False
        elif self._armed and now_s - self._beat_s >= WATCHDOG_S:
            self.safe = True
