"""``biovisor device calibrate`` over real wires, with an operator who moves simulated probes."""

import asyncio

import pytest

from controller.cli.main import main
from tests.cli.calibration_bench import DONE, VESSEL, Bench, Simulators, write_site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]
QUICK = ("--window", "1")


@pytest.fixture(scope="module")
def simulators(tmp_path_factory):
    running = Simulators(tmp_path_factory.mktemp("calibrate"))
    yield running
    running.stop()


@pytest.fixture
def bench(simulators, tmp_path, monkeypatch, capsys):
    return Bench(write_site(tmp_path), tmp_path / "data", monkeypatch, capsys, simulators)


def in_ph(simulators, ph, answer=None):
    """Puts the probe into something, then answers."""

    def do():
        simulators.set(ph=ph, temperature_c=25.0)
        return answer or str(ph)

    return do


def two_buffers(simulators, first=7.0, second=4.01):
    return {
        "buffer-1": in_ph(simulators, first), "temperature-1": "",
        "buffer-2": in_ph(simulators, second), "temperature-2": "25",
    }  # fmt: skip


def test_two_buffers_one_question_at_a_time(bench, simulators):
    code, text, errors = bench.types(VESSEL, "ph", "--method", "ph-2", *QUICK, answers=two_buffers(simulators) | DONE)
    assert code == 0, errors
    assert bench.asked == ["buffer-1", "temperature-1", "buffer-2", "temperature-2", "accept", "who", "reason"]
    assert "factor" in text
    assert "old" in text
    assert "%" in text
    assert "next start" in text
    (entry,) = bench.entries()
    assert entry["id"].startswith("SIM-")
    assert (entry["vessel"], entry["name"], entry["method"]) == (VESSEL, "ph", "ph-2")
    assert (entry["who"], entry["reason"]) == ("Ann Lee", "before batch 7")
    assert [one["value"] for one in entry["references"]] == [7.0, 4.01]
    assert entry["references"][0]["temperature_c"] == pytest.approx(25.0, abs=0.3)
    raw = [one["raw"] for one in entry["readings"]]
    new = entry["new"]
    corrected = [new["factor"]["value"] * one + new["offset"]["value"] for one in raw]
    assert corrected == pytest.approx([7.0, 4.01], abs=1e-9)
    assert new["factor"]["value"] == pytest.approx(1.0, abs=0.02)
    assert entry["expires"] > entry["time"]


def test_a_standard_has_its_value_at_the_temperature_that_the_probe_reads(bench, simulators):
    answers = {"buffer-1": in_ph(simulators, 6.865, "phosphate"), "temperature-1": "read", **DONE}
    code, _, errors = bench.types(VESSEL, "ph", "--method", "ph-1", *QUICK, answers=answers)
    assert code == 0, errors
    (entry,) = bench.entries()
    assert entry["references"][0]["value"] == pytest.approx(6.865, abs=0.003)
    assert entry["new"]["factor"]["value"] == 1.0


def test_a_slope_that_cannot_be_is_refused_with_the_reason(bench, simulators):
    answers = two_buffers(simulators) | {"buffer-2": in_ph(simulators, 4.8, "4.01")} | DONE
    code, _, errors = bench.types(VESSEL, "ph", "--method", "ph-2", *QUICK, answers=answers)
    assert code == 1
    assert "the slope would be 7" in errors
    assert "85 to 105 %" in errors
    assert bench.entries() == []


def test_what_does_not_stand_still_is_taken_with_a_reason_only(bench, simulators):
    answers = {
        "buffer-1": in_ph(simulators, 7.0),
        "temperature-1": "",
        "buffer-1-force": ["", "old probe, slow"],
        **DONE,
    }
    still = ("--band", "0.0001", "--window", "1", "--wait", "1.6")
    code, text, errors = bench.types(VESSEL, "ph", "--method", "ph-1", *still, answers=answers)
    assert code == 0, errors
    assert text.count("not still") == 2
    assert bench.entries()[0]["readings"][0]["forced"] == "old probe, slow"


def test_zero_and_span_of_dissolved_oxygen(bench, simulators):
    answers = {
        "zero": lambda: simulators.set(do=0.0) or "",
        "span": lambda: simulators.set(do=100.0) or "",
        **DONE,
    }
    code, _, errors = bench.types(VESSEL, "do", "--method", "do", *QUICK, answers=answers)
    assert code == 0, errors
    (entry,) = bench.entries()
    assert [one["value"] for one in entry["references"]] == [0.0, 100.0]
    assert entry["new"]["factor"]["value"] == pytest.approx(1.0, abs=0.03)


def test_an_answer_that_is_not_accepted_changes_nothing(bench, simulators):
    answers = two_buffers(simulators) | {"accept": ["perhaps", "no"]}
    code, text, errors = bench.types(VESSEL, "ph", "--method", "ph-2", *QUICK, answers=answers)
    assert code == 1
    assert "yes or no" in text
    assert "nothing changed" in errors
    assert bench.entries() == []
    assert "nothing is open" in bench.types(VESSEL, "ph", "--resume")[2]


def test_an_interrupted_one_goes_on_where_it_was(bench, simulators):
    first = {key: value for key, value in two_buffers(simulators).items() if key.endswith("1")}
    code, _, errors = bench.types(VESSEL, "ph", "--method", "ph-2", *QUICK, answers=first)
    assert code == 1
    assert "--resume goes on" in errors
    rest = {key: value for key, value in two_buffers(simulators).items() if key.endswith("2")}
    code, text, errors = bench.types(VESSEL, "ph", "--resume", *QUICK, answers=rest | DONE)
    assert code == 0, errors
    assert "point-1: as before" in text
    assert bench.asked == ["buffer-2", "temperature-2", "accept", "who", "reason"]
    assert len(bench.entries()) == 1


def test_an_open_one_is_offered_and_can_be_given_up(bench, simulators):
    bench.types(VESSEL, "ph", "--method", "ph-2", *QUICK, answers={})
    assert "is open" not in bench.types(VESSEL, "ph", "--method", "ph-2", *QUICK, answers={})[1], "nothing was done yet"
    first = {"buffer-1": in_ph(simulators, 7.0), "temperature-1": ""}
    bench.types(VESSEL, "ph", "--method", "ph-2", *QUICK, answers=first)
    _, text, _ = bench.types(VESSEL, "ph", "--method", "ph-2", *QUICK, answers={"open": "resume"})
    assert "is open" in text
    assert "going on with ph-2" in text
    assert "not do" in bench.types(VESSEL, "ph", "--method", "do", "--resume")[2]
    assert bench.types(VESSEL, "ph", "--abandon")[0] == 0
    code, _, errors = bench.types(VESSEL, "ph", "--abandon")
    assert (code, "nothing is open" in errors) == (1, True)


def test_answers_come_from_options_without_a_terminal(bench, simulators):
    simulators.set(ph=7.0, temperature_c=25.0)
    given = {"buffer-1": "7", "temperature-1": "read", "accept": "yes"}
    options = [word for key, value in given.items() for word in ("--answer", f"{key}={value}")]
    code, _, errors = bench.types(
        VESSEL, "ph", "--method", "ph-1", *QUICK, *options, "--who", "Ann", "--reason", "weekly", "--expires", "2 d"
    )
    assert code == 0, errors
    code, _, errors = bench.types(VESSEL, "ph", "--method", "ph-1", "--answer", "buffer-1=blue")
    assert code == 1
    assert "buffer-1:" in errors


@pytest.mark.parametrize(("told", "passed"), [("504", True), ("480", False)])
def test_a_weight_on_a_balance_passes_or_fails_and_changes_nothing(bench, simulators, told, passed):
    answers = {
        "empty": lambda: simulators.set(volume_l=1.0) or "",
        "weight": lambda: simulators.set(volume_l=1.5) or told,
        "tolerance": "8", "who": "Ann Lee", "reason": "daily",
    }  # fmt: skip
    words = (VESSEL, "weight", "--method", "balance", "--band", "10", "--window", "4")
    code, text, errors = bench.types(*words, answers=answers)
    assert code == (0 if passed else 1), errors
    assert ("passed" if passed else "FAILED") in text
    (entry,) = bench.entries()
    assert (entry["kind"], entry["passed"], entry["new"]) == ("check", passed, None)
    assert ("passed" if passed else "failed") in bench.types("--list")[1]


def test_a_port_that_another_program_owns(bench, simulators):
    """A supervisor of another data directory holds the wire."""

    async def held():
        from drivers import registry
        from drivers.contract import ConnectionSpec

        driver = registry.create("hamilton_arc", ConnectionSpec("probes", simulators.url("probes-101"), {}, 1.0))
        await driver.open()
        return driver

    with asyncio.Runner() as runner:
        driver = runner.run(held())
        code, _, errors = bench.types(VESSEL, "ph", "--method", "ph-1", answers={"buffer-1": "7"})
        runner.run(driver.close())
    assert code == 1
    assert "A wire has one owner: stop the supervisor" in errors


def test_the_supervisor_takes_it_and_says_which_one_it_is(bench, simulators, tmp_path, capsys):
    from controller.clock import ScaledClock
    from controller.composition.assembly import Assembly
    from controller.composition.options import Options

    assert bench.types(VESSEL, "ph", "--method", "ph-2", *QUICK, answers=two_buffers(simulators) | DONE)[0] == 0
    (entry,) = bench.entries()

    def start():
        assembly = Assembly(Options(bench.site, bench.data), ScaledClock(), simulated=True)
        assembly.runtime.tick(assembly.clock.now_ns())
        assembly.close(clean=True)
        return assembly

    assembly = start()
    tag = assembly.site.tags.tags[assembly.site.tags.index[f"{VESSEL}.ph"]]
    assert (tag.point.gain, tag.point.offset) == pytest.approx(
        (entry["new"]["factor"]["value"], entry["new"]["offset"]["value"])
    )
    column = next(one for one in assembly.publisher.columns if one["name"] == "ph" and one["kind"] == "tag")
    expected = {"name": "ph", "id": entry["id"], "date": entry["time"], "expires": entry["expires"]}
    assert column["calibration"] == expected
    assert bench.types(VESSEL, "ph", "--undo", answers={"who": "Ann", "reason": "wrong buffer"})[0] == 0
    assembly = start()
    told = [one for one in assembly.store.entries(limit=500) if one["object"] == f"{VESSEL}.ph"]
    assert [(one["value"], one["previous"]) for one in told] == [(entry["id"], None), ("", entry["id"])]
    assert told[0]["text"].startswith(f"calibration {entry['id']} of {entry['time'][:10]} is in force: factor ")
    assert main(["check", str(bench.site), "--data", str(bench.data)]) == 0
