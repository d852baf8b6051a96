"""The cell counter of a rehearsal is off by chance as the one on the wire, for each donor by its own."""

import numpy as np
import pytest

from controller.composition.rehearsal.counter import Counter
from simulators.instruments.vicell_counter import COUNTING_S, DENSITY_NOISE, VIABILITY_NOISE

N = 400
SEEDS = tuple(f"5:{number}" for number in range(N))


def counts(seeds, numbers=(1.0,), vcd=4.0):
    """Density and viability that are shown after each of some samples."""
    truth = {"vcd": np.full(len(seeds), vcd), "viability": np.full(len(seeds), 90.0)}
    counter, shown = Counter(seeds, lambda: truth), []
    for place, number in enumerate(numbers):
        began = 1000.0 * place
        counter.at(began)
        for column in range(len(seeds)):
            counter.start(column, number)
        counter.at(began + COUNTING_S)
        shown.append(counter.read(["viable_density", "viability"]))
    return np.array(shown)


def test_a_count_is_off_by_chance_and_right_on_the_whole():
    ((density, viability),) = counts(SEEDS)
    assert density.mean() == pytest.approx(4.0, rel=0.003)
    assert (density / 4.0).std() == pytest.approx(DENSITY_NOISE, rel=0.15)
    assert viability.mean() == pytest.approx(90.0, abs=0.1)
    assert viability.std() == pytest.approx(VIABILITY_NOISE, rel=0.15)
    assert not counts(SEEDS[:3], vcd=0.0).any(), "where no cells are, none are found"


def test_chance_depends_on_donor_and_sample_only():
    many = counts(SEEDS, (1.0, 2.0))
    assert (counts(SEEDS[7:8], (1.0, 2.0))[:, :, 0] == many[:, :, 7]).all()
    assert (counts(SEEDS, (2.0,))[0] == many[1]).all()
    assert (many[0] != many[1]).all()
