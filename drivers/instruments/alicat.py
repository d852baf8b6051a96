"""Alicat mass-flow and pressure controllers, serial ASCII (Alicat Serial Primer; data frame of DOC-MANUAL-MPL).

Points are the values of the data frame, by the names of the option ``frame``; ``setpoint`` can be written. Numbers are
in the device's own engineering units (see its label). Where they are in the frame is what the device says of it, at
every connect; the option's order counts for one that does not say. A rejected command is answered by ``?``; a setpoint
that the device does not take, because it is out of range or because its setpoint comes from an analog input, is only
seen in the setpoint that it answers. One that it cuts to its range it would go for: it is told what it had before, and
nothing above its range again. From firmware 9v on it is set by ``LS``, which spares the device's memory. One that
streams answers nothing, and is told to stop, by which it gets its letter again.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from drivers.contract import (
    ConnectionSpec,
    DriverError,
    Identity,
    Malformed,
    Quality,
    Reason,
    Refused,
    Sample,
    Timeout,
    WrongIdentity,
)
from drivers.device_line import TextLine
from drivers.instruments.alicat_layout import Layout, assumed, told
from drivers.options import Options
from drivers.polled import Answers, Entry, Polled
from drivers.ports import parse_port

VERIFIED_ON: tuple[str, ...] = (
    "replies of the shape that others captured, from 5v to 10v",
    "its simulator, which the `alicat` package drives",
)

POINTS = ("pressure", "temperature", "volumetric_flow", "mass_flow", "setpoint", "total")
FRAME = POINTS[:-1]
"""Of a mass-flow controller. A meter has no setpoint, one with a totalizer a total before the gas."""

LAST_OF_IDENTITY = "M09"
FIRST_WITH_LS = 9
"""Firmware, by what is before its v."""
LAYOUT_S = 1.5
"""Two dozen rows take most of a second."""
STREAM = re.compile(rb"(?:\A|\r)\n?[@ ] ?[+-]?\d+\.\d")
"""How a frame begins that nobody asked for: without the letter, or with @ in its place."""
NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?")
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
OF_GAS = ("mass_flow", "volumetric_flow", "setpoint", "total")
"""What means nothing when another gas is set than the one that flows."""
UNCERTAIN = ("mass_flow", "setpoint")
"""What is doubtful under every other code: whether the flow follows the setpoint."""


class Alicat(Polled):
    """One device on a line.

    Options: ``unit`` (its letter, A), ``frame`` (the numbers of its data frame, in order), ``gas`` and ``flow_unit``
    (such as N2 and SCCM; when given, flows of another gas are Bad, and a device in another unit is refused),
    ``full_scale`` (largest setpoint), ``resolution`` (of the setpoint it answers, 0.01), ``stop_streaming`` (whether
    one that streams at the first connect is told to stop and to be called ``unit``; one that is known already is) and
    ``slowest_reply`` in seconds.
    """

    address_option: ClassVar[str] = "unit"
    points: ClassVar[Mapping[str, Entry]] = {name: Entry("r", "frame") for name in POINTS}

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._unit = options.choice("unit", "A", [chr(letter) for letter in range(ord("A"), ord("Z") + 1)])
        self._frame = options.choices("frame", FRAME, POINTS)
        self._gas, self._flow_unit = options.text("gas"), options.text("flow_unit")
        self._full_scale = options.number("full_scale", 1e6, 0.0, 1e9)
        self._resolution = options.number("resolution", 0.01, 1e-9, 1e6)
        self._stops = options.flag("stop_streaming", default=False)
        self._quiet_s = options.number("slowest_reply", 0.5, 0.05, 30.0)
        options.end()
        self._text = TextLine(parse_port(spec.url, 19200), spec.timeout_s / 2, self._quiet_s, unasked=self._heard)
        self._layout = assumed(self._frame)
        self._laid_out: Identity | None = None
        self._streams = self._knows_ls = False
        self._goal: float | None = None
        self._shown: float | None = None
        self._most = math.inf
        super().__init__(self._text)

    async def open(self) -> Identity:
        """Open the line, ask who is there, and where the numbers are in its frame. Raises :class:`DriverError`."""
        self._streams, self._goal, self._shown, self._most = False, None, None, math.inf
        identity = await super().open()
        if identity != self._laid_out:  # what another one has said of its frame does not hold for this one
            self._layout, self._laid_out = assumed(self._frame), identity
        await self._learn_layout()
        if self.line.in_doubt:
            await self._certain()
        return identity

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
        version = re.match(r"(\d+)v", firmware)
        self._knows_ls = version is not None and int(version[1]) >= FIRST_WITH_LS
        self._stops = True
        return Identity("Alicat", model, serial, firmware)

    async def answer(self, question: str) -> Answers:
        """The data frame."""
        found = self._parse(await self._text.ask_line(self._unit))
        if "setpoint" in found:
            self._shown = _number(found["setpoint"])
        return found

    async def put(self, address: str, value: float) -> None:
        """The setpoint; what answers it says what the device made of it. One that was cut is taken back."""
        if value > self._most:
            raise Refused(f"not sent: {self._unit} takes no more than {self._most:g}")
        before = await self._present()
        kept = await self._set(value)
        if self._is(kept, value):
            self._goal = kept
            return
        if not self._is(kept, before):
            back = await self._set(before)
            if self._is(back, before):
                self._most = kept if kept < value else self._most
                raise Refused(f"{self._unit} makes {kept:g} of it, and has its setpoint {before:g} again")
            if not self._is(back, kept):
                raise DriverError(f"{self._unit} made {kept:g} of {value:g}, and {back:g} of {before:g}")
        raise Refused(f"{self._unit} keeps its setpoint at {kept:g}")

    async def _present(self) -> float:
        """What it goes for now: what it shows, for somebody may have set it at its keys; to the last digit where it was
        set from here. Raises :class:`Refused` when that cannot be found out.
        """
        goal, self._goal = self._goal, None  # until a setpoint is taken again
        try:
            await self.answer("frame")
        except DriverError as error:
            raise Refused(f"not sent: {error}") from error
        shown = self._shown
        if shown is None or (goal is not None and self._is(goal, shown)):
            return goal or 0.0
        if not math.isfinite(shown):
            raise Refused(f"not sent: {self._unit} does not tell its setpoint")
        return shown

    async def _set(self, value: float) -> float:
        """Send a setpoint; the one that it then has. Raises :class:`Refused`, or another error when it is not known."""
        # Never without letters in front of the number: digits alone are an old command in another scale.
        command = "LS" if self._knows_ls else "S"
        reply = await self._text.ask_line(f"{self._unit}{command} {value:.6f}".rstrip("0").rstrip("."))
        if reply.endswith("?"):
            raise Refused(f"{self._unit} does not take a setpoint")
        return self._requested(reply) if self._knows_ls else _number(self._parse(reply)["setpoint"])

    def _is(self, one: float, other: float) -> bool:
        return abs(one - other) <= self._resolution

    async def _certain(self) -> Identity:
        """As always, but a device that streams would never be silent."""
        try:
            async with asyncio.timeout(2 * self._quiet_s):
                await self.line.silence()
        except TimeoutError:
            if self._streams and not self._stops:
                raise Refused("it sends frames by itself; stop_streaming lets it be told to stop") from None
            if self._streams:
                await self._text.say(f"@@ {self._unit}")
                self._streams = False
        return await super()._certain()

    async def _learn_layout(self) -> None:
        """Ask where the numbers are; of a device that does not say, they are where the option says. Raises
        :class:`WrongIdentity` when something that is wanted is in no frame of it.
        """
        rows = b""

        def complete(data: bytes) -> bool:
            """Whether the empty line is there that ends it, or a refusal."""
            nonlocal rows
            rows = data.translate(None, b"\0\n")
            return rows.replace(b" ", b"").endswith((b"\r\r", b"?\r"))

        try:
            await self.line.ask(f"{self._unit}??D*\r".encode("ascii"), complete, LAYOUT_S)
        except Timeout:
            return
        except Malformed:
            self.line.in_doubt = True  # some do not end it
        if rows.rstrip().endswith(b"?"):
            return
        layout = told(rows.decode("ascii", "replace").split("\r")[:-1])  # the last one is empty, or not whole
        if layout is None:
            raise self.line.doubt(f"not the layout of a data frame: {rows[:48]!r}")
        self._believe(layout)

    def _believe(self, layout: Layout) -> None:
        if lacking := layout.lacks(self._frame):
            has = ", ".join(sorted(layout.places, key=layout.places.__getitem__))
            raise WrongIdentity(f"its data frame has {has}; option 'frame' wants {', '.join(lacking)} as well")
        unit = layout.units.get("mass_flow", "")
        if self._flow_unit and unit != self._flow_unit:
            raise WrongIdentity(f"it measures in {unit or 'no unit of flow'}, not in {self._flow_unit}")
        self._layout = layout

    def _heard(self, data: bytes) -> None:
        """What nobody asked for."""
        self._streams = self._streams or STREAM.search(data) is not None

    def _requested(self, reply: str) -> float:
        """The setpoint that an answer to LS says it goes for: the second one, after where a ramp has come to."""
        found = re.fullmatch(rf"{self._unit} +{NUMBER.pattern} +({NUMBER.pattern}) +\d+ +\S+", reply)
        if found is None:
            raise self.line.doubt(f"not the setpoint of {self._unit}: {reply!r}")
        return float(found[1])

    def _parse(self, reply: str) -> dict[str, float | Sample]:
        if reply.endswith("?"):
            raise Refused(f"{self._unit} refuses the question")
        unit, *words = reply.split()
        rest = words[self._layout.words :]
        numbers = sum(NUMBER.fullmatch(word) is not None for word in rest)
        if unit != self._unit or len(words) < self._layout.words or numbers > self._layout.spare:
            raise self._wrong(reply)
        found = {name: words[place] for name, place in self._layout.places.items() if name in self._frame}
        if not all(NUMBER.fullmatch(word) for word in found.values()):
            raise self._wrong(reply)
        gas = "" if self._layout.gas is None else " ".join(words[self._layout.gas : self._layout.gas + 1])
        wrong = f"its gas is {gas or 'not told'}, not {self._gas}" if self._gas and gas != self._gas else ""
        codes = [word for word in words[self._layout.words :] if word in CODES]
        return {name: _judged(name, float(word), codes, wrong) for name, word in found.items()}

    def _wrong(self, reply: str) -> Malformed:
        return self.line.doubt(f"not a data frame of {self._unit} with {', '.join(self._frame)}: {reply!r}")


def _judged(name: str, value: float, codes: Sequence[str], wrong_gas: str) -> float | Sample:
    """A value with what its gas and the codes say of it."""
    if wrong_gas and name in OF_GAS:
        return Sample(value, Quality.BAD, Reason.DEVICE, 0, None, wrong_gas)
    spoiled = [code for code in codes if name in SPOILS.get(code, ())]
    doubtful = [code for code in codes if code not in SPOILS and name in UNCERTAIN]
    if not spoiled and not doubtful:
        return value
    quality = Quality.BAD if spoiled else Quality.UNCERTAIN
    return Sample(value, quality, Reason.DEVICE, 0, None, ", ".join(CODES[code] for code in spoiled or doubtful))


def _number(value: float | Sample) -> float:
    return value.value if isinstance(value, Sample) else value


def _last_word(text: str) -> str:
    return text.rsplit(maxsplit=1)[-1] if text.split() else ""
