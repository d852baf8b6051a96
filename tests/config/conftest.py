"""The shipped configuration in a directory of its own, to be broken."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

CONFIGS = Path(__file__).parent.parent.parent / "configs"
FILES = {"site": "sites/bench.yaml", "class": "classes/stirred-tank-2l.yaml"}
MARK = "«"

Break = Callable[[str, str, str], str]


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    """A copy of the shipped configuration."""
    shutil.copytree(CONFIGS, tmp_path / "configs")
    return tmp_path / "configs"


@pytest.fixture
def spoil(configs: Path) -> Break:
    """``spoil("class", old, new)`` replaces the first ``old`` in the file; « in ``new`` marks where the problem is to
    be reported, and the answer is that place as ``file:line:column:``.
    """

    def replace(file: str, old: str, new: str) -> str:
        path = configs / FILES[file]
        before, found, after = path.read_text().partition(old)
        assert found, f"{old!r} is not in {path}"
        ahead, _, behind = new.partition(MARK)
        path.write_text(before + ahead + behind + after)
        place = before + ahead
        return f"{path}:{place.count(chr(10)) + 1}:{len(place) - place.rfind(chr(10))}:"

    return replace
