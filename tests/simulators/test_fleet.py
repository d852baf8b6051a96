"""A fleet of vessels: each does to the bit what it does alone, whatever hands do to the others."""

import numpy as np
import pytest

from simulators.biology.donors import patient
from simulators.bus import FITTINGS
from simulators.fleet import Fleet
from simulators.mishaps.catalogue import CATALOGUE
from simulators.mishaps.order import ordered

ENTRY = {"model": "tc_m", "volume_l": 1.0, "temperature_c": 36.0}
NUMBERS = (0, 3, 4, 17, 40)
MINUTES = 150


def run(numbers, entry=ENTRY, orders=()):
    """Hours in which every vessel is used by hand at times of its own."""
    fleet = Fleet(entry, numbers, seed=5)
    for order in orders:
        fleet.befall(order)
    for minute in range(MINUTES):
        for column, number in enumerate(numbers):
            fleet.actuators["heater"][column] = 20.0 + number
            fleet.actuators["air_sp"][column] = 50.0 + number
            fleet.actuators["feed_rpm"][column] = 0.5 * (number % 3)
            if "fitted" in entry:
                fleet.actuators["medium_rpm"][column] = fleet.actuators["harvest_rpm"][column] = 1.0 + 0.1 * number
                fleet.actuators["exhaust_valve"][column] = 2.0 * number
            if minute == 10 + number:
                fleet.ask(column, "inoculate", {"volume_ml": 50.0, "density": 10.5})
            if minute == 90 + number:
                fleet.ask(column, "sample", {"volume_ml": 2.0})
                fleet.ask(column, "fill", {"volume_l": 0.2})
            if minute == 140 and number % 2:
                fleet.ask(column, "harvest", {})
        for _ in range(6):
            fleet.step(10.0)
    return fleet


def column(fleet, at):
    seen = {**fleet.truth(), **fleet.readings}
    return {name: values[at].tobytes() for name, values in seen.items()}, fleet.at_harvest.get(at)


@pytest.mark.parametrize("more", [{}, {"model": "ecoli_a"}, {"fitted": [*FITTINGS], "feed": {"glucose": "30 mmol/L"}}])
def test_each_vessel_is_to_the_bit_what_it_is_alone(more):
    entry = {**ENTRY, **more}
    together = run(NUMBERS, entry)
    for at, number in enumerate(NUMBERS):
        assert column(run((number,), entry), 0) == column(together, at), number
    fewer = run(NUMBERS[1:4], entry)
    assert [column(fewer, at) for at in range(3)] == [column(together, at) for at in range(1, 4)]


def test_what_befalls_all_befalls_each_to_the_bit_as_if_it_were_alone():
    """Every mishap that needs no fitting, one after the other, and some at a time."""
    orders = [
        ordered(name, signal, start_s=200.0 * place, duration_s=None if mishap.ramp else 900.0)
        for place, (name, mishap) in enumerate(CATALOGUE.items())
        for signal in (mishap.signals[:1] or (None,))
        if mishap.shortest_s <= 900.0 <= mishap.longest_s
    ]
    together, calm = run(NUMBERS, orders=orders), run(NUMBERS)
    for at, number in enumerate(NUMBERS):
        assert column(run((number,), orders=orders), 0) == column(together, at), number
        assert column(calm, at) != column(together, at)
    with pytest.raises(ValueError, match="pump-empty: this vessel has no acid_rpm"):
        together.befall(ordered("pump-empty", "acid_rpm"))


def test_hands_find_the_cells_that_the_patient_gave():
    fleet = run(NUMBERS)
    poor = min(range(len(NUMBERS)), key=lambda at: fleet.patients[at].cd3)
    fleet = Fleet(ENTRY, NUMBERS, seed=5)
    fleet.ask(poor, "inoculate", {"volume_ml": 50.0, "density": 10_000.0})
    fleet.step(60.0)
    bag = patient(5, NUMBERS[poor])
    assert fleet.truth()["vcd"][poor] * fleet.truth()["volume_l"][poor] == pytest.approx(
        bag.cd3 * bag.viability, rel=1e-3
    )
    assert fleet.truth()["viability"][poor] == pytest.approx(100.0 * bag.viability, rel=1e-3)
    assert np.count_nonzero(fleet.truth()["vcd"]) == 1


def test_what_hands_cannot_do_is_told_and_changes_nothing():
    fleet = Fleet(ENTRY, (0, 1), seed=5)
    fleet.ask(1, "sample", {"volume_ml": 5000.0})
    fleet.step(60.0)
    assert fleet.refused == [(1, "sample: there is not that much in the vessel")]
    assert fleet.truth()["volume_l"].tolist() == pytest.approx([1.0, 1.0], rel=1e-3)
    fleet.ask(0, "sing", {})
    assert fleet.refused[1][1].startswith("sing: unknown action 'sing'; known: ")
