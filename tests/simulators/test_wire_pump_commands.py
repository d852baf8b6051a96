"""The Watson-Marlow basic protocol, command by command."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulators.byte_server import Lines
from simulators.instruments.watson_marlow import Angles, Enhanced, Pump


class Rotor:
    """A rotor the test turns by hand."""

    def __init__(self) -> None:
        self.revolutions = 0.0
        self.rpm = -1.0

    def drive(self, rpm: float) -> None:
        self.rpm = rpm

    def pump(self, number: int = 1) -> Pump:
        return Pump(number, 0.1, lambda: self.revolutions, self.drive)


def sent(pump: Pump) -> Callable[..., list[str | None]]:
    return lambda *commands: [pump.command(command) for command in commands]


def test_speed_start_and_stop_give_no_reply_and_drive_the_rotor():
    rotor = Rotor()
    pump = rotor.pump()
    assert sent(pump)("1SP22.5", "1GO") == [None, None]
    assert rotor.rpm == 22.5
    assert pump.command("1ZY") == "1"
    assert sent(pump)("1SI", "1SI", "1SD") == [None, None, None]
    assert rotor.rpm == 23.5
    pump.command("1ST")
    assert rotor.rpm == 0.0
    assert pump.command("1ZY") == "0"


def test_status_line():
    rotor = Rotor()
    pump = rotor.pump()
    sent(pump)("1SP220.0", "1GO")
    rotor.revolutions = 100.0
    assert pump.command("1RS") == "520Du 0.1 520R 1.6MM 220.0 CW P/N 1 1098200 1 !"


def test_tacho_counts_revolutions_since_it_was_cleared():
    rotor = Rotor()
    pump = rotor.pump()
    rotor.revolutions = 2.5
    assert pump.command("1RT") == "27455"
    assert pump.command("1TC") is None
    rotor.revolutions = 3.5
    assert pump.command("1RT") == "10982"


def test_backwards_delivers_nothing():
    rotor = Rotor()
    pump = rotor.pump()
    sent(pump)("1SP10", "1GO", "1RL")
    assert rotor.rpm == 0.0
    assert " CCW " in (pump.command("1RS") or "")
    pump.command("1RC")
    assert rotor.rpm == 10.0


@pytest.mark.parametrize(
    "command", ["1SP220.1", "1SP-5", "1SPfast", "1SP1e2", "1SP", "2SP50", "SP50", "1XX", "", "1", "\ufffd1SP50"]
)
def test_what_is_not_understood_is_ignored(command: str):
    rotor = Rotor()
    pump = rotor.pump()
    sent(pump)("1SP10", "1GO")
    assert pump.command(command) is None
    assert rotor.rpm == 10.0


def test_addresses():
    rotor = Rotor()
    pump = rotor.pump(number=7)
    assert sent(pump)("#SP12.0", "#GO", "#RS", "#ZY", "1ZY") == [None] * 5
    assert rotor.rpm == 12.0
    assert pump.command("7ZY") == "1"


def test_commands_are_cut_at_carriage_returns():
    lines = Lines(longest=64)
    assert lines.feed(b"1SP2") == []
    assert lines.feed(b"2.5\r1GO\r1Z") == [b"1SP22.5", b"1GO"]
    assert lines.feed(b"Y\r") == [b"1ZY"]


def test_an_endless_line_is_thrown_away():
    lines = Lines(longest=64)
    assert lines.feed(b"x" * 100) == []
    assert lines.feed(b"\r1ZY\r") == [b"", b"1ZY"]
    assert lines.feed(b"y" * 100 + b"\r1ZY\r") == [b"1ZY"]


def test_enhanced_frames():
    rotor = Rotor()
    pump = rotor.pump()
    pump.model = "530Du"
    device = Enhanced(pump, "twos", leak=True)
    assert [device.answer(frame) for frame in (b"1,SP,220,??", b"0,GO,??", b"0,ZY,??", b"2,ZY,??")] == [None] * 4
    assert rotor.rpm == 220.0
    rotor.revolutions = 1234.5
    assert device.answer(b"1,RS,??") == device.framed("1,530Du,0.1,520R,1.6,220.0,CW,123456789,12345,1,1,0,0,0,0,0,")
    pump.command("1ST")
    assert device.answer(b"1,ZY,??") == b"<1,0,47>"
    assert Enhanced(pump, "ones", leak=False).answer(b"1,ZY,??") == b"<1,0,46>"


@pytest.mark.parametrize(("frame", "heard"), [
    (b"1,SP,50,00", False), (b"1,SP,50.5,??", False), (b"1,SP,500,??", False), (b"1,SP,0,??", False),
    (b"1,SP,50,42", True), (b"1,SP,50,43", True),
])  # fmt: skip
def test_enhanced_checksums_and_steps(frame: bytes, heard: bool):
    rotor = Rotor()
    pump = rotor.pump()
    sent(pump)("1SP10", "1GO")
    Enhanced(pump, "twos", leak=False).answer(frame)
    assert rotor.rpm == (50.0 if heard else 10.0)


def test_enhanced_frames_are_cut_at_angles():
    angles = Angles()
    assert angles.feed(b"noise>x<1,SP,2<1,G") == []
    assert angles.feed(b"O,??>\r\n<1,ZY,??>") == [b"1,GO,??", b"1,ZY,??"]
    assert angles.feed(b"<" + b"x" * 100) == []
