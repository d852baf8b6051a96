"""``biovisor loop`` against a supervisor whose scan is real, over HTTP."""

import io
import json
import re
from types import SimpleNamespace

import pytest

from controller.cli import loop_tune
from controller.cli.loop_actions import health, show_list
from controller.cli.loop_client import Failed, path_of, plain
from controller.cli.loop_proposals import BARS, COLUMNS, bars, study
from controller.cli.main import main
from tests.api.tuning_bench import serving
from tests.tuning.conftest import tuned_relay

NAME = "BR-101.temperature"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("cli")) as served:
        yield served


@pytest.fixture
def at_rest(tmp_path):
    """A bench on which nothing was done yet, and its URL."""
    with serving(tmp_path, noise=0.0) as served:
        yield served


@pytest.fixture
def typing(capsys, monkeypatch):
    """Types lines at a supervisor; each gives exit code, output and errors."""
    monkeypatch.setattr(loop_tune, "POLL_S", 0.02)

    def at(url):
        def typed(*words, keys=""):
            monkeypatch.setattr("sys.stdin", io.StringIO(keys))
            code = main(["loop", *words, "--url", url])
            printed = capsys.readouterr()
            return code, printed.out, printed.err

        return typed

    return at


@pytest.fixture
def loop(served, typing):
    return typing(served[1])


@pytest.fixture
def bench(served):
    return served[0]


class Canned:
    """A supervisor that answers everything with one document."""

    def __init__(self, document):
        self.document = document

    def get(self, path):
        return self.document


def in_force(bench):
    return bench.vessel.scan.loops.tunings[bench.vessel.loop("temperature")]


def test_list_and_show(loop):
    code, text, _ = loop("list")
    assert code == 0
    assert any(line.startswith("BR-101.temperature  auto") for line in text.splitlines())
    assert "BR-101.feed" in text
    code, text, _ = loop("show", NAME)
    assert code == 0
    assert "K 46 %/Cel, Ti 710 s, Td 0 s" in text
    assert "version 0" in text
    _, text, _ = loop("show", NAME, "--json", "--form", "parallel")
    found = json.loads(text)
    assert (found["kp"], found["ki"], found["kd"]) == pytest.approx((46.0, 46.0 / 710.0, 0.0))
    _, text, _ = loop("show", NAME, "--json", "--form", "series")
    assert json.loads(text)["ti_s"] == pytest.approx(710.0)
    code, text, _ = loop("show", "BR-101.feed")
    assert "Feed (direct)" in text
    assert "tuning" not in text


def test_set_and_mode(loop, bench):
    code, text, _ = loop("set", NAME, "310.0 K", "--reason", "in kelvin")
    assert code == 0
    assert text.startswith("BR-101.temperature setpoint 310.0 K")
    assert bench.vessel.scan.loops.sp_target[bench.vessel.loop("temperature")] == pytest.approx(36.85)
    assert loop("set", NAME, "37 Cel")[0] == 0
    assert loop("mode", "BR-101.do", "manual")[0] == 0
    assert bench.vessel.scan.loops.states[bench.vessel.loop("do")].mode.word == "manual"


def test_health(loop):
    code, text, _ = loop("health", NAME)
    assert code == 0
    assert "good within 0.2 Cel of the setpoint, by the class" in text
    assert re.search(r"^in band +% +", text, re.MULTILINE)
    code, text, _ = loop("health", NAME, "--json")
    assert json.loads(text)["loop"] == "temperature"


def test_health_shows_the_batch_and_its_operations_beside_all_time(capsys):
    oscillation = {"found": False, "half_swings": 3, "alike": 0.0, "period_s": None}
    figures = {"elapsed_s": 100.0, "in_band": 92.7, "offset": None, "oscillation": oscillation}
    health(
        Canned({
            "judged": True, "band": 0.2, "band_from": "class", "unit": "Cel", "output_unit": "%", "all": figures,
            "batch": {"id": "B1", "running": True, **figures, "in_band": 81.5, "operations": [
                {"operation": "expand", **figures, "in_band": 90.1}, {"operation": "", **figures, "in_band": 12.5},
            ]},
            "recent": {"samples": 200, "harris": None, "oscillation": {"found": True, "period_s": 486.1}},
        }),
        SimpleNamespace(loop=NAME, json=False, sisters=False),
    )  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert "batch B1, running" in lines
    assert ["unit", "all", "time", "batch", "expand", "(no", "operation)"] in [line.split() for line in lines]
    assert ["in", "band", "%", "92.7", "81.5", "90.1", "12.5"] in [line.split() for line in lines]
    assert any(line.startswith("oscillation") and line.endswith("found yes, period s 486.1") for line in lines)


@pytest.mark.parametrize(("words", "what"), [((), "all time"), (("--operation", "expand"), "operation expand of")])
def test_health_of_a_loop_beside_its_sisters(loop, words, what):
    code, text, _ = loop("health", NAME, "--sisters", *words)
    assert code == 0
    lines = text.splitlines()
    assert lines[1].startswith(what)
    assert ["unit", "BR-101", "BR-102"] in [line.split() for line in lines]
    elapsed = next(line.split() for line in lines if line.startswith("elapsed"))
    assert ("-" in elapsed) == bool(words), "nobody has had that operation"
    code, text, _ = loop("health", NAME, "--sisters", *words, "--json")
    assert [one["vessel"] for one in json.loads(text)["vessels"]] == ["BR-101", "BR-102"]


@pytest.mark.parametrize(("actual", "shown"), [("held", "auto, really held"), ("auto", "auto")])
def test_the_actual_mode_is_shown_where_it_is_another(capsys, actual, shown):
    entry = {"name": "ph", "mode": "auto", "actual": actual, "held_by": "recipe", "limited": None, "revision": 4}
    entry |= {"pv": None, "sp": 7.2, "op": 0.0, "unit": "[pH]", "op_unit": "%"}
    show_list(Canned({"vessels": [{"name": "BR-101", "loops": [entry]}]}), SimpleNamespace(json=False))
    assert re.search(rf"^BR-101\.ph +{shown} +- +7\.2", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize(("revision", "holder"), [(0, "nobody"), (3, "operator")])
def test_nobody_holds_a_loop_that_was_never_touched(capsys, revision, holder):
    entry = {"name": "ph", "mode": "off", "actual": "off", "held_by": "operator", "limited": None, "revision": revision}
    entry |= {"pv": None, "sp": 7.2, "op": 0.0, "unit": "[pH]", "op_unit": "%"}
    show_list(Canned({"vessels": [{"name": "BR-101", "loops": [entry]}]}), SimpleNamespace(json=False))
    assert capsys.readouterr().out.splitlines()[-1].endswith(f" {holder}")


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("show", "temperature"), 2, "is no loop: it is named VESSEL.LOOP"),
        (("show", "BR-101.none"), 1, "BR-101 has no loop 'none'"),
        (("show", "BR-999.none"), 1, "There is no such vessel"),
        (("set", NAME, "37"), 2, "is no quantity"),
        (("set", NAME, "99 Cel"), 1, "must lie between"),
        (("mode", NAME, "cascade"), 1, "must be one of"),
        (("tune", "BR-101.feed"), 1, "has no controller to tune"),
        (("tune", NAME, "--undo"), 1, "nothing to put back"),
        (("tune", "BR-101.ph", "--again"), 1, "No experiment was made"),
    ],
)
def test_what_is_refused_says_why(loop, words, code, why):
    found, _, err = loop(*words)
    assert found == code
    assert why in err
    assert err.startswith(f"biovisor loop {words[0]}: ")


def test_nobody_answers(capsys):
    assert main(["loop", "list", "--url", "http://127.0.0.1:9"]) == 1
    assert "no supervisor answers at http://127.0.0.1:9" in capsys.readouterr().err


@pytest.mark.timeout(60)  # an experiment and its proposals five times
def test_p16_a_loop_is_tuned_asked_accepted_and_put_back(at_rest, typing):
    bench, url = at_rest
    loop, sets, row = typing(url), bench.vessel.scan.tuning.sets, bench.vessel.loop("temperature")
    code, text, err = loop("tune", NAME, "--method", "relay", "--reason", "new heater", keys="\n")
    assert code == 0, err
    assert "moving, 1 cycles" in err
    assert "done after" in err
    assert err.endswith(": 4 cycles\n")
    assert "model: " in text
    assert sum(line.startswith("simc ") for line in text.splitlines()) == 2, "figures and pictures"
    assert text.endswith("nothing changed\n")
    assert in_force(bench).gain == 46.0
    code, text, _ = loop("tune", NAME, "--again", keys="simc\n")
    assert code == 0
    assert "simc is in force as version 1" in text
    taken = in_force(bench)
    assert taken.gain > 10.0
    assert taken.integral_time < 300.0
    assert sets.current[row].why.startswith("from the command line: simc after a relay experiment, ")
    assert loop("tune", NAME, "--again", keys="guess\n")[0] == 1
    code, text, _ = loop("tune", NAME, "--undo")
    assert code == 0
    assert text.startswith("version 2 is in force: K 46")
    assert sets.current[row].why == "from the command line: version 1 is taken back"
    assert in_force(bench).integral_time == 710.0
    code, text, _ = loop("tune", NAME, "--again", "--accept", "amigo-pid", "--json")
    document = json.loads(text)
    assert document["accepted"] == "amigo-pid"
    assert document["tuning"]["version"] == 3
    assert in_force(bench).derivative_filter == pytest.approx(10.0)
    rules = {one["rule"]: one for one in document["proposals"]}
    assert list(rules) == ["in force", "simc", "amigo-pi", "amigo-pid", "lambda"]
    assert all(1.0 < one["ms"] < 1.8 for rule, one in rules.items() if rule != "in force")
    seen = rules["simc"]["preview"]
    assert len(seen["time_s"]) == len(seen["load_pv"]) > 100
    assert loop("tune", NAME, "--undo", "--json")[0] == 0


def test_p16_an_experiment_that_is_of_no_use_says_so(at_rest, typing):
    words = ("--pv-high", "37.05", "--pv-low", "36.95", "--amplitude", "25", "--accept", "simc")
    code, _, err = typing(at_rest[1])("tune", NAME, *words)
    assert code == 1
    assert "left the band 36.95 .. 37.05" in err


def test_p16_control_c_stops_the_experiment(at_rest, typing, monkeypatch):
    def interrupted(client, path):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop_tune, "watch", interrupted)
    code, _, err = typing(at_rest[1])("tune", NAME)
    assert code == 1
    assert "the output is back where it was" in err
    assert at_rest[0].vessel.report.reason == "stopped by operator"


def test_a_proposal_that_swings_on_the_model_is_not_brought_into_force():
    swings = SimpleNamespace(rules={"simc": SimpleNamespace(margins=SimpleNamespace(stable=False))})
    with pytest.raises(Failed, match="simc is not stable on this model; nothing changed"):
        loop_tune.accept(None, "/loop", None, swings, "simc")


def test_a_mode_of_a_feed_can_be_remote(loop, bench):
    code, _, err = loop("mode", "BR-101.feed", "remote", "--reason", "go on")
    assert code in {0, 1}, "the supervisor decides"
    assert "invalid choice" not in err


class Supervisor:
    """Answers as it is told."""

    def __init__(self, stage="done", state="applied"):
        self.stage, self.state = stage, state

    def get(self, path):
        return {"stage": self.stage, "scheduled": False}

    def post(self, path, body):
        return {"state": self.state}


def words(**more):
    given = dict.fromkeys(("method", "amplitude", "asymmetry", "cycles", "pv_low", "pv_high", "longest"))
    return SimpleNamespace(loop=NAME, undo=False, again=False, reason="try", **given, **more)


def test_the_record_of_the_experiment_before_is_not_taken_for_the_new_one():
    with pytest.raises(Failed, match="did not say in time that it began"):
        loop_tune.tune(Supervisor(state="accepted"), words())


def test_nothing_is_proposed_before_the_experiment_is_over():
    given = words()
    given.again = True
    with pytest.raises(Failed, match="an experiment is moving: wait for its end"):
        loop_tune.tune(Supervisor(stage="moving"), given)


def test_what_acts_is_what_the_schedule_gives():
    class Scheduled:
        def get(self, path):
            assert path == "/loop/why"
            return {"tuning": {"gain": 54.0, "integral_time": None, "derivative_time": 2.0, "gain_unit": "% per [pH]"}}

    tuning = {"gain": 330.0, "integral_time": 1200.0, "derivative_time": 0.0, "gain_unit": "(%)/([pH])", "version": 3}
    assert loop_tune.acting(Scheduled(), "/loop", {**tuning, "scheduled": True}) == {
        **tuning, "gain": 54.0, "integral_time": None, "derivative_time": 2.0, "scheduled": True,
    }  # fmt: skip
    plain_tuning = {**tuning, "scheduled": False}
    assert loop_tune.acting(None, "/loop", plain_tuning) == plain_tuning


def test_p16_the_overshoot_that_is_shown_is_that_with_the_setpoint_weight():
    report = tuned_relay("e^-s/(10s+1)", 0.0).report()
    record = {"time": report.time, "pv": report.pv, "op": report.op}
    found = {"samples": record, "reference": 0.0, "base": 0.0, "noise": 0.0, "reason": "4 cycles", "method": "relay"}
    tuning = {
        "gain": 5.0, "integral_time": 8.0, "derivative_time": 0.0, "derivative_filter": 10.0, "gain_unit": "(%)/(Cel)",
        "unit": "Cel", "output_unit": "%", "output_low": -50.0, "output_high": 50.0,
    }  # fmt: skip
    whole, small = (study(found, {**tuning, "setpoint_weight": weight}) for weight in (1.0, 0.2))
    assert (small.preview.setpoint.overshoot < 0.5 * whole.preview.setpoint.overshoot).any()
    assert small.preview.setpoint.op[0] == pytest.approx(0.2 * whole.preview.setpoint.op[0])


def test_a_record_without_an_answer_gives_no_model():
    record = {"time": [float(t) for t in range(100)], "pv": [0.0, 1.0] * 50, "op": [0.0] * 20 + [5.0] * 80}
    tuning = {"gain": 1.0, "integral_time": None, "derivative_time": 0.0, "derivative_filter": 10.0}
    found = {"samples": record, "reference": 0.5, "base": 0.0, "noise": 0.1, "reason": "4 cycles", "method": "step"}
    with pytest.raises(Failed, match="did not answer"):
        study(found, tuning)
    with pytest.raises(Failed, match="nothing to learn from: stopped"):
        study({**found, "reference": None, "reason": "stopped"}, tuning)


def test_names_and_bars():
    assert (plain("(%)/(Cel)"), plain("(mL/h)/([pH])")) == ("%/Cel", "(mL/h)/[pH]")
    assert path_of("BR 1.a/b") == "/api/v1/vessels/BR%201/loops/a%2Fb"
    import numpy as np

    rising = bars(np.linspace(0.0, 2.0, 500), 2.0)
    assert len(rising) == COLUMNS
    assert (rising[0], rising[-1]) == (BARS[0], BARS[-1])
    assert bars(np.zeros(100), 0.0) == BARS[0] * COLUMNS
