"""Bronkhorst over Modbus in bytes: what is on the line, and what becomes of a write that the instrument takes oddly."""

from __future__ import annotations

import math
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest

from drivers.contract import ConnectionSpec, Identity, Malformed, Point, Quality, Timeout, WriteState
from drivers.instruments.bronkhorst_modbus import BronkhorstModbus
from tests.drivers.conftest import PtyPeer, crc
from tests.drivers.simulated import points, until


async def one(driver: BronkhorstModbus, address: str = "flow") -> Any:
    (sample,) = await driver.read(driver.plan(points(address)))
    return sample


async def put(driver: BronkhorstModbus, address: str, value: float) -> tuple[WriteState, str]:
    (outcome,) = await driver.write([(Point(address, address, "rw"), value)])
    return outcome.state, outcome.detail


class Parameters(PtyPeer):
    """An instrument in bytes: parameters by their address, whole or not at all. ``instead`` are other replies."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.instead: dict[str, str] = {}
        self.values = {
            0xF118: b"S12".ljust(16, b"\0"), 0x8168: struct.pack(">f", 5.0), 0xA100: struct.pack(">f", 0.5),
            0xA118: struct.pack(">f", 0.0), 0x0020: b"\xff\x9c", 0x0021: b"\0\0", 0x0024: b"\0\0", 0x0034: b"\0\x08",
        }  # fmt: skip

    def answer(self, data: bytearray) -> bytes | None:
        size = 8 if len(data) < 7 or data[1] != 16 else 9 + data[6]
        if len(data) < size:
            return None
        frame = bytes(data[:size])
        del data[:size]
        assert crc(frame[:-2]) == frame[-2:]
        self.seen.append(frame[:-2].hex())
        body = bytes.fromhex(self.instead.get(frame[:-2].hex(), "")) or self._reply(frame)
        return body + crc(body)

    def _reply(self, frame: bytes) -> bytes:
        start, word = struct.unpack(">HH", frame[2:6])
        if frame[1] == 3:
            value = self.values.get(start, b"")
            return bytes([1, 3, len(value)]) + value if len(value) == 2 * word else bytes([1, 0x83, 2])
        self.values[start] = frame[4:6] if frame[1] == 6 else frame[7:-2]
        return frame[:6]


@pytest.fixture
async def peer() -> AsyncIterator[Parameters]:
    parameters = Parameters()
    yield parameters
    parameters.unplug()


@pytest.fixture
async def driver(peer: Parameters) -> AsyncIterator[BronkhorstModbus]:
    driver = BronkhorstModbus(
        ConnectionSpec("mfc", f"serial://{peer.path}?parity=N", {"slowest_reply": 0.05, "gap": 0}, 0.4)
    )
    assert await driver.open() == Identity("Bronkhorst", "mass-flow instrument", "S12", "")
    peer.seen.clear()
    yield driver
    await driver.close()


async def test_what_is_on_the_line(peer: Parameters, driver: BronkhorstModbus) -> None:
    sample = await one(driver)
    assert (sample.value, sample.detail) == (0.5, "above its maximum")
    assert peer.seen == ["010300340001", "0103a1000002"]
    assert (await one(driver, "measure")).value == -0.3125, "the sign of a negative measure"
    peer.seen.clear()
    assert await put(driver, "setpoint_percent", 50.0) == (WriteState.APPLIED, "")
    assert peer.seen == ["010600213e80", "010300210001", "010300240001"]
    peer.seen.clear()
    assert await put(driver, "setpoint", 2.5) == (WriteState.APPLIED, "")
    assert peer.seen == ["010381680002", "0110a11800020440200000", "0103a1180002", "010300240001"]


async def test_the_mode_is_written_only_when_it_is_another(peer: Parameters, driver: BronkhorstModbus) -> None:
    assert await put(driver, "control_mode", 0.0) == (WriteState.APPLIED, "")
    assert peer.seen == ["010300240001"]
    assert await put(driver, "control_mode", 18.0) == (WriteState.APPLIED, "")
    assert peer.seen[1:3] == ["010300240001", "010600240012"]


SENT = "0110a11800020440200000"


@pytest.mark.parametrize(("instead", "state", "detail"), [
    ({SENT: "0110a1180002"}, WriteState.REFUSED, "it keeps its setpoint at 0"),
    ({SENT: "019004"}, WriteState.REFUSED, "it does not take 2.5"),
    ({SENT: "019002"}, WriteState.REFUSED, "device 1: illegal address"),
    ({SENT: "019005"}, WriteState.UNKNOWN, "device 1: will take long"),
    ({"0103a1180002": "018306"}, WriteState.UNKNOWN, "sent, but not to be read back: device 1: busy"),
    ({"010381680002": "018302"}, WriteState.REFUSED, "not sent: device 1: illegal address"),
    ({"010300240001": "0103020016"}, WriteState.REFUSED, "its setpoint is not followed: control mode 22, safe state"),
    ({"0103a1180002": "0103047fc00000"}, WriteState.REFUSED, "it keeps its setpoint at nan"),
    ({"010381680002": "0103047fc00000"}, WriteState.REFUSED, "not sent: setpoint must be 0 to nan, not 2.5"),
])  # fmt: skip
async def test_what_becomes_of_a_write(
    peer: Parameters, driver: BronkhorstModbus, instead: dict[str, str], state: WriteState, detail: str
) -> None:
    peer.instead = instead
    assert await put(driver, "setpoint", 2.5) == (state, detail)


async def test_a_mode_that_is_kept_is_refused(peer: Parameters, driver: BronkhorstModbus) -> None:
    peer.instead = {"010600240012": "010600240012", "010300240001": "0103020000"}
    assert await put(driver, "control_mode", 18.0) == (WriteState.REFUSED, "it keeps its control mode 0")


@pytest.mark.parametrize(("reply", "quality"), [("018302", Quality.UNCERTAIN), ("01830b", Quality.BAD)])
async def test_a_flow_without_its_alarm(
    peer: Parameters, driver: BronkhorstModbus, reply: str, quality: Quality
) -> None:
    """An instrument may have none; one that was not to be heard may have an alarm."""
    peer.instead = {"010300340001": reply}
    sample = await one(driver, "measure")
    assert (sample.value, sample.quality) == (-0.3125, quality)
    assert sample.detail.startswith("device 1: ")


async def test_a_unit_that_is_not_heard_once_makes_only_flows_bad(peer: Parameters) -> None:
    """Not the connection, nor what else the instrument said."""
    options = {"slowest_reply": 0.05, "gap": 0, "unit": "ln/min"}
    driver = BronkhorstModbus(ConnectionSpec("mfc", f"serial://{peer.path}?parity=N", options, 0.4))
    await driver.open()
    peer.values[0x81F8] = b"ln/min\0\0"
    plan = driver.plan(points("flow", "measure"))
    peer.instead = {"010381f80004": "020308"}
    flow, measure = await driver.read(plan)
    assert (flow.quality, measure.value, measure.quality) == (Quality.BAD, -0.3125, Quality.GOOD)
    assert flow.detail.startswith("its unit is not known: device 1: ")
    peer.instead = {}
    await until(driver, "flow", lambda sample: sample.quality is Quality.GOOD)
    await driver.close()


async def test_a_number_that_is_none_is_bad(peer: Parameters, driver: BronkhorstModbus) -> None:
    peer.values[0xA100] = struct.pack(">f", math.nan)
    assert (await one(driver)).quality is Quality.BAD


async def test_a_serial_number_that_is_no_text_identifies_nobody(peer: Parameters, driver: BronkhorstModbus) -> None:
    peer.values[0xF118] = bytes(range(1, 17))
    await driver.close()
    with pytest.raises(Malformed, match="not a text"):
        await driver.open()


async def test_a_refusal_clears_no_doubt(peer: Parameters, driver: BronkhorstModbus) -> None:
    peer.silent = True
    with pytest.raises(Timeout):
        await one(driver)
    peer.silent = False
    peer.instead = {"0103f1180008": "018302"}
    with pytest.raises(Malformed, match="illegal address"):
        await one(driver)
    peer.instead = {}
    assert (await until(driver, "flow", lambda sample: sample.quality is Quality.GOOD)).value == 0.5


async def test_the_unit_is_not_known_while_the_line_is_in_doubt(peer: Parameters) -> None:
    options = {"slowest_reply": 0.05, "unit": "ln/min"}
    driver = BronkhorstModbus(ConnectionSpec("mfc", f"serial://{peer.path}?parity=N", options, 0.4))
    await driver.open()
    assert (await one(driver)).detail == "its unit is not known: device 1: illegal address, above its maximum"
    peer.values[0x81F8] = b"ln/min\0\0"
    assert (await one(driver)).quality is Quality.GOOD
    peer.instead = {"0103a1000002": "020304" + "00000000"}
    alarm, flow = await driver.read(driver.plan(points("alarm", "flow")))
    assert (alarm.quality, flow.quality) == (Quality.GOOD, Quality.BAD)
    assert "0103" + "81f80004" in peer.seen
    assert peer.seen[-1] == "0103a1000002", "nothing is asked of a device in doubt"
    await driver.close()
