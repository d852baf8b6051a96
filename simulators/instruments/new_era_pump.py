"""The pump of the New Era simulator: syringe, program, motor."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

UNITS = {"MM": 1.0, "UM": 1e-3, "MH": 1.0 / 60.0, "UH": 1e-3 / 60.0}
FASTEST_CM_MIN, SLOWEST_CM_H = 5.1005, 0.004205
"""Limits of the plunger's speed."""
LARGE_SYRINGE_MM = 14.0
"""Above this diameter volumes are in millilitres."""
PHASES = 41
NUMBER = re.compile(r"(?=.{1,5}$)\d*\.?\d{0,3}")


@dataclass(slots=True)
class Phase:
    """One line of the program; `rate` and `volume` are in their units."""

    function: str = "RAT"
    rate: float = 1.0
    unit: str = "MM"
    volume: float = 0.0
    direction: str = "INF"


@dataclass(slots=True)
class SyringePump:
    """Times are process seconds, volumes millilitres. `stall_after` is the volume at which the motor sticks."""

    model: str
    diameter: float
    clock: Callable[[], float]
    drive: Callable[[float], None]
    stall_after: float = math.inf
    status: str = "S"
    alarm: str = "R"
    done: dict[str, float] = field(default_factory=lambda: {"INF": 0.0, "WDR": 0.0})
    _phases: dict[int, Phase] = field(default_factory=dict)
    _selected: int = 1
    _current: int = 1
    _in_phase: float = 0.0
    _at: float = 0.0
    _volume_unit: str = ""

    def power_up(self) -> None:
        """Standing; it says that power was lost. The program is kept, the volumes are not."""
        self.status, self.alarm, self._current, self._in_phase = "S", "R", 1, 0.0
        self.done = {"INF": 0.0, "WDR": 0.0}
        self.drive(0.0)

    def stop(self, alarm: str) -> None:
        """Stand still with an alarm."""
        self.status, self.alarm = "S", alarm
        self.drive(0.0)

    def advance(self) -> None:
        """Pump until now, phase after phase."""
        now = self.clock()
        minutes, self._at = (now - self._at) / 60.0, now
        while self.status in {"I", "W"} and minutes > 0:
            phase = self._phase(self._current)
            rate, target = phase.rate * UNITS[phase.unit], phase.volume * self._unit
            step = min(rate * minutes, target - self._in_phase if target else math.inf)
            self.done[phase.direction] += step
            self._in_phase += step
            minutes -= step / rate
            if sum(self.done.values()) >= self.stall_after:
                self.stop("S")
            elif target and self._in_phase >= target - 1e-12:
                self._enter(self._current + 1)

    def command(self, text: str) -> str:
        """Carry out one command: what stands after the status in its answer."""
        if text == "":
            return ""
        if text == "VER":
            return self.model
        actions: dict[str, Callable[[str], str]] = {
            "DIA": self._dia, "PHN": self._phn, "FUN": self._fun, "RAT": self._rat, "VOL": self._vol,
            "DIR": self._dir, "RUN": self._run, "STP": self._stp, "PUR": self._pur, "DIS": self._dis, "CLD": self._cld,
        }  # fmt: skip
        action = actions.get(text[:3])
        return "?" if action is None else action(text[3:])

    @property
    def _unit(self) -> float:
        return 1.0 if self._volume_word == "ML" else 1e-3

    @property
    def _volume_word(self) -> str:
        return self._volume_unit or ("ML" if self.diameter > LARGE_SYRINGE_MM else "UL")

    @property
    def _moves(self) -> bool:
        return self.status in {"I", "W", "X"}

    def _phase(self, number: int) -> Phase:
        return self._phases.setdefault(number, Phase())

    def _enter(self, number: int) -> None:
        self._current, self._in_phase = number, 0.0
        if number > PHASES or self._phase(number).function == "STP":
            self.status, self._current = "S", 1
        else:
            self.status = "I" if self._phase(number).direction == "INF" else "W"
        self._tell()

    def _tell(self) -> None:
        phase = self._phase(self._current)
        rate = phase.rate * UNITS[phase.unit]
        self.drive({"I": rate, "W": -rate}.get(self.status, 0.0))

    def _dia(self, text: str) -> str:
        if not text:
            return shown(self.diameter)
        if self._moves:
            return "?NA"
        if not NUMBER.fullmatch(text) or not 0.1 <= float(text) <= 50.0:
            return "?OOR"
        self.diameter, self._volume_unit, self.done = float(text), "", {"INF": 0.0, "WDR": 0.0}
        return ""

    def _phn(self, text: str) -> str:
        if not text:
            return f"{self._selected:02d}"
        if self._moves:
            return "?NA"
        if not text.isdigit() or not 1 <= int(text) <= PHASES:
            return "?OOR"
        self._selected = int(text)
        return ""

    def _fun(self, text: str) -> str:
        phase = self._phase(self._selected)
        if text and self._moves:
            return "?NA"
        if text not in {"", "RAT", "STP"}:
            return "?"
        phase.function = text or phase.function
        return "" if text else phase.function

    def _rat(self, text: str) -> str:
        phase = self._phase(self._current if self._moves else self._selected)
        if phase.function != "RAT":
            return "?NA"
        if not text:
            return f"{shown(phase.rate)}{phase.unit}"
        match = re.fullmatch(r"([\d.]*)(MM|UM|MH|UH)?", text)
        if match is None:
            return "?"
        unit = match[2] or phase.unit
        if self._moves and match[2]:
            return "?NA"
        area = math.pi * (self.diameter / 20.0) ** 2
        if not NUMBER.fullmatch(match[1]) or not (
            area * SLOWEST_CM_H / 60.0 <= float(match[1] or 0) * UNITS[unit] <= area * FASTEST_CM_MIN
        ):
            return "?OOR"
        phase.rate, phase.unit = float(match[1]), unit
        self._tell()
        return ""

    def _vol(self, text: str) -> str:
        phase = self._phase(self._current if self._moves else self._selected)
        if not text:
            return f"{shown(phase.volume)}{self._volume_word}"
        if self._moves:
            return "?NA"
        if text in {"ML", "UL"}:
            self._volume_unit = text
        elif NUMBER.fullmatch(text):
            phase.volume = float(text)
        else:
            return "?OOR"
        return ""

    def _dir(self, text: str) -> str:
        phase = self._phase(self._current if self._moves else self._selected)
        if not text:
            return phase.direction
        if text not in {"INF", "WDR", "REV"}:
            return "?"
        if self._moves and phase.volume:
            return "?NA"
        turned = "WDR" if phase.direction == "INF" else "INF"
        phase.direction = turned if text == "REV" else text
        if self._moves:
            self.status = "I" if phase.direction == "INF" else "W"
        self._tell()
        return ""

    def _run(self, text: str) -> str:
        if self._moves:
            return "?NA"
        if self.status == "P":
            self.status = "I" if self._phase(self._current).direction == "INF" else "W"
            self._tell()
        else:
            self._enter(int(text) if text.isdigit() else 1)
        return ""

    def _stp(self, _text: str) -> str:
        if self.status == "S":
            return "?NA"
        self.status = "P" if self.status in {"I", "W"} else "S"
        if self.status == "S":
            self._current, self._in_phase = 1, 0.0
        self.drive(0.0)
        return ""

    def _pur(self, _text: str) -> str:
        if self._moves:
            return "?NA"
        self.status = "X"
        return ""

    def _dis(self, _text: str) -> str:
        infused, withdrawn = (shown(self.done[way] / self._unit) for way in ("INF", "WDR"))
        return f"I{infused}W{withdrawn}{self._volume_word}"

    def _cld(self, text: str) -> str:
        if text not in self.done:
            return "?"
        if self._moves:
            return "?NA"
        self.done[text] = 0.0
        return ""


def shown(value: float) -> str:
    """Four digits and a point, which may be the last character."""
    for decimals in (3, 2, 1):
        text = f"{value:.{decimals}f}"
        if len(text) <= 5:
            return text
    return f"{value:.0f}."
