"""Instruments that a rehearsal cannot show: refused with the place in the site file and the words that it knows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from controller.cli.main import main
from controller.composition.rehearsal import Rehearsal
from controller.config.problems import Problems
from tests.rehearsal.conftest import CONFIGS, setting

MARK = "«"
RECIPES = {"bench": ("BR-101", "car-t-expansion"), "perfusion": ("BR-301", "perfusion-expansion")}
ONLY_READ = (
    "gas2: «o2_sp}",
    "o2_sp is an actuator, and what `signals` names is only read in a rehearsal (readings: temper",
)
REFUSED = [
    ("perfusion", "gas2: off_gas_o2}", *ONLY_READ),
    ("perfusion", "gas2: off_gas_o2}", "gas2: «off_gas_o3}", "the vessel has no off_gas_o3 (did you mean off_gas_o2"),
    (
        "perfusion",
        "signals: {co2: off_gas_co2, gas2: off_gas_o2}",
        "signals: «{co2: off_gas_co2, gas3: off_gas_o2}",
        "a rehearsal has nothing of the vessel behind bluevary gas2: `signals` does not name it (did you mean gas3",
    ),
    (
        "perfusion",
        "driver: bluevary",
        "driver: «generic_modbus",
        "a rehearsal cannot show a generic_modbus (it knows generic_plc, hamilton_arc, vicell_blu, watson_marlow, and",
    ),
    ("perfusion", "pump: medium", "pump: «medum", "a rehearsal knows no pump 'medum' (did you mean medium"),
    ("perfusion", "pump: medium", "pump: «acid", "the vessel has no acid_r"),
    (
        "bench",
        "units: {1: ph, 2: do}",
        "units: «{2: do}",
        "nothing of the vessel behind hamilton_arc 1.PMC1.pH: `units` does not name it (known: 2",
    ),
    ("bench", "units: {1: ph, 2: do}", "units: {1: «redox, 2: do}", "the vessel has no redox"),
    ("bench", "driver: generic_plc", "driver: «generic_opcua", "a rehearsal cannot show a generic_opcua (it knows gen"),
]


def spoilt(folder: Path, site: str, old: str, new: str) -> tuple[Path, str]:
    """A copy of a shipped site with a mistake, and its place; the instrument loses its signals with its driver."""
    shutil.copytree(CONFIGS, folder / "configs")
    path = folder / f"configs/sites/{site}.yaml"
    before, found, after = path.read_text().partition(old)
    assert found
    if old == "driver: bluevary":
        after = after.replace(", signals: {co2: off_gas_co2, gas2: off_gas_o2}", "")
    ahead, _, behind = new.partition(MARK)
    path.write_text(before + ahead + behind + after)
    place = before + ahead
    return path, f"{path}:{place.count(chr(10)) + 1}:{len(place) - place.rfind(chr(10))}: "


@pytest.mark.parametrize(("site", "old", "new", "message"), REFUSED)
def test_what_a_rehearsal_does_not_know_is_refused_with_its_place(
    tmp_path: Path, site: str, old: str, new: str, message: str
) -> None:
    path, place = spoilt(tmp_path, site, old, new)
    vessel, recipe = RECIPES[site]
    chosen = setting(site=path, vessel=vessel, recipe=CONFIGS / f"recipes/{recipe}.yaml")
    with pytest.raises(Problems) as refused:
        Rehearsal(chosen, [0])
    told = [str(problem) for problem in refused.value.problems]
    assert told[0].startswith(place), told
    assert message in told[0]
    assert all(one.startswith(place) for one in told), told


def test_what_the_wire_takes_for_granted_a_rehearsal_does_too(tmp_path: Path) -> None:
    path, _ = spoilt(tmp_path, "bench", "{vessel: BR-101, units: {1: ph, 2: do}}", "{vessel: BR-101}")
    path.write_text(path.read_text().replace("{vessel: BR-101, pump: feed}", "{vessel: BR-101}"))
    rehearsal = Rehearsal(setting(site=path), [0])
    rehearsal.begin()
    rehearsal.step()
    value, _ = rehearsal.scan.reader.read(rehearsal.names[0], "ph")
    assert value == pytest.approx(rehearsal.fleet.readings["ph"][0], abs=0.1)


def test_the_command_tells_it_and_stores_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, place = spoilt(tmp_path, "perfusion", "gas2: off_gas_o2}", "gas2: «o2_sp}")
    recipe = CONFIGS / "recipes/perfusion-expansion.yaml"
    assert main(["rehearse", str(recipe), "--site", str(path), "--data", str(tmp_path / "data"), "--donors", "1"]) == 1
    told = capsys.readouterr().err
    assert told.startswith(place)
    assert told.endswith("\n1 problem\n")
    assert not (tmp_path / "data").exists()
