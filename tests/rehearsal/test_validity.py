"""What leaves the range of a culture's model is told by name, with the range, whose it is, and how far it went."""

import pytest

from controller.cli.rehearsal_text import beyond_text
from controller.composition.rehearsal.books import Course
from controller.composition.rehearsal.figures import beyond
from controller.composition.rehearsal.validity import look
from simulators.biology.tc_m import CHOSEN
from simulators.fleet import Fleet
from simulators.mishaps.order import ordered

GROWING = {"model": "tc_m", "volume_l": 1.0, "temperature_c": 37.0, "vcd": 1.0}


def seen(fleet, count, operation="expand", courses=None):
    courses = courses or {f"D{number}": Course(f"D{number}", "Running") for number in range(count)}
    look(courses, fleet, lambda _donor: operation)
    return courses


@pytest.mark.parametrize("count", [1, 3])
def test_a_state_of_the_culture_is_named_with_its_range_and_source(count):
    courses = seen(Fleet({**GROWING, "vcd": 25.0, "temperature_c": 25.0}, range(count), 1), count)
    cells, temperature = beyond(list(courses.values()))
    assert (cells["title"], cells["low"], cells["high"]) == ("Viable cell density", 0.0, 20.0)
    assert (cells["operation"], cells["batches"], cells["range_from"]) == ("expand", count, CHOSEN)
    assert cells["farthest"]["p50"] == pytest.approx(25.0)
    assert (temperature["quantity"], temperature["farthest"]["max"]) == ("temperature", pytest.approx(25.0))
    told = beyond_text([cells, temperature])
    assert "Viable cell density" in told.splitlines()[1], "the culture's own state comes before what control brings"
    assert "0 .. 20 " in told
    assert "33 .. 41" in told


def test_the_farthest_of_each_operation_is_kept():
    courses = seen(Fleet({**GROWING, "vcd": 25.0}, [0], 1), 1)
    seen(Fleet({**GROWING, "vcd": 40.0}, [0], 1), 1, courses=courses)
    seen(Fleet({**GROWING, "vcd": 22.0}, [0], 1), 1, courses=courses)
    seen(Fleet({**GROWING, "vcd": 22.0}, [0], 1), 1, "cool_down", courses)
    (course,) = courses.values()
    assert [left.text for left in course.beyond.values()] == [
        "vcd 40 10*6/mL (valid 0 .. 20 10*6/mL) in expand", "vcd 22 10*6/mL (valid 0 .. 20 10*6/mL) in cool_down",
    ]  # fmt: skip


def test_bacteria_are_told_although_no_instrument_counts_them():
    fleet = Fleet(GROWING, [0, 1], 1)
    fleet.befall(ordered("contamination"))
    fleet.step(20.0)
    (bacteria,) = beyond(list(seen(fleet, 2).values()))
    assert (bacteria["quantity"], bacteria["high"], bacteria["batches"]) == ("bacteria", 0.0, 2)
    assert bacteria["farthest"] == {"n": 0}


def test_nothing_is_told_of_a_vessel_without_cells_or_a_batch_that_is_over():
    empty = Fleet({**GROWING, "vcd": 0.0, "temperature_c": 25.0}, [0], 1)
    assert beyond(list(seen(empty, 1).values())) == []
    over = {"D0": Course("D0", "Complete")}
    assert beyond(list(seen(Fleet({**GROWING, "vcd": 25.0}, [0], 1), 1, courses=over).values())) == []
