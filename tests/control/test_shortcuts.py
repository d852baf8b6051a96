"""A scan passes over what cannot have changed; one that looks at everything every time comes to the same results."""

import math

import numpy as np
import pytest

from controller.commands import Verb
from controller.frame import BAD, GOOD, Frame
from controller.model.doses import Guard
from controller.model.guards import Alarm, Interlock
from controller.model.loops import Output, OutputTable
from controller.model.tags import Tag, TagTable
from controller.recipe.conditions import compile_condition
from controller.recipe.symbols import Symbol
from controller.stages.alarms import Alarms
from controller.stages.dose_guard import DoseGuards
from controller.stages.edges import Edges
from controller.stages.flags import all_of, any_bad, any_number, any_of, rows_where
from controller.stages.interlocks import Interlocks
from controller.stages.validate import Validator
from drivers.contract import Reason

LOOPS = ("temperature", "ph", "do", "agitation", "air", "feed")
LINKS = ("plc-101", "probes-101", "base-pump-101", "feed-pump-101")
MODES = ("off", "manual", "auto", "cascade")


def forget(scan):
    """Take from a scan all that it goes by when it passes over something."""
    scan.validator._read, scan.validator._least_jump = b"", np.full(len(scan.validator._rated), -1.0)
    filters, totals = scan.estimator._filters, scan.estimator._totals
    filters._starting, filters._share_dt, totals._counting = True, math.nan, False
    outputs, guards = scan.outputs, scan.outputs.guards
    outputs._seen, outputs._step_dt, outputs._refresh_at = b"", math.nan, -math.inf
    outputs._claims._seen, outputs._recent._without, outputs._recent._spanned = b"", b"", False
    outputs.steps._seen, outputs.pulses._scan_s = b"", math.nan
    guards._seen, guards._watched[...] = b"", -math.inf
    scan.programs.deliveries.account._dt_h, scan.health.meter._qualities = math.nan, b""
    for level in scan.loops.levels:
        level.ends, level.held = level.ends.copy(), level.held.copy()
    scan.loops._seen, scan.loops.signals._known = b"", b""
    scan.interlocks._settled = False
    scan.alarms._quiet = False


def edges_of(site):
    """For every tag the values at which something happens, and what is near them."""
    edges = {row: [0.0, 1e9, -1e9, math.nan] for row in range(len(site.tags))}
    for alarm in site.alarms:
        if math.isfinite(alarm.limit):
            edges[alarm.tag] += [alarm.limit, alarm.limit - alarm.deadband, alarm.limit + alarm.deadband]
    for name, limits in {"temperature": (38.5, 38.0), "volume": (2.0, 1.9), "pressure": (200.0, 150.0)}.items():
        edges[site.tags.index[f"BR-101.{name}"]] += limits
    near = (0.0, 1e-10, -1e-10, 0.3, -0.3)
    return {row: [value + by for value in values for by in near] for row, values in edges.items()}


class Storm:
    """Everything that can happen to a rig, in a ``share`` of its scans; the same for the same seed."""

    def __init__(self, rig, seed, share, *, forgetful=False):
        self.rig, self.rng, self.share, self.forgetful = rig, np.random.default_rng(seed), share, forgetful
        self.found, self.edges = dict(rig.values), edges_of(rig.site)

    def happen(self):
        rig, rng = self.rig, self.rng
        row = int(rng.choice(list(rig.values)))
        if rng.random() > self.share:
            return []
        match rng.choice(["edge", "found", "bad", "link", "forget", "stuck", "command"], p=[
            0.35, 0.25, 0.07, 0.05, 0.06, 0.04, 0.18,
        ]):  # fmt: skip
            case "edge":
                rig.values[row] = float(rng.choice(self.edges[row]))
            case "found":
                rig.values.update(self.found)
                rig.bad.clear()
                rig.lost.clear()
            case "bad":
                rig.bad[int(rng.choice([*rig.values, *rig.devices]))] = Reason.DEVICE
            case "link":
                rig.lost ^= {str(rng.choice(LINKS))}
            case "forget":
                rig.devices[int(rng.choice(list(rig.devices)))] = float(rng.uniform(0, 50))
            case "stuck":
                rig.stuck ^= {int(rng.choice(list(rig.devices)))}
            case "command":
                return [self.command()]
        return []

    def command(self):
        rig, rng = self.rig, self.rng
        loop, verb = str(rng.choice(LOOPS)), rng.choice([Verb.MODE, Verb.MODE, Verb.SETPOINT])
        value = {"mode": str(rng.choice(MODES))} if verb == Verb.MODE else {"value": float(rng.uniform(0, 60))}
        return rig.command(Verb(verb), loop, **value)

    def scan(self):
        commands = self.happen()
        dt = float(self.rng.choice([0.5, 1.0, 1.0, 1.0, 5.0, 700.0], p=[0.1, 0.3, 0.3, 0.2, 0.08, 0.02]))
        if self.forgetful:
            forget(self.rig.scan)
        self.rig.step(*commands, dt=dt)

    def seen(self):
        """What the scan made."""
        scan, frame = self.rig.scan, self.rig.result.frame
        loops, outputs, interlocks = scan.loops, scan.outputs, scan.interlocks
        arrays = [frame.value, frame.quality, frame.reason, frame.age, loops.op, loops.sp, loops.limited]
        arrays += [outputs.actual, outputs.target, interlocks.forced, interlocks.undecided]
        view = scan.view()
        return arrays, (self.rig.result.writes, self.rig.texts(), view.vessels, view.alarms, scan.state())


@pytest.mark.parametrize(("seed", "share"), [(1, 0.7), (2, 0.2), (3, 0.1), (4, 0.05)])
def test_what_is_passed_over_would_have_changed_nothing(make_rig, seed, share):
    storms = Storm(make_rig(), seed, share), Storm(make_rig(), seed, share, forgetful=True)
    for _ in range(400):
        for storm in storms:
            storm.scan()
        (arrays, lists), (others, same) = (storm.seen() for storm in storms)
        for mine, theirs in zip(arrays, others, strict=True):
            np.testing.assert_array_equal(mine, theirs)
        assert lists == same
    texts = " ".join(storms[0].rig.texts())
    assert all(word in texts for word in ("tripped", "released", "active", "returned"))


def some_frame(values, quality):
    reason = np.full(len(values), Reason.OK, np.uint8)
    return Frame(values.copy(), quality.copy(), reason, np.zeros(len(values)))


def some_quality(rng, n):
    return np.where(rng.random(n) < 0.2, BAD, 0).astype(np.uint8)


def some_alarm(rng, row):
    side = str(rng.choice(["above", "below", "bad", "undecided"], p=[0.4, 0.4, 0.1, 0.1]))
    limit, deadband = float(rng.integers(-3, 4)), float(rng.choice([0.0, 1.0]))
    delays = [float(rng.choice([0.0, 2.0])) for _ in range(2)]
    during = frozenset({"grow"} if rng.random() < 0.3 else ())
    return Alarm("V", f"a{row}", "A", row % 5, side, limit, deadband, *delays, 1, "1", during, interlock=row % 3)


@pytest.mark.parametrize("share", [0.5, 0.05])
def test_alarms_look_closely_at_no_value_too_few(share):
    rng = np.random.default_rng(5)
    alarms = [some_alarm(rng, row) for row in range(20)]
    quick, slow = Alarms(alarms), Alarms(alarms)
    values, quality, undecided = np.zeros(5), np.zeros(5, np.uint8), np.zeros(3, np.bool_)
    operation, changes = "", 0
    for now in range(1500):
        if rng.random() < share:
            values[rng.integers(5)] = rng.choice([*range(-4, 5), math.nan]) + rng.choice([0, 1e-12, 0.4])
        elif rng.random() < 0.1 * share:
            quality, undecided = some_quality(rng, 5), rng.random(3) < 0.2
            operation = str(rng.choice(["", "grow"]))
        frame = some_frame(values, quality)
        slow._quiet = False
        told = [one.step(frame, {"V": operation}, float(now), undecided) for one in (quick, slow)]
        assert told[0] == told[1]
        changes += len(told[0])
    assert quick.view() == slow.view()
    assert changes > 50


@pytest.mark.parametrize("share", [0.5, 0.05])
def test_rates_and_samples_are_judged_the_same_however_little_moves(share):
    rng = np.random.default_rng(6)
    tags = [
        Tag("V", f"t{n}", "T", "1", 1, "measurement", -9.0, 9.0, max_rate=float(n), sampled=n == 3) for n in range(4)
    ]
    quick, slow = (Validator(TagTable(tuple(tags)), 1.0) for _ in range(2))
    slow._least_jump = np.full(4, -1.0)
    values = np.zeros(4)
    for now in range(600):
        if rng.random() < share:
            values[rng.integers(4)] = rng.choice([-10.0, 0.0, 0.5, 1.0, 3.0, 9.0, math.nan])
        frame = some_frame(values, some_quality(rng, 4) if rng.random() < share else np.zeros(4, np.uint8))
        frame.age[:] = rng.choice([0.0, 0.3])
        slow._read = b""
        one, other = (validator.step(frame, float(now)) for validator in (quick, slow))
        for name in ("value", "quality", "reason", "age"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=f"{now} {name}")


def some_guards(limits):
    guarded = [
        Output(n, f"V.p{n}", 0.0, 5.0, 0.0, guard=Guard(most, 480.0, batch, "mL", 1.0))
        for n, (most, batch) in enumerate(limits)
    ]
    return DoseGuards(OutputTable((Output(9, "V.free", 0.0, 9.0, 0.0), *guarded)))


@pytest.mark.parametrize(
    "limits", [[(100.0, math.inf)], [(math.inf, 250.0)], [(30.0, 400.0)], [(100.0, math.inf), (30.0, 400.0)]]
)
def test_dose_guards_look_closely_at_no_amount_too_late(limits):
    rng, n = np.random.default_rng(7), 1 + len(limits)
    quick, slow = some_guards(limits), some_guards(limits)
    sent, value, readable, texts = np.zeros(n), np.zeros(n), np.ones(n, np.bool_), ""
    for _ in range(6000):
        if rng.random() < 0.1:
            sent[:] = value[:] = rng.choice([0.0, 0.01, 0.1, 1.0], n)
            value[rng.integers(n)] = rng.choice([0.0, 0.1, 7.0, math.nan])
            readable = np.isfinite(value) & (rng.random(n) < 0.8)
        sent[quick.held] = value[quick.held] = 0.0
        dt = float(rng.choice([0.0, 1.0, 3.0, 100.0], p=[0.02, 0.9, 0.07, 0.01]))
        what = rng.choice(["", "reset", "rebase", "restart"], p=[0.985, 0.005, 0.005, 0.005])
        for guards in (quick, slow):
            if what == "reset":
                guards.reset(n - 2)
            elif what == "rebase":
                guards.rebase("V")
            elif what == "restart":
                guards.restore(guards.state(sent), 5.0, sent)
        slow._seen, slow._watched[...] = b"", -math.inf
        told = [guards.count(sent, value, readable, dt) for guards in (quick, slow)]
        assert told[0] == told[1]
        texts += "".join(event.text for event in told[0])
    assert quick.state(sent) == slow.state(sent)
    assert min(texts.count(word) for word in ("held at", "free again")) > 5


SYMBOLS = {"temperature": Symbol("Cel"), "pressure": Symbol("mbar"), "ph.op": Symbol("%")}


@pytest.mark.parametrize(
    ("text", "edges"),
    [
        ("temperature > 38.5 Cel", [("temperature", 38.5)]),
        ("300 K <= temperature", [("temperature", 26.85)]),
        ("not (pressure < 0.2 bar)", [("pressure", 200.0)]),
        ("temperature > 1 Cel and (pressure > 1 mbar or ph.op == 2 %)", [
            ("temperature", 1.0), ("pressure", 1.0), ("ph.op", 2.0),
        ]),
        ("pressure / 2 > 1 mbar", None),
        ("temperature > 1 Cel and abs(ph.op) > 2 %", None),
        ("not (pressure + 1 mbar < 3 mbar)", None),
    ],
)  # fmt: skip
def test_the_edges_of_a_condition_are_all_that_decides_it(text, edges):
    assert compile_condition(text, SYMBOLS).truth.edges == (None if edges is None else tuple(edges))


def test_sides_tell_below_at_above_and_unknown_apart(rig):
    rig.step()
    frame, told = rig.result.frame.copy(), set()
    edges = Edges([rig.row("temperature")], [38.5], [True])
    for value in (38.4, 38.5, 38.6, math.nan, math.inf):
        frame.value[rig.row("temperature")] = value
        told.add(edges.sides(frame))
    frame.value[rig.row("temperature")], frame.quality[rig.row("temperature")] = 38.4, BAD
    assert len(told | {edges.sides(frame)}) == 6


class Above:
    """A condition on one number."""

    def __init__(self, limit):
        self.limit = limit

    def evaluate(self, reader):
        return reader.read("V", "x")[0] > self.limit

    def explain(self, reader):
        return f"x > {self.limit}"


class One:
    def __init__(self, value):
        self.value = value

    def read(self, vessel, name):
        return self.value, GOOD


@pytest.mark.parametrize("watched", [False, True])
def test_an_interlock_whose_release_is_true_already_releases_once_it_would_no_longer_trip(watched):
    interlock = Interlock("V", "i", "I", "x > 1", "x > 0.2", ((0, 0.0),))
    edges = Edges([0, 0], [1.0, 0.2], [watched])
    interlocks = Interlocks([interlock], [(Above(1.0), Above(0.2))], 1, edges=edges)
    frame = Frame(np.array([3.0]), np.zeros(1, np.uint8), np.zeros(1, np.uint8), np.zeros(1))
    told = [len(interlocks.step(One(3.0), now, frame)) for now in (1.0, 2.0, 3.0, 4.0)]
    assert (told, interlocks.forced[0]) == ([1, 0, 0, 0], 0.0)
    frame.value[0] = 0.5
    assert [len(interlocks.step(One(0.5), now, frame)) for now in (5.0, 6.0)] == [1, 0]
    assert np.isnan(interlocks.forced[0])


@pytest.mark.parametrize("flags", [[], [False], [True], [False, True], [True, True], [False] * 300 + [True]])
def test_questions_about_flags(flags):
    array = np.array(flags, np.bool_)
    assert (any_of(array), all_of(array)) == (any(flags), all(flags))
    assert rows_where(array).tolist() == [row for row, flag in enumerate(flags) if flag]


def test_questions_about_numbers():
    assert any_bad(np.array([0, 1, BAD], np.uint8))
    assert not any_bad(np.array([0, 1, 1], np.uint8))
    assert any_number(np.array([0.0, 1e-300]))
    assert any_number(np.array([math.nan]))
    assert not any_number(np.zeros(3))
