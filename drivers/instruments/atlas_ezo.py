"""Atlas Scientific EZO circuits for pH, dissolved oxygen, temperature and conductivity, UART mode (datasheets EZO-pH,
EZO-DO, EZO-RTD, EZO-EC).

Points: ``ph``; ``oxygen`` (mg/L) and ``saturation`` (%); ``temperature`` (Cel); ``conductivity`` (uS/cm), each of the
circuit that measures it; of all but the thermometer ``compensation`` (rw, Cel; the temperature that it reckons with,
forgotten without power); of all ``calibration`` (r, the number of points) and ``supply`` (r, V); of pH ``slope_acid``,
``slope_base`` (r, %) and ``offset`` (r, mV). Odd is that a circuit sends a reading every second unless it is told not
to, that a reading takes most of a second, so that one question is asked per read and the answers of the others are
given again, and that a probe which is not there gives a number. Calibrating is not done from here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from drivers.contract import (
    NEVER_READ,
    ConnectionSpec,
    Identity,
    Plan,
    Quality,
    Reason,
    Refused,
    Sample,
    WrongIdentity,
)
from drivers.device_line import TextLine
from drivers.options import Options
from drivers.polled import Answers, Entry, Polled, QuestionPlan
from drivers.ports import parse_port

VERIFIED_ON: tuple[str, ...] = ("replies printed in the datasheets", "its simulator")

READING, COMPENSATION = "R", "T,?"
OUTPUTS = {
    "PH": {"": "ph"},
    "DO": {"MG": "oxygen", "%": "saturation"},
    "RTD": {"": "temperature"},
    "EC": {"EC": "conductivity", "TDS": "", "S": "", "SG": ""},
}
"""Points by what a circuit can be told to output, in the order in which it does; some are not offered here."""
NEEDED = {"DO": ("mg", "%"), "EC": ("EC",)}
COMPENSATED = ("PH", "DO", "EC")
SETTINGS = {
    COMPENSATION: ("compensation",),
    "Cal,?": ("calibration",),
    "Status": ("supply",),
    "Slope,?": ("slope_acid", "slope_base", "offset"),
}
OF_PH = ("Slope,?",)
EVERY = 10
"""Every so many reads it is one of the others that is asked, instead of the reading."""
IN_TIME = 0.95
"""Share of the time that a read may take, after which there is no answer."""
ENDINGS = ("*OK", "*ER")
RESTARTED = {"*RS": "it restarted", "*RE": "it restarted", "*WA": "it was asleep", "*SL": "it fell asleep"}
SUPPLY = {"*OV": "supply voltage too high", "*UV": "supply voltage too low"}
NO_THERMOMETER = -1000.0
PH_ENDS = (0.1, 13.9)
"""A probe that is not there reads about 0 or about 14."""


class AtlasEzo(Polled):
    """One circuit on a line.

    Options: ``circuit`` (``PH``, ``DO``, ``RTD`` or ``EC``) and ``slowest_reply`` in seconds.
    """

    disturbs: ClassVar[str] = "turns continuous readings off, and outputs that are needed on"
    points: ClassVar[Mapping[str, Entry]] = {
        **{point: Entry("r", READING) for outputs in OUTPUTS.values() for point in outputs.values() if point},
        **{point: Entry("r", question) for question, points in SETTINGS.items() for point in points},
        "compensation": Entry("rw", COMPENSATION, 0.0, 150.0),
    }
    hush: ClassVar[bytes] = b"C,0\r"

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._circuit = options.choice("circuit", "PH", tuple(OUTPUTS))
        quiet_s = options.number("slowest_reply", 1.0, 0.05, 30.0)
        options.end()
        self._text = TextLine(parse_port(spec.url, 9600), spec.timeout_s * IN_TIME, quiet_s, unasked=self._heard)
        self._outputs = list(OUTPUTS[self._circuit].values())
        self._held: dict[str, Sample] = {}
        self._reads = 0
        super().__init__(self._text)

    def entry(self, address: str) -> Entry | None:
        """The points of this circuit."""
        found = self.points.get(address)
        if found is None or (found.question == READING and address not in OUTPUTS[self._circuit].values()):
            return None
        if found.question == COMPENSATION and self._circuit not in COMPENSATED:
            return None
        return None if found.question in OF_PH and self._circuit != "PH" else found

    async def open(self) -> Identity:
        """Open the line and ask who is there. Raises :class:`DriverError`."""
        self._held.clear()
        return await super().open()

    async def identify(self) -> Identity:
        """Its type and firmware, after it was told to speak when it is asked only, and to acknowledge."""
        for command in ("*OK,1", "C,0"):
            await self._ask(command)
        kind, firmware = await self._told("i", "i", 2)
        if kind.replace(".", "").upper() != self._circuit:
            raise WrongIdentity(f"a circuit for {kind}, not for {self._circuit}")
        if self._circuit in NEEDED:
            await self._see_to_outputs(NEEDED[self._circuit])
        if self._circuit == "RTD" and (scale := await self._told("S,?", "S", 1)) != ["c"]:
            raise WrongIdentity(f"its scale is {scale[0]}, not c")
        return Identity("Atlas Scientific", f"EZO-{kind}", firmware=firmware)

    async def read(self, plan: Plan) -> Sequence[Sample]:
        """Ask the question that is due, and give the newest answers of the others again; see the base class."""
        if not isinstance(plan, QuestionPlan):
            raise TypeError("a plan of another driver")
        due = self._due(plan)
        asked = [point for point, question in zip(plan.points, plan.by_point, strict=True) if question == due]
        try:
            samples = await super().read(self.plan(asked))
        except Refused as error:
            samples = [Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, None, str(error))] * len(asked)
        self._held.update({point.address: sample for point, sample in zip(asked, samples, strict=True)})
        return [self._held.get(point.address, NEVER_READ) for point in plan.points]

    async def answer(self, question: str) -> Answers:
        """A reading, or what it is set to."""
        if question == READING:
            return await self._reading()
        names = SETTINGS[question]
        name = question.removesuffix(",?")
        told = await self._told(question, name, 2 if question == "Status" else len(names))
        return dict(zip(names, map(self._number, told[-len(names) :]), strict=True))

    async def put(self, address: str, value: float) -> None:
        """The temperature it reckons with, which it then says."""
        self._held.pop(address, None)
        await self._ask(f"T,{value:.2f}")
        (told,) = await self._told(COMPENSATION, "T", 1)
        if abs(self._number(told) - value) > 0.01:
            raise Refused(f"it keeps its compensation at {told}")

    def _due(self, plan: QuestionPlan) -> str:
        """What was not asked yet; then the reading, and now and then one of the others in turn."""
        for point, question in zip(plan.points, plan.by_point, strict=True):
            if point.address not in self._held:
                return question
        self._reads += 1
        turn, rest = divmod(self._reads, EVERY)
        others = [question for question in plan.questions if question != READING]
        if not others or (rest and READING in plan.questions):
            return READING
        return others[(turn if READING in plan.questions else self._reads) % len(others)]

    def _heard(self, _data: bytes) -> None:
        """Something that was not asked for: it restarted, and has forgotten what it reckons with, or somebody changed
        it. What it said before is not given again, and it is told once more how to speak.
        """
        self._held.clear()
        self.line.in_doubt = True

    async def _reading(self) -> Answers:
        lines, doubt = await self._ask(READING)
        if len(lines) != 1:
            raise self.line.doubt(f"not one reading: {', '.join(lines)}")
        numbers = [self._number(word) for word in lines[0].split(",")]
        if len(numbers) != len(self._outputs):
            raise self.line.doubt(f"not {len(self._outputs)} numbers: {lines[0]!r}")
        pairs = zip(self._outputs, numbers, strict=True)
        return {point: self._judged(number, doubt) for point, number in pairs if point}

    async def _see_to_outputs(self, needed: Sequence[str]) -> None:
        """Which numbers a reading has; one that is needed and is off is switched on, which it keeps."""
        given = await self._enabled()
        for output in needed:
            if output.upper() not in given:
                await self._ask(f"O,{output},1")
                given = await self._enabled()
        known = OUTPUTS[self._circuit]
        if not set(given) <= set(known) or not {output.upper() for output in needed} <= set(given):
            raise Refused(f"it outputs {', '.join(given)}")
        self._outputs = [point for output, point in known.items() if output in given]

    async def _enabled(self) -> list[str]:
        return [word.upper() for word in await self._told("O,?", "O", None)]

    async def _told(self, command: str, name: str, count: int | None) -> list[str]:
        """The words of an answer to a question. Some circuits put a comma before its name."""
        lines, _ = await self._ask(command)
        found = [match for line in lines if (match := re.fullmatch(rf"\?,?{name},(.*)", line, re.IGNORECASE))]
        words = found[0][1].split(",") if len(found) == 1 and len(lines) == 1 else []
        if not words or (count is not None and len(words) != count):
            raise self.line.doubt(f"not an answer to {command}: {', '.join(lines)}")
        return words

    async def _ask(self, command: str) -> tuple[list[str], str]:
        """The lines of an answer without their end, and what it says of its supply. Raises :class:`Refused`,
        :class:`Malformed` when it restarted meanwhile: then it may send readings by itself again.
        """
        *lines, end = await self._text.ask_lines(command, ENDINGS.__contains__)
        if news := [RESTARTED[line] for line in lines if line in RESTARTED]:
            raise self.line.doubt(news[0])
        if end not in ENDINGS or not set(lines).isdisjoint(ENDINGS):
            raise self.line.doubt(f"more than an answer: {', '.join([*lines, end])}")
        if end == "*ER":
            raise Refused(f"{command}: it does not know this, or not now")
        doubt = ", ".join(SUPPLY[line] for line in lines if line in SUPPLY)
        return [line for line in lines if line not in SUPPLY], doubt

    def _number(self, word: str) -> float:
        if not re.fullmatch(r"-?\d+(\.\d+)?", word):
            raise self.line.doubt(f"not a number: {word!r}")
        return float(word)

    def _judged(self, value: float, doubt: str) -> float | Sample:
        """A reading with what is to be thought of it."""
        if self._circuit == "RTD" and value < NO_THERMOMETER:
            return Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, None, "no probe")
        if self._circuit == "PH" and not PH_ENDS[0] < value < PH_ENDS[1]:
            return Sample(value, Quality.BAD, Reason.DEVICE, 0, None, "at an end of its range: no probe?")
        if doubt:
            return Sample(value, Quality.UNCERTAIN, Reason.DEVICE, 0, None, doubt)
        return value
