"""The YAML source: positions, what is refused, and limits that hold before anything is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.config.problems import Problems
from controller.config.source import Document, parse_bytes, parse_text, read_document
from tests.config.pace import MOST, cpu_s, right_file_s


def complaints(text: str | bytes) -> list[str]:
    """Every problem of the text, without the file's name."""
    data = text if isinstance(text, bytes) else text.encode()
    try:
        problems = parse_bytes(data, "f").problems
    except Problems as error:
        problems = list(error.problems)
    return [str(problem).removeprefix("f:") for problem in problems]


def test_every_key_and_value_has_its_position() -> None:
    document = parse_text("ü: {é: 'x', y: 1}\nlist:\n  - a\n  - b: 2\n")
    assert document.tree == {"ü": {"é": "x", "y": 1}, "list": ["a", {"b": 2}]}
    assert document.keys["ü", "y"] == (1, 13)
    assert document.values["ü", "é"] == (1, 8)
    assert document.values["list", 0] == (3, 5)
    assert document.keys["list", 1, "b"] == (4, 5)


def test_a_problem_is_placed_inside_a_text() -> None:
    document = parse_text("plain: a > b\nquoted: 'a > b'\nempty:\n  inner: 1\n")

    def place(path: tuple[str, ...], offset: int = 0, *, at_key: bool = False) -> tuple[int, int]:
        problem = document.problem(path, "x", offset=offset, at_key=at_key)
        return problem.line, problem.column

    assert place(("plain",), 4) == (1, 12)
    assert place(("quoted",), 4) == (2, 14)
    assert place(("quoted",)) == (2, 9)
    assert place(("quoted",), at_key=True) == (2, 1)
    assert place(("empty", "absent")) == (3, 1)
    assert place(("nowhere", "at", "all")) == (1, 1)


def test_only_what_all_readers_agree_on_is_more_than_text() -> None:
    text = "[1, -2.5, 1.0e+3, true, null, ~, on, No, 1e3, 010, 0x1F, 12:30, 1_000, 2026-11-02, '1', .5, +.inf]"
    expected = [1, -2.5, 1000.0, True, None, None, "on", "No", "1e3", "010", "0x1F", "12:30", "1_000", "2026-11-02"]
    assert parse_text(text).tree == [*expected, "1", ".5", float("inf")]
    assert parse_text("1: 2\ntrue: 3").tree == {"1": 2, "true": 3}


def test_duplicate_keys_are_all_reported_and_the_first_counts() -> None:
    text = "sp: 37\nb: 1\nsp: {sp: 370, x: [1]}\nc: {d: 1, d: 2}\n"
    document = parse_text(text)
    assert [str(problem) for problem in document.problems] == [
        "<text>:3:1: 'sp' is here a second time (the first is on line 1: keep one)",
        "<text>:4:11: 'd' is here a second time (the first is on line 4: keep one)",
    ]
    assert document.tree == {"sp": 37, "b": 1, "c": {"d": 1}}
    assert document.values[("sp",)] == (1, 5)


def test_aliases_anchors_and_tags_are_refused_and_the_rest_is_read() -> None:
    document = parse_text("a: &x 1\nb: *x\nc: !!python/name:os.system 2\nd: 3\n")
    assert [problem.line for problem in document.problems] == [1, 2, 3]
    assert document.broken == {("b",), ("c",)}
    assert document.at(("d",)) == 3


@pytest.mark.parametrize(
    ("text", "start", "hint"),
    [
        ("a: {b: 7.2 [pH]}", "1:12: not valid YAML", 'in quotes: "7.20 [pH]"'),
        ("a: b: c", "1:5: not valid YAML", "colon in quotes"),
        ("a:\n\tb: 1", "2:1: not valid YAML", "spaces, not tabs"),
        ("a: 'b\n", "2:1: not valid YAML", "not closed"),
        ("a: 1\n b: 2", "2:3: not valid YAML", "quotes"),
        ("a: 1\n--- \nb: 1", "2:1: a second document", "remove the ---"),
        ("? [1]\n: 2", "1:3: a key must be text", "in quotes"),
        ("a: \x01", "1:4: a character that YAML does not allow", ""),
        ("", "1:1: the file is empty", ""),
        ("# nothing\n", "1:1: the file is empty", ""),
        (b"a: 1\nb: \xff\n", "2:4: not UTF-8", "save the file as UTF-8"),
    ],
)
def test_what_is_not_yaml_is_placed_and_explained(text: str | bytes, start: str, hint: str) -> None:
    (only,) = complaints(text)
    assert only.startswith(start)
    assert hint in only


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(Problems, match="not UTF-8"):
        parse_text("a: \ud800")


LAUGHS = "a: &a [x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]\n" for n in range(20)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested more than 20 deep"),
        ("\n".join(" " * 2 * n + "- a:" for n in range(200)), "nested more than 20 deep"),
        ("{a: " * 3000, "nested more than 20 deep"),
        (LAUGHS, "aliases are not accepted"),
        ("x" * (256 * 1024 + 1), "larger than 256 kB"),
        ("a: 1\n" * 50_000, "a second time"),
        ("k: " + "9" * 200_000, ""),
        ("- 1\n" * 60_000, ""),
        ("[" + "1," * 120_000 + "]", ""),
        ("".join(f"key{n}: v\n" for n in range(20_000)), ""),
    ],
)
def test_hostile_texts_take_no_more_than_a_few_right_files(text: str, message: str) -> None:
    found: list[str] = []
    assert cpu_s(lambda: found.extend(complaints(text))) < MOST * right_file_s()
    assert message in "\n".join(found)
    assert len(found) <= 100


def test_twenty_levels_are_accepted_and_one_more_is_not() -> None:
    assert complaints("[" * 20 + "]" * 20) == []
    assert complaints("[" * 21 + "]" * 21) == ["1:21: nested more than 20 deep (lay the file out flatter)"]


def test_a_byte_order_mark_does_not_matter() -> None:
    assert parse_bytes(b"\xef\xbb\xbfa: 1", "f").tree == {"a": 1}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="there is no such file"):
        read_document(tmp_path / "absent.yaml")
    with pytest.raises(Problems, match="not a file"):
        read_document(tmp_path)
    with pytest.raises(Problems, match="not a file"):
        read_document(Path("/dev/zero"))
    with pytest.raises(Problems, match="cannot be read: Input/output error"):
        read_document(Path("/proc/self/mem"))


def test_names_are_found_whether_right_or_wrong() -> None:
    document: Document = parse_text("tags: {a: 1, b: {}}\nsteps:\n  - operation: fill\n  - 3\n  - operation: [x]\n")
    assert document.names(("tags",)) == ["a", "b"]
    assert document.names(("steps",), "operation") == ["fill"]
    assert document.names(("absent", "x")) == []
    assert document.at(("steps", 7)) is None
