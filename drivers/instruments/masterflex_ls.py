"""Masterflex L/S computerised drives 7550-30/-50, 7551, 7575 on their chain (manuals A-1299-0996, A-1299-1127).

Points: ``speed`` (rw, {rev}/min; a write starts the drive in the direction of the option, 0 halts it; negative is read
while it turns the other way), ``dose`` (w, {rev}) turns so many times once at ``rate`` (rw, {rev}/min), ``running``
(r), ``revolutions`` (r, {rev}, never falling), ``remaining`` (r, {rev}) and ``remote`` (rw, 1 or 0).

Odd: a drive has no number after power-up and is given one; 7 data bits, odd parity. Commands are answered by ACK or
NAK, a command that was NAKed may be repeated once; but drives were seen that NAK a start and start, so the status
decides. A dose is never repeated, and a short one can be over before the status is asked: the count tells. While it
turns it does not take another direction, and it doses in the direction that it has.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import ClassVar

from drivers.contract import ConnectionSpec, Identity, Malformed, Quality, Reason, Refused, Sample, Timeout, Turning
from drivers.counting import Counter
from drivers.device_line import LONGEST_REPLY, DeviceLine
from drivers.options import Options
from drivers.polled import Answers, Entry, Polled, Value
from drivers.ports import parse_port

VERIFIED_ON: tuple[str, ...] = ("its simulator", "the frames of other authors' drivers")

STX, ENQ, ACK, NAK, CR = b"\x02", b"\x05", b"\x06", b"\x15", b"\r"
MAX_SPEED, MAX_REVOLUTIONS = 999.9, 99999.99
RESOLUTION = 0.1
SLOWEST = 10.0
"""Of the motors that turn least slowly, rpm."""
PRECISION = 0.01
"""What hundredths of a revolution may leave of a dose."""
RUNS, STOPPED_LOCALLY = "3", "4"
STATES = {
    "1": "",
    "2": "",
    RUNS: "",
    STOPPED_LOCALLY: "stopped at its panel",
    "5": "no feedback from the motor",
    "6": "overload",
    "7": "too much feedback from the motor",
}
"""What the fourth digit of the status says: 1 idle, 2 waits for a start, 3 runs, and what is wrong."""
BROKEN = "567"
ERRORS = {"1": "parity error", "2": "framing error", "3": "overrun", "4": "invalid command", "5": "invalid data"}
STATUS = re.compile(r"([01])..([1-7])([0-5])")
NUMBER = re.compile(r"[+-]?\d+\.?\d*")


class MasterflexLs(Polled):
    """One drive.

    Options: ``number`` (1 to 89), ``assign`` (give that number to a drive that has none: for a chain of one drive),
    ``direction`` (cw or ccw) and ``slowest_reply`` in seconds.
    """

    address_option: ClassVar[str] = "number"
    disturbs: ClassVar[str] = "gives a drive without a number the one that is asked for"
    turns: ClassVar[Mapping[str, Turning]] = {"speed": Turning(SLOWEST, "revolutions", "rate")}
    points: ClassVar[Mapping[str, Entry]] = {
        "speed": Entry("rw", "state", 0.0, MAX_SPEED),
        "rate": Entry("rw", "state", RESOLUTION, MAX_SPEED),
        "running": Entry("r", "state"),
        "remote": Entry("rw", "state", 0.0, 1.0),
        "dose": Entry("w", "", 0.01, MAX_REVOLUTIONS),
        "revolutions": Entry(),
        "remaining": Entry(),
    }

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._number = f"{options.integer('number', 1, 1, 89):02d}"
        self._assign = options.flag("assign", True)
        self._sign = "+" if options.choice("direction", "cw", ("cw", "ccw")) == "cw" else "-"
        quiet_s = options.number("slowest_reply", 0.5, 0.05, 30.0)
        options.end()
        port = parse_port(spec.url, 4800, parity="O", bytesize=7)
        self._revolutions = Counter()
        self._endless = False
        super().__init__(DeviceLine(port, spec.timeout_s / 2, quiet_s, anonymous=True))

    async def identify(self) -> Identity:
        """The status; no other answer begins with its letter. A drive without a number is given ours."""
        try:
            await self._status()
        except Timeout:
            if not self._assign:
                raise
            await self._give_number()
            await self._status()
        return Identity("Masterflex", "L/S", f"drive {int(self._number)}")

    async def answer(self, question: str) -> Answers:
        """The state with the speed, or one of the counts."""
        if question == "revolutions":
            return {question: self._revolutions.total(await self._count("C"))}
        if question == "remaining":
            return {question: await self._count("E")}
        remote, state, _ = await self._status()
        speed = await self._speed()
        return {
            "speed": _judged(state, speed),
            "running": _judged(state, 1.0),
            "rate": abs(speed),
            "remote": float(remote),
        }

    async def put(self, address: str, value: float) -> None:
        """ACK or NAK, and the status after it, which decides."""
        if address == "remote":
            await self._set_remote(value)
        elif address == "speed" and value < RESOLUTION / 2:
            await self._tell("H")
            await self._check(False)
        elif address == "speed":
            await self._run(value)
        else:
            await self._must_stand()
            if address == "dose":
                await self._dose(value)
            else:
                await self._tell(self._speed_command(value))
                await self._check_speed(value)

    async def _run(self, value: float) -> None:
        remote, state, _ = await self._status()
        self._must_be_remote(remote)
        if state == RUNS:
            await self._must_not_dose()
        elif await self._told("E"):
            await self._tell("Z")  # what a dose that was halted left must not end this
        if state == RUNS and await self._speed() < 0:
            await self._tell("H")
            state = ""
        await self._tell(self._speed_command(value) + ("" if state == RUNS else "G0"))
        await self._check(True)
        self._endless = True
        await self._check_speed(value)

    async def _must_not_dose(self) -> None:
        """A dose would be given at another speed, and end what is to go on. What was not started here may be one."""
        if not self._endless and await self._told("E"):
            raise Refused("a dose is being given: halt it first")

    async def _dose(self, value: float) -> None:
        """Sent once, whatever comes back."""
        if abs(round(value, 2) - value) > PRECISION * value:
            raise Refused(f"{value:g} revolutions cannot be given in hundredths")
        if (speed := await self._speed()) <= 0:
            raise Refused(f"the drive is set to {speed:g} rpm: set the rate first")
        before = await self._told("C")
        self._endless = False
        taken = await self._ask(f"ZV{value:.2f}G") == ACK
        _, state, error = await self._status()
        turned = state == RUNS or before is None or await self._told("C") != before
        if taken and not turned:
            raise Malformed("the drive took the dose, and stands")
        if turned and not taken:
            raise Malformed(f"the drive refused the dose, and {'runs' if state == RUNS else 'may have turned'}")
        if not taken:
            raise Refused(f"the drive refuses the dose: {ERRORS.get(error, 'NAK')}")

    async def _set_remote(self, value: float) -> None:
        if value not in {0.0, 1.0}:
            raise Refused(f"remote must be 0 or 1, not {value:g}")
        await self._tell("R" if value else "L")
        if (await self._status())[0] != bool(value):
            raise Refused("the drive keeps its control")

    async def _must_stand(self) -> None:
        remote, state, _ = await self._status()
        self._must_be_remote(remote)
        if state == RUNS:
            raise Refused("the drive runs: halt it first")

    @staticmethod
    def _must_be_remote(remote: bool) -> None:
        if not remote:
            raise Refused("the drive is under local control")

    async def _check(self, runs: bool) -> None:
        _, state, error = await self._status()
        if (state == RUNS) != runs:
            why = STATES[state] or ERRORS.get(error, "")
            raise Refused(f"the drive {'runs' if state == RUNS else 'stands'}{': ' if why else ''}{why}")

    async def _check_speed(self, value: float) -> None:
        kept = await self._speed()
        if abs(kept - value) > RESOLUTION * 0.51:
            raise Refused(f"the drive keeps {kept:g} rpm")

    def _speed_command(self, value: float) -> str:
        return f"S{self._sign}{value:05.1f}"

    async def _status(self) -> tuple[bool, str, str]:
        """Whether it is under remote control, the digit of its state, that of its last error."""
        reply = await self._data("I")
        found = STATUS.fullmatch(reply)
        if found is None:
            raise self.line.doubt(f"not a status: {reply!r}")
        self._endless = self._endless and found[2] == RUNS
        return found[1] == "1", found[2], found[3]

    async def _speed(self) -> float:
        """What it is set to, below 0 in the other direction."""
        speed = self._float("S", await self._data("S"))
        return speed if self._sign == "+" else -speed

    async def _count(self, command: str) -> float:
        return self._float(command, await self._data(command))

    async def _told(self, command: str) -> float | None:
        """A count, or ``None`` of a drive that does not tell it."""
        try:
            return await self._count(command)
        except Refused:
            return None

    def _float(self, command: str, reply: str) -> float:
        if NUMBER.fullmatch(reply) is None:
            raise self.line.doubt(f"not an answer to {command}: {reply!r}")
        return float(reply)

    async def _tell(self, commands: str) -> None:
        """A command that may be repeated; what became of it is looked at afterwards."""
        if await self._ask(commands) == NAK:
            await self._ask(commands)

    async def _data(self, command: str) -> str:
        """What follows the letter of the question in its answer, which a number of ours may precede."""
        reply = await self._ask(command)
        if reply == NAK:
            raise Refused(f"the drive refuses the question {command}")
        text = reply.strip(STX + CR).decode("ascii").removeprefix(f"P{self._number}")
        if not text.startswith(command):
            raise self.line.doubt(f"not an answer to {command}: {reply!r}")
        return text.removeprefix(command).strip()

    async def _ask(self, commands: str) -> bytes:
        return await self.line.ask(STX + f"P{self._number}{commands}".encode() + CR, _complete)

    async def _give_number(self) -> None:
        reply = await self.line.ask(ENQ, _complete)
        if not reply.startswith(STX + b"P?"):
            raise self.line.doubt(f"not a drive without a number: {reply!r}")
        if await self._ask("") != ACK or await self._ask("R") != ACK:
            raise Refused(f"the drive does not take number {self._number}")


def _judged(state: str, value: float) -> Value:
    """A value while the drive runs, 0 while it stands."""
    if state in BROKEN:
        return Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, None, STATES[state])
    return Sample(value if state == RUNS else 0.0, Quality.GOOD, Reason.OK, 0, None, STATES[state])


def _complete(data: bytes) -> bool:
    """Whether ACK, NAK or a frame is there."""
    if data[:1] not in {b"", ACK, NAK, STX} or len(data) > LONGEST_REPLY or not data.isascii():
        raise Malformed(f"not an answer: {data[:24]!r}")
    whole = data[:1] in {ACK, NAK} or data.endswith(CR)
    if len(data) > 1 and (data[:1] in {ACK, NAK} or CR in data[:-1] or STX in data[1:]):
        raise Malformed(f"more than one answer: {data[:48]!r}")
    return whole
