"""Ismatec Reglo ICC peristaltic pumps with independent channels (manual 14-036-E Rev. C, pages 17 to 33).

Points of each channel, ``1.`` to ``4.``: ``speed`` (rw, {rev}/min) and ``flow`` (rw, mL/min) set the mode, start the
channel, and stop it with 0; ``dose`` (w, mL) pumps a volume once at ``rate`` (rw, mL/min); ``clockwise`` (rw, 0 or 1);
``running`` (r), ``revolutions`` (r, {rev}), ``volume`` (r, mL) and ``tube`` (r, mm). ``running`` without a channel is
whether any of them runs.

Odd: the pump tells by questions only whether *any* channel runs; which ones do is known from its events and from what
it was told, and is Uncertain before either. After power-up it addresses no channels, and a command for one would start
all of them: that is looked at before every write. Numbers like ``1300E-3`` are 1.300e-3.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import ClassVar

from drivers.contract import ConnectionSpec, Identity, Quality, Reason, Refused, Sample, Turning
from drivers.instruments.reglo_line import DONE, NEGATIVE, NOT_DONE, POSITIVE, ROUNDING, RegloLine
from drivers.options import Options
from drivers.polled import Answers, Entry, Polled, Value
from drivers.ports import parse_port

VERIFIED_ON: tuple[str, ...] = (
    "its simulator, which the `ismatec` package drives as well",
    "the examples printed in the manual",
)

CHANNELS = ("1", "2", "3", "4")
FIRST = CHANNELS[0]  # also the whole pump's once channels are addressed: its own number means nothing then
RPM, FLOW, DOSE, DOSE_AND_PAUSE = "L", "M", "O", "Q"
MAX_SPEED, MAX_VOLUME = 9999.99, 9999.0
SCIENTIFIC = re.compile(r"(\d{4})E([+-]\d)")
MODEL = re.compile(r"(?P<model>\S*[A-Za-z].*) (?P<software>\d{3,4}) (?P<head>[\dX]{3,4})")
"""``REGLO ICC 0208 306``"""
STOPPED = {"1": "stopped by hand", "2": "over temperature", "3": "over current"}
BY_HAND = "1"
CAUSES = {"C": "no cycles are set", "R": "the largest flow is {:g} mL/min", "V": "the largest volume is {:g} mL"}
SEEN = 40.0
"""rpm: two seconds of it are more than a revolution, and whole ones are what the pump counts."""
TOTALS = {"revolutions": "xC", "volume": "xG"}


def _points() -> Mapping[str, Entry]:
    found = {"running": Entry()}
    for channel in CHANNELS:
        found |= {
            f"{channel}.speed": Entry("rw", channel, 0.0, MAX_SPEED),
            f"{channel}.flow": Entry("rw", channel, 0.0, MAX_VOLUME),
            f"{channel}.running": Entry("r", channel),
            f"{channel}.dose": Entry("w", "", 1e-6, MAX_VOLUME),
            f"{channel}.rate": Entry("rw", "", 1e-6, MAX_VOLUME),
            f"{channel}.clockwise": Entry("rw", "", 0.0, 1.0),
            **{f"{channel}.{name}": Entry() for name in (*TOTALS, "tube")},
        }
    return found


class IsmatecReglo(Polled):
    """One pump.

    Options: ``address`` (1 to 8, what the pump has before it addresses channels) and ``slowest_reply`` in seconds.
    """

    address_option: ClassVar[str] = "address"
    disturbs: ClassVar[str] = "turns the pump's events on"
    turns: ClassVar[Mapping[str, Turning]] = {
        f"{channel}.speed": Turning(SEEN, f"{channel}.revolutions") for channel in CHANNELS
    }
    points: ClassVar[Mapping[str, Entry]] = _points()

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._address = str(options.integer("address", 1, 1, 8))
        quiet_s = options.number("slowest_reply", 0.5, 0.05, 30.0)
        options.end()
        port = parse_port(spec.url, 9600)
        self._digit = self._address
        self._pump = RegloLine(port, spec.timeout_s / 2, quiet_s, self._address, self._heard)
        self._runs: dict[str, bool] = {}
        self._stopped: dict[str, str] = {}
        super().__init__(self._pump)

    async def open(self) -> Identity:
        """Open the line; what the channels do is not known then. Raises :class:`DriverError`."""
        self._stopped.clear()
        return await super().open()

    async def identify(self) -> Identity:
        """The model; no other answer has words. Then channels are addressed, and events come: until now there were
        none, and it is not known what the channels do.
        """
        self._runs.clear()
        self._digit = self._address
        try:
            reply = await self._pump.query(f"{self._digit}#")
        except Refused:  # channels are addressed, and its number is none of them
            self._digit = FIRST
            reply = await self._pump.query(f"{FIRST}#")
        found = MODEL.fullmatch(reply)
        if found is None:
            raise self.line.doubt(f"not the name of a pump: {reply!r}")
        await self._address_channels()
        await self._pump.status(f"{self._digit}xE1")  # a pump without events refuses, and that is all
        try:
            serial = await self._pump.query(f"{self._digit}xS")
        except Refused:
            serial = ""
        return Identity("Ismatec", found["model"], serial, found["software"])

    async def answer(self, question: str) -> Answers:
        """One channel's state, one of its settings or totals, or whether anything runs."""
        channel, _, name = question.partition(".")
        if question == "running":
            return {question: await self._any_runs()}
        if not name:
            return await self._channel(channel)
        if name == "rate":
            return {question: await self._scientific(f"{channel}f")}
        if name == "clockwise":
            return {question: await self._text(f"{channel}xD", r"([JK])") == "J"}
        if name == "tube":
            return {question: float(await self._text(f"{channel}+", r"(\d\.\d\d) mm"))}
        return {question: int(await self._text(f"{channel}{TOTALS[name]}", r"(\d{10})"))}

    async def put(self, address: str, value: float) -> None:
        """Every command is answered; what is set is read back, or is its answer."""
        channel, _, name = address.partition(".")
        await self._address_channels()
        if name == "clockwise":
            await self._turn(channel, value)
        elif name == "rate":
            await self._must_stand(channel)
            await self._set_scientific(f"{channel}f", value)
        elif name == "dose":
            await self._must_stand(channel)
            await self._do(f"{channel}{DOSE}")
            await self._set_scientific(f"{channel}v", value)
            await self._start(channel)
        elif round(value * 100) if name == "speed" else value:
            await self._run(channel, RPM if name == "speed" else FLOW, value)
        else:
            await self._do(f"{channel}I")
            self._runs[channel] = False

    async def _run(self, channel: str, mode: str, value: float) -> None:
        """Start a channel at a speed or flow, or change that of one that runs."""
        runs = await self._runs_now(channel)
        if runs and await self._mode(channel) != mode:
            runs = None
        if runs is None:
            await self._do(f"{channel}I")
        if not runs:
            await self._do(f"{channel}{mode}")
        if mode == FLOW:
            if runs:
                await self._must_reach(channel, value)
            await self._set_scientific(f"{channel}f", value)
        else:
            await self._do(f"{channel}S{round(value * 100):06d}")
            if abs(await self._speed(channel) - value) > 0.006:
                raise Refused(f"channel {channel} keeps another speed")
        if not runs:
            await self._start(channel)

    async def _must_reach(self, channel: str, flow: float) -> None:
        """A channel that runs takes any flow, also one that it cannot reach: only a start is refused."""
        largest = await self._pump.largest_flow(channel)
        if flow > largest + ROUNDING:
            raise Refused(f"channel {channel} does not reach that: the largest flow is {largest:g} mL/min")

    async def _start(self, channel: str) -> None:
        """Sent once: whether it was taken is not known until the answer is there."""
        self._runs.pop(channel, None)
        self._stopped.pop(channel, None)
        reply = await self._pump.status(f"{channel}H")
        if reply == NEGATIVE:
            raise Refused(f"channel {channel} does not start: {await self._cause(channel)}")
        self._check(f"{channel}H", reply)
        self._runs[channel] = True

    async def _cause(self, channel: str) -> str:
        cause = await self._text(f"{channel}xe", r"(.*)")
        word, _, limit = cause.partition(" ")
        found = SCIENTIFIC.fullmatch(limit)
        return CAUSES[word].format(_number(found)) if word in CAUSES and found else cause

    async def _turn(self, channel: str, value: float) -> None:
        if value not in {0.0, 1.0}:
            raise Refused(f"{channel}.clockwise must be 0 or 1, not {value:g}")
        letter = "J" if value else "K"
        await self._do(f"{channel}{letter}")
        if await self._text(f"{channel}xD", r"([JK])") != letter:
            raise Refused(f"channel {channel} keeps its direction")

    async def _must_stand(self, channel: str) -> None:
        if await self._runs_now(channel) is not False:
            raise Refused(f"channel {channel} runs, or may run: stop it first")

    async def _address_channels(self) -> None:
        """What the pump forgets when it loses power."""
        if await self._text(f"{self._digit}~", r"([012])") != "1":
            await self._do(f"{self._digit}~1")
            await self._pump.status(f"{FIRST}xE1")
            self._runs.clear()
        self._digit = FIRST

    async def _channel(self, channel: str) -> Answers:
        runs = await self._runs_now(channel)
        mode = await self._mode(channel)
        known = {"running": 1.0}
        if runs is not False and mode == RPM:
            known["speed"] = await self._speed(channel)
        elif runs is not False and mode in {FLOW, DOSE, DOSE_AND_PAUSE}:
            known["flow"] = await self._scientific(f"{channel}f")
        return {
            f"{channel}.{name}": self._judged(channel, runs, known.get(name, math.nan), mode)
            for name in ("running", "speed", "flow")
        }

    def _judged(self, channel: str, runs: bool | None, value: float, mode: str) -> Value:
        if runs is False:
            word = self._stopped.get(channel, "")
            if word in {"", STOPPED[BY_HAND]}:
                return Sample(0.0, Quality.GOOD, Reason.OK, 0, None, word)
            return Sample(0.0, Quality.UNCERTAIN, Reason.DEVICE, 0, None, word)
        if math.isnan(value):
            return Sample(value, Quality.BAD, Reason.DEVICE, 0, None, f"the channel is in mode {mode}")
        if runs is None:
            return Sample(value, Quality.UNCERTAIN, Reason.DEVICE, 0, None, "not known whether this channel runs")
        return value

    async def _runs_now(self, channel: str) -> bool | None:
        """Whether a channel runs, or ``None`` when that is not known."""
        return self._runs.get(channel) if await self._any_runs() else False

    async def _any_runs(self) -> bool:
        reply = await self._pump.status(f"{self._digit}E")
        if reply not in {POSITIVE, NEGATIVE}:
            raise self.line.doubt(f"not an answer to E: {reply!r}")
        if reply == NEGATIVE:
            if any(self._runs.values()):
                await self._address_channels()  # it may have lost power
            self._runs = dict.fromkeys(CHANNELS, False)
        return reply == POSITIVE

    async def _mode(self, channel: str) -> str:
        return await self._text(f"{channel}xM", r"([LMOGQNP])")

    async def _speed(self, channel: str) -> float:
        return float(await self._text(f"{channel}S", r"(\d+\.\d\d)"))

    async def _scientific(self, command: str) -> float:
        reply = await self._pump.query(command)
        found = SCIENTIFIC.fullmatch(reply)
        if found is None:
            raise self.line.doubt(f"not an answer to {command}: {reply!r}")
        return _number(found)

    async def _set_scientific(self, command: str, value: float) -> None:
        """The answer is what the pump made of it."""
        mantissa, exponent = f"{value:.3e}".split("e")
        sent = f"{mantissa.replace('.', '')}{int(exponent):+d}"
        taken = await self._scientific(f"{command}{sent}")
        if not math.isclose(taken, float(f"{value:.3e}"), rel_tol=1e-9):
            raise Refused(f"the pump keeps {taken:g} instead of {value:g}")

    async def _text(self, command: str, pattern: str) -> str:
        reply = await self._pump.query(command)
        found = re.fullmatch(pattern, reply)
        if found is None:
            raise self.line.doubt(f"not an answer to {command}: {reply!r}")
        return found[1]

    async def _do(self, command: str) -> None:
        self._check(command, await self._pump.status(command))

    def _check(self, command: str, reply: str) -> None:
        if reply == NOT_DONE:
            raise Refused(f"the pump refuses {command!r}")
        if reply != DONE:
            raise Refused(f"the settings do not allow {command!r}")

    def _heard(self, event: str) -> None:
        """``X2|A``: channel 2 stopped. ``U3|A|…``: channel 3 pumps, B pauses, C stands, D and E are its calibration."""
        stopped = re.fullmatch(r"X([1-4])\|(\w)", event)
        state = re.fullmatch(r"U([1-4])\|([A-E])\|.*", event)
        if stopped is not None:
            self._runs[stopped[1]] = False
            self._stopped[stopped[1]] = STOPPED.get(stopped[2], "")
        elif state is not None:
            self._runs[state[1]] = state[2] in "ABD"
            if state[2] == "A":
                self._stopped.pop(state[1], None)


def _number(found: re.Match[str]) -> float:
    return float(f"{int(found[1]) / 1000:.3f}e{found[2]}")
