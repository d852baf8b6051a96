"""Over a restart: totals, factors and bottles are kept; programs wait for their loop; nothing is dosed twice."""

import json
import math

import pytest

from controller.commands import Verb
from tests.control.feed_bench import BALANCE, FeedRig, feed_site, started

RESUMES = (("    on_bad_pv: safe\n    on_restart: safe\n\n", "    on_bad_pv: safe\n    on_restart: resume\n\n"),)
BOTTLE = (
    "    programs: [constant, exponential]\n    bottle: {volume: 500 mL, weight: bottle_weight, density: 1.0 g/mL}\n"
)


def reborn(rig, outage_s=30.0, site=None):
    """A supervisor that takes over the state of one that is gone, on the same devices."""
    state = json.loads(json.dumps(rig.scan.state(), allow_nan=False))
    again = FeedRig(site or rig.site, period=rig.period)
    again.values, again.devices, again.journal = dict(rig.values), dict(rig.devices), rig.journal
    again.fed, again.gives, again.now = rig.fed, rig.gives, rig.now + outage_s
    again.events = again.scan.restore(state, again.now, outage_s)
    again.run(3)
    return again


def test_a_feed_is_off_after_a_restart_and_goes_on_where_it_stopped():
    rig = started()
    rig.program("exponential", growth_rate=0.3, start=4.0)
    rig.run(60, dt=60.0)
    again = reborn(rig, 3600.0)
    assert again.device("feed_flow") == 0.0
    assert again.waits == "the loop is in off"
    assert again.mode("feed", "remote").applied
    again.run(2)
    assert again.device("feed_flow") == pytest.approx(4.0 * math.exp(0.3), rel=0.01)


def test_with_the_cultures_clock_the_outage_counts():
    rig = started()
    rig.program("exponential", growth_rate=0.3, start=4.0, clock="culture")
    rig.run(60, dt=60.0)
    again = reborn(rig, 3600.0)
    again.mode("feed", "remote")
    again.run(2)
    assert again.device("feed_flow") == pytest.approx(4.0 * math.exp(0.6), rel=0.01)


def test_a_loop_that_resumes_goes_on_as_if_nothing_had_been():
    site = feed_site(change=RESUMES)
    rig = started(site)
    rig.program("exponential", growth_rate=0.3, start=4.0)
    rig.run(60, dt=60.0)
    again = reborn(rig, 5.0)
    uninterrupted = rig.programs.rate[rig.feed]
    assert again.device("feed_flow") == pytest.approx(uninterrupted, rel=2e-3)
    again.run(60, dt=60.0)
    rig.run(60, dt=60.0)
    assert again.device("feed_flow") == pytest.approx(rig.device("feed_flow"), rel=2e-3)


def test_what_was_delivered_is_kept_and_what_came_meanwhile_counts():
    rig = started()
    rig.program("constant", rate=60.0, end_total=100.0)
    rig.run(60, dt=60.0)
    before = rig.total
    rig.values[rig.row("feed_total")] += 2.0
    again = reborn(rig)
    assert again.total == pytest.approx(before + 2.0, abs=1.1)
    again.mode("feed", "remote")
    again.run(60, dt=60.0)
    assert again.device("feed_flow") == 0.0
    assert again.total == pytest.approx(100.0, abs=1.1)


def test_a_learnt_factor_and_what_is_left_are_kept():
    site = feed_site(BOTTLE, BALANCE)
    rig = FeedRig(site, period=5.0)
    rig.gives = 1.1

    def weigh():
        rig.set(bottle_weight=600.0 - rig.fed)

    weigh()
    rig.run(3)
    rig.program("constant", rate=120.0)
    for _ in range(1000):
        weigh()
        rig.step()
    factor = rig.programs.deliveries.balances.factor[rig.feed]
    assert factor == pytest.approx(1.1, abs=0.01)
    again = reborn(rig)
    kept = again.programs.deliveries
    assert kept.balances.factor[again.feed] == factor
    assert kept.bottles.left[again.feed] == pytest.approx(rig.programs.deliveries.bottles.left[rig.feed], abs=0.5)
    again.mode("feed", "remote")
    again.run(3)
    assert again.device("feed_flow") == pytest.approx(120.0 / factor)


def test_an_empty_bottle_is_still_empty():
    rig = started(feed_site("    programs: [constant]\n    bottle: {volume: 50 mL}\n"))
    rig.program("constant", rate=300.0)
    rig.run(15, dt=60.0)
    again = reborn(rig)
    again.mode("feed", "remote")
    again.run(5)
    assert again.device("feed_flow") == 0.0
    assert again.waits.startswith("the bottle is empty")


@pytest.mark.parametrize("how", ["ended", "told to wait"])
def test_what_had_ended_or_waited_still_does(how):
    rig = started()
    rig.program("constant", rate=60.0, **({"end_total": 1.0} if how == "ended" else {}))
    rig.run(5, dt=60.0)
    if how != "ended":
        rig.order(Verb.PROGRAM, wait=True)
    again = reborn(rig)
    assert again.mode("feed", "remote").applied is (how != "ended")
    again.run(3)
    assert how in again.waits


def test_a_program_that_the_class_no_longer_has_is_lost_loudly_and_its_loop_is_off():
    rig = started(feed_site(change=RESUMES))
    rig.program("exponential", growth_rate=0.3, start=4.0)
    rig.run(10, dt=60.0)
    other = feed_site("    programs: [constant]\n", change=RESUMES)
    again = reborn(rig, site=other)
    assert again.device("feed_flow") == 0.0
    assert [event.type for event in again.events if "lost" in event.text] == ["Alarm"]
    assert again.waits is None
    narrow = feed_site("    programs: {exponential: {growth_rate: 0.01 .. 0.1 1/h}}\n", change=RESUMES)
    again = reborn(rig, site=narrow)
    assert again.device("feed_flow") == 0.0
    assert any("growth_rate must be within" in event.text for event in again.events)


def test_a_count_that_was_used_is_remembered():
    rig = started()
    rig.set(sample_number=1.0, viable_density=2.0)
    rig.step()
    rig.program("by_count", rate_per_cells=4.0)
    rig.run(3)
    again = reborn(rig)
    again.set(weight=1.5 * 1008.0)
    again.mode("feed", "remote")
    again.run(3)
    assert again.device("feed_flow") == pytest.approx(8.0, rel=1e-3)


@pytest.mark.parametrize(
    "garbage", [None, 7, [], {"BR-101.feed": 7}, {"BR-101.feed": {"program": {"program": "constant"}}}]
)
def test_a_state_of_another_version_is_no_obstacle(garbage):
    rig = started()
    state = json.loads(json.dumps(rig.scan.state()))
    again = FeedRig(rig.site)
    again.scan.restore({**state, "programs": garbage}, again.now, 5.0)
    again.run(5)
    assert again.device("feed_flow") == 0.0
