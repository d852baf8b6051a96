"""The bus: names, and the same memory on both sides of a fork."""

import multiprocessing

import pytest

from simulators.bus import ACTUATORS, SIGNALS, Bus


def test_slots_by_vessel_and_name():
    bus = Bus(["A", "B"])
    bus.set("B", "heater", 12.5)
    assert bus.get("B", "heater") == 12.5
    assert bus.get("A", "heater") == 0.0
    assert bus.vessels == ("A", "B")
    assert bus.actuators("B")["heater"] == 12.5
    assert tuple(bus.actuators("A")) == ACTUATORS


def test_every_signal_has_a_slot_of_its_own():
    bus = Bus(["A", "B"])
    for vessel in bus.vessels:
        bus.publish(vessel, {name: hash((vessel, name)) % 1000 for name in SIGNALS})
    for vessel in bus.vessels:
        assert bus.state(vessel) == {name: hash((vessel, name)) % 1000 for name in SIGNALS}


def test_unknown_names_are_key_errors():
    bus = Bus(["A"])
    for ask in (lambda: bus.get("B", "ph"), lambda: bus.get("A", "colour"), lambda: bus.set("A", "colour", 1.0)):
        with pytest.raises(KeyError):
            ask()


def answer(bus):
    bus.set("A", "ph", bus.get("A", "heater") + 1.0)


def test_a_forked_child_shares_the_slots():
    bus = Bus(["A"])
    bus.set("A", "heater", 41.0)
    child = multiprocessing.get_context("fork").Process(target=answer, args=(bus,))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert bus.get("A", "ph") == 42.0
