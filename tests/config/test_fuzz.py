"""Whatever is typed into a configuration file: an answer with positions, never an exception of another kind."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.config.bind import parse_document
from controller.config.crosscheck import check_class
from controller.config.problems import Problems
from controller.config.vessel_class import VesselClassConfig

TEXT = (Path(__file__).parent.parent.parent / "configs/classes/stirred-tank-2l.yaml").read_text()
PIECES = (
    "", "1", "1e3", "~", "[]", "{}", "x", "37 Cel", "1 mL", "[pH]", ": ", "- a", "true", ".nan", "\n", "'", "*a", "&a ",
    "!x ", "ü", "\t",
)  # fmt: skip
edits = st.lists(
    st.tuples(st.integers(0, len(TEXT)), st.integers(0, 40), st.sampled_from(PIECES)), min_size=1, max_size=4
)


@settings(max_examples=150, deadline=None)
@given(edits)
def test_any_edit_is_accepted_or_explained(places: list[tuple[int, int, str]]) -> None:
    text = TEXT
    for start, length, piece in places:
        text = text[:start] + piece + text[start + length :]
    lines = text.splitlines()
    try:
        parse_document(text, VesselClassConfig, check_class)
    except Problems as caught:
        problems = caught.problems
    else:
        return
    assert problems
    for problem in problems:
        assert 1 <= problem.line <= len(lines) + 1
        assert 1 <= problem.column <= max(map(len, lines)) + 2
        assert problem.message
