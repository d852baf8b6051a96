"""``biovisor check`` and ``biovisor schema``, as they are called."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.cli.main import main

Break = Callable[[str, str, str], str]
SITE, CLASS, RECIPE = "sites/bench.yaml", "classes/stirred-tank-2l.yaml", "recipes/car-t-expansion.yaml"


@pytest.fixture
def check(configs: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """``check(file, …, option)`` → exit code and what was printed."""

    def call(*arguments: str) -> tuple[int, str]:
        words = [word if word.startswith("-") else str(configs / word) for word in arguments]
        code = main(["check", *words])
        return code, capsys.readouterr().out

    return call


Check = Callable[..., tuple[int, str]]


def test_the_shipped_files_are_right(check: Check) -> None:
    assert check(SITE, CLASS, RECIPE) == (0, "3 files checked, no problems\n")
    assert check(RECIPE) == (0, "1 file checked, no problems\n")
    assert check(SITE, "--json") == (0, '{\n  "ok": true,\n  "problems": []\n}\n')


def test_two_recipes_with_one_name_are_told(check: Check, configs: Path) -> None:
    """A site takes one of them, and nobody would know which."""
    copy = "recipes/a-copy.yaml"
    (configs / copy).write_text((configs / RECIPE).read_text())
    code, text = check(copy, SITE, RECIPE)
    assert code == 1
    place = f"{configs / RECIPE}:3:9: the recipe 'car-t-expansion' is in {configs / copy} too"
    assert text.startswith(f"{place}: only one of them is used")
    assert check(RECIPE, RECIPE)[0] == 0, "it is one file"


def test_every_problem_is_a_line(check: Check, spoil: Break) -> None:
    first = spoil("site", "driver: generic_plc", "driver: «generic_plx")
    second = spoil("class", "when: temperature > 38.5 Cel", "when: «temprature > 38.5 Cel")
    code, text = check(SITE, CLASS)
    assert code == 1
    lines = text.splitlines()
    assert lines[-1] == "2 problems"
    assert lines[0].startswith(f"{first} there is no driver 'generic_plx'")
    assert lines[1].startswith(second)
    assert "temperature" in lines[1]


def test_an_alarm_of_an_operation_that_no_recipe_has_but_nearly_is_found(check: Check, spoil: Break) -> None:
    """It would never sound."""
    place = spoil(
        "class", "during: [expand], consequence: Growth stops", "during: [harvest, «expnd], consequence: Growth stops"
    )
    expected = (
        f"{place} the alarm ph_low counts during 'expnd', an operation that no recipe here has (did you mean expand?)"
    )
    for files in ((SITE, RECIPE), (RECIPE,), (CLASS, RECIPE)):
        assert check(*files) == (1, f"{expected}\n1 problem\n")
    assert check(CLASS)[0] == check(SITE)[0] == 0, "without a recipe nobody knows"


@pytest.mark.parametrize("name", ["expansion", "seed_train", "harvest_2"])
def test_an_alarm_of_another_recipes_operation_is_allowed(check: Check, spoil: Break, name: str) -> None:
    spoil("class", "during: [expand]", f"during: [expand, {name}]")
    assert check(SITE, RECIPE)[0] == 0


def test_problems_as_json(check: Check, spoil: Break) -> None:
    place = spoil("site", "scan_period: 1 s", "scan_period: «1")
    code, text = check(SITE, "--json")
    document = json.loads(text)
    assert code == 1
    assert document["ok"] is False
    (problem,) = document["problems"]
    assert f"{problem['file']}:{problem['line']}:{problem['column']}:" == place
    assert problem["path"] == "scan_period"
    assert problem["hint"] == "write 1 s"


def test_a_recipe_is_checked_against_its_class(check: Check, configs: Path, spoil: Break) -> None:
    spoil(
        "class",
        "setpoint: {default: 37.0 Cel, low: 4 Cel, high: 40 Cel",
        "setpoint: {default: 37.0 Cel, low: 4 Cel, high: 38 Cel",
    )
    code, text = check(RECIPE)
    assert code == 1
    assert RECIPE in text
    (configs / CLASS).unlink()
    code, text = check(RECIPE)
    assert code == 1
    assert "vessel class 'stirred-tank-2l' is not among the checked files" in text


def test_a_broken_class_is_reported_once(check: Check, spoil: Break) -> None:
    spoil("class", "title: Jacket temperature", "title: «7")
    assert check(CLASS, RECIPE)[1].splitlines()[-1] == "1 problem"
    assert check(RECIPE)[1].splitlines()[-1] == "1 problem"


def test_a_file_that_is_nothing_of_ours(check: Check, configs: Path) -> None:
    (configs / "other.yaml").write_text("sight: bench\n")
    code, text = check("other.yaml", "absent.yaml")
    assert code == 1
    assert "neither a site, a vessel class, a recipe nor a scenario" in text
    assert "did you mean site?" in text
    assert "there is no such file" in text
    assert text.endswith("2 problems\n")


def test_yaml_mistakes_do_not_hide_the_rest(check: Check, spoil: Break) -> None:
    spoil("site", "title: Process development bench", "title: a\ntitle: b")
    spoil("site", "scan_period: 1 s", "scan_period: 1")
    assert check(SITE)[1].splitlines()[-1] == "2 problems"


@pytest.mark.parametrize("kind", ["site", "class", "recipe"])
def test_schemas_are_printed(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", kind]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["$schema"].endswith("2020-12/schema")
    assert document["additionalProperties"] is False
    assert kind in document["properties"] or f"vessel_{kind}" in document["properties"]
