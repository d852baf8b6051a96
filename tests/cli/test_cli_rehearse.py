"""``biovisor rehearse``: what it prints and stores, and how it refuses."""

import errno
import io
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from controller.cli.main import main
from controller.cli.rehearse import progress_bar
from controller.composition.rehearsal import Shown
from tests.rehearsal.conftest import BENCH, CAR_T, CONFIGS

QUICK = ["--donors", "2", "--longest", "0.1", "--processes", "1", "--seed", "3", "--site", str(BENCH)]


def rehearse(tmp_path, *arguments, recipe=CAR_T):
    return main(["rehearse", str(recipe), "--data", str(tmp_path), *arguments])


def test_it_prints_what_to_expect_and_stores_it(tmp_path, capsys):
    assert rehearse(tmp_path, *QUICK) == 0
    told = capsys.readouterr().out
    folder = tmp_path / "rehearsals/car-t-expansion-1"
    plant = "plant of bench BR-101 (model tc_m)"
    assert told.startswith(f"CAR-T expansion with feed by count (car-t-expansion 1.0.0) on stirred-tank-2l, {plant}\n")
    assert "Ended: Running (2)\n  2 not completed: not at its end after 0.1 d\n" in told
    assert "Target viable_density >= target_density (target_density = 3 10⁶/mL) reached by day 0: 0 %, 1: 0 %" in told
    assert told.rstrip().endswith(f"Report: {folder / 'report.html'}")
    assert sorted(path.name for path in folder.iterdir()) == [
        "donors.csv", "forecast.json", "report.html", "summary.json",
    ]  # fmt: skip
    assert re.search(r"^temperature .* °C$", told, re.MULTILINE)
    assert re.search(r"^Temperature, °C( +[\d.]+ \([\d.]+ \.\. [\d.]+\)){3}$", told, re.MULTILINE), "the forecast"
    assert re.search(r"^pH  ", told, re.MULTILINE), "and not pH, pH"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["loops"]["temperature"]["unit"] == "Cel", "files keep the codes"
    assert summary["outcome"]["not_completed"] == {"not at its end after 0.1 d": 2}
    assert summary["scan_note"].startswith("The scan came every 20 s instead of every 1 s. With this recipe and class,")


def test_a_second_one_takes_nothing_from_the_first_and_says_the_same(tmp_path, capsys):
    outputs = []
    for number in (1, 2):
        assert rehearse(tmp_path, *QUICK, "--json") == 0
        folder = tmp_path / f"rehearsals/car-t-expansion-{number}"
        outputs.append((capsys.readouterr().out, *(path.read_bytes() for path in sorted(folder.iterdir()))))
    assert outputs[0] == outputs[1]
    assert json.loads(outputs[0][0])["donors"] == 2


def test_without_a_site_it_is_the_first_beside_the_recipe_with_such_a_vessel(tmp_path, capsys):
    assert rehearse(tmp_path, *QUICK[:-2], "--json") == 0
    told = json.loads(capsys.readouterr().out)
    names = ("site", "vessel", "class", "model")
    assert [told[name] for name in names] == ["bench", "BR-101", "stirred-tank-2l", "tc_m"]


def test_a_vessel_brings_its_own_plant(tmp_path, capsys):
    recipe = CONFIGS / "recipes/ecoli-fed-batch.yaml"
    assert rehearse(tmp_path, *QUICK[:-2], "--vessel", "BR-201", "--json", recipe=recipe) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["site"], told["model"]) == ("microbial", "ecoli_a")


def test_without_a_vessel_it_is_one_with_the_culture_of_the_recipe(tmp_path, capsys):
    recipe = CONFIGS / "recipes/ecoli-fed-batch.yaml"
    assert rehearse(tmp_path, *QUICK[:-2], "--json", recipe=recipe) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["site"], told["vessel"], told["model"]) == ("microbial", "BR-201", "ecoli_a")
    assert "is written for" not in told["model_note"]
    recipe = for_t_cells(tmp_path)
    bench = [*QUICK, "--vessel", "BR-101", "--json"]
    assert rehearse(tmp_path, *bench, recipe=recipe) == 0
    note = json.loads(capsys.readouterr().out)["model_note"]
    assert note.startswith("The recipe is written for ecoli_a, the vessel holds tc_m. The T-cell model")
    assert rehearse(tmp_path, *QUICK, recipe=recipe) == 1
    why = "of the site bench is simulated with ecoli_a; there are: BR-101 with tc_m, BR-102 with tc_m"
    assert why in capsys.readouterr().err


def for_t_cells(folder):
    """The E. coli recipe on the vessels for animal cells."""
    text = (CONFIGS / "recipes/ecoli-fed-batch.yaml").read_text()
    recipe = folder / "moved.yaml"
    recipe.write_text(text.replace("vessel_class: microbial-2l", "vessel_class: stirred-tank-2l"))
    return recipe


def test_a_culture_that_no_vessel_has_is_refused_in_words(tmp_path, capsys):
    shutil.copytree(CONFIGS, tmp_path / "configs")
    recipe = tmp_path / "configs/recipes/ecoli-fed-batch.yaml"
    recipe.write_text(recipe.read_text().replace("culture: ecoli_a", "culture: yeast"))
    assert rehearse(tmp_path, *QUICK[:-2], recipe=recipe) == 1
    why = "has a vessel of the class microbial-2l simulated with yeast, for which the recipe is written"
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--class", "tub"], "no vessel of the site bench is a tub; there are: stirred-tank-2l"),
        (["--vessel", "BR-7"], "the site bench has no vessel BR-7; it has BR-101, BR-102"),
        (["--vessel", "BR-101", "--class", "tub"], "BR-101 is a stirred-tank-2l, not a tub"),
    ],
)
def test_what_is_not_there_is_refused_in_words(tmp_path, capsys, arguments, why):
    assert rehearse(tmp_path, *QUICK, *arguments) == 1
    assert why in capsys.readouterr().err
    assert not (tmp_path / "rehearsals").exists()


def test_a_wrong_recipe_is_refused_with_its_lines(tmp_path, capsys):
    recipe = tmp_path / "wrong.yaml"
    recipe.write_text(CAR_T.read_text().replace("target: viable_density", "target: viable_destiny"))
    assert rehearse(tmp_path, *QUICK, recipe=recipe) == 1
    assert "wrong.yaml:10:9: " in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["--donors=0", "--donors=many", "--period=0", "--period=-1"])
def test_numbers_that_make_no_sense_are_exit_code_2(tmp_path, capsys, wrong):
    option = wrong.partition("=")[0]
    with pytest.raises(SystemExit, match=r"^2$"):
        rehearse(tmp_path, wrong)
    assert f"argument {option}: it must be a" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_rehearsed(tmp_path, capsys):
    (tmp_path / "rehearsals").write_text("a file where the folder should be")
    assert rehearse(tmp_path, *QUICK) == 1
    told = capsys.readouterr()
    assert "cannot be written" in told.err
    assert told.out == ""


def test_values_of_the_formula_can_be_given(tmp_path, capsys):
    assert rehearse(tmp_path, *QUICK, "--json", "--formula", "target_density=2500 10*3/mL") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["formula"] == {"target_density": 2.5}
    assert told["target"]["condition"] == "viable_density >= target_density (target_density = 2.5 10*6/mL)"
    assert rehearse(tmp_path, *QUICK, "--formula", "target=2") == 1
    assert "--formula target=2: write NAME=VALUE with one of culture_temperature, " in capsys.readouterr().err
    assert rehearse(tmp_path, *QUICK, "--formula", "target_density=2 kg") == 1
    assert "kg" in capsys.readouterr().err


def test_a_disk_that_takes_nothing_is_told(tmp_path, capsys, monkeypatch):
    def full(path, _content):
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert rehearse(tmp_path, *QUICK) == 1
    told = capsys.readouterr()
    assert "cannot be written" in told.err
    assert "Ended: Running (2)" in told.out, "what took so long to find out is not lost"
    assert not (tmp_path / "rehearsals").exists(), "nothing half written is left"


def test_a_broken_site_is_no_matter_where_another_fits(tmp_path, capsys):
    configs = tmp_path / "configs"
    shutil.copytree(CONFIGS, configs)
    (configs / "sites/a-broken.yaml").write_text("site: [")
    assert rehearse(tmp_path, *QUICK[:-2], recipe=configs / "recipes/car-t-expansion.yaml") == 0
    shutil.rmtree(configs / "classes")
    assert rehearse(tmp_path, *QUICK[:-2], recipe=configs / "recipes/car-t-expansion.yaml") == 1
    assert "a-broken.yaml:2:1: not valid" in capsys.readouterr().err


def test_the_time_of_an_operation_is_no_target(tmp_path, capsys):
    recipe = tmp_path / "wrong.yaml"
    recipe.write_text(CAR_T.read_text().replace("target: viable_density >= target_density", "target: elapsed > 2 d"))
    assert rehearse(tmp_path, *QUICK, recipe=recipe) == 1
    assert "wrong.yaml:10:9: target: 'elapsed' is the time of an operation" in capsys.readouterr().err


def test_without_the_pages_charts_it_is_told_before_anything_is_rehearsed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("controller.composition.rehearsal.report.build.CHARTS", tmp_path / "nothing")
    assert rehearse(tmp_path, *QUICK) == 1
    assert "chart library is missing" in capsys.readouterr().err


def test_figures_are_told_also_where_the_terminal_has_no_degree_sign(tmp_path, monkeypatch):
    monkeypatch.setattr("controller.cli.rehearsing.rehearse_and_store", lambda *_: ("37 °C, 3 10⁶/mL\n", ""))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert rehearse(tmp_path, *QUICK) == 0
    sys.stdout.flush()
    assert sys.stdout.buffer.getvalue() == b"37 ?C, 3 10?/mL\n"


def test_the_progress_says_how_far_it_is(capsys):
    show = progress_bar(10, 30.0, every_s=0.25)
    show(Shown(10, 3.5 * 86_400))
    line = capsys.readouterr().err
    assert line.startswith("\r[" + 30 * "#" + "] 10 of 10 batches over, day 3.5, ")
    assert line.endswith("\n")
    beside = progress_bar(10, 30.0, every_s=0.0)
    beside(Shown(3, 3.5 * 86_400))
    assert "3 of 10 batches over" in capsys.readouterr().err
