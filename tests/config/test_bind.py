"""Binding documents to models: what other rooms build on, and limits for hostile files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest
import yaml
from pydantic import Field, field_validator

from controller.config.bind import Bound, bind, open_document, parse_document
from controller.config.load import load_class, load_site
from controller.config.location import keys_at
from controller.config.partial import related
from controller.config.problems import Problems, nearest
from controller.config.quantity import AnyRange, Name, StrictModel
from controller.config.vessel_class import VesselClassConfig
from tests.config.pace import MOST, cpu_s, right_file_s

CLASS = "classes/stirred-tank-2l.yaml"


class Red(StrictModel):
    """A member of a union."""

    type: Literal["red"]
    shade: int


class Blue(StrictModel):
    """Another member of a union."""

    type: Literal["blue"]
    depth: int = 0


class Step(StrictModel):
    """An entry of a list."""

    name: Name
    colour: Annotated[Red | Blue, Field(discriminator="type")] | None = None
    band: AnyRange | None = None


class Limits(StrictModel):
    """Fields with rules that nothing here knows."""

    even: Annotated[int, Field(multiple_of=2)]
    lucky: int

    @field_validator("lucky")
    @classmethod
    def _not_13(cls, value: int) -> int:
        if value == 13:
            raise ValueError("13 brings bad luck")
        return value


class Plan(StrictModel):
    """A document."""

    placeholders: ClassVar[dict[str, object]] = {"title": "unknown"}

    title: str
    steps: list[Step]


def unknown_steps(bound: Bound[Plan]) -> None:
    """Complain of every step whose name ends with x."""
    assert bound.model is not None
    for index, step in enumerate(bound.model.steps):
        if step.name.endswith("x"):
            bound.problem(("steps", index, "name"), f"{step.name} ends with x", offset=len(step.name) - 1)


def test_entries_of_a_list_keep_their_place_when_others_are_cut() -> None:
    text = (
        "steps:\n  - name: a\n    shape: 1\n  - name: 5\n  - {name: cx}\n  - band: 3 Cel\n    name: dx\n  - name: ex\n"
    )
    with pytest.raises(Problems) as caught:
        parse_document(text, Plan, unknown_steps)
    assert [str(problem).removeprefix("<text>:") for problem in caught.value.problems] == [
        "1:1: title is missing",
        "3:5: 'shape' is not known here (known: band, colour, name)",
        "4:11: name: a name of lower-case letters, digits and _ is expected, this is a number (as in base_flow)",
        "5:13: cx ends with x",
        "6:11: band: '3 Cel' is not a range (write lowest .. highest unit, as in 30 .. 39 Cel)",
        "7:12: dx ends with x",
        "8:12: ex ends with x",
    ]


def test_members_of_a_union_are_told_apart() -> None:
    text = (
        "title: t\nsteps:\n  - {name: a, colour: {type: red, shad: 1}}\n  - {name: b, colour: {type: blue, dept: 2}}\n"
    )
    with pytest.raises(Problems) as caught:
        parse_document(text, Plan)
    assert [(problem.message, problem.hint) for problem in caught.value.problems] == [
        ("'shad' is not known here", "did you mean shade?"),
        ("'dept' is not known here", "did you mean depth?"),
    ]
    assert keys_at(Plan, ("steps", 0, "colour"), open_document(text).tree) == ["type", "shade"]
    assert keys_at(Plan, ("nothing", 1), None) == []


def test_rules_of_other_models_are_explained_in_their_own_words() -> None:
    bound = bind(open_document("even: 3\nlucky: 13\n"), Limits)
    assert [problem.message for problem in bound.problems] == [
        "even: input should be a multiple of 2",
        "lucky: 13 brings bad luck",
    ]


def test_nothing_is_left_of_a_document_that_is_wrong_at_the_top() -> None:
    bound = bind(open_document("title: t\nsteps: 5\n"), Plan)
    assert bound.model is None
    assert [problem.message for problem in bound.problems] == ["steps: a list is expected, this is a number"]
    with pytest.raises(Problems, match="1 problem"):
        bound.complete()


def test_a_right_document_is_its_model(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("title: t\nsteps: [{name: a}]\n")
    assert parse_document(path, Plan, unknown_steps).steps == [Step(name="a")]
    assert parse_document(open_document(path), Plan).title == "t"


def test_a_problem_as_json() -> None:
    with pytest.raises(Problems) as caught:
        parse_document("title: t\nsteps: [{name: 7}]\n", Plan)
    (problem,) = caught.value.problems
    assert problem.as_json() == {
        "file": "<text>", "line": 2, "column": 16, "path": "steps.0.name", "message": problem.message,
        "hint": "as in base_flow",
    }  # fmt: skip


def test_paths_and_words() -> None:
    assert related(("a", 1), ("a",))
    assert not related(("a", 1), ("a", 2))
    assert nearest("x", []) == ""
    assert nearest("plane", ["plant", "plan"]) in {"did you mean plan or plant?", "did you mean plant or plan?"}
    assert nearest("q", [f"n{number}" for number in range(20)]).endswith(", …")


def with_entries(text: str, kind: str) -> str:
    """A vessel class that is as large as a file may be and wrong in thousands of places."""
    if kind == "force":
        head = (
            text.split("interlocks:\n", maxsplit=1)[0] + "interlocks:\n  one:\n    title: T\n    when: x\n    force: {"
        )
        return head + ", ".join(f"h{number}: 1 %" for number in range(15_000)) + "}\n"
    if kind == "alarms":
        rest = "above: 1 Cel, priority: 1, consequence: c, cause: c, action: a, respond_within: 1 s"
        return text + "".join(f"  a{number}: {{tag: t{number}, {rest}}}\n" for number in range(2_000))
    return text + "".join(f"x{number}: 1\n" for number in range(20_000))


@pytest.mark.parametrize("kind", ["force", "alarms", "unknown"])
def test_a_hostile_class_takes_no_more_than_a_few_right_files(configs: Path, kind: str) -> None:
    path = configs / CLASS
    path.write_text(with_entries(path.read_text(), kind))

    def load() -> None:
        with pytest.raises(Problems):
            load_class(path)

    assert cpu_s(load) < MOST * right_file_s()


def test_the_shipped_site_is_loaded_faster_than_pyyaml_alone_reads_it(configs: Path) -> None:
    path, texts = configs / "sites/bench.yaml", [(configs / name).read_text() for name in ("sites/bench.yaml", CLASS)]
    assert isinstance(load_site(path).classes["BR-101"], VesselClassConfig)
    ours = min(cpu_s(lambda: load_site(path)) for _ in range(3))
    alone = min(cpu_s(lambda: [yaml.compose(text, yaml.SafeLoader) for text in texts]) for _ in range(3))
    assert ours < alone
