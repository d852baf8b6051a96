"""What the Modbus lines and plans do by themselves: numbers out of bytes, doubts that drivers share, gateways."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import ConnectionSpec, Malformed, Point, Quality, Reason, Timeout
from drivers.instruments.generic_modbus import GenericModbus
from drivers.modbus import Ask, ModbusException, identity_texts
from drivers.modbus_rtu import RtuLine
from drivers.ports import parse_port
from drivers.registers import CODES, ORDERS, Form
from tests.drivers.conftest import PtyPeer, crc
from tests.drivers.simulated import Simulated, points

MEMORY = bytes(range(256)) * 8
"""Registers 0 to 1023 of every table."""
REFERENCE = {"ABCD": lambda d: d, "DCBA": lambda d: d[::-1],
             "CDAB": lambda d: b"".join(d[at : at + 2] for at in reversed(range(0, len(d), 2))),
             "BADC": lambda d: b"".join(d[at : at + 2][::-1] for at in range(0, len(d), 2))}  # fmt: skip

addresses = st.lists(
    st.one_of(
        st.builds("coil.{}".format, st.integers(0, 900)),
        st.builds("holding.{}.bit{}".format, st.integers(0, 900), st.integers(0, 15)),
        st.builds("{}.{}.{}.{}".format, st.sampled_from(["holding", "input", "3.holding"]), st.integers(0, 900),
                  st.sampled_from(list(CODES)), st.sampled_from(ORDERS)),
    ), min_size=1, max_size=60,
)  # fmt: skip


def expected(address: str) -> float:
    """What a point is, taken out of the memory by itself."""
    words = address.removeprefix("3.").split(".")
    start = int(words[1])
    if words[0] == "coil":
        return float(MEMORY[start // 8] >> start % 8 & 1)
    if words[2].startswith("bit"):
        return float(int.from_bytes(MEMORY[2 * start : 2 * start + 2], "big") >> int(words[2][3:]) & 1)
    code = CODES[words[2]]
    data = MEMORY[2 * start : 2 * start + struct.calcsize(code)]
    return float(struct.unpack(f">{code}", REFERENCE[words[3]](data))[0])


def reply_to(ask: Ask) -> bytes:
    """The data of a device whose tables are the memory."""
    if ask.function < 3:
        bits = [MEMORY[at // 8] >> at % 8 & 1 for at in range(ask.start, ask.start + ask.number)]
        return bytes(sum(bit << at for at, bit in enumerate(bits[i : i + 8])) for i in range(0, len(bits), 8))
    return MEMORY[2 * ask.start : 2 * (ask.start + ask.number)]


@given(addresses, st.integers(0, 125), st.integers(4, 125), st.integers(0, 5))
def test_numbers_are_taken_out_where_they_are(wanted: list[str], gap: int, most: int, splits: int) -> None:
    driver = GenericModbus(ConnectionSpec("x", "modbus://h", {"gap": gap, "most": most}))
    plan = driver.plan(points(*wanted))
    for _ in range(splits):
        plan.split(max((one for unit in plan.units for one in plan.readings_of(unit)), key=lambda one: one.ask.number))
    found = {one: one.samples(reply_to(one.ask)) for unit in plan.units for one in plan.readings_of(unit)}
    assert all(one.ask.number <= (2000 if one.ask.function < 3 else most) for one in found)
    for address, sample in zip(wanted, plan.samples(found), strict=True):
        value = expected(address)
        if math.isfinite(value):
            assert (sample.value, sample.quality) == (value, Quality.GOOD), address
        else:
            assert sample.quality is Quality.BAD


@given(st.sampled_from(list(CODES)), st.sampled_from(ORDERS), st.data())
def test_a_written_number_stands_as_it_is_read(kind: str, order: str, data: Any) -> None:
    bits = 8 * struct.calcsize(CODES[kind])
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kind.startswith("int") else (0, 2**bits - 1)
    floats = st.floats(allow_nan=False, allow_infinity=False, width=bits if bits > 16 else 32)
    value = data.draw(floats if kind.startswith("float") else st.integers(low, high))
    registers = Form(kind, order).words(value)
    wire = struct.pack(f">{len(registers)}H", *registers)
    assert struct.unpack(f">{CODES[kind]}", REFERENCE[order](wire))[0] == value
    if not kind.startswith("float"):
        for outside in (low - 1, high + 1):
            with pytest.raises(ValueError, match="does not fit"):
                Form(kind, order).words(outside)


def test_identity_is_text() -> None:
    assert identity_texts(b"\x02\x00\x03AB\x00\x02\x01\xff") == {0: "AB", 2: "\ufffd"}


def test_exceptions_without_a_name_and_of_gateways() -> None:
    with pytest.raises(ModbusException, match="exception 9"):
        Ask(1, 3, 0, 1).data(b"\x83\x09")
    with pytest.raises(Timeout, match="gateway"):
        Ask(1, 3, 0, 1).data(b"\x83\x0b")


class RegisterPeer(PtyPeer):
    """Register n holds n; answers come ``late`` seconds later."""

    def __init__(self) -> None:
        super().__init__()
        self.late = 0.0
        self.mangle = lambda reply: [(self.late, reply)]

    def answer(self, data: bytearray) -> bytes | None:
        if len(data) < 8:
            return None
        unit, function, start, count = struct.unpack(">BBHH", data[:6])
        del data[:8]
        body = struct.pack(f">BBB{count}H", unit, function, 2 * count, *range(start, start + count))
        return body + crc(body)


@pytest.fixture
async def peer() -> Any:
    peer = RegisterPeer()
    yield peer
    peer.unplug()


def line_of(peer: RegisterPeer) -> RtuLine:
    return RtuLine(parse_port(f"serial://{peer.path}", 19200), 0.05, 0.03)


async def test_a_doubt_of_one_driver_is_a_doubt_of_all_on_the_port(peer: RegisterPeer) -> None:
    """The late answer to one driver's question would be taken for the answer to another's."""
    one, other = line_of(peer), line_of(peer)
    await one.open()
    await other.open()
    peer.late = 0.07
    with pytest.raises(Timeout):
        await one.read(1, 7, 1)
    assert other.in_doubt(1)
    assert not other.in_doubt(2)
    one.close()
    other.close()


async def test_who_asked_before_the_doubt_does_not_believe_either(peer: RegisterPeer) -> None:
    line = line_of(peer)
    await line.open()
    peer.late = 0.07
    first = asyncio.ensure_future(line.read(1, 7, 1))
    await asyncio.sleep(0.01)
    peer.late = 0.5
    second = asyncio.ensure_future(line.read(1, 8, 1))
    with pytest.raises(Timeout):
        await first
    with pytest.raises(Malformed, match="this may be its reply"):
        await second
    await line.silence()
    line.trust(1)
    peer.late = 0.0
    line.close()


@pytest.fixture(scope="module")
def on_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    folder: Path = tmp_path_factory.mktemp("tcp")
    with Simulated("generic_modbus", folder, framing="tcp", pattern=True, units=[0, 1, 255]) as simulated:
        yield simulated


async def test_a_gateway_that_reaches_nobody(on_tcp: Simulated) -> None:
    driver = GenericModbus(ConnectionSpec("plc", on_tcp.url, {"unit": 255}, 0.4))
    await driver.open()
    plan = driver.plan([Point("x", f"{unit}.holding.3") for unit in (9, 0, 1, 255)])
    samples = await driver.read(plan)
    assert [sample.value for sample in samples[1:]] == [3.0] * 3
    assert (samples[0].reason, samples[0].detail) == (Reason.LINK, "device 9: gateway target does not answer")
    await driver.close()


async def test_half_a_reply_ends_the_connection(on_tcp: Simulated) -> None:
    driver = GenericModbus(ConnectionSpec("plc", on_tcp.url, {}, 0.2))
    await driver.open()
    on_tcp.fault("truncate", 0.3)
    with pytest.raises(Timeout):
        await driver.read(driver.plan(points("holding.3")))
    assert not driver.line.is_open
    await asyncio.sleep(0.25)
    await driver.open()
    assert (await driver.read(driver.plan(points("holding.3"))))[0].value == 3.0
    await driver.close()
