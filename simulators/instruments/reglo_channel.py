"""One channel of a Reglo ICC pump: its settings, its modes, and what it has pumped."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

END = "\r\n"
MAX_RPM = 100.0
MODES = "LMOGQNP"
"""Speed, flow, volume at rate, volume over time, volume and pause, time, time and pause."""
BY_SPEED, OVER_TIME = "L", "G"
WITH_VOLUME, WITH_TIME, WITH_CYCLES = "OGQ", "NP", "QP"
VOLUME_2 = re.compile(r"(\d{4})([+-]\d)")


def scientific(value: float) -> str:
    """``1300E-3`` for 0.0013."""
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"{mantissa[0]}{mantissa[2:]}E{int(exponent):+d}"


class Channel:
    """Times are process seconds. `drive` is told the clockwise speed; `revolutions` is what was turned in all."""

    def __init__(self, ml_per_rev: float, clock: Callable[[], float], drive: Callable[[float], None]) -> None:
        self._ml_per_rev, self._clock, self._drive = ml_per_rev, clock, drive
        self.revolutions: Callable[[], float] = self.own_revolutions
        self.running = False
        self._mode, self._rpm, self._flow, self._volume = BY_SPEED, 0.0, 0.0, 0.0
        self._clockwise, self._tube, self._cycles, self._by_flow = True, 3.17, 0, False
        self._times = {"xT": 0, "xP": 0}
        self._turned, self._ran_s, self._at, self._begun_s, self._begun_ml = 0.0, 0.0, clock(), 0.0, 0.0

    def own_revolutions(self) -> float:
        """What it turned by its own reckoning."""
        return self._turned

    def advance(self) -> bool:
        """Turn until now; whether that completed what it was to do."""
        now, speed = self._clock(), min(self._speed(), MAX_RPM)
        passed, self._at = now - self._at, now
        if not self.running:
            return False
        self._turned += speed * passed / 60.0
        self._ran_s += passed
        done = self._mode in WITH_VOLUME and self._pumped() >= self._volume
        done = done or (self._mode in WITH_TIME and self._ran_s - self._begun_s >= self._times["xT"] / 10)
        if done:
            self.stop()
        return done

    def stop(self) -> None:
        """Stand still."""
        self.running = False
        self._drive(0.0)

    def report(self) -> str:
        """State, seconds left, microlitres done, cycles left."""
        done = round(self._pumped() * 1000) if self.running else 0
        return f"{'A' if self.running else 'C'}|0000000000|{done:010d}|{self._cycles:04d}"

    def command(self, text: str) -> str:
        """Carry out one command or question."""
        if text in {"H", "I", "xI", "J", "K"} or (len(text) == 1 and text in MODES):
            return self._drive_command(text)
        told = self._told(text)
        return self._set(text) if told is None else told + END

    def _drive_command(self, text: str) -> str:
        match text:
            case "H":
                return self._start()
            case "I" | "xI":
                self.stop()
            case "J" | "K":
                self._clockwise = text == "J"
            case _:
                self._mode = text
        self._tell()
        return "*"

    def _start(self) -> str:
        if self.running:
            return "#"
        if self._wrong():
            return "-"
        self.running, self._begun_s, self._begun_ml = True, self._ran_s, self._turned * self._ml_per_rev
        self._tell()
        return "*"

    def _wrong(self) -> str:
        """Why it cannot run: the letter and the limit, or nothing."""
        if self._mode in WITH_CYCLES and not self._cycles:
            return "C 0000E+1"
        if not 0.0 < self._speed() <= MAX_RPM:
            return f"R {scientific(MAX_RPM * self._ml_per_rev)}"
        return "V 9999E+3" if self._mode in WITH_VOLUME and not self._volume else ""

    def _told(self, text: str) -> str | None:
        """The answer to a question; None for what is none."""
        if text in self._times:
            return str(self._times[text])
        answers: dict[str, Callable[[], str]] = {
            "xM": lambda: self._mode,
            "xD": lambda: "J" if self._clockwise else "K",
            "xe": lambda: self._wrong() or "C 0000E+1",
            "xf": lambda: str(int(self._by_flow)),
            "S": lambda: f"{self._rpm:.2f}",
            "f": lambda: scientific(self._flow),
            "v": lambda: scientific(self._volume),
            '"': lambda: str(self._cycles),
            "+": lambda: f"{self._tube:.2f} mm",
            "?": lambda: f"{MAX_RPM * self._ml_per_rev:.0f} ml/min",
            "!": lambda: f"{MAX_RPM * self._ml_per_rev:.0f} ml/min",
            "xC": lambda: f"{int(self.revolutions()):010d}",
            "xG": lambda: f"{int(self.revolutions() * self._ml_per_rev):010d}",
            "xJ": lambda: f"{int(self._ran_s):010d}",
        }
        answer = answers.get(text)
        return None if answer is None else answer()

    def _set(self, text: str) -> str:
        if match := re.fullmatch(r"S(\d{6})", text):
            return self._set_speed(int(match[1]) / 100)
        if (match := re.fullmatch(r"([fv])(.*)", text)) and (number := VOLUME_2.fullmatch(match[2])):
            value = int(number[1]) / 1000 * 10.0 ** int(number[2])
            if match[1] == "f":
                self._flow = value
            else:
                self._volume = value
            self._tell()
            return scientific(value) + END
        if match := re.fullmatch(r"(xT|xP)(\d{8})", text):
            self._times[match[1]] = int(match[2])
        elif match := re.fullmatch(r'"(\d{4})', text):
            self._cycles = int(match[1])
        elif match := re.fullmatch(r"xf([01])", text):
            self._by_flow = match[1] == "1"
        elif match := re.fullmatch(r"\+(\d{4})", text):
            self._tube = int(match[1]) / 100
        else:
            return "#"
        return "*"

    def _set_speed(self, rpm: float) -> str:
        if rpm > MAX_RPM:
            return "#"
        self._rpm = rpm
        self._tell()
        return "*"

    def _speed(self) -> float:
        if self._mode == BY_SPEED:
            return self._rpm
        if self._mode == OVER_TIME:
            minutes = self._times["xT"] / 600
            return self._volume / minutes / self._ml_per_rev if minutes else math.inf
        if self._mode in WITH_TIME and not self._by_flow:
            return self._rpm
        return self._flow / self._ml_per_rev

    def _pumped(self) -> float:
        return self._turned * self._ml_per_rev - self._begun_ml

    def _tell(self) -> None:
        self._drive(min(self._speed(), MAX_RPM) if self.running and self._clockwise else 0.0)
