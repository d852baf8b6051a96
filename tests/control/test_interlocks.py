"""An interlock that cannot be decided does what it declares: it trips, or it stays as it is."""

import pytest

from controller.model.guards import Interlock
from drivers.contract import Reason
from tests.control.tables import loop, site


@pytest.fixture
def feeding(rig):
    rig.step()
    rig.mode("feed", "auto")
    rig.setpoint("feed", 30.0)
    rig.run(3)
    assert rig.device("feed_flow") == 30.0
    rig.events.clear()
    return rig


def told(rig, name):
    return [event.value for event in rig.events if event.object == f"BR-101.{name}"]


def shown(rig, name):
    return next(lock for lock in rig.scan.view().vessels[0]["interlocks"] if lock["name"] == name)


def undecided(rig):
    return {alarm["id"]: alarm["state"] for alarm in rig.scan.view().alarms if alarm["id"].endswith("_undecided")}


def test_without_a_weight_the_feed_stops_and_comes_back_with_it(feeding):
    feeding.bad[feeding.row("weight")] = Reason.DEVICE
    feeding.run(3)
    assert (feeding.device("feed_flow"), told(feeding, "overfill")) == (30.0, [])
    feeding.run(20)
    assert feeding.device("feed_flow") == 0.0
    assert told(feeding, "overfill") == ["tripped"]
    assert "cannot be decided" in feeding.events[0].text
    assert shown(feeding, "overfill")["tripped"]
    assert shown(feeding, "overfill")["text"].startswith("cannot be decided: volume")
    assert undecided(feeding) == {"BR-101.overfill_undecided": "active"}
    feeding.bad.clear()
    feeding.run(2)
    assert feeding.device("feed_flow") == 30.0
    assert told(feeding, "overfill") == ["tripped", "can be decided again", "released"]
    assert undecided(feeding) == {"BR-101.overfill_undecided": "returned"}


def test_it_releases_by_its_release_only(feeding):
    feeding.bad[feeding.row("weight")] = Reason.DEVICE
    feeding.run(6)
    feeding.bad.clear()
    feeding.set(weight=1980.0 * 1.008)
    feeding.run(30)
    assert feeding.device("feed_flow") == 0.0, "between release and trip it stays tripped"
    assert shown(feeding, "overfill")["text"].startswith("not released: volume 1.98")
    assert undecided(feeding) == {"BR-101.overfill_undecided": "returned"}
    feeding.set(weight=1900.0)
    feeding.run(2)
    assert feeding.device("feed_flow") == 30.0


def test_gas_goes_on_when_a_pressure_is_missing(rig):
    rig.step()
    rig.setpoint("air", 80.0)
    rig.bad[rig.row("pressure")] = Reason.DEVICE
    rig.run(60)
    assert rig.device("air_flow") == 80.0
    assert told(rig, "over_pressure") == ["cannot be decided"]
    assert not shown(rig, "over_pressure")["tripped"]
    assert undecided(rig) == {"BR-101.over_pressure_undecided": "active"}


@pytest.mark.parametrize("tag", ["weight", "pressure"])
def test_what_is_missing_for_a_moment_is_no_matter(feeding, tag):
    feeding.bad[feeding.row(tag)] = Reason.LINK
    feeding.run(3)
    feeding.bad.clear()
    feeding.run(3)
    assert feeding.device("feed_flow") == 30.0
    assert told(feeding, "overfill") == told(feeding, "over_pressure") == []


def test_on_a_scaled_clock_wires_get_the_time_that_they_need(make_rig):
    rig = make_rig(period=6.0, minimum_stale_s=60.0)
    rig.run(3)
    rig.bad[rig.row("weight")] = Reason.LINK
    rig.run(10)
    assert told(rig, "overfill") == []
    rig.run(1)
    assert told(rig, "overfill") == ["tripped"]


def test_a_pump_that_is_there_before_the_plc_waits_for_it(make_rig):
    """The vessel's volume was never read: its pumps stand, at first without a word."""
    rig = make_rig(minimum_stale_s=1.0)
    rig.lost = {"plc-101"}
    rig.step()
    rig.mode("feed", "auto")
    rig.setpoint("feed", 30.0)
    rig.run(9)
    assert rig.device("feed_flow") == 0.0
    assert told(rig, "overfill") == []
    assert shown(rig, "overfill")["text"].startswith("not decided yet")
    rig.run(10)
    assert told(rig, "overfill") == ["tripped"]
    rig.lost = set()
    rig.run(2)
    assert rig.device("feed_flow") == 30.0


def test_at_an_ordinary_start_a_value_between_release_and_trip_trips_nothing(make_rig):
    rig = make_rig(minimum_stale_s=1.0)
    rig.set(weight=1980.0 * 1.008)
    rig.lost = {"plc-101"}
    rig.run(8)
    rig.lost = set()
    rig.run(20)
    assert told(rig, "overfill") == []
    assert shown(rig, "overfill") == {
        "name": "overfill", "title": "Vessel full", "tripped": False, "text": "volume > 2.0 L",
    }  # fmt: skip


def test_a_restored_trip_waits_for_its_release(make_rig):
    rig = make_rig(minimum_stale_s=1.0)
    rig.scan.restore({"interlocks": ["BR-101.overfill"]}, rig.now, 0.0)
    rig.set(weight=1980.0 * 1.008)
    rig.lost = {"plc-101"}
    rig.run(8)
    rig.lost = set()
    rig.run(20)
    assert rig.scan.interlocks.state() == ["BR-101.overfill"]
    assert told(rig, "overfill") == []


@pytest.mark.parametrize(("pressure", "bad"), [(300.0, None), (10.0, Reason.DEVICE)])
def test_it_does_not_release_while_what_tripped_it_is_true_or_unknown(make_rig, pressure, bad):
    lock = Interlock("V", "any", "Any", "warm > 40 or pressure > 200", "warm < 38", ((0, 0.0),))
    rows = [loop("heat", "direct", low=0.0, high=100.0, output=0)]
    rig = make_rig(site=site(["warm", "pressure"], {"heater": (0.0, 100.0, 0.0)}, rows, interlocks=(lock,)))
    rig.values.update({0: 30.0, 1: 10.0})
    rig.devices[2] = 50.0
    rig.run(3)
    assert rig.devices[2] == 50.0
    rig.values[1] = 300.0
    rig.step()
    rig.values[1] = pressure
    if bad is not None:
        rig.bad[1] = bad
    for _ in range(10):
        rig.step()
        assert rig.devices[2] == 0.0
    assert [event.value for event in rig.events if event.object == "V.any"].count("released") == 0
    rig.bad.clear()
    rig.values[1] = 10.0
    rig.run(2)
    assert rig.devices[2] == 50.0
