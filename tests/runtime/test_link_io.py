"""The wires as the scan sees them."""

import itertools
import math

import pytest

from controller.link_io import LinkIo
from drivers.contract import NEVER_READ, Point, Quality, Reason, Sample, WriteOutcome, WriteState
from drivers.registers import Form

PV, SP = Point("V.temperature", "Temp.PV"), Point("V.heater", "Heater.OP", "rw")
BEAT = Point("plc.heartbeat", "Host.Heartbeat", "w")


class Wire:
    """A link's place: holds samples, keeps what is submitted."""

    def __init__(self, *samples, outcomes=()):
        self.name, self.samples, self.submitted, self.reads = "plc", list(samples), [], 0
        self.written = list(outcomes)

    def latest(self):
        return self.samples

    def request_read(self):
        self.reads += 1

    def submit(self, writes):
        self.submitted.append(dict(writes))

    def take_outcomes(self):
        return self.written


def make(simulated=False):
    return LinkIo(3, {"plc": [(0, PV), (2, SP)]}, {"plc": BEAT}, simulated=simulated)


def good(value, time_ns):
    return Sample(value, Quality.GOOD, Reason.OK, time_ns)


def test_before_its_link_exists_a_tag_was_never_read():
    frame = make().collect(10)
    assert [math.isnan(v) for v in frame.value] == [True] * 3
    assert set(frame.quality) == {Quality.BAD}
    assert set(frame.reason) == {Reason.NOT_READ}


def test_samples_reach_their_tags_with_their_age():
    io = make()
    io.attach({"plc": Wire(good(37.0, 4_000_000_000), NEVER_READ)})
    frame = io.collect(5_500_000_000)
    assert (frame.value[0], frame.quality[0], frame.reason[0], frame.age[0]) == (37.0, Quality.GOOD, Reason.OK, 1.5)
    assert frame.reason[2] == Reason.NOT_READ
    assert frame.age[2] == math.inf


def test_a_good_sample_of_a_simulator_says_so_and_a_bad_one_keeps_its_reason():
    io = make(simulated=True)
    io.attach({"plc": Wire(good(37.0, 1), Sample(math.nan, Quality.BAD, Reason.LINK, 1))})
    frame = io.collect(2)
    assert list(frame.reason) == [Reason.SIMULATED, Reason.NOT_READ, Reason.LINK]


def test_a_frame_is_not_changed_by_the_next_one():
    io, wire = make(), Wire(good(37.0, 1), NEVER_READ)
    io.attach({"plc": wire})
    first = io.collect(1)
    wire.samples[0] = good(38.0, 2)
    io.collect(2)
    assert first.value[0] == 37.0


def test_writes_and_heartbeats_go_to_the_link_that_owns_them():
    io, wire = make(), Wire(NEVER_READ, NEVER_READ)
    io.write({2: 12.5})
    io.heartbeat(1)
    assert wire.submitted == []
    io.attach({"plc": wire})
    io.write({2: 12.5})
    io.heartbeat((1 << 31) + 5)
    io.request_reads()
    assert wire.submitted == [{"V.heater": 12.5}, {"plc.heartbeat": 5.0}]
    assert wire.reads == 1


@pytest.mark.parametrize("kind", ["uint16", "int16", "uint32", "int32", "float32"])
def test_every_kind_of_register_holds_every_beat_and_no_two_in_a_row_are_the_same(kind):
    io, wire = make(), Wire(NEVER_READ, NEVER_READ)
    io.attach({"plc": wire})
    for count in (1, 32767, 32768, 32769, 65535, 65536, 65537, 1 << 24, (1 << 24) + 1, 1 << 31, (1 << 31) + 1):
        io.heartbeat(count)
    beats = [Form(kind).words(submitted["plc.heartbeat"]) for submitted in wire.submitted]
    assert all(one != other for one, other in itertools.pairwise(beats))


def test_what_became_of_a_heartbeat_is_shown_and_nothing_is_kept_back():
    beaten = []
    io = LinkIo(
        3, {"plc": [(2, SP)]}, {"plc": BEAT}, simulated=False, beaten=lambda name, one: beaten.append((name, one))
    )
    beat, written = (WriteOutcome(point, 1.0, WriteState.REFUSED, "no") for point in (BEAT, SP))
    io.attach({"plc": Wire(NEVER_READ, outcomes=[beat, written]), "pump": Wire(NEVER_READ, outcomes=[beat])})
    assert io.outcomes() == [beat, written, beat]
    assert beaten == [("plc", beat)]
