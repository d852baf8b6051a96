"""Acid and base (P10): a pulse under way, or an actuator that moves slowly, keeps its rival waiting."""

import numpy as np
import pytest

from controller.frame import Frame
from controller.model.doses import Pulse
from controller.model.loops import Output, OutputTable
from controller.model.tags import Tag, TagTable
from controller.stages.outputs import Outputs
from tests.control.conftest import bench_site

NONE = np.full(2, np.nan)
PULSED = Pulse(4.0, period=30.0, shortest_on=5.0, shortest_off=5.0)
DOSED = Pulse(10.0, amount=60.0)
KINDS = {
    "pulsed acid": ({"pulse": PULSED}, {}),
    "pulsed both": ({"pulse": PULSED}, {"pulse": PULSED}),
    "doses of base": ({}, {"pulse": DOSED}),
    "pulses and doses": ({"pulse": PULSED}, {"pulse": DOSED}),
    "slow acid": ({"max_rate": 2.0}, {}),
}


def pair(acid, base):
    """Two outputs of 0 to 40 that are rivals, found at rest."""
    tags = TagTable(tuple(Tag("V", name, name, "1", 1, "output", 0.0, 40.0) for name in ("acid", "base")))
    rows = (Output(0, "V.acid", 0.0, 40.0, 0.0, **acid), Output(1, "V.base", 0.0, 40.0, 0.0, **base))
    outputs = Outputs(OutputTable(rows, rivals=((0, 1),)), tags)
    frame = Frame.never_read(2)
    frame.value[:], frame.quality[:], frame.reason[:] = 0.0, 0, 0
    return outputs, frame


def run(outputs, frame, asked):
    """What is written in each scan for what a loop of two legs asks, acid below 0 and base above."""
    given = []
    for scan, output in enumerate(asked):
        outputs.observe(frame, 1.0)
        outputs.target[:] = max(-output, 0.0), max(output, 0.0)
        for row, value in outputs.command(NONE, 1.0, float(scan)).items():
            frame.value[row] = value
        given.append(frame.value.copy())
    return np.array(given)


@pytest.mark.parametrize("kind", KINDS)
def test_p10_acid_and_base_are_never_on_together(kind):
    rng = np.random.default_rng(10)
    asked = np.repeat(rng.uniform(-8.0, 8.0, 400), rng.integers(1, 40, 400))
    given = run(*pair(*KINDS[kind]), asked)
    assert given.max(axis=0).min() > 2.0, "both are used"
    assert not np.minimum(*given.T).any()


def test_p10_a_waiting_pulse_is_made_up_for():
    asked = np.tile([-1.0] * 20 + [1.0] * 60, 100)
    given = run(*pair({"pulse": PULSED}, {"pulse": PULSED}), asked).sum(axis=0)
    assert given == pytest.approx([2000.0, 6000.0], abs=2 * 4.0 * 30.0)


def test_p10_control_hears_that_a_steady_rival_waits():
    outputs, frame = pair({"pulse": PULSED}, {})
    run(outputs, frame, [-3.0] * 40)
    on = next(scan for scan in range(40) if run(outputs, frame, [-3.0])[0, 0] > 0.0)
    assert on < 40
    given = run(outputs, frame, [5.0])
    assert given[0].tolist() == [4.0, 0.0]
    assert outputs.actual.tolist() == [0.0, 0.0]
    assert run(outputs, frame, [5.0] * 8)[-1].tolist() == [0.0, 5.0]


def test_p10_what_an_interlock_turns_on_does_not_wait_and_ends_its_rival():
    outputs, frame = pair({"max_rate": 2.0}, {})
    assert run(outputs, frame, [-8.0] * 4)[-1].tolist() == [8.0, 0.0]
    outputs.observe(frame, 1.0)
    outputs.target[:] = 0.0
    outputs.command(np.array([np.nan, 30.0]), 1.0, 4.0)
    assert outputs.actual.tolist() == [0.0, 30.0]


def test_the_legs_that_meet_at_rest_are_rivals():
    outputs = bench_site().outputs
    pairs = {tuple(outputs.rows[row].name for row in pair) for pair in outputs.rivals}
    assert ("BR-101.co2_flow", "BR-101.base_flow") in pairs
