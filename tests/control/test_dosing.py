"""Dose loops: a dose when the PV stayed beyond its setpoint, a pause, limits, and an end of doses in vain."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.commands import Verb
from controller.model.build_alarms import dose_alarms
from controller.model.doses import Dose
from controller.model.loops import Loop, LoopTable
from controller.stages.dosing import Block, DosingBank
from drivers.contract import Reason

RATE = 30.0
DOSE = Dose(above=True, after=5.0, amount=10.0 * RATE, rate=RATE, lock_out=60.0, give_up=4)
WET, DRY = 1.0, 0.0


def feed(bank, pv, scans=1, dt=1.0, live=True):
    """The flows of the first loop in so many scans."""
    n = bank.n
    return [float(bank.step(np.full(n, pv), np.full(n, 0.5), np.full(n, live), dt)[0]) for _ in range(scans)]


def begins(flows):
    """The scans in which doses begin."""
    on = np.array([0.0, *flows]) > 0.0
    return np.flatnonzero(on[1:] & ~on[:-1]).tolist()


def test_a_dose_comes_after_the_time_and_is_its_amount():
    flows = feed(DosingBank([DOSE]), WET, 60)
    assert begins(flows) == [5]
    assert sum(flows) == DOSE.amount


def test_a_probe_that_flickers_gives_no_dose():
    bank = DosingBank([DOSE])
    assert not any(flow for _ in range(100) for flow in feed(bank, WET, 4) + feed(bank, DRY))


def test_after_a_dose_comes_the_pause():
    flows = feed(DosingBank([DOSE._replace(give_up=100)]), WET, 400)
    assert np.diff(begins(flows)).min() >= 10 + 60
    assert len(begins(flows)) == 6


def test_below_is_the_mirror_of_above():
    flows = feed(DosingBank([DOSE._replace(above=False)]), DRY, 60)
    assert begins(flows) == [5]
    assert not any(feed(DosingBank([DOSE._replace(above=False)]), WET, 60))


def test_the_setpoint_itself_is_inside():
    assert not any(feed(DosingBank([DOSE]), 0.5, 100))


@pytest.mark.parametrize("unknown", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_gives_nothing_and_ends_a_dose(unknown):
    bank = DosingBank([DOSE])
    assert feed(bank, WET, 8)[-1] == RATE
    assert feed(bank, unknown, 100) == [0.0] * 100
    assert not any(feed(bank, WET, 5)), "the time begins anew"


def test_a_loop_that_is_switched_off_stops_at_once():
    bank = DosingBank([DOSE])
    feed(bank, WET, 8)
    assert feed(bank, WET, 1, live=False) == [0.0]
    assert not any(feed(bank, WET, 59)), "the dose counts as given, so there is its pause"


def test_doses_in_vain_come_to_an_end_and_say_so():
    bank = DosingBank([DOSE])
    flows = feed(bank, WET, 5000)
    assert len(begins(flows)) == 4
    assert bank.blocked[0] == Block.IN_VAIN
    feed(bank, DRY, 3)
    assert bank.blocked[0] == Block.IN_VAIN, "not yet dry for as long as it has to be wet"
    feed(bank, DRY, 4)
    assert bank.blocked[0] == Block.NONE
    assert len(begins(feed(bank, WET, 30))) == 1


def test_a_dose_with_effect_is_not_in_vain():
    bank = DosingBank([DOSE])
    flows = [flow for _ in range(20) for flow in feed(bank, WET, 30) + feed(bank, DRY, 70)]
    assert len(begins(flows)) == 20
    assert bank.blocked[0] == Block.NONE


def test_somebody_who_switches_it_off_lets_it_try_again():
    bank = DosingBank([DOSE])
    feed(bank, WET, 2000)
    bank.forgive(np.ones(1, bool))
    assert len(begins(feed(bank, WET, 2000))) == 4


def test_the_most_of_an_hour_and_of_a_batch():
    hourly = DosingBank([DOSE._replace(per_hour=3.0, give_up=100)])
    starts = np.array(begins(feed(hourly, WET, 2 * 3600)))
    assert all(((starts > start - 3600) & (starts <= start)).sum() <= 3 for start in starts)
    assert len(starts) == 2 * 3
    assert hourly.blocked[0] == Block.HOUR
    batch = DosingBank([DOSE._replace(per_batch=5.0, give_up=100)])
    assert len(begins(feed(batch, WET, 4000))) == 5
    assert batch.blocked[0] == Block.BATCH
    batch.rebase(np.ones(1, bool))
    assert len(begins(feed(batch, WET, 4000))) == 5
    feed(batch, DRY)
    assert batch.blocked[0] == Block.NONE


def test_what_a_scan_gave_too_much_the_next_dose_makes_up_for():
    bank = DosingBank([DOSE._replace(amount=2.5 * RATE, give_up=1000)])
    flows = np.array(feed(bank, WET, 7000))
    assert abs(flows.sum() - len(begins(flows)) * 2.5 * RATE) <= 0.5 * RATE
    assert len(begins(flows)) > 100


def test_a_gap_in_the_scans_gives_no_dose_by_itself_and_ends_one():
    bank = DosingBank([DOSE])
    feed(bank, WET)
    assert feed(bank, WET, 1, dt=600.0) == [0.0], "nobody saw it wet meanwhile"
    bank = DosingBank([DOSE])
    feed(bank, WET, 8)
    assert feed(bank, WET, 1, dt=600.0) == [0.0]
    flows = feed(bank, WET, 100)
    assert DOSE.amount / 2.0 <= sum(flows) <= DOSE.amount


@given(st.lists(st.tuples(st.sampled_from([WET, DRY, np.nan]), st.integers(1, 80), st.booleans()), max_size=40))
@settings(max_examples=60, deadline=None)
def test_whatever_the_probe_shows_the_limits_hold(stretches):
    bank = DosingBank([DOSE._replace(per_hour=3.0, per_batch=6.0), DOSE])
    flows = [flow for pv, scans, live in stretches for flow in feed(bank, pv, scans, live=live)]
    starts = np.array(begins(flows))
    assert len(starts) <= 6
    assert set(flows) <= {0.0, RATE}
    assert all(((starts > start - 3600) & (starts <= start)).sum() <= 3 for start in starts)
    assert sum(flows) <= len(starts) * DOSE.amount
    assert (np.diff(starts) >= 60).all()


@given(st.integers(0, 300), st.floats(0.0, 200.0))
@settings(max_examples=40, deadline=None)
def test_a_restart_repeats_no_dose_and_forgets_no_limit(scans, outage):
    old = DosingBank([DOSE._replace(per_hour=4.0, give_up=100)])
    before = feed(old, WET, scans)
    state = json.loads(json.dumps(old.state(["V.foam"]), allow_nan=False))
    new = DosingBank([DOSE._replace(per_hour=4.0, give_up=100)])
    new.restore(state, ["V.foam"], outage)
    after = feed(new, WET, 300)
    starts = [start - scans - outage for start in begins(before)] + begins(after)
    if old.active[0]:
        assert all(start >= 59 - outage for start in begins(after)), "it counts as given, and its pause has begun"
    assert all(sum(start - 3600 < other <= start for other in starts) <= 4 for start in starts)
    assert min(np.diff(starts), default=np.inf) >= 60.0 - 1e-9


@pytest.mark.parametrize("state", [{}, {"names": ["V.foam"]}, {"names": ["V.foam"], "locked": ["x"]}])
def test_a_state_of_something_else_is_not_taken(state):
    bank = DosingBank([DOSE])
    bank.restore(state, ["V.foam"], 0.0)
    assert begins(feed(bank, WET, 60)) == [5]


# In the scan: the feed pump gives antifoam when the pressure is above 100 mbar.


@pytest.fixture
def foaming(site):
    feed_row = site.loops.index["BR-101.feed"]
    pump = site.outputs.index["BR-101.feed_flow"]
    foam = Loop(
        "BR-101", "foam", "Foam", "dose", "mbar", 0, 100.0, 0.0, 200.0, pv=site.tags.index["BR-101.pressure"],
        output=pump, op_low=0.0, op_high=300.0, op_unit="mL/h", on_bad_pv="safe", on_restart="resume",
        dose=Dose(True, 5.0, 3600.0, 300.0, 30.0, give_up=2),
    )  # fmt: skip
    rows = [foam if row == feed_row else loop for row, loop in enumerate(site.loops.rows)]
    loops = LoopTable(tuple(rows))
    return replace(site, loops=loops, alarms=(*site.alarms, *dose_alarms(site.outputs, loops, site.tags)))


@pytest.fixture
def rig(make_rig, foaming):
    rig = make_rig(site=foaming)
    rig.step()
    rig.mode("foam", "auto")
    return rig


def test_a_dose_loop_moves_its_output(rig):
    rig.set(pressure=150.0)
    rig.run(5)
    assert rig.device("feed_flow") == 0.0
    rig.run(6)
    assert rig.device("feed_flow") == 300.0
    assert rig.op("foam") == 300.0
    rig.run(12)
    assert rig.device("feed_flow") == 0.0


def test_doses_in_vain_are_an_event_and_an_alarm_until_somebody_acts(rig):
    rig.set(pressure=150.0)
    rig.run(300)
    told = [event.value for event in rig.events if event.object == "BR-101.foam"]
    assert told[-1] == "gives no more doses: so many had no effect"
    alarm = next(alarm for alarm in rig.scan.view().alarms if alarm["id"] == "BR-101.foam_no_dose")
    assert alarm["state"] == "active"
    assert "Look into the vessel" in alarm["action"]
    rig.run(300)
    assert len([event for event in rig.events if event.value == told[-1]]) == 1
    rig.mode("foam", "off")
    rig.step()
    rig.mode("foam", "auto")
    assert rig.scan.view().alarms[0]["state"] == "returned"
    rig.run(8)
    assert rig.device("feed_flow") == 300.0


def test_a_bad_probe_gives_nothing(rig):
    rig.set(pressure=150.0)
    rig.run(9)
    rig.bad[rig.row("pressure")] = Reason.DEVICE
    rig.run(3)
    assert rig.device("feed_flow") == 0.0
    rig.run(300)
    assert rig.device("feed_flow") == 0.0


def test_by_hand_the_pump_is_the_operators(rig):
    rig.mode("foam", "manual")
    rig.step(rig.command(Verb.OUTPUT, "foam", value=20.0))
    rig.set(pressure=150.0)
    rig.run(20)
    assert rig.device("feed_flow") == pytest.approx(20.0, abs=0.6), "to a step of the pump"


def test_a_restart_in_a_dose_does_not_give_it_again(rig, make_rig, foaming):
    rig.set(pressure=150.0)
    while rig.device("feed_flow") == 0.0:
        rig.step()
    state = json.loads(json.dumps(rig.scan.state(), allow_nan=False))
    new = make_rig(site=foaming)
    new.values, new.devices = rig.values, rig.devices
    new.scan.restore(state, new.now, 5.0)
    assert not any(new.device("feed_flow") for _ in range(24) if new.step())
    new.run(5)
    assert new.device("feed_flow") == 300.0, "after the pause it is wet still"
