"""Dose guards: no more than the most leaves an output, whoever asks for it, whatever fails."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.commands import Verb
from controller.model.build_alarms import dose_alarms
from controller.model.doses import Guard, Pulse
from controller.model.loops import Output, OutputTable
from controller.stages.dose_guard import PARTS, DoseGuards
from drivers.contract import Reason, WriteOutcome, WriteState

FIXTURE = [HealthCheck.function_scoped_fixture]  # it is a factory: nothing is shared between examples
HOUR = 3600.0
ML = 3600.0
"""Of a flow in mL/h, times seconds."""
FULL = 60.0


def guards(most=30.0, within=24.0, per_batch=np.inf):
    guard = Guard(most * ML, within * HOUR, per_batch * ML, "mL", ML)
    return DoseGuards(OutputTable((Output(0, "V.base", 0.0, FULL, 0.0, unit="mL/h", guard=guard),)))


def count(guard, sent, dt, read=None):
    """One scan in which ``sent`` stood, and the pump said ``read`` of itself (nothing where NaN)."""
    read = sent if read is None else read
    return guard.count(np.array([sent]), np.array([read]), np.array([read == read]), dt)


def given_ml(guard):
    return float(guard.used()[0]) / ML


@pytest.mark.parametrize("scans", [3_000, pytest.param(100_000, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
def test_in_no_window_more_than_the_most_leaves_the_output(scans):
    rng, guard = np.random.default_rng(5), guards(30.0, 24.0)
    times, amounts, now, held = [0.0], [0.0], 0.0, 0
    for _ in range(scans):
        dt = rng.uniform(1.0, 900.0)
        now += dt
        flow = 0.0 if guard.held[0] else rng.choice([0.0, 5.0, FULL])
        held += bool(guard.held[0])
        times.append(now)
        amounts.append(flow * dt / ML)
        count(guard, flow, dt)
    total, times = np.cumsum(amounts), np.array(times)
    window = total - total[np.searchsorted(times, times - 24.0 * HOUR, side="right") - 1]
    one_scan = FULL * 900.0 / ML
    assert window.max() <= 30.0 + one_scan
    assert window.max() > 29.0
    assert scans / 10 < held < scans, "it holds and lets go"


def test_it_holds_at_the_most_and_is_free_when_that_is_long_ago():
    guard = guards(30.0, 24.0)
    events = [event for _ in range(29) for event in count(guard, FULL, 60.0)]
    assert events == []
    events = count(guard, FULL, 60.0)
    assert guard.held[0]
    assert [event.value for event in events] == ["held"]
    assert "30 mL were given within 24 h, of 30 allowed" in events[0].text
    assert events[0].reason == "dose guard"
    scans, events = 0, []
    while guard.held[0]:
        events = count(guard, 0.0, 60.0)
        scans += 1
    assert 24.0 - 0.5 <= scans / 60.0 <= 24.0 * (1.0 + 1.0 / PARTS)
    assert [event.value for event in events] == ["free"]


def test_it_does_not_hold_and_let_go_in_turns():
    """A probe that always asks for base makes two events a day, not a flood."""
    guard = guards(30.0, 24.0)
    events = [event for _ in range(3 * 1440) for event in count(guard, 0.0 if guard.held[0] else FULL, 60.0)]
    assert 2 <= len(events) <= 7


def test_it_is_free_a_tenth_below_its_most():
    guard = guards(30.0, 24.0)
    for _ in range(6):
        count(guard, 0.2, HOUR)
    while not guard.held[0]:
        count(guard, FULL, 60.0)
    for hour in range(24):
        count(guard, 0.0, HOUR)
        assert guard.held[0], f"of the little at the beginning {hour} h are forgotten"
    count(guard, 0.0, HOUR)
    count(guard, 0.0, HOUR)
    assert not guard.held[0]


def test_the_most_of_a_batch_is_given_back_by_the_next_batch_only():
    guard = guards(np.inf, 24.0, per_batch=40.0)
    while not guard.held[0]:
        events = count(guard, FULL, 60.0)
    assert "40 mL were given in this batch, of 40 allowed" in events[0].text
    for _ in range(5 * 1440):
        count(guard, 0.0, 60.0)
    assert guard.held[0]
    guard.rebase("W")
    count(guard, 0.0, 60.0)
    assert guard.held[0]
    guard.rebase("V")
    count(guard, 0.0, 60.0)
    assert not guard.held[0]


def test_the_next_batch_frees_it_in_the_next_scan():
    guard = guards(np.inf, 24.0, per_batch=30.0)
    while not guard.held[0]:
        count(guard, FULL, 60.0)
    guard.rebase("V")
    assert [event.value for event in count(guard, 0.0, 1.0)] == ["free"]


def test_a_pump_that_runs_on_is_counted_by_what_it_reads():
    guard = guards()
    for _ in range(60):
        count(guard, 0.0, 60.0, read=20.0)
    assert given_ml(guard) == pytest.approx(20.0)


def test_a_pump_that_gives_nothing_is_counted_by_what_it_was_told():
    guard = guards()
    for _ in range(60):
        count(guard, 20.0, 60.0, read=0.0)
    assert given_ml(guard) == pytest.approx(20.0)


def test_a_late_read_back_counts_no_pulse_twice():
    guard, sent = guards(most=1e6), 0.0
    for scan in range(600):
        before, sent = sent, FULL if scan % 6 == 0 else 0.0
        count(guard, sent, 1.0, read=before)
    assert given_ml(guard) == pytest.approx(100 * FULL / ML)


def test_without_a_read_back_the_pump_goes_on_as_it_was_last_seen():
    """The link is lost while it runs: that it was told to stop since says nothing."""
    guard = guards()
    count(guard, 20.0, 60.0)
    for _ in range(60):
        count(guard, 0.0, 60.0, read=np.nan)
    assert given_ml(guard) == pytest.approx(20.0 * 61.0 / 60.0)


def test_without_a_read_back_a_command_counts_as_carried_out():
    guard = guards()
    count(guard, 0.0, 60.0)
    for _ in range(60):
        count(guard, 20.0, 60.0, read=np.nan)
    assert given_ml(guard) == pytest.approx(20.0)


def test_garbage_counts_as_what_the_output_can_do_at_most():
    guard = guards(most=1e6)
    count(guard, 0.0, 3600.0, read=1e300)
    assert given_ml(guard) == pytest.approx(FULL)
    count(guard, 0.0, 3600.0, read=-1e300)
    assert given_ml(guard) == pytest.approx(FULL)


def restarted(old, sent, outage_s):
    state = json.loads(json.dumps(old.state(np.array([sent])), allow_nan=False))
    new, restored = guards(), np.zeros(1)
    new.restore(state, outage_s, restored)
    assert restored[0] == sent
    return new


@given(st.lists(st.tuples(st.floats(0.0, FULL), st.floats(1.0, 4000.0)), max_size=60))
@settings(max_examples=50, deadline=None)
def test_a_restart_without_an_outage_changes_nothing(scans):
    old = guards()
    for flow, dt in scans:
        count(old, flow, dt)
    new = restarted(old, 0.0, 0.0)
    for _ in range(30):
        assert given_ml(new) == pytest.approx(given_ml(old))
        assert (new.held == old.held).all()
        assert [event.text for event in count(new, 0.0, 1800.0)] == [event.text for event in count(old, 0.0, 1800.0)]


def test_an_outage_counts_at_what_the_pump_is_found_at():
    old = guards()
    count(old, 20.0, 600.0)
    running, standing = restarted(old, 20.0, HOUR), restarted(old, 20.0, HOUR)
    count(running, 0.0, 1.0, read=np.nan)
    count(running, 0.0, 1.0, read=20.0)
    assert given_ml(running) == pytest.approx(20.0 * (1.0 + 1.0 / 6.0), rel=0.01)
    count(standing, 20.0, 0.0, read=0.0)
    assert given_ml(standing) == pytest.approx(20.0 * (1.0 / 6.0 + 5.0 / 3600.0)), "until the watchdog noticed"


def test_outages_add_up_until_the_pump_is_read():
    old = guards()
    count(old, 20.0, 600.0)
    second = restarted(old, 20.0, HOUR)
    third = restarted(second, 20.0, HOUR)
    count(third, 20.0, 0.0, read=10.0)
    assert given_ml(third) == pytest.approx(20.0 / 6.0 + 2.0 * 10.0)


def test_a_long_outage_forgets_what_is_long_ago():
    old = guards()
    while not old.held[0]:
        count(old, FULL, 60.0)
    new = restarted(old, 0.0, 20.0 * HOUR)
    count(new, 0.0, 1.0)
    assert new.held[0]
    new = restarted(old, 0.0, 30.0 * HOUR)
    count(new, 0.0, 1.0)
    assert not new.held[0]


@pytest.mark.parametrize("state", [{}, {"names": ["V.base"]}, {"names": 3}, {"names": ["V.base"], "sent": ["x"]}])
def test_a_state_of_something_else_is_not_taken(state):
    guard = guards()
    guard.restore(state, 5.0, np.zeros(1))
    assert given_ml(guard) == 0.0


# In the scan


def guarded(site, guard, **changes):
    rows = [
        row._replace(guard=guard, **changes) if row.name.endswith("base_flow") else row for row in site.outputs.rows
    ]
    outputs = OutputTable(tuple(rows))
    others = [alarm for alarm in site.alarms if alarm.side != "held"]
    return replace(site, outputs=outputs, alarms=(*others, *dose_alarms(outputs, site.loops, site.tags)))


LIMIT = Guard(1.0 * ML, 24.0 * HOUR, np.inf, "mL", ML)


@pytest.fixture
def make_guarded(make_rig, site):
    return lambda **changes: make_rig(site=guarded(site, LIMIT, **changes))


@pytest.fixture
def rig(make_guarded):
    """A pH probe that shows 6.5 whatever is given."""
    rig = make_guarded()
    rig.set(ph=6.5)
    rig.step()
    rig.mode("ph", "auto")
    return rig


def base_given(rig, scans=1):
    total = 0.0
    for _ in range(scans):
        rig.step()
        total += rig.device("base_flow") / ML
    return total


def until_held(rig):
    total, row = 0.0, rig.site.outputs.index["BR-101.base_flow"]
    while not rig.scan.outputs.guards.held[row]:
        total += base_given(rig)
    return total


def test_a_failed_probe_gets_the_most_and_no_drop_more(rig):
    assert until_held(rig) <= 1.0 + 20.0 / ML
    assert rig.device("base_flow") == 0.0
    assert base_given(rig, 1200) == 0.0
    alarm = next(alarm for alarm in rig.scan.view().alarms if alarm["id"] == "BR-101.base_flow_dose_guard")
    assert alarm["state"] == "active"
    assert "pH cannot act on it" in alarm["consequence"]
    assert "1 mL within 24 h" in alarm["cause"]
    assert "sample" in alarm["action"]
    loops = {loop["name"]: loop for loop in rig.scan.view().vessels[0]["loops"]}
    assert loops["ph"]["held_by"] == "dose guard"
    assert rig.op("ph") == pytest.approx(0.0), "it tracks what it achieves, and does not wind up"


def test_neither_manual_nor_recipe_gets_round_it(rig):
    until_held(rig)
    rig.mode("ph", "manual")
    rig.step(rig.command(Verb.OUTPUT, "ph", value=100.0, source="recipe"))
    assert base_given(rig, 60) == 0.0


def test_an_interlock_still_has_the_last_word(rig):
    until_held(rig)
    rig.set(weight=2100.0)
    rig.run(5)
    loops = {loop["name"]: loop for loop in rig.scan.view().vessels[0]["loops"]}
    assert loops["ph"]["held_by"] == "interlock"
    assert rig.device("base_flow") == 0.0


def reset(rig, reason="compared with a sample: pH is right", **more):
    target = more.pop("target", "BR-101.base_flow")
    return rig.step(replace(rig.command(Verb.GUARD_RESET, target, **more), reason=reason)).outcomes[0]


def test_somebody_with_a_reason_gets_as_much_again(rig):
    until_held(rig)
    assert reset(rig).applied
    event = next(event for event in rig.events if event.command == rig.journal)
    assert "reset at 1" in event.text
    assert event.reason == "compared with a sample: pH is right"
    assert 0.9 < until_held(rig) <= 1.0 + 20.0 / ML
    rig.run(2)
    assert [alarm["state"] for alarm in rig.scan.view().alarms if alarm["id"].endswith("guard")] == ["active"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"reason": "  "}, "say why"),
        ({"source": "recipe"}, "only a person"),
        ({"target": "BR-101.heater"}, "no output with a dose guard"),
        ({"target": "BR-102.base_flow"}, "does not hold it"),
    ],
)
def test_anything_else_is_refused_and_changes_nothing(rig, more, why):
    until_held(rig)
    outcome = reset(rig, **more)
    assert not outcome.applied
    assert why in outcome.reason
    assert outcome.allowed == ("BR-101.base_flow",)
    assert base_given(rig, 30) == 0.0


def test_a_restart_holds_what_was_held_and_counts_on(rig, make_rig):
    given_before = base_given(rig, 100)
    state = json.loads(json.dumps(rig.scan.state(), allow_nan=False))
    new = make_rig(site=rig.site)
    new.values, new.devices = rig.values, {**rig.devices, rig.row("base_flow"): 0.0}
    new.scan.restore(state, new.now, 60.0)
    new.step()
    assert given_before + until_held(new) <= 1.0 + 20.0 / ML
    state = json.loads(json.dumps(new.scan.state(), allow_nan=False))
    last = make_rig(site=rig.site)
    last.values, last.devices = new.values, new.devices
    last.scan.restore(state, last.now, 60.0)
    assert base_given(last, 60) == 0.0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["lose", "unknown", "forget", "stuck", "restart", "wait", "gap"]), st.floats(0.0, FULL)
        ),
        max_size=8,
    )
)
@settings(max_examples=15, deadline=None, suppress_health_check=FIXTURE)
def test_whatever_fails_what_the_pump_gave_is_never_counted_too_low(make_guarded, happenings):
    rig = make_guarded(pulse=Pulse(FULL, period=10.0))
    rig.set(ph=6.5)
    rig.step()
    rig.mode("ph", "auto")
    row, delivered = rig.row("base_flow"), 0.0
    place = rig.scan.outputs.guards.names.index("BR-101.base_flow")
    for kind, value in happenings:
        if kind == "lose":
            rig.lost ^= {"base-pump-101"}
        elif kind == "forget" and "base-pump-101" not in rig.lost:
            rig.devices[row] = value
        elif kind == "stuck":
            rig.stuck ^= {row}
        elif kind == "restart":
            state, outage = json.loads(json.dumps(rig.scan.state())), value
            new = make_guarded(pulse=Pulse(FULL, period=10.0))
            new.values, new.devices, new.lost, new.stuck, new.journal = (
                rig.values, rig.devices, rig.lost, rig.stuck, rig.journal,
            )  # fmt: skip
            delivered += rig.devices[row] * outage
            new.scan.restore(state, new.now, outage)
            rig = new
        point = rig.site.tags.tags[row].point
        said = [WriteOutcome(point, 0.0, WriteState.UNKNOWN)] if kind == "unknown" else []
        for _ in range(9):
            dt = 8.0 if kind == "gap" else 1.0
            delivered += rig.devices[row] * dt
            rig.step(dt=dt, outcomes=said)
    rig.lost = set()
    rig.step()
    counted = float(rig.scan.outputs.guards.used()[place])
    assert counted >= delivered - 1e-6


def test_a_guard_on_a_bad_probe(rig):
    """Bad is not the guard's business: the loop goes safe by itself, and the guard counts on."""
    base_given(rig, 20)
    used = rig.scan.outputs.guards.used()[0]
    rig.bad[rig.row("ph")] = Reason.DEVICE
    rig.run(30)
    assert rig.device("base_flow") == 0.0
    assert rig.scan.outputs.guards.used()[0] == pytest.approx(used, abs=2 * 20.0)
