"""ECOLI-A against its reference trajectories; transfer as in the source: DOT' = kLa (DOT* - DOT) - qO X H."""

import math

import pytest

from simulators.biology.culture import Environment, Inflow, runge_kutta
from simulators.biology.ecoli_a import CELLS_PER_G, FEED_GLUCOSE, Coli, Strain, rates, slope

STRAIN = Strain()
START = (0.17, 4.94, 0.0129)
SECONDS = 2.0
H = SECONDS / 3600
HENRY, SATURATION, PROBE_S = 14000.0, 99.0, 35.0


def oxygen_after(dot, kla, state):
    """One implicit step of the oxygen balance, by bisection: stiff when demand meets supply."""
    x, s, a = state

    def left(new):
        return new - dot - H * (kla * (SATURATION - new) - rates(s, a, new, STRAIN).oxygen * x * HENRY)

    low, high = 0.0, SATURATION
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if left(middle) < 0 else (low, middle)
    return 0.5 * (low + high)


def live(start, hours, kla, feed=None):
    """X, S, A, DOT, DOTm and volume every hour; `feed(t)` in L/h, volume from 2 L."""
    *state, dot, probe = start
    state = tuple(state)
    volume, trace = 2.0, {}
    for step in range(round(hours / H) + 1):
        t = step * H
        if step % round(1 / H) == 0:
            trace[round(t)] = (*state, dot, probe, volume)
        flow = feed(t + H / 2) if feed else 0.0
        here = Environment(37.0, 7.0, math.nan, dot)
        rate = flow / (volume + flow * H / 2)
        state = runge_kutta(lambda y, e=here, r=rate: slope(y, e, Inflow(r, r), STRAIN), state, H)
        state = tuple(max(y, 0.0) for y in state)
        volume += flow * H
        dot = oxygen_after(dot, kla, state)
        probe += (dot - probe) * (1 - math.exp(-SECONDS / PROBE_S))
    return trace


@pytest.fixture(scope="module")
def batch():
    return live((*START, 98.0, 98.0), 10, 220.0)


def test_initial_rates():
    now = rates(4.94, 0.0129, 98.0, STRAIN)
    assert now.glucose == pytest.approx(0.62438, abs=1e-5)
    assert now.acetate == pytest.approx(0.07053, abs=1e-5)
    assert now.growth == pytest.approx(0.31256, abs=1e-5)
    assert now.oxygen == pytest.approx(0.29773, abs=1e-5)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("hour", "x", "s", "a", "dot", "probe"),
    [
        (4, 0.60545, 4.1073, 0.07492, 87.416, 87.451),
        (8, 2.05805, 1.41687, 0.19980, 62.635, 62.724),
        (9, 2.72437, 0.20383, 0.23850, 56.961, 56.789),
        (10, 2.95497, 0.0, 0.01121, 90.951, 90.595),
    ],
)
def test_batch(batch, hour, x, s, a, dot, probe):
    values = batch[hour]
    for value, expected, last in zip(values[:5], (x, s, a, dot, probe), (1e-5, 1e-4, 1e-5, 1e-3, 1e-3), strict=True):
        assert value == pytest.approx(expected, rel=0.005, abs=last)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("mu_set", "volume", "x", "s", "a", "dot"),
    [
        (0.12, 2.0706, 8.674, 0.0193, 0.0192, 77.57),
        (0.222, 2.2315, 20.206, 0.1043, 0.2293, 10.98),
        (0.30, 2.5042, 22.188, 24.91, 0.5789, 0.0013),
    ],
)
def test_fed_batch(batch, mu_set, volume, x, s, a, dot):
    start = batch[9][:5]
    first = mu_set * start[0] * 2.0 / (0.5 * FEED_GLUCOSE)
    end = live(start, 9, 700.0, lambda t: first * math.exp(mu_set * t))[9]
    assert end[5] == pytest.approx(volume, abs=2e-4)
    assert end[0] == pytest.approx(x, rel=0.005)
    assert end[1] == pytest.approx(s, rel=0.005, abs=1e-4)
    assert end[2] == pytest.approx(a, rel=0.005, abs=1e-4)
    assert end[3] == pytest.approx(dot, rel=0.005, abs=1e-4)


def test_the_culture_takes_densities_as_the_others_do():
    culture = Coli()
    culture.inoculate(CELLS_PER_G, 0.1, 1.0)
    truth = culture.truth()
    assert truth["biomass"] == pytest.approx(0.1)
    assert truth["vcd"] == pytest.approx(0.1 * CELLS_PER_G)
    assert truth["glucose"] == pytest.approx(4.94 / 0.18016)
    exchange = culture.advance(0.01, Environment(37.0, 7.0, 0.2, 100.0), Inflow(0.0, 0.0))
    assert exchange.oxygen == pytest.approx(0.297 * 0.1 / 0.032, rel=0.05)
    assert exchange.ions < 0
    assert not culture.set("lactate", 1.0)
    culture.dilute(0.5)
    assert culture.truth()["biomass"] == pytest.approx(0.05, rel=0.01)
    assert culture.set("acetate", 1.0)
    assert culture.truth()["acetate"] == pytest.approx(1.0)
