"""The Alicat driver against replies byte by byte: layouts and frames of many firmwares, codes, setpoints."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers.contract import ConnectionSpec, DriverError, Malformed, Point, Quality, Refused, WriteState
from drivers.instruments.alicat import Alicat
from tests.drivers.scripted import Scripted
from tests.drivers.simulated import points

FRAME = ("pressure", "temperature", "volumetric_flow", "mass_flow", "setpoint")
SETPOINT = Point("setpoint", "setpoint", "rw")


def make(url: str, **options: object) -> Alicat:
    return Alicat(ConnectionSpec("mfc", url, {"slowest_reply": 0.1, **options}, 0.4))


def peer(answers: dict[bytes, bytes]) -> Scripted:
    """A device that answers these, and tells of itself what the old firmware of a controller did."""
    return Scripted({b"A??M*\r": told("5v12.0-R22"), **answers})


def told(firmware: str) -> bytes:
    """The manufacturing data."""
    rows = ("ALICAT SCIENTIFIC", "www.alicat.com", "Ph   555-555-0100", "Fax  555-555-0101",
            "Model Number  MC-500SCCM-D", "Serial Number 100001", "Date Manufactured 03/02/2020",
            "Date Calibrated   03/02/2020", "Calibrated By     XY", f"Software Revision {firmware}")  # fmt: skip
    return b"".join(f"A  M{number:02d} {row}\r".encode() for number, row in enumerate(rows))


def rows(*fields: str) -> bytes:
    """A layout as firmware from 6v on tells it."""
    head = (
        "ID_ NAME______________________ TYPE_______ WIDTH NOTES",
        "700 Unit ID                    string          1",
    )
    numbered = (f"A D{number:02d} {row}\r" for number, row in enumerate((*head, *fields)))
    return ("".join(numbered) + "\r").encode()


ABS = "002 Abs Press                  s decimal     7/2 010 02 PSIA"
TEMP = "003 Flow Temp                  s decimal     7/2 002 02 `C"
VOLU = "004 Volu Flow                  s decimal     7/2 012 02 CCM"
MASS = "005 Mass Flow                  s decimal     7/2 012 02 SCCM"
SETPT = "037 Mass Flow Setpt            decimal       6/2 012 02 SCCM"
TOTAL = "009 Mass Total                 s decimal     7/2 064 02 SCC"
GAS = "703 Gas                        string          6"
CODES = ("701 *Error                     string          3 ADC", "702 *Status                    string          3 MOV")
OLD_ROWS = b"".join(f"A  D{number:02d} {row}\r".encode() for number, row in enumerate((
    "NAME_______ TYPE_____ MinVal_  MaxVal_  UNITS__", "Unit ID     char         A         Z         na",
    "Pressure    signed    +000.00  +160.00     PSIA", "Temperature signed    -010.00  +050.00        C",
    "Volumetric  signed    +0000.0  +0500.0      CCM", "Mass        signed    +0000.0  +0500.0     SCCM",
    "SetPoint    signed    +0000.0  +0500.0     SCCM", "Gas         string        Air       D2       na",
    "Error       string         na      ADC       na", "Status      string         na      LCK       na",
)))  # fmt: skip


@asynccontextmanager
async def scripted(answers: dict[bytes, bytes], **options: object) -> AsyncIterator[tuple[Scripted, Alicat]]:
    with peer(answers) as wire:
        driver = make(wire.url, **options)
        try:
            await driver.open()
            yield wire, driver
        finally:
            await driver.close()


async def values(driver: Alicat, *addresses: str) -> list[float]:
    samples = await driver.read(driver.plan(points(*addresses)))
    assert {sample.quality for sample in samples} == {Quality.GOOD}
    return [sample.value for sample in samples]


async def put(driver: Alicat, value: float) -> tuple[WriteState, str]:
    (outcome,) = await driver.write([(SETPOINT, value)])
    return outcome.state, outcome.detail


@pytest.mark.parametrize(("layout", "frame", "expected"), [
    (rows(ABS, TEMP, VOLU, MASS, SETPT, GAS, *CODES), b"A +014.62 +021.89 +000.10 +000.20 +078.95     N2\r",
     [14.62, 21.89, 0.1, 0.2, 78.95]),
    (OLD_ROWS, b"A +014.52 +021.50 +0000.1 +0000.2 0116.3      N2\r", [14.52, 21.5, 0.1, 0.2, 116.3]),
    (b"A ?\r", b"A +014.62 +021.89 +000.10 +000.20 010.00     N2\r", [14.62, 21.89, 0.1, 0.2, 10.0]),
    (b"", b"\0A +014.62 +021.89 +000.10 +000.20 +010.00     N2 LCK\0\r", [14.62, 21.89, 0.1, 0.2, 10.0]),
    (rows(ABS, TEMP, MASS, SETPT, VOLU, TOTAL), b"A +014.62 +021.89 +000.20 +078.95 +000.10 +0123.40\r",
     [14.62, 21.89, 0.1, 0.2, 78.95]),
    (rows(ABS, TEMP, VOLU, MASS, SETPT, GAS, "099 *Valve Drive                s decimal   7/2 062 02 %"),
     b"A +014.62 +021.89 +000.10 +000.20 +078.95     N2 +012.30 TMF\r", [14.62, 21.89, 0.1, 0.2, 78.95]),
])  # fmt: skip
async def test_frames_of_many_firmwares(layout: bytes, frame: bytes, expected: list[float]) -> None:
    async with scripted({b"A??D*\r": layout, b"A\r": frame}) as (_, driver):
        assert await values(driver, *FRAME) == expected


@pytest.mark.parametrize(("layout", "why"), [
    (rows(ABS, TEMP, VOLU, MASS, TOTAL, GAS), "has pressure, temperature, volumetric_flow, mass_flow, total; option"),
    (rows(ABS, TEMP, MASS, SETPT, TOTAL), "wants volumetric_flow as well"),
    (rows(ABS, SETPT), "wants temperature, volumetric_flow, mass_flow as well"),
    (rows(ABS, TEMP, "x", VOLU, MASS, SETPT, GAS), "not the layout of a data frame"),
    (b"A D00 nonsense\r\r", "not the layout of a data frame"),
])  # fmt: skip
async def test_a_device_whose_frame_is_another_is_refused(layout: bytes, why: str) -> None:
    """As one with a total where a setpoint is expected, which has as many numbers."""
    with peer({b"A??D*\r": layout}) as wire:
        driver = make(wire.url)
        with pytest.raises(DriverError, match=why):
            await driver.open()
        await driver.close()


async def test_a_layout_holds_for_the_device_that_told_it_and_for_no_other() -> None:
    """As after an exchange for an older one that does not tell its own; and when the same one is not heard once."""
    frame = b"A +014.62 +021.89 +000.20 +078.95 +000.10\r"
    async with scripted({b"A??D*\r": rows(ABS, TEMP, MASS, SETPT, VOLU), b"A\r": frame}) as (wire, driver):
        assert await values(driver, "mass_flow", "setpoint") == [0.2, 78.95]
        wire.answers[b"A??D*\r"] = b""
        await driver.open()
        assert await values(driver, "mass_flow", "setpoint") == [0.2, 78.95]
        wire.answers |= {b"A??M*\r": told("4v20.0-R22"), b"A??D*\r": b"?\r"}
        wire.answers[b"A\r"] = b"A +014.62 +021.89 +000.10 +000.20 010.00     N2\r"
        await driver.open()
        assert await values(driver, "mass_flow", "setpoint") == [0.2, 10.0]


async def test_a_row_that_did_not_come_whole_is_not_believed() -> None:
    """As of a device that is cut off while it tells its unit."""
    cut = rows(ABS, TEMP, VOLU, SETPT, MASS).rstrip(b"\r")[:-2]
    async with scripted({b"A??D*\r": rows(ABS, TEMP, VOLU, SETPT, MASS)}, flow_unit="SCCM") as (wire, driver):
        wire.answers[b"A??D*\r"] = cut
        with pytest.raises(DriverError, match="wants mass_flow as well"):
            await driver.open()


@pytest.mark.parametrize("frame", [
    b"A +014.62 +021.89 +000.10 +000.20 +078.95 +0123.40     N2\r", b"A +014.62 +021.89 +000.10 +000.20     N2\r",
    b"B +014.62 +021.89 +000.10 +000.20 +078.95     N2\r", b"A +014.62 +021.89 +000.10 +000.2- +078.95     N2\r",
    b"@ +014.62 +021.89 +000.10 +000.20 +078.95     N2\r", b" +014.62 +021.89 +000.10 +000.20 +078.95     N2\r",
    b"A nan +021.89 +000.10 +000.20 +078.95     N2\r", b"A   122 = 37\r",
    b"A +014.62 +021.89 +000.10 +000.20 +078.95     N2\rA +014.62 +021.89 +000.10 +000.20 +078.95     N2\r",
])  # fmt: skip
async def test_what_is_no_frame_is_not_believed(frame: bytes) -> None:
    async with scripted({b"A??D*\r": b"?\r", b"A\r": frame}) as (_, driver):
        with pytest.raises(Malformed):
            await values(driver, "mass_flow")


@pytest.mark.parametrize("frame", [b"?\r", b"A ?\r"])
async def test_a_question_that_is_rejected(frame: bytes) -> None:
    async with scripted({b"A??D*\r": b"?\r", b"A\r": frame}) as (_, driver):
        with pytest.raises(Refused, match="A refuses the question"):
            await values(driver, "mass_flow")


@pytest.mark.parametrize(("codes", "bad", "uncertain"), [
    (b"MOV", {"mass_flow"}, set()), (b"VOV TMF", {"volumetric_flow"}, set()), (b"POV", {"pressure"}, set()),
    (b"TOV", {"temperature"}, set()), (b"ADC", set(FRAME), set()), (b"COM", set(FRAME), set()),
    (b"OPL", set(), {"mass_flow", "setpoint"}), (b"EXH", set(), {"mass_flow", "setpoint"}), (b"GTA LCK", set(), set()),
    (b"HLD MOV", {"mass_flow"}, {"setpoint"}),
])  # fmt: skip
async def test_codes_behind_the_frame(codes: bytes, bad: set[str], uncertain: set[str]) -> None:
    frame = b"A +014.62 +021.89 +000.10 +000.20 +078.95     N2 " + codes + b"\r"
    async with scripted({b"A??D*\r": b"?\r", b"A\r": frame}) as (_, driver):
        samples = dict(zip(FRAME, await driver.read(driver.plan(points(*FRAME))), strict=True))
    assert {name for name, sample in samples.items() if sample.quality is Quality.BAD} == bad
    assert {name for name, sample in samples.items() if sample.quality is Quality.UNCERTAIN} == uncertain


AT_50 = b"A +14.70 +25.0 +45.0 +45.0 50.00 N2\r"


@pytest.mark.parametrize(("reply", "outcome"), [
    (b"A +14.70 +25.0 +45.0 +45.0 75.00 N2\r", (WriteState.APPLIED, "")),
    (AT_50, (WriteState.REFUSED, "A keeps its setpoint at 50")),
    (b"?\r", (WriteState.REFUSED, "A does not take a setpoint")),
    (b"A ?\r", (WriteState.REFUSED, "A does not take a setpoint")),
    (b"", (WriteState.UNKNOWN, "no answer within 0.2 s")),
])  # fmt: skip
async def test_a_setpoint_of_old_firmware_byte_by_byte(reply: bytes, outcome: tuple[WriteState, str]) -> None:
    async with scripted({b"A??D*\r": OLD_ROWS, b"A\r": AT_50, b"AS 75\r": reply}) as (wire, driver):
        assert await put(driver, 75.0) == outcome
        assert wire.commands[-1] == b"AS 75\r"


@pytest.mark.parametrize(("reply", "outcome"), [
    (b"A +000.00 +075.00 12 SCCM\r", (WriteState.APPLIED, "")),
    (b"A +075.00 +050.00 12 SCCM\r", (WriteState.REFUSED, "A keeps its setpoint at 50")),
    (b"?\r", (WriteState.REFUSED, "A does not take a setpoint")),
    (b"A +075.00 12 SCCM\r", (WriteState.UNKNOWN, "not the setpoint of A: 'A +075.00 12 SCCM'")),
])  # fmt: skip
async def test_a_setpoint_of_new_firmware_spares_the_memory(reply: bytes, outcome: tuple[WriteState, str]) -> None:
    answers = {b"A??M*\r": told("10v20.0-R24"), b"A??D*\r": b"?\r", b"A\r": AT_50, b"ALS 75\r": reply}
    async with scripted(answers) as (wire, driver):
        assert await put(driver, 75.0) == outcome
        assert wire.commands[-1] == b"ALS 75\r"


@pytest.mark.parametrize("firmware", ["5v12.0-R22", "8v30.0-R23", "9v00.0-R24", "10v20.0-R24"])
async def test_never_a_letter_with_digits_alone(firmware: str) -> None:
    """That is a setpoint in another scale, 64000 being full: A49408."""
    answers = {b"A??M*\r": told(firmware), b"A??D*\r": b"?\r", b"A\r": AT_50}
    async with scripted(answers, slowest_reply=0.05) as (wire, driver):
        for value in (0.0, 0.25, 49408.0):
            assert (await put(driver, value))[0] is WriteState.UNKNOWN
        assert not [command for command in wire.commands if command[1:2].isdigit()]
        assert {command for command in wire.commands if b"S" in command} == {
            (b"ALS " if int(firmware.partition("v")[0]) >= 9 else b"AS ") + value + b"\r"
            for value in (b"0", b"0.25", b"49408")
        }


def frame(setpoint: float) -> bytes:
    return f"A +14.70 +25.0 +45.0 +45.0 {setpoint:06.2f} N2\r".encode()


async def test_a_setpoint_that_is_cut_is_taken_back_and_not_sent_again() -> None:
    """Or it would go for all that it can, and be told as refused."""
    answers = {b"A??D*\r": OLD_ROWS, b"A\r": frame(20), b"AS 700\r": frame(500), b"AS 20\r": frame(20)}
    async with scripted(answers) as (wire, driver):
        why = "A makes 500 of it, and has its setpoint 20 again"
        assert await put(driver, 700.0) == (WriteState.REFUSED, why)
        assert wire.commands[-3:] == [b"A\r", b"AS 700\r", b"AS 20\r"]
        assert await put(driver, 600.0) == (WriteState.REFUSED, "not sent: A takes no more than 500")
        assert wire.commands[-1] == b"AS 20\r"
        wire.answers[b"AS 500\r"] = frame(500)
        assert await put(driver, 500.0) == (WriteState.APPLIED, "")
        await driver.close()
        await driver.open()  # with another gas it may take more
        wire.answers[b"AS 600\r"] = frame(600)
        assert await put(driver, 600.0) == (WriteState.APPLIED, "")


@pytest.mark.parametrize(("then", "outcome"), [
    (frame(500), (WriteState.REFUSED, "A keeps its setpoint at 500")),  # of an analog input, say
    (frame(130), (WriteState.UNKNOWN, "A made 500 of 700, and 130 of 20")),
    (b"", (WriteState.UNKNOWN, "no answer within 0.2 s")),
])  # fmt: skip
async def test_a_setpoint_that_cannot_be_taken_back(then: bytes, outcome: tuple[WriteState, str]) -> None:
    answers = {b"A??D*\r": OLD_ROWS, b"A\r": frame(20), b"AS 700\r": frame(500), b"AS 20\r": then}
    async with scripted(answers) as (_, driver):
        assert await put(driver, 700.0) == outcome


async def test_nothing_is_sent_to_a_device_that_does_not_say_what_it_goes_for() -> None:
    async with scripted({b"A??D*\r": OLD_ROWS, b"AS 75\r": frame(75)}) as (wire, driver):
        assert await put(driver, 75.0) == (WriteState.REFUSED, "not sent: no answer within 0.2 s")
        assert b"AS 75\r" not in wire.commands
