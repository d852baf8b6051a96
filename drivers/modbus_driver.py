"""The base of drivers for instruments that are read and written as coils and registers, over any kind of Modbus."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, TypeAlias

from drivers.contract import (
    ConnectionSpec,
    DriverError,
    Identity,
    LinkLost,
    Malformed,
    Plan,
    Point,
    Refused,
    Sample,
    Timeout,
    WriteOutcome,
    WriteState,
)
from drivers.modbus import Ask, ModbusException
from drivers.modbus_plan import Found, Item, ModbusPlan, Reading
from drivers.modbus_rtu import RtuLine
from drivers.modbus_tcp import PORTS, TcpAddress, TcpLine, Tls
from drivers.options import Options
from drivers.patience import patience, write_each
from drivers.planning import MAX_GAP, MAX_REGISTERS
from drivers.ports import LINES, parse_port
from drivers.tls import FILES, client_context

Line: TypeAlias = RtuLine | TcpLine
GAP_ON_NETWORK = 100
"""Unused registers worth reading along: waking up takes longer than carrying them."""


class ModbusDriver(ABC):
    """One server, or the devices on one line. Subclasses say where their points are, and how a device is probed.

    Options of all of them: ``gap``, the unused registers worth reading along (10 on a line, 100 on a network);
    ``most``, the registers of one read (125); ``slowest_reply`` in seconds, on a line; for TLS ``ca``,
    ``certificate``, ``key`` (PEM files) and ``server_name``.
    """

    schemes: ClassVar[tuple[str, ...]] = (*LINES, *PORTS)

    def __init__(self, spec: ConnectionSpec, options: Options, *, baudrate: int, stopbits: int, parity: str) -> None:
        network = spec.url.startswith(("modbus:", "modbuss:"))
        self._late: dict[int, int] = {}
        self._count = self._session = 0
        self._patience_s = spec.timeout_s
        self._alone, self._silent = True, False
        self._gap = options.integer("gap", GAP_ON_NETWORK if network else MAX_GAP, 0, MAX_REGISTERS)
        self._most = options.integer("most", MAX_REGISTERS, 1, MAX_REGISTERS)
        self.units = range(256) if network else range(1, 248)
        self.line: Line
        if network:
            address, self.url = TcpAddress.parse(spec.url), spec.url
            self.line = TcpLine(address, spec.timeout_s / 2, _tls(options, address))
        else:
            quiet_s = options.number("slowest_reply", 1.0, 0.05, 30.0)
            port = parse_port(spec.url, baudrate, stopbits, parity=parity)
            self.line, self.url = RtuLine(port, spec.timeout_s / 2, quiet_s), port.url

    @abstractmethod
    def item(self, point: Point) -> Item:
        """Where a point is. Raises :class:`BadAddress`."""

    @abstractmethod
    async def probe(self, unit: int) -> None:
        """Ask what is answered like nothing else. Raises :class:`DriverError` when there is no answer."""

    @abstractmethod
    async def identify(self) -> Identity:
        """Ask who is there. Raises :class:`DriverError`."""

    def writing(self, point: Point, item: Item, value: float) -> Ask:
        """The request that writes a point. Raises ``ValueError`` for what cannot be written."""
        return item.writing(value)

    async def put(self, point: Point, value: float, ask: Ask) -> None:
        """Send the request that writes a point, and return once the device has confirmed it, here by repeating it.

        Raises :class:`Refused` when it did not take it, any other :class:`DriverError` when that is not known; of a
        :class:`ModbusException` it says itself which of the two it is.
        """
        await self.line.ask(ask)

    def plan(self, points: Sequence[Point]) -> Plan:
        """The fewest reads. Raises :class:`BadAddress`."""
        return ModbusPlan(points, [self.item(point) for point in points], self._gap, self._most)

    async def open(self) -> Identity:
        """Connect and ask who is there. Raises :class:`DriverError`."""
        await self.line.open()
        self._session += 1
        return await self.identify()

    async def read(self, plan: Plan) -> Sequence[Sample]:
        """Every request once; what is refused makes only its own points Bad, and so does a silent device. Once one is
        silent the others are asked as far as the time goes (see :mod:`drivers.patience`).

        Devices that failed last time come last, and no more of them once one did not answer again: the others do not
        wait. Raises :class:`DriverError` when the line is lost, or nothing is answered.
        """
        if not isinstance(plan, ModbusPlan):
            raise TypeError("a plan of another driver")
        plan.begin(self._session)
        self._alone = len(plan.units) < 2
        if isinstance(self.line, RtuLine) and plan.units and all(map(self.line.in_doubt, plan.units)):
            await self.line.silence()
        found: dict[Reading, Found] = {}
        silent = False
        async with patience(self._patience_s) as hurry:
            for unit in sorted(plan.units, key=lambda unit: self._late.get(unit, 0)):
                if silent and unit in self._late:
                    self._give_up(plan, unit, found, "did not answer last time")
                elif await self._read_unit(plan, unit, found):
                    silent = True
                    hurry()
        for unit in plan.units:
            self._give_up(plan, unit, found, "was not asked any more, for others did not answer in time")
        failures = [one for one in found.values() if isinstance(one, DriverError)]
        if failures and len(failures) == len(found):
            raise failures[0]
        return plan.samples(found)

    async def write(self, writes: Sequence[tuple[Point, float]]) -> Sequence[WriteOutcome]:
        """One after the other; see :meth:`put`. Devices that failed last time come last, and no more of them once one
        did not answer again.
        """
        late = [self.item(point).span.unit in self._late for point, _ in writes]
        order = sorted(range(len(writes)), key=late.__getitem__)
        self._silent = False
        outcomes = await write_each([writes[place] for place in order], self._unready, self._put, self._patience_s)
        return [outcome for _, outcome in sorted(zip(order, outcomes, strict=True))]

    async def close(self) -> None:
        """Give the line back."""
        self.line.close()

    async def _read_unit(self, plan: ModbusPlan, unit: int, found: dict[Reading, Found]) -> bool:
        """Read from one device into ``found``; whether it was silent. Raises :class:`LinkLost`."""
        left = plan.readings_of(unit)
        # Until it has answered it counts as late, also when this read is cancelled.
        self._count += 1
        late = self._late.setdefault(unit, self._count)
        try:
            if isinstance(self.line, RtuLine) and self.line.in_doubt(unit):
                await self._doubted(self.line, unit)
            while left:
                left = await self._read_each(plan, left, found)
        except (Timeout, Malformed) as error:
            found.update((reading, error) for reading in plan.readings_of(unit) if reading not in found)
            self._late[unit] = max(late, self._count)
            return True
        self._late.pop(unit, None)
        return False

    async def _read_each(
        self, plan: ModbusPlan, readings: Sequence[Reading], found: dict[Reading, Found]
    ) -> list[Reading]:
        """Read into ``found``. What is refused because a part of it is not there is returned in parts."""
        coming, parts = iter(readings), list[Reading]()

        def take(answer: bytes | Refused) -> None:
            """Take numbers out of an answer while the device works on the next one."""
            reading = next(coming)
            if isinstance(answer, bytes):
                found[reading] = reading.samples(answer)
            elif isinstance(answer, ModbusException) and answer.not_there and (pieces := plan.split(reading)):
                parts.extend(pieces)
            else:
                found[reading] = answer

        await self.line.ask_each([reading.ask for reading in readings], take)
        return parts

    async def _doubted(self, line: RtuLine, unit: int) -> None:
        """Probe a device, once its line was silent. Raises :class:`Timeout`, :class:`Malformed`, :class:`LinkLost`."""
        if not line.settled(unit):
            raise Timeout(f"device {unit} did not answer last time")
        await self.probe(unit)
        line.trust(unit)

    async def _ready(self, line: RtuLine, unit: int) -> None:
        """Clear a device's doubt before it is written to; where there are others they are not kept waiting for it.
        Raises :class:`Timeout`, :class:`Malformed`, :class:`LinkLost`.
        """
        if self._alone:
            await line.silence()
        if self._silent:
            raise Timeout(f"device {unit} did not answer last time")
        self._silent = True
        await self._doubted(line, unit)
        self._silent = False

    @staticmethod
    def _give_up(plan: ModbusPlan, unit: int, found: dict[Reading, Found], why: str) -> None:
        """What was not asked of a device is not answered."""
        for reading in plan.readings_of(unit):
            found.setdefault(reading, Timeout(f"device {unit} {why}"))

    async def _unready(self, point: Point, value: float) -> str:
        """Why a value is not sent, or nothing."""
        item = self.item(point)
        unit = item.span.unit
        if "w" not in point.access:
            return f"{point.address} is only read"
        try:
            self.writing(point, item, value)
            if not self.line.is_open:
                raise LinkLost("the line is not open")
            if isinstance(self.line, RtuLine) and self.line.in_doubt(unit):
                await self._ready(self.line, unit)
        except ValueError as error:
            return str(error)
        except DriverError as error:
            return f"not sent: {error}"
        return ""

    async def _put(self, point: Point, value: float) -> tuple[WriteState, str]:
        try:
            await self.put(point, value, self.writing(point, self.item(point), value))
        except Refused as error:
            known = not isinstance(error, ModbusException) or error.nothing_done
            return WriteState.REFUSED if known else WriteState.UNKNOWN, str(error)
        except DriverError as error:
            return WriteState.UNKNOWN, str(error)
        return WriteState.APPLIED, ""


def _tls(options: Options, address: TcpAddress) -> Tls | None:
    """Raises ``ValueError`` for files that cannot be used, or that are of no use here."""
    if address.secure:
        return Tls(client_context(options), options.text("server_name") or address.host)
    given = [key for key in (*FILES, "server_name") if options.text(key)]
    if given:
        raise ValueError(f"{', '.join(given)} without TLS; it needs modbuss:// in front of the address")
    return None
