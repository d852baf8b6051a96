"""Atlas Scientific EZO circuit in UART mode: pH, dissolved oxygen, temperature or conductivity.

Source: datasheets EZO-pH, EZO-DO, EZO-RTD and EZO-EC. Settings: `circuit` (PH, DO, RTD, EC), `value` that its probe
measures when it stands alone (pH, % saturation, Cel, uS/cm), `probe` (true), `continuous` (1, as it leaves the
factory), `acknowledges` (true), `outputs` (list; DO and EC), `scale` (c, of RTD), `supply` (such as *UV, sent with
every reading), `unknown` (list of commands that it does not know), and in wall seconds `reading_s` (0.8), `command_s`
(0.3) and `interval_s` (1.0, between two readings that nobody asked for). Signal: `value`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from simulators.byte_server import ByteServer, Lines
from simulators.faults import LINE_FAULTS
from simulators.instrument import Context, Json

FAULTS = LINE_FAULTS
END = b"\r"
LONGEST = 40
LABELS = {"PH": "pH", "DO": "D.O.", "RTD": "RTD", "EC": "EC"}
FIRMWARE = "2.16"
USUAL = {"PH": 7.0, "DO": 95.0, "RTD": 25.0, "EC": 1413.0}
OUTPUTS = {"DO": ("mg", "%"), "EC": ("EC", "TDS", "S", "SG")}
FACTORY_OUTPUTS = {"DO": ["mg"], "EC": ["EC", "TDS", "S", "SG"]}
NO_PROBE = {"PH": "14.000", "RTD": "-1023.000"}
CALIBRATIONS = {
    "PH": r"(mid|low|high),\d+(\.\d+)?",
    "DO": r"0|",
    "RTD": r"-?\d+(\.\d+)?",
    "EC": r"dry|(low,|high,)?\d+(\.\d+)?",
}


@dataclass(slots=True)
class Kept:
    """What it keeps without power, as it leaves the factory."""

    continuous: int = 1
    acknowledges: bool = True
    scale: str = "c"
    outputs: list[str] = field(default_factory=list)
    calibrated: set[str] = field(default_factory=set)
    name: str = ""
    led: str = "1"


class Circuit:
    """One circuit; `measure` gives what its probe measures."""

    def __init__(self, spec: Mapping[str, Json], measure: Callable[[], float]) -> None:
        self.kind = str(spec.get("circuit", "PH"))
        self._measure = measure
        self._probe, self._supply = spec.get("probe", True) is True, str(spec.get("supply", ""))
        self._unknown = _texts(spec.get("unknown", []))
        self.kept = Kept(outputs=[*FACTORY_OUTPUTS.get(self.kind, ())])
        self.kept.continuous = int(str(spec.get("continuous", 1)))
        self.kept.acknowledges = spec.get("acknowledges", True) is True
        self.kept.scale = str(spec.get("scale", "c"))
        if "outputs" in spec:
            self.kept.outputs = _texts(spec["outputs"])
        self._compensation, self._restart, self._asleep = self._usual_compensation, "P", False

    def power_up(self) -> list[str]:
        """What it says when the power comes back; what it reckons with is forgotten."""
        self._compensation, self._asleep = self._usual_compensation, False
        return ["*RS", "*RE"]

    def command(self, text: str) -> list[str]:
        """Carry out one command: its lines of reply."""
        if self._asleep:
            self._asleep = False
            return ["*WA"]
        name, comma, argument = text.strip().partition(",")
        name, argument = name.upper(), argument.strip()
        if len(text) > LONGEST or name in self._unknown:
            return ["*ER"]
        special = self._special(name)
        if special is not None:
            return special
        lines = self._told(name) if argument == "?" else self._done(name, argument, bool(comma))
        if lines is None:
            return ["*ER"]
        return [*lines, "*OK"] if self.kept.acknowledges else lines

    def reading(self) -> list[str]:
        """A reading as it is sent."""
        warning = [self._supply] if self._supply else []
        if not self._probe:
            return [*warning, NO_PROBE.get(self.kind, "0.00")]
        return [*warning, self._numbers(self._measure())]

    @property
    def _usual_compensation(self) -> float:
        return 20.0 if self.kind == "DO" else 25.0

    def _numbers(self, value: float) -> str:
        match self.kind:
            case "RTD":
                in_scale = {"c": value, "k": value + 273.15, "f": value * 1.8 + 32.0}[self.kept.scale]
                return f"{in_scale:.3f}"
            case "PH":
                return f"{min(max(value, 0.0), 14.0):.3f}"
            case "DO":
                saturated = 468.0 / (31.6 + self._compensation)
                numbers = {"mg": f"{value / 100.0 * saturated:.2f}", "%": f"{value:.1f}"}
            case _:
                salt = value / 1000.0 * 0.5
                numbers = {"EC": f"{value:.0f}", "TDS": f"{value * 0.54:.0f}", "S": f"{salt:.2f}", "SG": "1.000"}
        return ",".join(numbers[output] for output in OUTPUTS[self.kind] if output in self.kept.outputs) or "no output"

    def _special(self, name: str) -> list[str] | None:
        """Commands that are not acknowledged like the others."""
        if name == "SLEEP":
            self._asleep = True
            return [*(["*OK"] if self.kept.acknowledges else []), "*SL"]
        if name == "FACTORY":
            self.kept = Kept(outputs=[*FACTORY_OUTPUTS.get(self.kind, ())])
            return ["*OK", *self.power_up()]
        return None

    def _told(self, name: str) -> list[str] | None:
        """The answer to a question."""
        kept = self.kept
        answers = {"C": f"?C,{kept.continuous}", "CAL": f"?Cal,{len(kept.calibrated)}", "L": f"?L,{kept.led}"}
        answers |= {"NAME": f"?Name,{kept.name}", "*OK": f"?*OK,{int(kept.acknowledges)}"}
        if self.kind == "PH":
            answers["SLOPE"] = "?Slope,99.7,100.3,-0.89"
        if self.kind == "RTD":
            answers["S"] = f"?S,{kept.scale}"
        else:
            answers["T"] = f"?T,{self._compensation:g}"
        if self.kind in OUTPUTS:
            answers["O"] = ",".join(["?,O", *kept.outputs])
        return [answers[name]] if name in answers else None

    def _done(self, name: str, argument: str, with_argument: bool) -> list[str] | None:
        """What a command is answered by; None for one that is wrong."""
        match name:
            case "R" if not with_argument:
                return self.reading()
            case "RT" | "T" if self.kind != "RTD" and re.fullmatch(r"-?\d+(\.\d+)?", argument):
                self._compensation = float(argument)
                return self.reading() if name == "RT" else []
            case "I" if not with_argument:
                return [f"?i,{LABELS[self.kind]},{FIRMWARE}"]
            case "STATUS" if not with_argument:
                return [f"?Status,{self._restart},5.038"]
            case "CAL":
                return self._calibrated(argument)
        return self._set(name, argument)

    def _set(self, name: str, argument: str) -> list[str] | None:
        """Settings that it keeps."""
        kept, output = self.kept, re.fullmatch(r"(\w+|%),([01])", argument)
        match name:
            case "C" if argument.isdecimal() and int(argument) <= 99:
                kept.continuous = int(argument)
            case "*OK" | "L" if argument in {"0", "1"}:
                kept.acknowledges, kept.led = (
                    (argument == "1", kept.led) if name == "*OK" else (kept.acknowledges, argument)
                )
            case "NAME" | "FIND" | "PLOCK":
                kept.name = argument if name == "NAME" else kept.name
            case "S" if self.kind == "RTD" and argument in {"c", "k", "f"}:
                kept.scale = argument
            case "O" if output and output[1] in OUTPUTS.get(self.kind, ()):
                wanted = {*kept.outputs, output[1]} if output[2] == "1" else {*kept.outputs} - {output[1]}
                kept.outputs = [each for each in OUTPUTS[self.kind] if each in wanted]
            case _:
                return None
        return []

    def _calibrated(self, argument: str) -> list[str] | None:
        if argument == "clear" or argument.startswith("mid"):
            self.kept.calibrated.clear()
        if argument != "clear":
            if not re.fullmatch(CALIBRATIONS[self.kind], argument):
                return None
            self.kept.calibrated.add(argument.split(",", maxsplit=1)[0])
        return []


def _texts(value: Json) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


async def run(context: Context) -> None:
    """Be one circuit until cancelled."""
    spec = context.spec
    kind = str(spec.get("circuit", "PH"))
    alone = float(str(spec.get("value", USUAL[kind])))
    circuit = Circuit(spec, context.source("value", lambda: alone))
    reading_s, command_s = float(str(spec.get("reading_s", 0.8))), float(str(spec.get("command_s", 0.3)))
    loop, idle_at = asyncio.get_running_loop(), [0.0]

    def say(lines: list[str]) -> None:
        """Send lines."""
        wire.send(b"".join(line.encode() + END for line in lines))

    def answer(command: bytes) -> None:
        """Take one command; it is carried out after those before it, and takes its time."""
        text = command.decode("ascii", "replace").strip()
        takes_s = reading_s if text.upper().startswith("R") else command_s
        idle_at[0] = max(idle_at[0], loop.time()) + takes_s
        loop.call_at(idle_at[0], lambda: say(circuit.command(text)))

    wire = ByteServer(context, Lines(END), answer)
    context.faults.on_reboot = lambda: say(circuit.power_up())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_repeat(circuit, say, float(str(spec.get("interval_s", 1.0)))))
        tasks.create_task(wire.serve(context, "baudrate=9600"))


async def _repeat(circuit: Circuit, say: Callable[[list[str]], None], interval_s: float) -> None:
    """Readings that nobody asked for, as long as it is so set."""
    while True:
        await asyncio.sleep(interval_s * max(circuit.kept.continuous, 1))
        if circuit.kept.continuous:
            say(circuit.reading())
