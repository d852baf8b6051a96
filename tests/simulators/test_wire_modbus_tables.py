"""The simulated Modbus device: the examples printed in the protocol's specification, its refusals, its settings."""

from __future__ import annotations

import struct

import pytest

from simulators.instruments.generic_modbus import device_of
from simulators.modbus_rtu import Framer, Refused, answer, seal
from simulators.modbus_tables import Tables


def device(**settings) -> Tables:
    return device_of({"pattern": True, **settings})


def bits(start: int, *octets: int) -> dict[str, int]:
    """The values of coils from `start` on, as the specification shows them."""
    return {str(start + place): octets[place // 8] >> place % 8 & 1 for place in range(8 * len(octets))}


EXAMPLES = {
    "6.1 read coils": ({"coil": bits(19, 0xCD, 0x6B, 0x05)}, "01 00 13 00 13", "01 03 CD 6B 05"),
    "6.2 read discrete inputs": ({"discrete": bits(196, 0xAC, 0xDB, 0x35)}, "02 00 C4 00 16", "02 03 AC DB 35"),
    "6.3 read holding registers": (
        {"holding": {"107": 0x022B, "108": 0, "109": 0x64}}, "03 00 6B 00 03", "03 06 02 2B 00 00 00 64",
    ),
    "6.4 read input registers": ({"input": {"8": 10}}, "04 00 08 00 01", "04 02 00 0A"),
    "6.5 write single coil": ({}, "05 00 AC FF 00", "05 00 AC FF 00"),
    "6.6 write single register": ({}, "06 00 01 00 03", "06 00 01 00 03"),
    "6.11 write multiple coils": ({}, "0F 00 13 00 0A 02 CD 01", "0F 00 13 00 0A"),
    "6.12 write multiple registers": ({}, "10 00 01 00 02 04 00 0A 01 02", "10 00 01 00 02"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_the_specification(name: str):
    registers, request, reply = EXAMPLES[name]
    body = bytes.fromhex(request)
    assert body[:1] + device(registers=registers).perform(body[0], body[1:]) == bytes.fromhex(reply)


def test_what_is_written_is_there():
    tables = device()
    tables.perform(5, bytes.fromhex("00ACFF00"))
    tables.perform(6, bytes.fromhex("00010003"))
    tables.perform(15, bytes.fromhex("0013000A02CD01"))
    tables.perform(16, bytes.fromhex("000200020400 0A0102".replace(" ", "")))
    assert tables.perform(1, struct.pack(">HH", 19, 10)) == b"\x02\xcd\x01"
    assert tables.perform(1, struct.pack(">HH", 172, 1)) == b"\x01\x01"
    assert tables.perform(3, struct.pack(">HH", 1, 4)) == b"\x08\x00\x03\x00\x0a\x01\x02\x00\x04"


def test_identification():
    tables = device(vendor="Acme", product="X", revision="2")
    assert tables.perform(43, b"\x0e\x01\x00") == b"\x0e\x01\x81\x00\x00\x03\x00\x04Acme\x01\x01X\x02\x012"
    assert tables.perform(43, b"\x0e\x04\x01") == b"\x0e\x04\x81\x00\x00\x01\x01\x01X"


REFUSED = [
    (7, "", 1), (43, "0d0100", 1), (43, "0e0500", 3), (43, "0e0409", 2), (3, "00000000", 3), (3, "0000007e", 3),
    (1, "000007d1", 3), (3, "ffff0002", 2), (3, "00", 3), (5, "00001234", 3), (6, "006401f5", 3), (6, "00070001", 6),
    (3, "00060003", 6), (16, "000000020200 01".replace(" ", ""), 3), (15, "000007b100", 3), (16, "0000", 3),
]  # fmt: skip


@pytest.mark.parametrize(("function", "payload", "code"), REFUSED)
def test_what_is_refused(function: int, payload: str, code: int):
    tables = device(limits={"100": [0, 500]}, refusals={"holding": {"7": 6}})
    with pytest.raises(Refused) as refusal:
        tables.perform(function, bytes.fromhex(payload))
    assert refusal.value.code == code


def test_what_is_not_there_is_refused():
    tables = device_of({"registers": {"holding": {"5": 1}}, "identity": False})
    assert tables.perform(3, b"\x00\x05\x00\x01") == b"\x02\x00\x01"
    for function, payload in ((3, b"\x00\x05\x00\x02"), (1, b"\x00\x00\x00\x01"), (6, b"\x00\x06\x00\x01")):
        with pytest.raises(Refused, match="2"):
            tables.perform(function, payload)
    with pytest.raises(Refused, match="1"):
        tables.perform(43, b"\x0e\x01\x00")


def test_frames_of_every_function_are_found_in_a_stream():
    payloads = ("0100010008", "0500acff00", "0f0013000a02cd01", "10000100020400 0a0102", "2b0e0100", "07", "0800001234")
    frames = [seal(b"\x01" + bytes.fromhex(payload.replace(" ", ""))) for payload in payloads]
    assert Framer().feed(b"".join(frames)) == frames
    replies = [answer(frame, {1: device()}) for frame in frames]
    assert [reply[1] for reply in replies if reply] == [0x01, 0x05, 0x0F, 0x10, 0x2B, 0x87, 0x88]
