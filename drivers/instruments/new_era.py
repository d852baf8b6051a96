"""New Era syringe pumps, NE-1000 family (manual 1200-01, RS-232 protocol), in basic or safe mode.

Points: ``flow`` (rw, mL/min; a write infuses at that rate or, while it infuses, changes it; 0 stops; negative is read
while it withdraws), ``dose`` (w, mL) infuses a volume once at ``rate`` (rw, mL/min), ``running`` (r), ``infused`` and
``withdrawn`` (r, mL, never falling), ``diameter`` (r, mm, of the syringe).

Odd: numbers have four digits. What is set while the pump stands is kept in its non-volatile memory, so it is written
only when it is another; a rate that is set while it pumps is not kept. Units of rates cannot change while it pumps. A
volume ends what is pumped, and the program goes on with its second phase unless that is a stop. The first command after
power-up is answered by an alarm and not carried out. A motor that stalled says so once: the values are Uncertain until
the pump is started again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import ClassVar

from drivers.contract import ConnectionSpec, DriverError, Identity, Quality, Reason, Refused, Sample, Timeout, Turning
from drivers.counting import Counter
from drivers.instruments.new_era_line import ERRORS, LARGEST, RESET, NewEraLine, Reply, alarm_word, four_digits
from drivers.options import Options
from drivers.polled import Answers, Entry, Polled, Value
from drivers.ports import parse_port

VERIFIED_ON: tuple[str, ...] = (
    "its simulator, which the `nesp-lib` package drives as well",
    "the frames printed in the manual",
)

RATES = {"MM": 1.0, "MH": 1 / 60, "UM": 1e-3, "UH": 1e-3 / 60}
"""Units of a rate, as parts of mL/min."""
VOLUMES = {"ML": 1.0, "UL": 1e-3}
NUMBER = r"(\d+\.?\d*|\.\d+)"
SEEN = 0.15  # mL/min: its count shows two seconds of it, below 10 mL
PRECISION = 1e-3
"""What four digits leave of a number that is chosen well."""
INFUSES, WITHDRAWS, STANDS, PAUSED, PURGES = "I", "W", "S", "P", "X"
WAITS = {"T": "pauses in a program", "U": "waits for a trigger"}
STOPS = 3
"""Commands to stop, at most: the first one pauses, the second one stops, one may be spent on an alarm."""


class NewEra(Polled):
    """One pump.

    Options: ``address`` (0 to 99), ``mode`` (basic or safe), ``silence`` (seconds without a question after which a pump
    in safe mode stops), ``diameter`` (mm; a pump that is set to another syringe is refused; 0 for any) and
    ``slowest_reply`` in seconds.
    """

    address_option: ClassVar[str] = "address"
    turns: ClassVar[Mapping[str, Turning]] = {"flow": Turning(SEEN, "infused", "rate")}
    points: ClassVar[Mapping[str, Entry]] = {
        "flow": Entry("rw", "state", 0.0, LARGEST),
        "rate": Entry("rw", "state", 1e-6, LARGEST),
        "dose": Entry("w", "", 1e-6, LARGEST),
        "running": Entry("r", "state"),
        "infused": Entry("r", "dispensed"),
        "withdrawn": Entry("r", "dispensed"),
        "diameter": Entry("r", "diameter"),
    }

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        address = options.integer("address", 0, 0, 99)
        self._safe = options.choice("mode", "basic", ("basic", "safe")) == "safe"
        self._silence_s = options.integer("silence", 10, 1, 255)
        self._diameter = options.number("diameter", 0.0, 0.0, 80.0)
        quiet_s = options.number("slowest_reply", 0.5, 0.05, 30.0)
        options.end()
        self._pump = NewEraLine(parse_port(spec.url, 19200), spec.timeout_s / 2, quiet_s, address, self._alarmed)
        self._alarm = ""
        self._infused, self._withdrawn = Counter(), Counter()
        super().__init__(self._pump)

    async def identify(self) -> Identity:
        """The version; no other answer is like it. The pump is brought into its mode before."""
        version = await self._version()
        found = re.fullmatch(r"(NE.+?)V\s*(\d+\.\d+)", version.data)
        if found is None:
            raise self.line.doubt(f"not the version of a pump: {version.data!r}")
        await self._must_fit()
        return Identity("New Era", found[1], firmware=found[2])

    async def answer(self, question: str) -> Answers:
        """What it does at which rate, what it has pumped, or the syringe."""
        if question == "diameter":
            return {"diameter": await self._number("DIA")}
        if question == "dispensed":
            found = self._parsed(rf"I{NUMBER}W{NUMBER}(ML|UL)", (await self._query("DIS")).data)
            unit = VOLUMES[found[3]]
            return {
                "infused": self._infused.total(float(found[1]) * unit),
                "withdrawn": self._withdrawn.total(float(found[2]) * unit),
            }
        reply = await self._query("RAT")
        rate = math.nan if reply.data in ERRORS else self._rate(reply.data)[0]
        known: Value = rate
        if math.isnan(rate):
            known = Sample(rate, Quality.BAD, Reason.DEVICE, 0, None, "the pump's program has no rate now")
        return {
            "rate": known,
            "flow": self._flow(reply.status, known),
            "running": self._doubtful(reply.status in "IWX"),
        }

    async def put(self, address: str, value: float) -> None:
        """Every command is answered with what the pump does then; what is set is read back."""
        if address == "rate":
            await self._must_stand()
            await self._set_rate(value)
        elif address == "dose":
            await self._must_stand()
            await self._program(value)
            await self._start()
        elif value:
            await self._infuse(value)
        else:
            await self._stop()

    async def _infuse(self, value: float) -> None:
        """Start, or change the rate of what was started here."""
        reply, before = await self._query("RAT"), 0.0
        if reply.status == INFUSES and reply.data not in ERRORS:
            if (await self._volume())[0]:
                raise Refused("a dose is being given: stop it first")
            before, unit = self._rate(reply.data)
            text = four_digits(value / RATES[unit])
            if abs(float(text) * RATES[unit] - value) <= PRECISION * value:
                await self._do(f"RAT{text}")
                await self._check_rate(value)
                return
        if reply.status != STANDS:
            await self._stop()
        await self._program(0.0)
        try:
            await self._set_rate(value)
        except Refused as error:
            if before:
                await self._go_on(before, error)
            raise
        await self._start()

    async def _go_on(self, rate: float, why: Refused) -> None:
        """As before, for the rate was refused for which it was stopped. Raises :class:`DriverError` if it stands."""
        try:
            await self._set_rate(rate)
            await self._start()
        except Refused as error:
            raise DriverError(f"{why}; stopped for it, it does not go on: {error}") from error

    async def _program(self, volume: float) -> None:
        """Phase 1 infuses a volume, or 0 for any; phase 2 stops. What is so already is not written again."""
        await self._must_fit()
        first = await self._ask("PHN1")
        programs = first.data != "?"
        if programs:
            self._check("PHN1", first)
            await self._set("FUN", "STP", phase=2)
            await self._set("FUN", "RAT", phase=1)
        await self._set("DIR", "INF")
        present, unit = await self._volume()
        text = four_digits(volume / VOLUMES[unit])
        if abs(float(text) * VOLUMES[unit] - volume) > PRECISION * volume:
            raise Refused(f"{volume:g} mL cannot be written in four digits of {unit}")
        if not math.isclose(present, float(text) * VOLUMES[unit], rel_tol=1e-6, abs_tol=1e-12):
            await self._do(f"VOL{text}")
            present, _ = await self._volume()
        if abs(present - volume) > PRECISION * volume:
            raise Refused(f"the pump keeps a volume of {present:g} mL")

    async def _set(self, command: str, value: str, phase: int = 0) -> None:
        if phase:
            await self._do(f"PHN{phase}")
        if (await self._query(command)).data != value:
            await self._do(f"{command}{value}")

    async def _set_rate(self, value: float) -> None:
        reply = await self._query("RAT")
        if reply.data not in ERRORS and math.isclose(self._rate(reply.data)[0], value, rel_tol=PRECISION / 10):
            return
        choices = [(unit, four_digits(value / part)) for unit, part in RATES.items()]
        unit, text = min(choices, key=lambda choice: round(abs(float(choice[1]) * RATES[choice[0]] / value - 1), 5))
        await self._do(f"RAT{text}{unit}")
        await self._check_rate(value)

    async def _check_rate(self, value: float) -> None:
        kept, _ = self._rate((await self._query("RAT")).data)
        if abs(kept - value) > PRECISION * value:
            raise Refused(f"the pump keeps a rate of {kept:g} mL/min")

    async def _start(self) -> None:
        """Sent once; the answer says whether it infuses."""
        reply = await self._do("RUN")
        if reply.status != INFUSES:
            raise Refused(f"the pump does not start: status {reply.status}")
        self._alarm = ""

    async def _stop(self) -> None:
        reply = await self._ask("STP")
        for _ in range(STOPS - 1):
            if reply.status == STANDS:
                return
            reply = await self._ask("STP")
        if reply.status not in {STANDS, PAUSED}:
            raise Refused(f"the pump does not stop: status {reply.status or reply.alarm}")

    async def _must_stand(self) -> None:
        status = (await self._query("")).status
        if status == PAUSED:
            await self._stop()
        elif status != STANDS:
            raise Refused("the pump runs: stop it first")

    async def _must_fit(self) -> None:
        """With another syringe than it is set to, a pump gives something else than it says."""
        diameter = await self._number("DIA")
        if self._diameter and abs(diameter - self._diameter) > 0.005:
            raise Refused(f"the pump is set to a syringe of {diameter:g} mm, not {self._diameter:g}")

    async def _volume(self) -> tuple[float, str]:
        found = self._parsed(rf"{NUMBER}(ML|UL)", (await self._query("VOL")).data)
        return float(found[1]) * VOLUMES[found[2]], found[2]

    def _rate(self, data: str) -> tuple[float, str]:
        found = self._parsed(rf"{NUMBER}(MM|MH|UM|UH)", data)
        return float(found[1]) * RATES[found[2]], found[2]

    async def _number(self, command: str) -> float:
        return float(self._parsed(NUMBER, (await self._query(command)).data)[1])

    def _parsed(self, pattern: str, data: str) -> re.Match[str]:
        found = re.fullmatch(pattern, data)
        if found is None:
            raise self.line.doubt(f"not an answer: {data!r}")
        return found

    async def _do(self, command: str) -> Reply:
        """Carry out a command, sent once."""
        reply = await self._ask(command)
        self._check(command, reply)
        return reply

    def _check(self, command: str, reply: Reply) -> None:
        if reply.alarm:
            raise Refused(f"{command} was not carried out: {alarm_word(reply.alarm)}")
        if reply.data.startswith("?"):
            raise Refused(f"{command}: {ERRORS.get(reply.data, reply.data)}")

    async def _query(self, command: str) -> Reply:
        """Ask, and once more when an alarm came instead of the answer."""
        reply = await self._ask(command)
        if reply.alarm:
            reply = await self._ask(command)
        if reply.alarm:
            raise Refused(alarm_word(reply.alarm))
        return reply

    async def _ask(self, command: str) -> Reply:
        reply = await self._pump.command(command, safe=self._safe)
        if reply.alarm and self._safe:
            # It may have come of its own accord, and the answer comes after it.
            raise self.line.doubt(alarm_word(reply.alarm))
        return reply

    async def _version(self) -> Reply:
        if not self._safe:
            try:
                return await self._query("VER")
            except Timeout:
                pass  # left in safe mode by somebody else, it does not hear what is no packet
        silence_s = self._silence_s if self._safe else 0
        if (await self._pump.set_mode(silence_s)).alarm:
            await self._pump.set_mode(silence_s)
        return await self._query("VER")

    def _flow(self, status: str, rate: Value) -> Value:
        if status == PURGES:
            return Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, None, "purges")
        if status in WAITS:
            return Sample(0.0, Quality.UNCERTAIN, Reason.DEVICE, 0, None, WAITS[status])
        if status not in {INFUSES, WITHDRAWS}:
            return self._doubtful(0.0)
        return rate if isinstance(rate, Sample) else self._doubtful(rate if status == INFUSES else -rate)

    def _doubtful(self, value: float) -> Value:
        """A value with the alarm that no start has followed. That power was lost does not make it less certain."""
        if self._alarm in {"", RESET}:
            return Sample(float(value), Quality.GOOD, Reason.OK, 0, None, self._alarm and alarm_word(self._alarm))
        return Sample(float(value), Quality.UNCERTAIN, Reason.DEVICE, 0, None, alarm_word(self._alarm))

    def _alarmed(self, letter: str) -> None:
        self._alarm = letter
