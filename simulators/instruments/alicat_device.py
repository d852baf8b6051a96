"""An Alicat mass-flow controller or meter behind its wire: its commands and what it answers, firmware 5v to 10v.

Source: Alicat Serial Primer Rev 2, data frame and codes of DOC-MANUAL-MPL; rows and replies shaped like captured ones.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from simulators.instrument import Json

OVER_RANGE = 1.28
"""Share of full scale above which the flow is flagged."""
GASES = ("Air", "Ar", "CH4", "CO", "CO2", "C2H6", "H2", "He", "N2", "N2O", "Ne", "O2", "C3H8")
OLD_SCALE = 64000
"""Full scale of the old command, digits alone."""
WITH_LS, WITH_NUMBERED_ROWS, WITH_STREAM_AS_SPACE = 9, 6, 10
"""Firmware from which on there are LS and numbers in the layout's rows, and the letter is dropped in streams."""
RAMP_UNITS = {3: 1e-3, 4: 1.0, 5: 60.0, 6: 3600.0, 7: 86400.0}
"""Seconds, by the number of the unit of a ramp."""
LOOP = {"85": 1, "21": 100, "22": 10, "23": 0}
CODES = ("OPL", "POV", "P2O", "TOV", "VOV", "MOV", "TMF", "OVR", "COM", "HLD", "EXH", "GTA", "LCK")
SERVICES = ("V", "P", "PC", "T", "$$L", "$$U", "HP", "HC", "C")
"""Answered by a data frame, after they were carried out."""
FOR_CONTROLLERS = re.compile(r"L?S[\s+\-\d].*|LSS?|S?R.*|LSRC.*|H[PC]|C|\d+|\$\$R\d+")
"""Commands that a meter passes over in silence, as far as they are not about its gas."""


class Device:
    """One device. `flow` measures what flows at a setpoint, `drive` is told it; `clock` gives process seconds."""

    def __init__(
        self,
        spec: Mapping[str, Json],
        clock: Callable[[], float],
        flow: Callable[[float], float],
        drive: Callable[[float], None],
    ) -> None:
        self.unit, self.full_scale = str(spec.get("unit", "A")).upper(), float(str(spec.get("full_scale", 500)))
        self._clock, self._flow, self._drive = clock, flow, drive
        self._gas, self._source = str(spec.get("gas", "N2")), str(spec.get("source", "S"))
        self._flow_unit, self._firmware = str(spec.get("flow_unit", "SCCM")), str(spec.get("firmware", "10v20.0-R24"))
        self._version = int(self._firmware.partition("v")[0])
        self._meter, self._totals = spec.get("meter", False) is True, spec.get("totalizer", False) is True
        self._tells, self._codes = spec.get("tells_layout", True) is True, str(spec.get("codes", "")).split()
        self._locked, self._held, self._variable = False, False, 37
        self._ramp, self._ramp_unit, self._ramped = 0.0, 4, "1 1 0 0"
        self._setpoint = self._now = self._total = 0.0
        self._at = clock()
        self.streams = False

    def power_up(self) -> None:
        """The setpoint is gone, the valve is free, streaming is off."""
        self._setpoint = self._now = self._total = 0.0
        self._held = self.streams = False
        self._drive(0.0)

    def command(self, text: str) -> list[str] | None:
        """Carry out one command: its lines of reply, or None for another device's. While it streams it hears only that
        it is to stop, and by which letter it is called then.
        """
        text = text.strip().upper()
        self.step()
        if self.streams:
            if stopped := re.fullmatch(r"@@ ([A-Z])", text):
                self.unit, self.streams = stopped[1], False
            return None
        if not text.startswith(self.unit):
            return None
        command = text[1:].strip()
        if self._meter and FOR_CONTROLLERS.fullmatch(command) and command != "$$R46":
            return None
        return self._obey(command)

    def step(self) -> None:
        """Go on to now: the setpoint goes along its ramp, what flows is counted."""
        now = self._clock()
        elapsed_s, self._at = now - self._at, now
        step = self._ramp / RAMP_UNITS[self._ramp_unit] * elapsed_s if self._ramp else math.inf
        self._now += min(max(self._setpoint - self._now, -step), step)
        self._drive(self._now)
        self._total += self._flow(self._now) * elapsed_s / 60.0

    def frame(self) -> str:
        """The data frame."""
        flow = self._flow(self._now)
        on = {"HLD": self._held, "LCK": self._locked, "MOV": flow > OVER_RANGE * self.full_scale}
        codes = [code for code in ("ADC", *CODES) if on.get(code) or code in self._codes]
        numbers = [f"{number:+07.2f}" for number in (14.62, 21.89, flow, flow)]
        if not self._meter:
            numbers.append(f"{self._now:+07.2f}" if self._version >= WITH_LS else f"{self._now:06.2f}")
        if self._totals:
            numbers.append(f"{self._total:+08.2f}")
        return " ".join([self.unit, *numbers, f"    {self._gas}", *codes])

    def streamed(self) -> str:
        """A frame that nobody asked for: without the letter, which older firmware replaces."""
        return ("" if self._version >= WITH_STREAM_AS_SPACE else "@") + self.frame()[1:]

    def _obey(self, command: str) -> list[str]:
        has_ls = self._version >= WITH_LS
        match = re.fullmatch(r"(LS|S) *([+-]?\d+(?:\.\d*)?)", command)
        if match and (has_ls or match[1] == "S"):
            self._set(float(match[2]))
            return [self._setpoints() if match[1] == "LS" else self.frame()]
        if command.isdigit():
            self._set(int(command) / OLD_SCALE * self.full_scale)
            return [self.frame()]
        told = self._told(command)
        if told is not None:
            return told
        if command == "@ @":
            self.streams = True
            return []
        if command and command not in SERVICES:
            return self._registers(command)
        self._serve(command)
        return [self.frame()]

    def _serve(self, command: str) -> None:
        if command in {"$$L", "$$U"}:
            self._locked = command == "$$L"
        elif command in {"HP", "HC", "C"}:
            self._held = command != "C"
        elif command == "T":
            self._total = 0.0

    def _told(self, command: str) -> list[str] | None:
        """What a question is answered by; None for what is no question."""
        unit = self.unit
        answers: dict[str, Callable[[], list[str]]] = {
            "VE": lambda: [f"{unit}   {self._firmware} Jan  9 2025,15:04:07"],
            "??M*": self._manufacture,
            "??G*": lambda: [f"{unit} G{number:02d}      {gas}" for number, gas in enumerate(GASES)],
            "$$R46": lambda: [f"{unit}   046 = {GASES.index(self._gas)}"],
            "R122": lambda: [f"{unit}   122 = {self._variable}"],
        }
        if self._tells:
            answers["??D*"] = self._layout
        if self._version >= WITH_LS:
            answers |= {"LS": lambda: [self._setpoints()], "LSS": lambda: [f"{unit} {self._source}"]}
            answers |= {"SR": lambda: [self._ramp_told()], "LSRC": lambda: [f"{unit} {self._ramped}"]}
        if command.removeprefix("$$R") in LOOP:
            return [f"{unit}   0{command[3:]} = {LOOP[command[3:]]}"]
        answer = answers.get(command)
        return None if answer is None else answer()

    def _registers(self, command: str) -> list[str]:
        if match := re.fullmatch(r"(GS?|\$\$W46=) *(\d+)", command):
            return self._choose_gas(match[1], int(match[2]))
        if match := re.fullmatch(r"SR +(\d+(?:\.\d*)?) +([3-7])", command):
            self._ramp, self._ramp_unit = float(match[1]), int(match[2])
            return [self._ramp_told()]
        if match := re.fullmatch(r"LSRC((?: [01]){4})", command):
            self._ramped = match[1].strip()
            return [f"{self.unit} {self._ramped}"]
        if match := re.fullmatch(r"W122=(34|36|37|38|39)", command):
            self._variable = int(match[1])
            return [f"{self.unit}   122 = {self._variable}"]
        return [f"{self.unit} ?"]

    def _choose_gas(self, command: str, number: int) -> list[str]:
        if number >= len(GASES):
            return [f"{self.unit} ?"]
        self._gas = GASES[number]
        if command == "GS":
            return [f"{self.unit} {number} {self._gas} {self._gas}"]
        return [self.frame()] if command == "G" else [f"{self.unit}   046 = {number}"]

    def _set(self, value: float) -> None:
        """Clip to full scale; unless its source is serial, setpoints change nothing, without a word."""
        if self._source == "S":
            self._setpoint = min(max(value, 0.0), self.full_scale)
            self.step()

    def _setpoints(self) -> str:
        return f"{self.unit} {self._now:+07.2f} {self._setpoint:+07.2f} 12 {self._flow_unit}"

    def _ramp_told(self) -> str:
        second = {3: "ms", 4: "s", 5: "min", 6: "h", 7: "d"}[self._ramp_unit]
        return f"{self.unit} {self._ramp:.7f} 12 {self._ramp_unit} {self._flow_unit}/{second}"

    def _manufacture(self) -> list[str]:
        rows = (
            "Alicat Scientific", "www.alicat.com", "Ph   555-555-0100", "info@alicat.com",
            "Model Number MC-500SCCM-D", "Serial Number 181010", "Date Manufactured 01/09/2025",
            "Date Calibrated   01/09/2025", "Calibrated By     SIM", f"Software Revision {self._firmware}",
        )  # fmt: skip
        return [f"{self.unit}  M{row:02d} {text}" for row, text in enumerate(rows)]

    def _layout(self) -> list[str]:
        """A row for every word of the frame, and for every code; an empty one ends it."""
        statistics = [("002", "Abs Press", "PSIA"), ("003", "Flow Temp", "`C"), ("004", "Volu Flow", "CCM")]
        statistics.append(("005", "Mass Flow", self._flow_unit))
        if not self._meter:
            statistics.append(("037", "Mass Flow Setpt", self._flow_unit))
        if self._totals:
            statistics.append(("009", "Mass Total", "SCC"))
        if self._version < WITH_NUMBERED_ROWS:
            return self._old_layout(statistics)
        rows = ["ID_ NAME______________________ TYPE_______ WIDTH NOTES", f"700 {'Unit ID':26} string          1"]
        rows += [f"{code} {name:26} s decimal     7/2 012 02 {unit}" for code, name, unit in statistics]
        rows += [f"703 {'Gas':26} string          6", f"701 {'*Error':26} string          3 ADC"]
        rows += [f"702 {'*Status':26} string          3 {code}" for code in CODES]
        return [*(f"{self.unit} D{number:02d} {row}" for number, row in enumerate(rows)), ""]

    def _old_layout(self, statistics: list[tuple[str, str, str]]) -> list[str]:
        short = {"Abs Press": "Pressure", "Flow Temp": "Temperature", "Volu Flow": "Volumetric", "Mass Flow": "Mass",
                 "Mass Flow Setpt": "SetPoint", "Mass Total": "Total"}  # fmt: skip
        rows = ["NAME_______ TYPE_____ MinVal_  MaxVal_  UNITS__", "Unit ID     char         A         Z         na"]
        rows += [f"{short[name]:11} signed    +0000.0  +0500.0      {unit}" for _, name, unit in statistics]
        rows += ["Gas         string        Air       D2       na", "Error       string         na      ADC       na"]
        rows += [f"Status      string         na      {code}       na" for code in CODES]
        return [f"{self.unit}  D{number:02d} {row}" for number, row in enumerate(rows)]
