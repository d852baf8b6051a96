"""What a hold stops, and how; and that a restart brings back what ran, and nothing else."""

from math import inf
from pathlib import Path

import pytest

from controller.commands import Verb
from controller.config.load import load_class
from controller.config.problems import Problems
from controller.recipe.check import load_recipe
from controller.recipe.vocabulary import stops

CLASSES = Path(__file__).parents[2] / "configs/classes"
BY_ZERO, OFF_AT_ZERO = (True, 0.0), (False, 0.0)
PROCEDURE = """\
  - operation: first
    title: First
    do: [{set: {loop: feed, to: 5 mL/h}}]
    then: second
  - operation: second
    title: Second
    do: [{set: {loop: temperature, to: warm}}]
    until: [{when: elapsed > 10 h, then: end}]
"""


@pytest.fixture
def second(make_bench):
    """A batch whose feed was set by an operation that is over."""
    bench = make_bench(PROCEDURE, period_s=10.0)
    bench.start().until(lambda: bench.operation == "second" and bench.modes["feed"] == "auto", 20)
    return bench.scan(2)


def hold_and_restart(bench):
    bench.order(Verb.BATCH_HOLD)
    bench.scan(4)
    assert (bench.state, bench.setpoints["feed"]) == ("Held", 0.0)
    bench.order(Verb.BATCH_RESTART)
    return bench.scan(3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stirred-tank-2l", {"feed": BY_ZERO}),
        ("jacketed-5l", {"antifoam": OFF_AT_ZERO, "feed": BY_ZERO}),
        (
            "perfusion-10l",
            {"antifoam": OFF_AT_ZERO, "perfusion": BY_ZERO, "bleed": BY_ZERO, "harvest": OFF_AT_ZERO},
        ),
    ],
)
def test_what_a_hold_stops_in_the_shipped_classes(name, expected):
    assert stops(load_class(CLASSES / f"{name}.yaml").config) == expected


@pytest.fixture
def changed(tmp_path):
    """A shipped class with other words for some of its own."""

    def change(name, old, new):
        text = (CLASSES / f"{name}.yaml").read_text()
        assert text.count(old) == 1, old
        path = tmp_path / "class.yaml"
        path.write_text(text.replace(old, new))
        return load_class(path).config

    return change


def test_zero_is_a_value_to_a_controller(changed):
    """A level of 0 g would drain the vessel."""
    assert stops(changed("perfusion-10l", "low: 5000 g", "low: 0 g"))["harvest"] == OFF_AT_ZERO


def test_an_actuator_that_is_safe_above_zero_goes_to_what_is_safe(changed):
    rules = "    output: air_flow\n    on_bad_pv: hold\n    on_restart: "
    assert stops(changed("perfusion-10l", f"{rules}resume", f"{rules}safe"))["air"] == (False, 50.0)


def test_of_an_output_that_is_safe_at_its_other_end_only_the_mode_tells(changed):
    vent = "      - {output: vent_valve, from: 0 %, to: 100 %, start: 100 %, end: 0 %}\n    on_bad_pv: safe\n"
    kind = changed("perfusion-10l", f"{vent}    on_restart: resume", f"{vent}    on_restart: safe")
    assert stops(kind)["pressure"] == (False, inf)


def test_a_phase_feeds_only_through_a_loop_that_a_setpoint_of_0_stops(header, changed):
    kind = changed("perfusion-10l", "low: 5000 g", "low: 0 g")
    text = header.replace("stirred-tank-2l", "perfusion-10l").replace("[temperature, feed]", "[temperature]")
    text += """\
  - operation: feed
    title: Feed
    do: [{exponential_feed: {loop: perfusion, start: 5 mL/h, growth: 0.1 1/h}}]
    until: [{when: elapsed > 1 h, then: end}]
"""
    load_recipe(text, kind)
    level = text.replace("loop: perfusion, start: 5 mL/h", "loop: harvest, start: 5 g")
    with pytest.raises(Problems, match=r":\d+:\d+: 'harvest' is not a feed: a setpoint of 0 does not stop it"):
        load_recipe(level, kind)


def test_a_class_whose_feed_goes_on_when_it_is_switched_off_is_refused(changed):
    safe = 'range: {low: 0 mL/h, high: 300 mL/h}, step: "0.1 {rev}/min", safe: 0 mL/h}'
    with pytest.raises(Problems, match=r"class.yaml:\d+:\d+: feed_flow goes on giving at its safe value, 2 mL/h"):
        changed("stirred-tank-2l", safe, safe.replace("safe: 0", "safe: 2"))


def test_what_an_operation_before_has_set_comes_back_at_the_setpoint_that_it_had(second):
    second.setpoints["feed"] = 7.0  # an operator knows better
    hold_and_restart(second)
    assert second.state == "Running"
    assert (second.modes["feed"], second.setpoints["feed"]) == ("auto", 7.0)


def test_what_an_operator_has_switched_off_is_not_switched_on(second):
    second.modes["feed"] = "off"
    before = len(second.proposals)
    hold_and_restart(second)
    assert second.state == "Running"
    assert second.modes["feed"] == "off"
    modes = [one.value for one in second.proposals[before:] if (one.target, one.verb) == ("BR-101.feed", Verb.MODE)]
    assert modes == []


def test_what_people_work_on_is_left_to_them(second):
    second.modes["feed"] = "out_of_service"
    second.order(Verb.BATCH_HOLD)
    before = len(second.proposals)
    second.scan(4)
    assert second.state == "Held"
    assert [one for one in second.proposals[before:] if one.target == "BR-101.feed"] == []


def test_after_a_supervisor_that_died_in_a_held_batch_it_still_comes_back(second):
    second.order(Verb.BATCH_HOLD)
    second.scan(4)
    second.setpoints["feed"], second.modes["feed"] = 0.0, "off"  # on_restart: safe
    second.kill()
    second.order(Verb.BATCH_RESTART)
    second.scan(3)
    assert (second.modes["feed"], second.setpoints["feed"]) == ("auto", 5.0)


@pytest.mark.parametrize("killed", [False, True])
def test_a_restart_that_was_held_before_it_acted_forgets_nothing(second, killed):
    if killed:
        second.modes["feed"] = "off"  # on_restart: safe
        second.kill().scan(2)
    else:
        second.order(Verb.BATCH_HOLD)
        second.scan(4)
    second.order(Verb.BATCH_RESTART)
    second.scan()
    assert [one for one in second.pending if one.target == "BR-101.feed"]
    second.pending = []
    second.order(Verb.BATCH_HOLD)
    second.scan(4)
    assert second.state == "Held"
    second.order(Verb.BATCH_RESTART)
    second.scan(3)
    assert second.state == "Running"
    assert (second.modes["feed"], second.setpoints["feed"]) == ("auto", 5.0)
