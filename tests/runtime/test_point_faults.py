"""Points without a value are told when that begins and ends, together, and never in between."""

import math

import pytest

from controller.composition.point_faults import PointFaults
from controller.link_io import LinkIo
from drivers.contract import NEVER_READ, Point, Quality, Reason, Sample

POINTS = [Point(f"V.tag{place}", f"Tag{place}.PV") for place in range(12)]
GOOD = Sample(1.0, Quality.GOOD, Reason.OK, 1)
LOST = Sample(math.nan, Quality.BAD, Reason.LINK, 1, None, "no answer")


def bad(detail="no such node"):
    return Sample(math.nan, Quality.BAD, Reason.DEVICE, 1, None, detail)


@pytest.fixture
def told():
    return []


@pytest.fixture
def faults(told):
    return PointFaults({"plc": list(enumerate(POINTS))}, lambda *what: told.append(what))


def test_a_point_that_its_device_does_not_know_is_told_once_and_once_when_it_is_back(faults, told):
    for sample in (NEVER_READ, bad(), bad(), bad("another word"), LOST, bad(), GOOD, GOOD):
        faults.look("plc", [sample, GOOD])
    assert told == [("plc", "plc: Tag0.PV: no such node", True), ("plc", "plc: Tag0.PV: in order again", False)]


def test_a_silent_device_among_others_is_told_once_and_once_when_it_is_back(faults, told):
    for sample in (LOST, GOOD, LOST, LOST, LOST, GOOD, LOST, GOOD):
        faults.look("plc", [sample, GOOD])
    assert told == [("plc", "plc: Tag0.PV: no answer", True), ("plc", "plc: Tag0.PV: in order again", False)]


def test_a_lost_link_says_nothing_of_its_points(faults, told):
    for _ in range(3):
        faults.look("plc", [LOST, LOST])
    assert told == []


def test_many_points_are_told_together_by_what_is_said_of_them(faults, told):
    faults.look("plc", [bad()] * 10 + [bad("sensor failure"), bad("")])
    names = ", ".join(f"Tag{place}.PV" for place in range(8))
    assert [text for _, text, _ in told] == [
        f"plc: {names} and 2 more: no such node",
        "plc: Tag10.PV: sensor failure",
        "plc: Tag11.PV: no valid value",
    ]
    faults.look("plc", [GOOD] * 12)
    assert told[3][1] == f"plc: {names} and 4 more: in order again"


def test_what_is_wrong_now_is_shown(faults):
    faults.look("plc", [GOOD, bad()])
    assert faults.shown("plc") == [{"tag": "V.tag1", "point": "Tag1.PV", "detail": "no such node"}]
    faults.look("plc", [GOOD, GOOD])
    assert faults.shown("plc") == faults.shown("record") == []


def test_every_read_is_looked_at(faults, told):
    class Wire:
        def latest(self):
            return [bad()]

    io = LinkIo(12, {"plc": list(enumerate(POINTS))}, {}, simulated=True, look=faults.look)
    io.attach({"plc": Wire()})
    io.collect(5)
    assert len(told) == 1
