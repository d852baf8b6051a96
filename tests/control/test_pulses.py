"""Pulsed outputs (P15): the mean is what was asked for, the total is never wrong by a pulse, nothing is repeated."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.commands import Verb
from controller.model.doses import Pulse
from controller.model.loops import Output, OutputTable
from controller.stages.pulses import Pulses
from drivers.contract import Reason, WriteOutcome, WriteState

FIXTURE = [HealthCheck.function_scoped_fixture]  # it is a factory: nothing is shared between examples
ON = 30.0
PERIOD = 10.0
AMOUNT = 120.0
PLAIN, SHORTEST = Pulse(ON, period=PERIOD), Pulse(ON, period=PERIOD, shortest_on=2.0, shortest_off=3.0)
DOSE = Pulse(ON, amount=AMOUNT)
SHAPES = (PLAIN, SHORTEST, DOSE)


def bank(*shapes, longest_dt=60.0):
    outputs = [Output(row, f"V.o{row}", 0.0, ON, 0.0, pulse=shape) for row, shape in enumerate(shapes)]
    return Pulses(OutputTable(tuple(outputs)), longest_dt)


def run(pulses, demand, scans, dt=1.0):
    """What is given in each of ``scans``, shape ``(scans, outputs)``."""
    n = len(pulses)
    free, overruled = np.ones(n, bool), np.zeros(n, bool)
    demand = np.broadcast_to(demand, (scans, n))
    return np.array([pulses.step(demand[scan], free, overruled, dt) for scan in range(scans)])


def lengths(values):
    """The lengths of whole pulses and of whole pauses, in scans."""
    on = np.concatenate(([0], (values > 0.0).astype(int)))
    edges = np.flatnonzero(np.diff(on)) + 1
    stretches = np.diff(edges)
    return stretches[::2], stretches[1::2]


def begins_at(values):
    """The scan in which the first pulse begins."""
    return int(np.flatnonzero(values[:, 0])[0])


@pytest.mark.parametrize("shape", SHAPES)
def test_p15_the_mean_over_whole_cycles_is_the_demand_within_one_scan_of_a_pulse(shape):
    demand = np.linspace(0.2, ON - 0.2, 64)
    given_flow = run(bank(*[shape] * 64), demand, 4000)
    for place in range(64):
        begins = np.flatnonzero(np.diff((given_flow[:, place] > 0.0).astype(int)) == 1) + 1
        assert len(begins) > 2
        cycles = len(begins) - 1
        for first, last in ((begins[0], begins[1]), (begins[0], begins[-1]), (begins[cycles // 2], begins[-1])):
            scan_of_a_pulse = ON / (last - first)
            assert abs(given_flow[first:last, place].mean() - demand[place]) <= scan_of_a_pulse + 1e-9


@pytest.mark.parametrize("scans", [10_000, pytest.param(1_000_000, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
def test_p15_the_total_is_never_wrong_by_a_pulse(scans):
    """Over changing demands, zeros among them, and scans that come up to a fifth of a period early or late."""
    rng = np.random.default_rng(15)
    n = 30
    pulses = bank(*[SHAPES[place % 3] for place in range(n)])
    one_pulse = np.where(np.arange(n) % 3 == 2, AMOUNT, ON * PERIOD / 2.0)
    free, overruled = np.ones(n, bool), np.zeros(n, bool)
    demand, flow = np.zeros(n), np.zeros(n)
    asked, delivered, worst = np.zeros(n), np.zeros(n), np.zeros(n)
    for _ in range(scans):
        dt = rng.uniform(0.8, 1.2)
        asked += demand * dt
        delivered += flow * dt
        np.maximum(worst, np.abs(asked - delivered), out=worst)
        changes = rng.random(n) < 0.02
        demand = np.where(changes, np.where(rng.random(n) < 0.3, 0.0, rng.uniform(0.0, ON, n)), demand)
        flow = pulses.step(demand, free, overruled, dt)
    assert (worst < one_pulse).all()
    assert (worst > 0.2 * one_pulse).all(), "it is a pulsed output"


@pytest.mark.parametrize("shape", SHAPES)
def test_p15_missed_scans_count_with_their_time(shape):
    """A pulse that lasted too long, or a pause, is made up for; what was asked for meanwhile is late by that time."""
    pulses, rng = bank(shape), np.random.default_rng(2)
    yes, no = np.ones(1, bool), np.zeros(1, bool)
    demand, flow, asked, delivered = np.full(1, 11.0), 0.0, 0.0, 0.0
    for _ in range(3000):
        dt = 8.0 if rng.random() < 0.05 else 1.0
        asked, delivered = asked + 11.0 * dt, delivered + flow * dt
        assert abs(asked - delivered) < max(AMOUNT, ON * PERIOD / 2.0) + ON * 8.0
        flow = float(pulses.step(demand, yes, no, dt)[0])
    for _ in range(100):
        asked, delivered = asked + 11.0, delivered + flow
        flow = float(pulses.step(demand, yes, no, 1.0)[0])
    assert abs(asked - delivered) < max(AMOUNT, ON * PERIOD / 2.0)


def test_p15_every_dose_is_its_amount_within_a_scan_and_all_of_them_on_average():
    flow = run(bank(Pulse(ON, amount=2.5 * ON)), 4.0, 5_000)[:, 0]
    on, _ = lengths(flow)
    assert set(on) == {2, 3}
    assert on.mean() == pytest.approx(2.5, abs=0.01)


def test_p15_pulses_and_pauses_are_never_shorter_than_allowed():
    rng = np.random.default_rng(3)
    demand = np.repeat(rng.uniform(0.0, ON, (400, 16)), 20, axis=0)
    flow = run(bank(*[SHORTEST] * 16), demand, 8000)
    for place in range(16):
        on, off = lengths(flow[:, place])
        assert on.min() >= 2
        assert off.min() >= 3


def test_p15_also_with_late_scans_no_pulse_is_too_short():
    rng, pulses = np.random.default_rng(4), bank(SHORTEST)
    yes, no, now, was, since, stretches = np.ones(1, bool), np.zeros(1, bool), 0.0, 0.0, 0.0, {True: [], False: []}
    for scan in range(5000):
        demand = np.full(1, 0.0 if scan % 50 > 25 else 1.0 + scan % 7)
        dt = rng.uniform(0.6, 1.4)
        now += dt
        flow = float(pulses.step(demand, yes, no, dt)[0])
        if flow != was:
            stretches[was > 0.0].append(now - since)
            was, since = flow, now
    assert min(stretches[True]) >= 2.0 - 1e-9
    assert min(stretches[False]) >= 3.0 - 1e-9
    assert len(stretches[True]) > 100


def test_a_small_demand_is_pulsed_at_the_smallest_steady_value_and_a_larger_one_is_steady():
    demand = np.array([0.5, 1.9, 2.0, 7.3])
    flow = run(bank(*[Pulse(2.0, period=60.0)] * 4), demand, 6000)
    assert set(flow[:, 0]) == set(flow[:, 1]) == {0.0, 2.0}
    assert (flow[:, 2:] == demand[2:]).all()
    assert flow.mean(axis=0) == pytest.approx(demand, rel=0.01)


@pytest.mark.parametrize("shape", SHAPES)
def test_without_demand_nothing_begins_and_what_is_owed_waits(shape):
    pulses = bank(shape)
    assert not run(pulses, 10.0, 6).any()
    assert not run(pulses, 0.0, 500).any()
    assert pulses.owed[0] == pytest.approx(60.0)


def test_what_overrules_cuts_at_once_and_nothing_is_caught_up_with():
    pulses = bank(*SHAPES)
    yes, no = np.ones(3, bool), np.zeros(3, bool)
    demand = np.full(3, 12.0)
    while not pulses.active.all():
        pulses.step(demand, yes, no, 1.0)
    assert not pulses.step(demand, no, yes, 1.0).any()
    assert not pulses.owed.any()
    for _ in range(3600):
        pulses.step(demand, no, yes, 1.0)
    flow = run(pulses, 12.0, 20)
    assert (flow.sum(axis=0) <= 12.0 * 20.0 + ON).all()
    assert not flow[0].any(), "it begins anew"


@pytest.mark.parametrize("shape", SHAPES)
def test_what_was_owed_is_dropped_when_it_is_overruled(shape):
    pulses = bank(shape)
    fresh = begins_at(run(bank(shape), 10.0, 40))
    assert not run(pulses, 10.0, fresh).any()
    pulses.step(np.full(1, 10.0), np.zeros(1, bool), np.ones(1, bool), 1.0)
    assert begins_at(run(pulses, 10.0, 40)) >= fresh


def test_an_output_that_cannot_be_reached_keeps_its_account_and_counts_the_pulse_under_way():
    pulses = bank(DOSE)
    yes, no = np.ones(1, bool), np.zeros(1, bool)
    demand = np.array([12.0])
    while not pulses.active.all():
        pulses.step(demand, yes, no, 1.0)
    for _ in range(1000):
        pulses.step(demand, no, no, 1.0)
    assert pulses.owed[0] == pytest.approx(0.0, abs=12.0)


def test_no_dose_begins_because_a_scan_came_late():
    pulses = bank(DOSE, longest_dt=10.0)
    run(pulses, 2.0, 5)
    assert run(pulses, 2.0, 1, dt=300.0)[0, 0] == 0.0
    given = run(pulses, 2.0, 600)[:, 0]
    assert np.flatnonzero(given)[0] >= AMOUNT / 2.0 - 2, "it is owed first"


def test_a_long_interruption_is_not_made_up_for():
    pulses = bank(*SHAPES, longest_dt=10.0)
    run(pulses, 12.0, 33)
    run(pulses, 12.0, 1, dt=600.0)
    assert not pulses.owed.any()
    assert run(pulses, 12.0, 20).sum() < 3 * 12.0 * 20.0 + AMOUNT


@given(st.integers(0, 100), st.sampled_from(SHAPES), st.floats(0.0, ON / 2.0), st.floats(0.5, 2.0))
@settings(max_examples=60, deadline=None)
def test_p15_a_restart_repeats_no_pulse_and_forgets_nothing(scans, shape, demand, dt):
    old = bank(shape)
    before = run(old, demand, scans, dt)
    state = json.loads(json.dumps(old.state(), allow_nan=False))
    new = bank(shape)
    new.restore(state)
    under_way = bool(old.active[0])
    left = float(old._rest_of_pulse()[0])
    after = run(new, demand, 80, dt)
    same = run(old, demand, 80, dt)
    if not under_way:
        assert (after == same).all(), "as without an interruption"
        return
    assert not after[0].any(), "the pulse is not repeated"
    counted = before.sum() * dt + left + after.sum() * dt
    # What is being given at the last scan, and what was asked for before the first pulse, is no error.
    assert abs(counted - demand * (scans + 80) * dt) < max(AMOUNT, ON * PERIOD / 2.0) + 2.0 * ON * dt


def test_a_state_of_something_else_is_not_taken():
    pulses = bank(DOSE)
    for state in ({}, {"names": "x"}, {"names": ["V.o0"], "owed": [float("nan")], "since": [1.0], "asked": [0.0]},
                  {"names": ["V.o9"], "owed": [5.0], "since": [1.0], "asked": [0.0]},
                  {"names": ["V.o0"], "owed": [5.0, 6.0], "since": [1.0], "asked": [0.0]}):  # fmt: skip
        pulses.restore(state)
    assert not pulses.owed.any()


# In the scan


def pulsed(site, name="base_flow", **changes):
    rows = [row._replace(**changes) if row.name.endswith(name) else row for row in site.outputs.rows]
    return replace(site, outputs=OutputTable(tuple(rows)))


BASE = Pulse(60.0, amount=3.0 * 60.0)


@pytest.fixture
def rig(make_rig, site):
    rig = make_rig(site=pulsed(site, pulse=BASE))
    rig.set(ph=7.3)
    rig.step()
    rig.mode("ph", "manual")
    return rig


MEAN = 18.0
"""What the base pump is asked for at 30 % of the pH loop, in mL/h."""


def base(rig):
    return rig.site.outputs.index["BR-101.base_flow"]


def test_control_sees_the_mean_and_the_device_the_pulses(rig):
    rig.step(rig.command(Verb.OUTPUT, "ph", value=30.0))
    seen, tracked = [], []
    for _ in range(300):
        rig.step()
        seen.append(rig.device("base_flow"))
        tracked.append(rig.scan.outputs.actual[base(rig)])
    assert set(seen) == {0.0, 60.0}
    assert tracked == [MEAN] * 300
    assert np.mean(seen) == pytest.approx(MEAN, abs=0.6)
    assert not any("reads back" in text for text in rig.texts())
    assert rig.op("ph") == pytest.approx(30.0)


def test_a_controllers_integral_does_not_ripple_with_the_pulses(make_rig, site):
    def life(site):
        rig = make_rig(site=site)
        rig.set(ph=6.9)
        rig.step()
        rig.mode("ph", "auto")
        rig.run(200)
        return rig.op("ph")

    steady, of_pulses = life(site), life(pulsed(site, pulse=BASE))
    assert steady == of_pulses > 5.0


def start_pulse(rig):
    rig.step(rig.command(Verb.OUTPUT, "ph", value=30.0))
    while rig.device("base_flow") == 0.0:
        rig.step()


def test_an_interlock_cuts_a_pulse_at_once(rig):
    start_pulse(rig)
    rig.set(weight=2100.0)
    rig.run(4)
    assert rig.device("base_flow") == 0.0
    rig.run(600)
    rig.set(weight=1000.0)
    rig.run(8)
    given_flow = [rig.device("base_flow") for _ in range(60) if rig.step()]
    assert sum(given_flow) <= 60 * MEAN + 60.0, "no catching up"


def test_a_loop_that_is_switched_off_cuts_a_pulse_at_once(rig):
    start_pulse(rig)
    rig.mode("ph", "off")
    assert rig.device("base_flow") == 0.0
    assert not any(rig.row("base_flow") in writes and writes[rig.row("base_flow")] for writes in rig.writes[-1:])
    rig.run(100)
    assert rig.device("base_flow") == 0.0


def test_an_end_of_a_pulse_that_nobody_confirmed_is_said_again(rig):
    start_pulse(rig)
    row = rig.row("base_flow")
    rig.stuck = {row}
    while rig.result.writes.get(row) != 0.0:
        rig.step()
    rig.stuck = set()
    point = rig.site.tags.tags[row].point
    rig.step(outcomes=[WriteOutcome(point, 0.0, WriteState.UNKNOWN, "no answer")])
    assert rig.device("base_flow") == 0.0


def test_a_link_that_is_lost_in_a_pulse_does_not_bring_a_second_one(rig):
    start_pulse(rig)
    rig.lost = {"base-pump-101"}
    rig.run(50)
    rig.lost = set()
    rig.step()
    assert rig.device("base_flow") == 0.0
    assert rig.scan.outputs.actual[base(rig)] == MEAN, "it goes on with the mean, not with what the pump last did"


def test_p15_a_restart_in_a_pulse_goes_on_with_the_mean(rig, make_rig):
    start_pulse(rig)
    state = json.loads(json.dumps(rig.scan.state(), allow_nan=False))
    new = make_rig(site=rig.site)
    new.values, new.devices = rig.values, rig.devices
    new.scan.restore(state, new.now, 30.0)
    new.step()
    assert new.device("base_flow") == 0.0
    assert new.op("ph") == pytest.approx(30.0)
    new.run(200)
    assert new.op("ph") == pytest.approx(30.0)


def test_a_pulsed_output_of_which_nothing_is_remembered_starts_from_its_safe_value(make_rig, site):
    rig = make_rig(site=pulsed(site, "air_flow", pulse=Pulse(500.0, period=20.0)))
    rig.devices[rig.row("air_flow")] = 500.0
    rig.run(100)
    assert rig.scan.loops.sp_target[rig.loop("air")] == 50.0


@given(
    st.lists(
        st.tuples(st.sampled_from(["ph", "bad", "link", "output", "mode"]), st.floats(allow_nan=True)), max_size=20
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=FIXTURE)
def test_p19_whatever_happens_a_pulsed_output_is_at_rest_or_on(make_rig, site, happenings):
    rig = make_rig(site=pulsed(site, pulse=BASE))
    rig.step()
    row = rig.row("base_flow")
    for kind, value in happenings:
        if kind == "ph":
            rig.set(ph=value)
        elif kind == "bad":
            rig.bad[rig.row("ph")] = Reason.DEVICE
        elif kind == "link":
            rig.lost ^= {"base-pump-101"}
        elif kind == "output":
            rig.step(rig.command(Verb.OUTPUT, "ph", value=value))
        else:
            rig.mode("ph", "auto" if value > 0.0 else "manual")
        rig.run(5)
        assert all(writes.get(row, 0.0) in {0.0, 60.0} for writes in rig.writes)


def test_shortest_pulse_and_pause_are_those_of_every_scan_however_far_apart_they_are():
    rng = np.random.default_rng(4)
    quick, slow = bank(*SHAPES[:2]), bank(*SHAPES[:2])
    free, begun = np.ones(2, bool), 0
    for _ in range(2000):
        dt, demand = float(rng.choice([0.5, 1.0, 4.0])), rng.uniform(0.0, ON, 2)
        slow._scan_s = np.nan
        given_flow = [pulses.step(demand, free, None, dt) for pulses in (quick, slow)]
        np.testing.assert_array_equal(*given_flow)
        begun += bool(given_flow[0].any())
    assert 500 < begun < 2000
    assert quick.state() == slow.state()
