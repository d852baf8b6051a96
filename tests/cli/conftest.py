"""Drivers as an installed distribution has them, and the site's instruments, simulated, as processes."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "configs/sites/bench.yaml"


def install(directory, name, entries):
    """A distribution that registers drivers, as ``pip install`` leaves it."""
    info = directory / f"{name}-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(
        "[biovisor.drivers]\n" + "".join(f"{kind} = {where}\n" for kind, where in entries.items())
    )


def registered():
    """The drivers that this source registers, as far as they are there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    entries = project["entry-points"]["biovisor.drivers"]
    return {
        kind: where
        for kind, where in entries.items()
        if (ROOT / f"{where.partition(':')[0].replace('.', '/')}.py").is_file()
    }


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that makes this source's drivers installed for whoever has it on the path."""
    directory = tmp_path_factory.mktemp("installed")
    install(directory, "biovisor", registered())
    return directory


@pytest.fixture
def drivers(installed, monkeypatch):
    """This source's drivers are installed, whatever was when the environment was made."""
    monkeypatch.syspath_prepend(str(installed))
    importlib.invalidate_caches()


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """The line of ``biovisor simulate`` for the bench, as a file."""
    directory = tmp_path_factory.mktemp("bench")
    process = subprocess.Popen(
        [sys.executable, "-m", "controller.cli.main", "simulate", str(BENCH), "--data", str(directory)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    line = directory / "line.json"
    line.write_text(process.stdout.readline())
    assert json.loads(line.read_text())["instruments"]
    yield line
    process.terminate()
    process.communicate(timeout=10)
