"""The notebooks: stored without results, run from top to bottom in names of their own, and true in what they say."""

import json
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from tests.docs.conftest import ROOT

mpl.use("Agg")
from matplotlib import pyplot as plt  # the backend is chosen first

NOTEBOOKS = sorted(ROOT.glob("docs/**/*.ipynb"))
PLANT = ROOT / "docs/tutorial/plant-in-python.ipynb"


def sources(path):
    cells = json.loads(path.read_text())["cells"]
    return [("".join(cell["source"]), cell) for cell in cells if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def lived():
    """The names that the notebook on the plant leaves behind, and the figures of each cell."""
    names, figures = {"__name__": "__main__"}, []
    for number, (text, _) in enumerate(sources(PLANT)):
        before = set(plt.get_fignums())
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(compile(text, f"{PLANT.name}, cell {number}", "exec"), names)
        figures += [plt.figure(one) for one in plt.get_fignums() if one not in before]
    yield names, figures
    plt.close("all")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_no_results_are_stored(path):
    notebook = json.loads(path.read_text())
    assert (notebook["nbformat"], notebook["metadata"]["kernelspec"]["language"]) == (4, "python")
    for _, cell in sources(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])


def test_every_notebook_is_run():
    assert NOTEBOOKS == [PLANT]


@pytest.mark.timeout(120)
def test_the_vessel_is_controlled_and_its_cells_grow(lived):
    names, _ = lived
    hours = names["hours"]
    late = hours > 2.0
    assert hours[-1] > 71.0
    assert np.abs(names["temperature"][late] - 37.0).max() < 0.5
    assert np.abs(names["ph"][late] - 7.2).max() < 0.2
    assert names["oxygen"][late].min() > 30.0
    assert names["cells"][-1] > 3.0 * names["cells"][0]
    assert names["plant"].outside("BR-101") == ()


def test_as_many_patients_fail_as_the_text_says(lived):
    names, _ = lived
    assert len(names["cohort"]) == 200
    assert 0.03 <= names["share"] <= 0.10
    assert all(one is not None for one in names["expansion"].outcomes())


def test_the_oxygen_uptake_is_found_where_the_line_is_straight(lived):
    names, _ = lived
    assert names["found_kla"] == pytest.approx(names["true_kla"], rel=0.1)


def test_every_part_has_its_plot(lived):
    _, figures = lived
    assert len(figures) == 3
    for figure in figures:
        assert all(axes.lines for axes in figure.axes)
        assert all(np.isfinite(axes.get_xlim()).all() for axes in figure.axes)


def test_what_its_text_names_exists():
    texts = "".join("".join(cell["source"]) for cell in json.loads(PLANT.read_text())["cells"])
    named = [word for word in texts.replace("`", " ").split() if word.startswith(("simulators/", "docs/"))]
    assert named
    for word in named:
        assert Path(ROOT / word.rstrip(".,;")).exists(), word
