"""A scenario's process faults in a rehearsal: on every donor's vessel, alike however the donors are spread."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from controller.cli.main import main
from controller.composition.rehearsal import Rehearsal, befalling, rehearse
from controller.composition.scenario import load_scenario
from controller.config.problems import Problems
from simulators.mishaps.order import ordered, signals_of
from tests.rehearsal.conftest import BENCH, CAR_T, HOUR_S, setting, shortened

HEAD = "scenario: worst-day\nversion: 1.0.0\ntitle: A bad day\nfaults:\n"
FAULTS = HEAD + (
    "  - {fault: wrong-sample, vessel: BR-101, start: 5 min, magnitude: 100 mL}\n"
    "  - {fault: heater-stuck-on, start: 10 min, duration: 30 min}\n"
    "  - {fault: leak, vessel: BR-102}\n"
    "  - {fault: contamination, vessel: BR-101, start: 20 min}\n"
    "  - {fault: disconnect, signal: do, start: 1 h, duration: 1 s}\n"
)
VESSELS = {"BR-101": signals_of({}), "BR-102": signals_of({})}


def written(folder: Path, text: str) -> Path:
    path = folder / "worst-day.yaml"
    path.write_text(text)
    return path


def test_the_faults_of_the_vessel_that_is_copied_befall_every_donor(tmp_path: Path) -> None:
    befell = befalling(written(tmp_path, FAULTS), VESSELS, "BR-101")
    assert [order.mishap.name for order in befell.orders] == [
        "wrong-sample", "heater-stuck-on", "contamination", "disconnect",
    ]  # fmt: skip
    assert befell.others == 1
    struck, calm = (Rehearsal(setting(faults=faults), [0, 1]) for faults in (befell.orders, ()))
    for rehearsal in (struck, calm):
        rehearsal.begin()
        for _ in range(90):
            rehearsal.step()
    lost = calm.fleet.truth()["volume_l"] - struck.fleet.truth()["volume_l"]
    assert lost == pytest.approx([0.1, 0.1], abs=0.001)
    assert all(struck.fleet.truth()["true_temperature"] > calm.fleet.truth()["true_temperature"] + 1.0)
    assert all(struck.fleet.beyond()["bacteria"])


def test_a_fault_without_a_vessel_befalls_those_that_have_what_it_concerns(tmp_path: Path) -> None:
    vessels = {"BR-101": signals_of({"fitted": ["bleed"]}), "BR-102": signals_of({})}
    scenario = written(tmp_path, HEAD + "  - {fault: pump-empty, signal: bleed_rpm}\n")
    assert [asked["vessel"] for asked in load_scenario(scenario, vessels).requests] == ["BR-101"]
    assert [order.mishap.name for order in befalling(scenario, vessels, "BR-101").orders] == ["pump-empty"]
    with pytest.raises(Problems, match="BR-102 has no bleed_rpm"):
        befalling(scenario, vessels, "BR-102")


def test_it_is_told_and_stored_and_the_same_for_one_vessel_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario, told = written(tmp_path, FAULTS), []
    common = ["rehearse", str(CAR_T), "--site", str(BENCH), "--scenario", str(scenario), "--longest", "0.1"]
    for processes in ("1", "3"):
        data = tmp_path / processes
        assert main([*common, "--donors", "3", "--processes", processes, "--data", str(data)]) == 0
        folder = data / "rehearsals/car-t-expansion-1"
        told.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
        printed = capsys.readouterr().out
        assert "Scenario: A bad day (wrong-sample, 100 mL, from 300 s; heater-stuck-on, 100 %, for 1800 s, " in printed
        assert "; faults of other vessels, left out: 1\n" in printed
    assert told[0] == told[1]
    summary = json.loads(told[0]["summary.json"])
    assert summary["scenario"] == "A bad day"
    assert len(summary["faults"]) == 4
    digest = hashlib.sha256(scenario.read_bytes()).hexdigest()
    assert summary["files_sha256"][f"{tmp_path.name}/worst-day.yaml"] == digest


@pytest.mark.parametrize(
    ("entry", "place", "message"),
    [
        ("{fault: late-message}", "5:13", "late-message befalls wires only, and a rehearsal has none (try it with"),
        ("{fault: leak, vessel: BR-102}", "5:3", "no fault is of BR-101, the vessel that is rehearsed"),
        ("{fault: leak, vessel: BR-999}", "5:27", "there is no vessel 'BR-999'"),
        (
            "{fault: pump-empty, signal: bleed_rpm}",
            "5:33",
            "pump-empty: BR-101 has no bleed_rpm; fitted: base_rpm, feed_rpm",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], entry: str, place: str, message: str
) -> None:
    path = written(tmp_path, f"{HEAD}  - {entry}\n")
    with pytest.raises(Problems) as refused:
        befalling(path, VESSELS, "BR-101")
    assert str(refused.value).startswith(f"{path}:{place}: {message}")
    assert main(["rehearse", str(CAR_T), "--site", str(BENCH), "--scenario", str(path), "--data", str(tmp_path)]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "rehearsals").exists()


def test_what_bacteria_were_in_is_given_to_nobody(tmp_path: Path) -> None:
    """However many cells there are: they are seen by the sterility test, though hardly by the oxygen in three hours."""
    recipe = shortened(tmp_path)
    faults = (ordered("contamination", start_s=2 * HOUR_S),)
    (clean,), (course,) = (rehearse(setting(recipe=recipe, faults=some), 1, 1).courses for some in ((), faults))
    assert clean.completed
    assert course.completed
    assert set(course.failures) - set(clean.failures) == {"contaminated"}
