"""What each fault does to a reply, and for how long."""

from __future__ import annotations

import pytest

from simulators.faults import STREAM_FAULTS, Fault, Faults

REPLY = b"\x01\x03\x02\x00\x07\xf8\x46"


class Line:
    def __init__(self) -> None:
        self.now = 0.0
        self.unplugged: list[float] = []
        self.faults = Faults(1, now=lambda: self.now, on_disconnect=self.unplugged.append)


def test_nothing_happens_without_a_fault():
    assert Line().faults.mangle(REPLY) == REPLY
    assert Line().faults.delay_s == 0.0


def test_each_fault_on_bytes():
    seen = {}
    for fault in (Fault.SILENCE, Fault.DISCONNECT, Fault.TRUNCATE, Fault.CRC, Fault.GARBAGE):
        line = Line()
        line.faults.inject(fault, 1.0)
        seen[fault] = line.faults.mangle(REPLY)
    assert seen[Fault.SILENCE] == seen[Fault.DISCONNECT] == b""
    assert seen[Fault.TRUNCATE] == REPLY[:3]
    assert seen[Fault.CRC] == REPLY[:-1] + b"\xb9"
    assert len(seen[Fault.GARBAGE]) == len(REPLY)
    assert seen[Fault.GARBAGE] != REPLY


def test_faults_end_by_themselves():
    line = Line()
    line.faults.inject(Fault.DELAY, 2.0, 0.3)
    line.now = 1.9
    assert line.faults.delay_s == 0.3
    line.now = 2.0
    assert line.faults.delay_s == 0.0


def test_a_disconnect_is_told_to_the_port():
    line = Line()
    line.faults.inject(Fault.DISCONNECT, 3.0)
    assert line.unplugged == [3.0]


def test_impossible_faults_are_refused():
    faults = Faults(1, STREAM_FAULTS)
    with pytest.raises(ValueError, match="cannot show crc"):
        faults.inject(Fault.CRC, 1.0)
    with pytest.raises(ValueError, match="duration_s"):
        faults.inject(Fault.SILENCE, 0.0)


def test_a_duplicate_is_the_reply_and_the_same_again():
    line = Line()
    line.faults.inject(Fault.DUPLICATE, 1.0)
    assert line.faults.mangle(REPLY) == REPLY + REPLY


async def test_without_power_only_a_network_is_unplugged():
    for on_a_network, unplugged in ((False, []), (True, [3.0])):
        line = Line()
        line.faults.drops_without_power = on_a_network
        line.faults.inject(Fault.REBOOT, 3.0)
        assert line.unplugged == unplugged
        assert line.faults.mangle(REPLY) == b""
