"""What batches are said to have brought depends on what is grown."""

import csv
import io

import numpy as np
import pytest

from controller.cli.rehearsal_text import yields_text
from controller.composition.rehearsal.books import Course
from controller.composition.rehearsal.figures import donors, yielded
from controller.composition.rehearsal.part import Part
from controller.composition.rehearsal.summary import donors_csv
from controller.composition.rehearsal.yields import OTHERS, yields_of
from simulators.description import CULTURES
from simulators.fleet import Fleet

STARTS = {
    "tc_m": {"vcd": 2.0},
    "ecoli_a": {"biomass": 5.0},
    "pen_b": {"biomass": 5.0, "product": 1.5},
}


def course(model):
    truth = Fleet({"model": model, "volume_l": 1.2, **STARTS[model]}, [0], 1).truth()
    return Course("D0001", "Complete", yielded={name: float(values[0]) for name, values in truth.items()})


@pytest.mark.parametrize(
    ("model", "lines"),
    [
        ("tc_m", ["Viable cells of completed batches, 10⁹: 2.4 (", "Viable cell density of", "Viability of"]),
        ("ecoli_a", ["Dry mass of completed batches, g: 6 (", "Dry mass per volume of completed batches, g/L: 5 ("]),
        ("pen_b", ["Product of completed batches, g: 1.8 (", "Product per volume of completed batches, g/L: 1.5 (",
                   "Dry mass of completed batches, g: 6 (", "Dry mass per volume of"]),
    ],
)  # fmt: skip
def test_the_yield_is_told_as_what_the_culture_is_grown_for(model, lines):
    told = yields_text(yielded([course(model)], yields_of(model)))
    assert len(told) == len(lines)
    assert all(text.startswith(start) for text, start in zip(told, lines, strict=True))


def test_the_table_of_donors_has_the_same_figures():
    part = Part([course("pen_b"), Course("D0002")], [], np.zeros((2, 0)), [], np.zeros((0, 2, 0), np.float32), [])
    first, second = csv.DictReader(io.StringIO(donors_csv(*donors(part, yields_of("pen_b")))))
    assert (first["product_g"], first["biomass_g_per_l"], first["volume_l"]) == ("1.8", "5.0", "1.2")
    assert (second["product_g"], second["volume_l"]) == ("", "")
    assert "viable_cells_1e9" not in first


def test_what_is_told_is_what_the_models_know():
    for model, kind in CULTURES.items():
        signals = kind.equations.signals
        wanted = {"pen_b": {"biomass", "product"}, "ecoli_a": {"biomass"}}.get(model, set())
        assert ("product" in signals, model in OTHERS) == ("product" in wanted, bool(wanted))
        assert ("biomass" in signals) == ("biomass" in wanted)
