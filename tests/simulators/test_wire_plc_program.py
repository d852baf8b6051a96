"""The PLC's watchdog and outputs, cycle by cycle."""

from __future__ import annotations

import math

from simulators.instruments.plc_program import PlcProgram

START = {"Heater.OP": 0.0, "Agit.SP": 60.0, "Air.SP": 50.0, "O2.SP": 0.0, "CO2.SP": 0.0, "N2.SP": 0.0}
BUSY = {"Heater.OP": 40.0, "Agit.SP": 120.0, "Air.SP": 100.0, "O2.SP": 5.0, "CO2.SP": 6.0, "N2.SP": 7.0}


def test_power_up():
    program = PlcProgram()
    assert program.drives == START
    for second in range(100):  # no host yet: not safe, but at the start values
        assert program.scan(0, START, float(second)) == {}
    assert program.drives == START
    assert not program.safe


def test_outputs_follow_the_host_while_its_heart_beats():
    program = PlcProgram()
    for second in range(20):
        assert program.scan(second, BUSY, float(second)) == {}
    assert program.drives == BUSY


def test_a_silent_host_makes_safe_after_five_seconds():
    program = PlcProgram()
    program.scan(1, BUSY, 0.0)
    program.scan(2, BUSY, 1.0)
    assert program.scan(2, BUSY, 5.95) == {}
    assert program.scan(2, BUSY, 6.0) == START
    assert program.safe
    assert program.drives == START


def test_after_a_return_the_outputs_stay_safe_until_written_again():
    program = PlcProgram()
    program.scan(1, BUSY, 0.0)
    program.scan(2, BUSY, 1.0)
    forced = program.scan(2, BUSY, 7.0)
    assert program.scan(2, BUSY, 7.5) == forced == START  # a word written without a heartbeat does not count
    assert program.scan(3, forced, 8.0) == {}
    assert not program.safe
    assert program.drives == START
    program.scan(4, {**forced, "Heater.OP": 12.0}, 9.0)
    assert program.drives == {**START, "Heater.OP": 12.0}


def test_outputs_are_bounded_and_nonsense_is_ignored():
    program = PlcProgram()
    program.scan(0, {"Heater.OP": 140.0, "Agit.SP": -5.0, "O2.SP": math.inf}, 0.0)
    assert program.drives["Heater.OP"] == 100.0
    assert program.drives["Agit.SP"] == 0.0
    assert program.drives["O2.SP"] == 0.0
    program.scan(0, {"Heater.OP": math.nan, "Air.SP": None}, 1.0)
    assert program.drives["Heater.OP"] == 100.0
    assert program.drives["Air.SP"] == 50.0
