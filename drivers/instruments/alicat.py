"""Alicat mass-flow and pressure controllers, serial ASCII (Alicat Serial Primer; data frame of DOC-MANUAL-MPL).

Points are the values of the data frame, by the names of the option ``frame``; ``setpoint`` can be written. Numbers are
in the device's own engineering units (see its label, or ``biovisor device scan``). A rejected command is answered by
``?``; a setpoint that the device does not take, because it is out of range or because its setpoint comes from an analog
input, is only seen in the setpoint that it answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from drivers.contract import ConnectionSpec, Identity, Malformed, Quality, Reason, Refused, Sample
from drivers.device_line import TextLine
from drivers.options import Options
from drivers.polled import Answers, Entry, Polled
from drivers.ports import parse_port

VERIFIED_ON: tuple[str, ...] = ("its simulator, which the `alicat` package drives",)
POINTS = ("pressure", "temperature", "volumetric_flow", "mass_flow", "setpoint", "total")
FRAME = POINTS[:-1]
"""Of a mass-flow controller. A meter has no setpoint, one with a totalizer a total before the gas."""

LAST_OF_IDENTITY = "M09"
CODES = {
    "ADC": "fault of its converter",
    "COM": "communication fault inside",
    "EXH": "exhausts",
    "HLD": "its valve is held where it is",
    "MOV": "mass flow over range",
    "OPL": "over-pressure limit reached",
    "OVR": "total over range",
    "P2O": "second pressure over range",
    "POV": "pressure over range",
    "TMF": "total may be wrong",
    "TOV": "temperature over range",
    "VOV": "volumetric flow over range",
}
"""Those that say something of a value; the others (key lock, autotare) do not."""
SPOILS = {
    "MOV": ("mass_flow", "total"), "VOV": ("volumetric_flow",), "POV": ("pressure",), "TOV": ("temperature",),
    "TMF": ("total",), "OVR": ("total",), "ADC": POINTS, "COM": POINTS,
}  # fmt: skip
UNCERTAIN = ("mass_flow", "setpoint")
"""What is doubtful under every other code: whether the flow follows the setpoint."""


class Alicat(Polled):
    """One device on a line.

    Options: ``unit`` (its letter, A), ``frame`` (the numbers of its data frame in order), ``full_scale`` (largest
    setpoint), ``resolution`` (of the setpoint it answers, 0.01) and ``slowest_reply`` in seconds.
    """

    points: ClassVar[Mapping[str, Entry]] = {name: Entry("r", "frame") for name in POINTS}

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._unit = options.choice("unit", "A", [chr(letter) for letter in range(ord("A"), ord("Z") + 1)])
        self._frame = options.choices("frame", FRAME, POINTS)
        self._full_scale = options.number("full_scale", 1e6, 0.0, 1e9)
        self._resolution = options.number("resolution", 0.01, 1e-9, 1e6)
        quiet_s = options.number("slowest_reply", 0.5, 0.05, 30.0)
        options.end()
        self._text = TextLine(parse_port(spec.url, 19200), spec.timeout_s / 2, quiet_s)
        super().__init__(self._text)

    def entry(self, address: str) -> Entry | None:
        """The numbers of this device's frame; its setpoint can be written."""
        if address not in self._frame:
            return None
        return Entry("rw", "frame", 0.0, self._full_scale) if address == "setpoint" else self.points[address]

    async def identify(self) -> Identity:
        """The manufacturing data; no data frame has a line like its last one."""
        is_last = re.compile(rf"{self._unit}\s+{LAST_OF_IDENTITY}\b.*|.*\?").fullmatch
        lines = await self._text.ask_lines(f"{self._unit}??M*", lambda line: is_last(line) is not None)
        rows = {found[1]: found[2] for line in lines if (found := re.fullmatch(r".\s+(M\d\d)\s+(.*)", line))}
        if LAST_OF_IDENTITY not in rows:
            raise self.line.doubt(f"not the data of a device {self._unit}: {lines[-1]!r}")
        model, serial, firmware = (_last_word(rows.get(row, "")) for row in ("M04", "M05", LAST_OF_IDENTITY))
        return Identity("Alicat", model, serial, firmware)

    async def answer(self, question: str) -> Answers:
        """The data frame."""
        return self._parse(await self._text.ask_line(self._unit))

    async def put(self, address: str, value: float) -> None:
        """The setpoint; the frame that answers it says what the device made of it."""
        # Never without the S and the blank: a letter followed by digits is an old command in another scale.
        reply = await self._text.ask_line(f"{self._unit}S {value:.6f}".rstrip("0").rstrip("."))
        if reply.endswith("?"):
            raise Refused(f"{self._unit} does not take a setpoint")
        echoed = self._parse(reply)["setpoint"]
        taken = echoed.value if isinstance(echoed, Sample) else echoed
        if not abs(taken - value) <= self._resolution:
            raise Refused(f"{self._unit} keeps its setpoint at {taken:g}")

    def _parse(self, reply: str) -> dict[str, float | Sample]:
        if reply.endswith("?"):
            raise Refused(f"{self._unit} refuses the question")
        unit, *words = reply.split()
        numbers = words[: len(self._frame)]
        codes = [word for word in words[len(self._frame) :] if word in CODES]
        if unit != self._unit or len(numbers) != len(self._frame):
            raise self._wrong(reply)
        try:
            values = [float(number) for number in numbers]
        except ValueError as error:
            raise self._wrong(reply) from error
        if not all(map(math.isfinite, values)):
            raise self._wrong(reply)
        return {name: _judged(name, value, codes) for name, value in zip(self._frame, values, strict=True)}

    def _wrong(self, reply: str) -> Malformed:
        return self.line.doubt(f"not a data frame of {self._unit} with {', '.join(self._frame)}: {reply!r}")


def _judged(name: str, value: float, codes: Sequence[str]) -> float | Sample:
    """A value with what the codes say of it."""
    spoiled = [code for code in codes if name in SPOILS.get(code, ())]
    doubtful = [code for code in codes if code not in SPOILS and name in UNCERTAIN]
    if not spoiled and not doubtful:
        return value
    quality = Quality.BAD if spoiled else Quality.UNCERTAIN
    return Sample(value, quality, Reason.DEVICE, 0, None, ", ".join(CODES[code] for code in spoiled or doubtful))


def _last_word(text: str) -> str:
    return text.rsplit(maxsplit=1)[-1] if text.split() else ""
