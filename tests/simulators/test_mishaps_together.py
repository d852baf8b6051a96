"""Mishaps among many vessels: the same seed gives the same bytes, and those that they do not befall keep every bit."""

import math

import numpy as np
import pytest

from simulators.biology import tc_m
from simulators.biology.donors import patients, together
from simulators.biology.suspension import Suspension
from simulators.bus import PUMPS
from simulators.draws import Alone, Together
from simulators.mishaps.board import Board
from simulators.mishaps.book import KEPT
from simulators.mishaps.catalogue import AT_ONCE, CATALOGUE
from simulators.mishaps.order import ordered
from simulators.plant import Plant
from simulators.sizes import as_bought
from simulators.tank import CELL_CULTURE
from simulators.vessel import Vessel

N, STRUCK = 5, 2
TANK = as_bought(CELL_CULTURE)
DONORS = tuple(patient.donor for patient in patients(7, N))
MOVES = {"heater": 40.0, "agitation_sp": 90.0, "air_sp": 80.0, "o2_sp": 20.0, "n2_sp": 15.0, "base_rpm": 3.0}
MOVES |= {f"{pump}_rpm": 2.0 for pump in PUMPS}
SEEN = (
    "temperature",
    "jacket_temperature",
    "weight",
    "pressure",
    "ph",
    "do",
    "o2",
    "base_revolutions",
    "harvest_revolutions",
    "medium_ml",
    "antifoam_ml",
    "vcd",
    "glucose",
    "true_ph",
    "volume_l",
)
EVERY = [(name, signal) for name, mishap in CATALOGUE.items() for signal in (mishap.signals or (None,))]


def many():
    vessel = Vessel(
        TANK,
        Suspension(tc_m.TCell(together(DONORS))),
        Together([f"{k}" for k in range(N)]),
        np.full(N, 1.0),
        np.full(N, 36.0),
        PUMPS,
    )
    vessel.actuators.update({name: np.full(N, value) for name, value in MOVES.items()})
    return vessel


def single(k):
    vessel = Vessel(TANK, Suspension(tc_m.TCell(DONORS[k])), Alone(f"{k}"), 1.0, 36.0, PUMPS)
    vessel.actuators.update(MOVES)
    return vessel


def run(vessel):
    for _ in range(40):
        vessel.step(5.0)
    return {**vessel.readings, **vessel.truth()}


@pytest.fixture(scope="module")
def alone():
    return [run(single(k)) for k in range(N)]


@pytest.mark.parametrize(("name", "signal"), EVERY)
def test_one_of_many_is_to_the_bit_what_it_is_alone_and_the_others_notice_nothing(name, signal, alone):
    order = ordered(name, signal, start_s=10.0)
    all_of_them, one = many(), single(STRUCK)
    Board(all_of_them).order(order, np.arange(N) == STRUCK)
    Board(one).order(order)
    struck, together_now = run(one), run(all_of_them)
    for what in SEEN:
        values = together_now[what]
        expected = [struck[what] if k == STRUCK else alone[k][what] for k in range(N)]
        assert values.tobytes() == np.array(expected).tobytes(), what


LASTING = [(name, signal) for name, signal in EVERY if CATALOGUE[name].ending is not AT_ONCE]


@pytest.mark.parametrize(("name", "signal"), LASTING)
def test_what_is_shorter_than_a_step_acts_for_one_step_and_is_on_record_so(name, signal):
    order = ordered(name, signal, start_s=7.0, duration_s=CATALOGUE[name].shortest_s)
    told: list[tuple[str, float]] = []
    all_of_them, one = many(), single(STRUCK)
    Board(all_of_them).order(order, np.arange(N) == STRUCK)
    Board(one, lambda number, what: told.append((what, one.process_s))).order(order)
    for _ in range(8):
        one.step(6.0)
        all_of_them.step(6.0)
    assert told == [("begins", 12.0), ("ends", 18.0)][: 1 if CATALOGUE[name].ramp else 2]
    struck, together_now = {**one.readings, **one.truth()}, {**all_of_them.readings, **all_of_them.truth()}
    for what in SEEN:
        assert together_now[what][STRUCK] == struck[what], what


def test_a_probe_that_is_off_for_a_second_is_off_for_a_step_of_six():
    vessel = single(STRUCK)
    Board(vessel).order(ordered("disconnect", "ph", start_s=7.0, duration_s=1.0))
    off = []
    for _ in range(5):
        vessel.step(6.0)
        off.append(math.isnan(vessel.readings["ph"]))
    assert off == [False, False, True, False, False]


def test_the_end_of_one_contamination_leaves_the_bacteria_of_another_and_of_other_vessels():
    """The first vessel of three has both, the second the one that ends, the third the one that goes on."""
    vessel, orders = many(), [ordered("contamination", magnitude=1e6, duration_s=600.0), ordered("contamination")]
    board = Board(vessel)
    board.order(orders[0], np.arange(N) < 2)
    board.order(orders[1], (np.arange(N) == 0) | (np.arange(N) == 2))
    for _ in range(60):
        vessel.step(10.0)
    assert vessel.culture.bacteria[1] > 1e6
    vessel.step(10.0)
    left = [pytest.approx(1000.0, rel=0.3), 0.0, pytest.approx(1000.0, rel=0.3), 0.0, 0.0]
    assert vessel.culture.bacteria.tolist() == left
    both = single(0)
    alone = Board(both)
    for order in orders:
        alone.order(order)
    for _ in range(61):
        both.step(10.0)
    assert both.culture.bacteria == vessel.culture.bacteria[0]
    alone.clear(2)
    assert both.culture.bacteria == 0.0


@pytest.mark.parametrize(("name", "signal"), EVERY)
def test_what_is_cleared_before_it_begins_has_changed_nothing(name, signal, alone):
    vessel = single(STRUCK)
    board = Board(vessel)
    board.clear(board.order(ordered(name, signal, start_s=30.0)))
    assert vessel.disturbance is None
    assert run(vessel) == alone[STRUCK]
    assert not board.clear(1)


def test_the_same_seed_gives_the_same_bytes():
    def one_run():
        plant = Plant({"BR-101": {"seed": 101, "temperature_c": 37.0, "fitted": [*PUMPS]}}, 1)
        for name, signal in EVERY:
            plant.mishaps.order("BR-101", ordered(name, signal, start_s=10.0))
        for _ in range(60):
            plant.step(1.0)
        return np.array([*plant.sensors["BR-101"].values(), *plant.truth("BR-101").values()]).tobytes()

    assert one_run() == one_run()


def test_a_vessel_without_mishaps_has_no_board_to_ask():
    plant = Plant({"BR-101": {"temperature_c": 37.0}}, 1)
    vessel = plant._vessels["BR-101"]
    assert vessel.disturbance is None
    plant.mishaps.order("BR-101", ordered("noise", "ph", duration_s=10.0))
    plant.step(1.0)
    assert vessel.disturbance is not None
    for _ in range(10):
        plant.step(1.0)
    assert vessel.disturbance is None
    assert vessel._wanted is vessel.actuators or plant.step(1.0) is None


class TestOrders:
    @pytest.mark.parametrize(
        ("name", "more", "message"),
        [
            ("earthquake", {}, r"there is no process fault 'earthquake'; known: probe-drift-ph, "),
            ("noise", {"signal": "vcd"}, r"noise cannot befall 'vcd'; possible: temperature, "),
            ("leak", {"signal": "ph"}, "leak cannot befall 'ph'; possible: the whole vessel, without a signal"),
            ("leak", {"magnitude": 0.0}, r"magnitude 0 mL/h is outside 1 .. 10000 mL/h \(usual 50, chosen\)"),
            ("leak", {"magnitude": math.nan}, "magnitude nan mL/h is outside"),
            ("disconnect", {"magnitude": 1.0}, "disconnect has no magnitude"),
            ("power-cut", {"duration_s": math.inf}, "duration inf s is outside 1 .. 3600 s"),
            ("probe-drift-ph", {"duration_s": 0.0}, "duration 0 s is outside 1 .. 2592000 s"),
            ("noise", {"duration_s": math.nan}, "duration nan s is outside"),
            ("noise", {"start_s": -1.0}, "start -1 s is outside 0 .. 2592000 s"),
        ],
    )
    def test_what_makes_no_sense_is_refused_with_the_range(self, name, more, message):
        with pytest.raises(ValueError, match=message):
            ordered(name, more.pop("signal", None), **more)

    def test_what_is_not_said_is_as_usual(self):
        order = ordered("probe-drift-temperature")
        assert (order.signal, order.magnitude, order.duration_s, order.start_s) == ("temperature", 0.4, 600.0, 0.0)
        assert order.text == "probe-drift-temperature of temperature, 0.4 K, within 600 s"
        assert ordered("power-cut").text == "power-cut, for 300 s"

    def test_every_usual_value_is_within_its_range_and_every_number_is_there(self):
        for name in CATALOGUE:
            ordered(name)
        assert {mishap.number for mishap in CATALOGUE.values()} == {f"F{number}" for number in range(1, 19)}


class TestBook:
    @pytest.fixture
    def plant(self):
        return Plant({"BR-101": {"temperature_c": 37.0}, "BR-102": {"temperature_c": 37.0}}, 1)

    def test_what_becomes_of_a_mishap_is_told_in_order(self, plant):
        book = plant.mishaps
        first = book.order("BR-102", ordered("leak", start_s=2.0, duration_s=2.0))
        second = book.order("BR-101", ordered("stirrer-trip"))
        for _ in range(6):
            plant.step(1.0)
        assert [(one.number, one.what, one.vessel, one.process_s) for one in book.notices] == [
            (first, "ordered", "BR-102", 0.0),
            (second, "ordered", "BR-101", 0.0),
            (second, "begins", "BR-101", 0.0),
            (first, "begins", "BR-102", 2.0),
            (first, "ends", "BR-102", 4.0),
        ]
        assert {number: one.what for number, one in book.going_on().items()} == {second: "begins"}
        book.clear(second)
        assert book.notices[-1].what == "cleared"
        assert not book.going_on()

    def test_what_is_not_there_cannot_be_cleared(self, plant):
        with pytest.raises(ValueError, match="no process fault 7 is waiting or going on; possible: none"):
            plant.mishaps.clear(7)
        with pytest.raises(KeyError):
            plant.mishaps.order("BR-999", ordered("leak"))

    def test_what_a_vessel_does_not_have_cannot_befall_it(self, plant):
        del plant._vessels["BR-101"].readings["ph"]
        with pytest.raises(ValueError, match="disconnect: this vessel has no ph"):
            plant.mishaps.order("BR-101", ordered("disconnect", "ph"))
        assert not plant.mishaps.going_on()

    def test_only_the_newest_notices_are_kept_and_how_many_are_not_is_known(self, plant):
        book = plant.mishaps
        for _ in range(KEPT):
            book.clear(book.order("BR-101", ordered("leak")))
        assert (book.count, len(book.notices)) == (2 * KEPT, KEPT)
        before, oldest = book.since(5, most=3)
        assert (before, [(one.number, one.what) for one in oldest]) == (
            KEPT,
            [(KEPT // 2 + 1, "ordered"), (KEPT // 2 + 1, "cleared"), (KEPT // 2 + 2, "ordered")],
        )
        assert book.since(2 * KEPT - 1) == (2 * KEPT - 1, [book.notices[-1]])
        assert book.since(2 * KEPT) == book.since(3 * KEPT) == (2 * KEPT, [])

    def test_there_is_an_end_to_how_many_can_wait(self, plant):
        for _ in range(1000):
            plant.mishaps.order("BR-101", ordered("leak", start_s=1e6))
        with pytest.raises(ValueError, match="1000 process faults are waiting"):
            plant.mishaps.order("BR-101", ordered("leak"))
