"""F01: a noisy value that stands still to the bit is found after its time, once, and never while it moves."""

import numpy as np
import pytest

from controller.config.load import load_class, load_site
from controller.config.problems import Problems
from controller.frame import BAD, UNCERTAIN, Frame
from controller.model.build import build
from controller.model.tags import LEAST_STILL_SCANS, Tag, TagTable
from controller.stages.validate import Validator
from drivers.contract import Reason
from simulators.fleet import Fleet
from simulators.mishaps.order import ordered
from tests.control.conftest import ROOT, Rig

CLASS = (ROOT / "configs/classes/stirred-tank-2l.yaml").read_text()
SITE = (ROOT / "configs/sites/bench.yaml").read_text()
ALARM, LOST = "Dissolved oxygen: does not move at all", "Dissolved oxygen: no valid value"
AFTER_S = 60.0


def tag(**options):
    given = {"vessel": "V", "name": "t", "title": "T", "unit": "Cel", "decimals": 1, "kind": "measurement"}
    return Tag(**{**given, "low": 0.0, "high": 100.0, "frozen_s": AFTER_S, **options})


class Bench:
    """A validator of one tag after another that may not stand still, and of one that may, scanned every second."""

    def __init__(self, *tags, minimum_stale_s=0.0):
        self.validator = Validator(TagTable((tag(frozen_s=np.inf), *tags)), 1.0, minimum_stale_s)
        self.now, self.count = 0.0, len(tags) + 1

    def scan(self, value, dt=1.0, quality=0):
        self.now += dt
        n = self.count
        raw = Frame(np.full(n, value), np.full(n, quality, np.uint8), np.zeros(n, np.uint8), np.zeros(n))
        return self.validator.step(raw, self.now)

    def seconds_until_frozen(self, value, most=500):
        """Seconds for which a value is believed; None where it always is."""
        for second in range(most):
            if self.scan(value).reason[1] == Reason.FROZEN:
                return second
        return None


@pytest.mark.parametrize("quality", [UNCERTAIN, BAD])
def test_f01_a_value_that_stands_still_is_marked_within_two_scans_of_its_time(quality):
    bench = Bench(tag(frozen_quality=quality))
    assert AFTER_S < bench.seconds_until_frozen(37.01) <= AFTER_S + 2.0
    frame = bench.scan(37.01)
    assert frame.quality.tolist() == [0, quality], "what may stand still does"
    assert frame.value[1] == 37.01, "it is judged, not changed"
    assert bench.validator.frozen.flags.tolist() == [True]
    next_one = np.nextafter(37.01, 38.0)
    assert [bench.scan(value).quality[1] for value in (next_one, 37.01, next_one)] == [quality, quality, 0]
    assert bench.validator.frozen.flags.tolist() == [False], "what moves again is believed"
    assert AFTER_S < bench.seconds_until_frozen(37.01) <= AFTER_S + 2.0


@pytest.mark.parametrize("after", [10.0, 60.0, 600.0])
def test_f01_what_hangs_and_changes_one_bit_now_and_then_stays_frozen(after):
    bench, value = Bench(tag(frozen_s=after, frozen_quality=BAD)), 37.0
    every = max(int(after), LEAST_STILL_SCANS) + 5
    seen = []
    for second in range(20 * every):
        value = 37.0 if second // every % 2 else 37.01
        seen.append(int(bench.scan(value).quality[1]))
    assert seen == sorted(seen), "believed until it is frozen, and never again"
    assert seen[-1] == BAD


@pytest.mark.parametrize(("gap", "believed"), [(59, True), (60, True), (61, False)])
def test_f01_three_moves_within_a_minute_of_each_other_are_believed(gap, believed):
    bench = Bench(tag(frozen_s=300.0))
    assert bench.seconds_until_frozen(37.0)
    for value in (37.1, 37.2, 37.3):
        for _ in range(gap):
            frame = bench.scan(value)
    assert frame.quality[1] == (0 if believed else UNCERTAIN)


def test_f01_a_link_that_is_gone_now_and_then_hides_nothing_that_hangs():
    """As behind a gateway that hangs: its last value comes back after every break, and the breaks do not count."""
    bench = Bench(tag())
    believed = [bench.scan(37.0, quality=BAD if second % 50 == 49 else 0).reason[1] for second in range(200)]
    assert believed.index(Reason.FROZEN) == 62
    for lost in (37.1, np.nan, 37.0) * 30:
        bench.scan(lost, quality=BAD)
    assert bench.scan(37.0).reason[1] == Reason.FROZEN, "nor does a break free what is frozen"
    assert bench.validator.frozen.flags.tolist() == [True]


def test_f01_each_tag_has_its_own_time():
    bench = Bench(tag(), tag(frozen_s=100.0))
    frames = [bench.scan(37.0) for _ in range(120)]
    first = [next(place for place, frame in enumerate(frames) if frame.quality[row]) for row in (1, 2)]
    assert first == [61, 101]


def test_f01_a_value_that_moves_now_and_then_is_never_frozen():
    bench, random = Bench(tag()), np.random.default_rng(1)
    coarse = np.round(random.normal(37.0, 0.02, 24 * 3600), 2)
    assert not any(bench.scan(value).quality[1] for value in coarse), "a day of a probe's noise"


@pytest.mark.parametrize("hours", [3, pytest.param(24, marks=pytest.mark.soak)])
def test_f01_no_probe_of_a_simulated_vessel_is_called_frozen_and_one_that_hangs_is(hours):
    """The shipped perfusion class, scanned every second."""
    kind = load_class(ROOT / "configs/classes/perfusion-10l.yaml").config
    declared = {name: one.frozen.after.to("s") for name, one in kind.measurements.items() if one.frozen}
    assert set(declared) == {"temperature", "ph", "do"}
    tags = [tag(name=name, high=500.0, frozen_s=after) for name, after in declared.items()]
    validator = Validator(TagTable(tuple(tags)), 1.0)
    fleet = Fleet({"model": "tc_m", "volume_l": 1.0, "temperature_c": 37.0, "vcd": 1.0}, [0], 1)
    good = np.zeros(len(tags), np.uint8)

    def seen(seconds):
        """Whether any was frozen in a scan of that many."""
        found = good > 0
        for _ in range(seconds):
            fleet.step(1.0)
            values = np.array([fleet.readings[name][0] for name in declared])
            validator.step(Frame(values, good, good, np.zeros(len(tags))), float(fleet.truth()["process_s"][0]))
            found |= validator.frozen.flags
        return found.tolist()

    assert seen(hours * 3600) == [False, False, False]
    fleet.befall(ordered("stuck-reading", "ph"))
    assert seen(603) == [False, True, False]


def test_f01_the_time_does_not_run_while_there_is_no_value():
    bench = Bench(tag())
    for _ in range(100):
        assert bench.scan(37.0, quality=BAD).reason[1] != Reason.FROZEN
    assert AFTER_S <= bench.seconds_until_frozen(37.0) <= AFTER_S + 2.0
    bench = Bench(tag())
    assert all(bench.scan(np.nan).reason[1] == Reason.DEVICE for _ in range(100))


def test_f01_scans_that_were_missed_do_not_count():
    bench = Bench(tag())
    bench.scan(37.0)
    assert bench.scan(37.0, dt=3600.0).quality[1] == 0
    assert 45 < bench.seconds_until_frozen(37.0) <= AFTER_S - 5


def test_f01_where_values_come_seldom_thirty_are_looked_at_first():
    """As in a rehearsal that scans every 20 s, or on wires that are slow beside a fast clock."""
    bench = Bench(tag(), minimum_stale_s=60.0)
    assert bench.seconds_until_frozen(37.0, most=900) == 601


def test_f01_a_worse_quality_keeps_its_reason():
    bench = Bench(tag())
    for _ in range(100):
        frame = bench.scan(37.0, quality=UNCERTAIN)
    assert (frame.quality[1], frame.reason[1]) == (UNCERTAIN, Reason.OK)
    assert bench.validator.frozen.flags.tolist() == [True], "it is an alarm nevertheless"


def written(tmp_path, frozen, before="    filter: 5 s\n"):
    assert CLASS.count(before) == 1
    for folder, text in {
        "classes/stirred-tank-2l.yaml": CLASS.replace(before, f"{before}    frozen: {frozen}\n"),
        "sites/bench.yaml": SITE,
    }.items():
        path = tmp_path / folder
        path.parent.mkdir()
        path.write_text(text)
    return tmp_path / "sites/bench.yaml"


@pytest.mark.parametrize("quality", ["uncertain", "bad"])
def test_f01_it_is_an_alarm_and_a_bad_one_brings_its_loop_to_its_fallback(tmp_path, quality):
    rig = Rig(build(load_site(written(tmp_path, f"{{after: 10 min, quality: {quality}}}"))), period=10.0)
    rig.set(do=30.0)
    rig.run(3)
    rig.mode("do", "auto")
    rig.setpoint("do", 50.0)
    rig.run(70)
    mine, other = (ALARM, LOST) if quality == "uncertain" else (LOST, ALARM)
    assert any(text.startswith(f"{mine}: active") for text in rig.texts())
    before = rig.op("do")
    rig.run(20)
    assert (rig.op("do") == before) is (quality == "bad"), "held, as its class says of a Bad value"
    for value in (31.0, 30.0, 31.0, 30.0):
        rig.set(do=value)
        rig.step()
    assert any(text.startswith(f"{mine}: returned") for text in rig.texts())
    assert not any(text.startswith(other) for text in rig.texts()), "one cause, one alarm"


def test_f01_without_a_word_in_the_class_nothing_is_frozen():
    alarms = build(load_site(ROOT / "configs/sites/jacketed.yaml")).alarms
    assert not [alarm for alarm in alarms if alarm.side == "frozen"]


@pytest.mark.parametrize(
    ("frozen", "complaint"),
    [
        ("{after: 0 s}", "0 s is too small"),
        ("{after: 5 Cel}", "after: "),
        ("{after: 5 min, quality: awful}", "quality: "),
        ("10 min", "frozen"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, frozen, complaint):
    with pytest.raises(Problems, match=r"stirred-tank-2l\.yaml:\d+:\d+: ") as refused:
        load_site(written(tmp_path, frozen))
    assert complaint in str(refused.value)


def test_what_stands_still_by_nature_is_refused(tmp_path):
    path = tmp_path / "class.yaml"
    path.write_text(CLASS.replace("rebase: batch}", "rebase: batch, frozen: {after: 10 min}}", 1))
    with pytest.raises(Problems, match="is for a noisy value that is read at every scan"):
        load_class(path)
