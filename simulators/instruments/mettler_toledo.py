"""Mettler Toledo precision balance: MT-SICS levels 0 to 2, as far as a host of a bioreactor could ask.

Source: MT-SICS reference manuals 11780711 and 11781363. Settings: `load` on the pan (g, 0) and `rate` at which it
changes (g/s of process time, 0) for one that stands alone, `capacity` (6200 g), `resolution` (0.01 g), `serial`,
`model`, `host_unit` (g or kg), `fault` of the weight cell (such as 10b), `patience` (s that `S` waits for a settled
weight, 40), `prints` (s between two presses of the print key, 0: never), `dead` (commands that are not implemented).
Signal: `weight` is what lies on the pan.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Mapping

from simulators.byte_server import ByteServer, Lines
from simulators.faults import LINE_FAULTS, Fault
from simulators.instrument import Context, Json

FAULTS = LINE_FAULTS | {Fault.WRONG_UNIT}
END = b"\r\n"
TICK_S = 0.1
"""Between two repeated weights."""
SETTLE_S = 0.5
UNSETTLED = 2
"""Digits by which a weight that moves has moved."""
ADJUST_S = 60.0
ZERO_RANGE = 0.02
SWITCH_ON_RANGE = 0.2
"""Shares of the capacity that can be zeroed, by command and when it is switched on."""
UNDERLOAD = -0.02
KILOGRAM = 1000.0
LEVELS = 'I1 A "0123" "2.00" "2.20" "1.00" "1.50"'
COMMANDS = (
    "@", "C3", "D", "DW", "I0", "I1", "I2", "I3", "I4", "I5", "I10", "I11", "M21", "S", "SC", "SI", "SIR", "SR",
    "T", "TA", "TAC", "TI", "WS", "Z", "ZI",
)  # fmt: skip

LEVEL_1 = ("D", "DW", "SR", "T", "TA", "TAC", "TI")


class Scale:
    """The weighing itself, in g: what lies on the pan against zero and tare, and whether it has settled."""

    def __init__(
        self, load: Callable[[], float], clock: Callable[[], float], capacity: float, resolution: float
    ) -> None:
        self._load, self._clock = load, clock
        self._capacity, self.resolution = capacity, resolution
        self.zero, self.tare = 0.0, 0.0
        self._resting, self._since = math.nan, -math.inf

    def switch_on(self) -> None:
        """Without tare; what lies on it is zero, unless it is heavy."""
        self.tare, self.zero = 0.0, 0.0
        if abs(self._load()) <= SWITCH_ON_RANGE * self._capacity:
            self.zero = self._load()

    @property
    def gross(self) -> float:
        """Without regard to the tare."""
        return self._load() - self.zero

    @property
    def out_of_range(self) -> str:
        """The sign of over- or underload, or nothing."""
        if self.gross > self._capacity:
            return "+"
        return "-" if self.gross < UNDERLOAD * self._capacity else ""

    def settled(self) -> bool:
        """Whether it has hardly moved of late."""
        load, now = self._load(), self._clock()
        if math.isnan(self._resting):
            self._resting = load
        elif abs(load - self._resting) > UNSETTLED * self.resolution:
            self._resting, self._since = load, now
        return now - self._since >= SETTLE_S

    def set_zero(self) -> str:
        """The sign of what is out of range, or nothing."""
        load = self._load()
        if abs(load) > ZERO_RANGE * self._capacity:
            return "+" if load > 0 else "-"
        self.zero, self.tare = load, 0.0
        return ""

    def preset(self, tare: float) -> bool:
        """Set a known tare, rounded to a digit; false when it cannot be."""
        if not 0 <= tare <= self._capacity:
            return False
        self.tare = round(tare / self.resolution) * self.resolution
        return True


class Terminal:
    """The balance at its interface: one command at a time."""

    def __init__(self, scale: Scale, clock: Callable[[], float], spec: Mapping[str, Json]) -> None:
        self._scale, self._clock = scale, clock
        self._serial, self._model = str(spec.get("serial", "B123456789")), str(spec.get("model", "MS6002TS"))
        self._in_kilograms, self.other_unit = spec.get("host_unit", "g") == "kg", False
        self._fault, self._dead = str(spec.get("fault", "")), str(spec.get("dead", "")).split()
        self._patience = float(str(spec.get("patience", 40.0)))
        self._capacity = float(str(spec.get("capacity", 6200.0)))
        self._waits_until, self._adjusts_until = math.nan, math.nan
        self._repeats, self._changes = False, math.nan

    def power_up(self) -> str:
        """Switched on: what it says of itself, unasked."""
        self._scale.switch_on()
        return self._reset()

    def command(self, line: str) -> str | None:
        """Carry out one command: its first line of reply."""
        name, _, argument = line.partition(" ")
        if line == "@":
            self._scale.tare = 0.0
            return self._reset()
        if not math.isnan(self._waits_until):
            return None  # it still works on the one before
        self._repeats, self._changes = False, math.nan
        if name not in COMMANDS or name in self._dead:
            return "ES"
        if not math.isnan(self._adjusts_until) and name[0] in "SZTC":
            return f"{'S' if name[0] == 'S' else name} I"
        for part in (self._weigh, self._zero_or_tare, self._tare_memory):
            if (reply := part(name, argument)) is not None:
                return reply
        return self._tell(name, argument)

    def tick(self) -> str | None:
        """What comes by itself now."""
        now = self._clock()
        if now >= self._adjusts_until:
            self._adjusts_until = math.nan
            return "C3 A"
        if not math.isnan(self._waits_until) and (self._scale.settled() or now >= self._waits_until):
            self._waits_until = math.nan
            return self.weight() if self._scale.settled() else "S I"
        if self._repeats:
            return self.weight()
        if abs(self._scale.gross - self._changes) >= self._scale.resolution and self._scale.settled():
            self._changes = self._scale.gross
            return self.weight()
        return None

    def weight(self, name: str = "S") -> str:
        """The net weight of now."""
        if self._fault:
            return f"{name} S Error {self._fault}"
        if sign := self._scale.out_of_range:
            return f"{name} {sign}"
        status = "S" if self._scale.settled() else "D"
        return f"{name} {status} {self._shown(self._scale.gross - self._scale.tare)}"

    def _shown(self, grams: float) -> str:
        decimals = max(0, -math.floor(math.log10(self._scale.resolution)))
        if self._in_kilograms != self.other_unit:
            return f"{grams / KILOGRAM:10.{decimals + 3}f} kg"
        return f"{grams:10.{decimals}f} g"

    def _reset(self) -> str:
        self._waits_until = self._adjusts_until = self._changes = math.nan
        self._repeats = False
        return f'I4 A "{self._serial}"'

    def _weigh(self, name: str, argument: str) -> str | None:
        match name:
            case "S" | "SC" if not self._scale.settled() and not self._scale.out_of_range:
                self._waits_until = self._clock() + (self._patience if name == "S" else float(argument) / 1000.0)
                return ""
            case "S" | "SC" | "SI":
                return self.weight()
            case "SIR":
                self._repeats = True
                return self.weight()
            case "SR":
                self._changes = self._scale.gross
                return self.weight()
        return None

    def _zero_or_tare(self, name: str, _argument: str) -> str | None:
        """By the weight of now; Z and T do not wait here for one that has settled."""
        if name not in {"Z", "ZI", "T", "TI"}:
            return None
        settled = "S" if self._scale.settled() else "D"
        if settled == "D" and name in {"Z", "T"}:
            return f"{name} I"
        if name in {"Z", "ZI"}:
            return f"{name} {self._scale.set_zero() or ('A' if name == 'Z' else settled)}"
        if sign := self._scale.out_of_range or ("-" if self._scale.gross < 0 else ""):
            return f"{name} {sign}"
        self._scale.preset(self._scale.gross)
        return f"{name} {settled} {self._shown(self._scale.tare)}"

    def _tare_memory(self, name: str, argument: str) -> str | None:
        """The tare itself."""
        if name == "TAC":
            self._scale.tare = 0.0
            return "TAC A"
        if name != "TA":
            return None
        if argument:
            found = re.fullmatch(r"(\d+(?:\.\d*)?) (g|kg)", argument)
            grams = float(found[1]) * (KILOGRAM if found[2] == "kg" else 1.0) if found else math.nan
            if not self._scale.preset(grams):
                return "TA L"
        return f"TA A {self._shown(self._scale.tare)}"

    def _tell(self, name: str, argument: str) -> str:
        if name == "C3":
            self._adjusts_until = self._clock() + ADJUST_S
            return "C3 B"
        if name == "M21":
            if argument not in {"0 0", "0 1"}:
                return "M21 L"
            self._in_kilograms = argument == "0 1"
        answers = {
            "I0": END.decode().join(
                [*(f'I0 B {one in LEVEL_1:d} "{one}"' for one in COMMANDS[:-1]), f'I0 A 0 "{COMMANDS[-1]}"']
            ),
            "I1": LEVELS,
            "I2": f'I2 A "{self._model} Standard {self._capacity:.4f} g"',
            "I3": 'I3 A "1.30 18.6.4.1361.772"',
            "I4": f'I4 A "{self._serial}"',
            "I5": 'I5 A "11670125A"',
            "I10": 'I10 A "bottle"',
            "I11": f'I11 A "{self._model}"',
        }
        return answers.get(name, f"{name} A")


async def run(context: Context) -> None:
    """Be one balance until cancelled."""
    spec, started = context.spec, context.clock()
    load, rate = float(str(spec.get("load", 0.0))), float(str(spec.get("rate", 0.0)))

    def alone() -> float:
        """What lies on a pan that nothing else loads."""
        return load + rate * (context.clock() - started)

    capacity, resolution = float(str(spec.get("capacity", 6200.0))), float(str(spec.get("resolution", 0.01)))
    scale = Scale(context.source("weight", alone), context.clock, capacity, resolution)
    terminal = Terminal(scale, context.clock, spec)

    def answer(command: bytes) -> bytes | None:
        """The reply to one command."""
        terminal.other_unit = context.faults.active(Fault.WRONG_UNIT) is not None
        reply = terminal.command(command.decode("ascii", "replace"))
        return reply.encode() + END if reply else None

    wire = ByteServer(context, Lines(END), answer)
    context.faults.on_reboot = lambda: wire.send(terminal.power_up().encode() + END)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_speak(terminal, wire, float(str(spec.get("prints", 0.0)))))
        tasks.create_task(wire.serve(context, "baudrate=9600"))


async def _speak(terminal: Terminal, wire: ByteServer, prints_s: float) -> None:
    """What comes by itself, and what the print key sends."""
    printed, pause_s = 0.0, min(TICK_S, prints_s or TICK_S)
    while True:
        await asyncio.sleep(pause_s)
        printed += pause_s
        line = terminal.tick()
        if line is None and prints_s and printed >= prints_s:
            printed, line = 0.0, terminal.weight()
        if line is not None:
            wire.send(line.encode() + END)
