"""Damaged and wrong replies: none is accepted, over RTU and over TCP, and what is right is accepted after them.

The peer knows bytes only. Damage is at most three flipped bits or one burst of sixteen, which CRC-16 always shows, or a
reply that is intact and not the answer.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Callable

import pytest

from drivers.contract import ConnectionSpec, DriverError, Malformed, Point, Refused, Timeout, WriteState
from drivers.instruments.generic_modbus import GenericModbus
from drivers.modbus import Ask
from drivers.modbus_rtu import RtuLine
from drivers.modbus_tcp import TcpAddress, TcpLine
from drivers.ports import TcpSettings
from tests.drivers.conftest import crc

REPLY_S = 0.03
ASKED = {
    Ask(1, 3, 107, 3): "03 06 022B 0000 0064",
    Ask(1, 1, 19, 19): "01 03 CD6B05",
    Ask(1, 4, 8, 1): "04 02 000A",
    Ask(1, 6, 1, 1, (3,)): "06 0001 0003",
    Ask(1, 5, 172, 1, (1,)): "05 00AC FF00",
    Ask(1, 16, 1, 2, (10, 258)): "10 0001 0002",
    Ask(1, 15, 19, 10, (1, 0, 1, 1, 0, 0, 1, 1, 1, 0)): "0F 0013 000A",
    Ask(1, 43): "2B 0E 01 81 00 00 01 00 02 4142",
}


class Peer:
    """Answers whatever comes with ``reply``, in two pieces."""

    def __init__(self) -> None:
        self.reply: Callable[[bytes], bytes] = lambda request: b""
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(512):
            reply = self.reply(request)
            for piece in (reply[: len(reply) // 2], reply[len(reply) // 2 :]):
                writer.write(piece)
                await asyncio.sleep(0)
        writer.close()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    await peer.start()
    yield peer
    await peer.stop()


def always(frame: bytes) -> Callable[[bytes], bytes]:
    """A peer's answer to everything."""
    return lambda _request: frame


def rtu(body: bytes, unit: int = 1) -> bytes:
    frame = bytes([unit]) + body
    return frame + crc(frame)


def flipped(chance: random.Random, frame: bytes) -> bytes:
    number = int.from_bytes(frame, "big")
    if chance.random() < 0.5:
        for bit in chance.sample(range(8 * len(frame)), chance.randint(1, 3)):
            number ^= 1 << bit
    else:
        number ^= (chance.getrandbits(16) | 1) << chance.randint(0, 8 * len(frame) - 16)
    return number.to_bytes(len(frame), "big")


def other_body(chance: random.Random, body: bytes) -> bytes:
    """An intact answer to something else: another function, more or less of it, another write."""
    kind = chance.randrange(3)
    if kind == 0:
        return bytes([chance.choice([code for code in (1, 2, 3, 4, 5, 6, 15, 16, 43) if code != body[0]])]) + body[1:]
    if body[0] in {5, 6, 15, 16}:
        place = chance.randrange(1, len(body))
        return body[:place] + bytes([body[place] ^ chance.randint(1, 255)]) + body[place + 1 :]
    if kind == 1:
        extra = 2 * chance.randint(1, 20)
        return body[:1] + bytes([body[1] + extra]) + body[2:] + chance.randbytes(extra)
    return body[:1] + bytes([body[1] ^ chance.randint(1, 255)]) + body[2:]


def wrong_frames(chance: random.Random, body: bytes) -> bytes:
    right = rtu(body)
    return chance.choice([
        lambda: flipped(chance, right),
        lambda: right[: chance.randrange(len(right))],
        lambda: chance.randbytes(chance.randint(1, 3)) + right,
        lambda: rtu(body, unit=chance.choice([0, 2, 129, 255])),
        lambda: rtu(other_body(chance, body)),
    ])()  # fmt: skip


async def accepted(line: RtuLine | TcpLine, ask: Ask) -> bytes | None:
    """The data of an answer, or ``None`` when the line does not believe it."""
    try:
        return await line.ask(ask)
    except Refused as error:
        raise AssertionError(f"a refusal that nobody sent: {error}") from error
    except (Timeout, Malformed):
        return None


async def no_damage_is_believed(peer: Peer, rounds: int) -> None:
    line = RtuLine(TcpSettings("127.0.0.1", peer.port), REPLY_S, 0.002)
    await line.open()
    chance = random.Random(9)
    for turn in range(rounds):
        ask, text = chance.choice(list(ASKED.items()))
        body = bytes.fromhex(text)
        frame = wrong_frames(chance, body)
        peer.reply = always(frame)
        assert await accepted(line, ask) is None, (turn, ask, frame.hex(" "))
        assert line.in_doubt(1)
        if turn % 20 == 0:
            await line.silence()
            line.trust(1)
            peer.reply = always(rtu(body))
            assert await accepted(line, ask) is not None, (turn, ask)
    line.close()


async def test_no_damaged_or_foreign_reply_is_accepted(peer: Peer) -> None:
    await no_damage_is_believed(peer, 300)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_none_in_fifty_thousand(peer: Peer) -> None:
    await no_damage_is_believed(peer, 50_000)


def numbered(body: bytes) -> Callable[[bytes], bytes]:
    """A peer's answer to everything, under the number of the request."""
    return lambda request: mbap(int.from_bytes(request[:2], "big"), body)


def mbap(number: int, body: bytes, unit: int = 1, protocol: int = 0) -> bytes:
    return struct.pack(">HHHB", number & 0xFFFF, protocol, len(body) + 1, unit) + body


def wrong_messages(chance: random.Random, number: int, body: bytes) -> bytes:
    right = mbap(number, body)
    return chance.choice([
        lambda: mbap(number + chance.randint(1, 0xFFFE), body),
        lambda: mbap(number, body, protocol=chance.randint(1, 0xFFFF)),
        lambda: mbap(number, body, unit=chance.choice([0, 2, 255])),
        lambda: mbap(number, other_body(chance, body)),
        lambda: right[: chance.randrange(len(right))],
        lambda: right[:4] + b"\xff\xff" + right[6:],
        lambda: right[:4] + b"\x00\x01" + right[6:],
    ])()  # fmt: skip


async def test_no_wrong_message_is_accepted_over_tcp(peer: Peer) -> None:
    line = TcpLine(TcpAddress("127.0.0.1", peer.port, secure=False), REPLY_S)
    chance = random.Random(10)
    await line.open()
    for turn in range(300):
        ask, text = chance.choice(list(ASKED.items()))
        body = bytes.fromhex(text)
        seen: list[bytes] = []

        def reply(request: bytes, body: bytes = body, seen: list[bytes] = seen) -> bytes:
            seen.append(wrong_messages(chance, int.from_bytes(request[:2], "big"), body))
            return seen[0]

        peer.reply = reply
        assert await accepted(line, ask) is None, (turn, ask, seen[0].hex(" "))
        if not line.is_open:
            await line.open()
        peer.reply = numbered(body)
        if turn % 10 == 0:
            assert await accepted(line, ask) is not None, (turn, ask)
    line.close()


async def test_an_echo_of_another_write_leaves_ours_unknown(peer: Peer) -> None:
    driver = GenericModbus(ConnectionSpec("x", f"modbus://127.0.0.1:{peer.port}", {"identify": False}, 0.1))
    peer.reply = lambda request: mbap(int.from_bytes(request[:2], "big"), b"\x03\x02\x00\x00")
    await driver.open()
    for body, state in (
        (b"\x06\x00\x05\x00\x07", "applied"),
        (b"\x06\x00\x05\x00\x08", "unknown"),
        (b"\x86\x06", "refused"),
    ):
        peer.reply = numbered(body)
        (outcome,) = await driver.write([(Point("x", "holding.5", "rw"), 7.0)])
        assert outcome.state is WriteState(state)
    peer.reply = lambda request: b""
    with pytest.raises(DriverError):
        await driver.read(driver.plan([Point("x", "holding.5")]))
    await driver.close()
