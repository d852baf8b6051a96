"""Volume, totals, rates, quotients, and what buffers the pH."""

import math

import numpy as np
import pytest

from drivers.contract import Reason
from simulators.physics.ph import Buffers, carbonate_shares, solve_ph, strong_for
from tests.control.soft_bench import HOUR, SoftBench


def test_volume():
    assert SoftBench("volume_from_weight", ["weight"], {"density": 1.008}).one(1512.0) == pytest.approx(1500.0)


def test_a_quotient_has_no_answer_below_its_least_divisor():
    bench = SoftBench("quotient", ["of", "per"], {"least": 0.1})
    assert bench.one(1.0, 0.5) == 2.0
    for divisor in (0.09, 0.0, -3.0):
        assert math.isnan(bench.one(1.0, divisor))
        assert (bench.quality[0], bench.reason[0]) == (2, Reason.MODEL)


@pytest.fixture
def total():
    return SoftBench("total", ["flow"], {"bridge": 60.0})


def test_a_total_is_the_integral_whatever_the_time_between_scans(total):
    t, found = 0.0, total.one(0.0)
    for dt in np.random.default_rng(1).uniform(0.1, 5.0, 4000):
        t += dt
        found = total.one(flow=math.sin(t / 500.0) ** 2, dt=dt)
    assert found == pytest.approx(t / 2.0 - 125.0 * math.sin(2.0 * t / 500.0), rel=1e-4)


def test_a_total_begins_anew_with_a_batch_of_its_own_vessel():
    bench = SoftBench("total", ["flow"], {"bridge": 60.0}, vessels=2)
    for _ in range(11):
        bench.see(1.0)
    bench.estimator.rebase("V1")
    assert bench.see(1.0).tolist() == [11.0, 1.0]


def test_a_short_gap_is_bridged_and_a_long_one_makes_the_total_uncertain(total):
    total.one(1.0)
    for _ in range(50):
        assert total.one(np.nan, quality={"flow": 2}) == 0.0
    assert total.one(3.0) == pytest.approx(51.0 * 2.0)
    assert total.quality[0] == 0
    for _ in range(70):
        total.one(np.nan, quality={"flow": 2})
    assert total.one(3.0) == pytest.approx(102.0), "what nobody saw is not made up"
    assert (total.quality[0], total.reason[0]) == (1, Reason.MODEL)
    assert total.one(3.0) == pytest.approx(105.0)
    total.estimator.rebase("V0")
    total.one(3.0)
    assert total.quality[0] == 0


def test_an_outage_longer_than_the_bridge_is_not_counted_either(total):
    total.one(2.0)
    total.one(2.0)
    for outage, found, quality in ((30.0, 64.0, 0), (100.0, 2.0, 1)):
        again = SoftBench("total", ["flow"], {"bridge": 60.0})
        again.estimator.restore(total.estimator.state(), outage)
        assert again.one(2.0) == pytest.approx(found)
        assert again.quality[0] == quality


def test_a_rate_is_exact_on_a_straight_line_with_holes_and_any_time_between_scans():
    bench = SoftBench("rate", ["of"], {"window": HOUR})
    rng, t = np.random.default_rng(2), 0.0
    for _ in range(3000):
        dt = rng.uniform(0.5, 3.0)
        t += dt
        found = bench.one(7.0 - 0.002 * t, dt=dt, quality={"of": 2 if rng.random() < 0.3 else 0})
    assert found == pytest.approx(-0.002, rel=1e-9)


def test_a_rate_is_no_answer_first_then_uncertain_then_good():
    bench = SoftBench("rate", ["of"], {"window": HOUR})
    seen = []
    for scan in range(200):
        bench.see(1.0 * scan, dt=20.0)
        seen.append(int(bench.quality[0]))
    first, good = seen.index(1), seen.index(0)
    assert 6 * HOUR / 48 <= first * 20.0 <= 7 * HOUR / 48
    assert HOUR / 2 <= good * 20.0 <= HOUR / 2 + 2 * HOUR / 48
    assert sorted(seen, reverse=True) == seen


def test_a_rate_forgets_what_was_before_a_long_gap_and_before_a_batch():
    for forget in ("gap", "batch"):
        bench = SoftBench("rate", ["of"], {"window": HOUR})
        for scan in range(400):
            bench.see(0.1 * scan, dt=10.0)
        assert bench.quality[0] == 0
        if forget == "gap":
            for _ in range(60):
                assert bench.one(np.nan, dt=10.0, quality={"of": 2}) == pytest.approx(0.01), "held while Bad"
        else:
            bench.estimator.rebase("V0")
        found = [(bench.one(1000.0 - 0.2 * scan, dt=10.0), int(bench.quality[0])) for scan in range(300)]
        values = [value for value, quality in found if quality < 2]
        assert found[-1] == (pytest.approx(-0.02), 0)
        assert all(value == pytest.approx(0.01) or value == pytest.approx(-0.02) for value in values), "no mixture"


RATIO = Buffers(phosphate=1.0, hepes=0.0)
RPMI = Buffers(phosphate=5.6, hepes=10.0)
CO2 = 0.0307


def capacity(options, inputs, values, buffers, **parameters):
    given = {"phosphate": buffers.phosphate, "hepes": buffers.hepes, **parameters}
    return SoftBench("buffer_capacity", inputs, given, {"carbon_dioxide": options}).one(*values)


@pytest.mark.parametrize(("kind", "expected"), [("open", 57.5), ("closed", 3.27)])
def test_open_and_closed_differ_by_a_factor_of_18(kind, expected):
    """pH 7.40 at 40 mmHg with 1 mM phosphate: published targets of the pH model."""
    found = capacity(kind, ["ph", "co2_pressure"], (7.4, 40.0), RATIO)
    assert found == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("ph", [6.4, 6.8, 7.2, 7.6, 8.0])
@pytest.mark.parametrize("buffers", [RATIO, RPMI, Buffers(75.0, 0.0)])
def test_it_is_the_slope_of_the_charge_balance(ph, buffers):
    """Against the plant's own chemistry, by central differences."""
    step, pressure = 1e-4, 35.6

    def carbon(at):
        return CO2 * pressure / carbonate_shares(at)[0]

    def slope(of_carbon):
        ends = [strong_for(at, of_carbon(at), buffers) for at in (ph + step, ph - step)]
        return (ends[0] - ends[1]) / (2.0 * step)

    measured = ["ph", "co2_pressure"]
    assert capacity("open", measured, (ph, pressure), buffers) == pytest.approx(slope(carbon), rel=1e-3)
    fixed = carbon(ph)
    assert capacity("closed", measured, (ph, pressure), buffers) == pytest.approx(slope(lambda _: fixed), rel=1e-3)


def test_bicarbonate_and_pressure_say_the_same():
    ph, pressure = 7.3, 38.0
    free, _ = carbonate_shares(ph)
    bicarbonate = CO2 * pressure * 10.0 ** (ph - 6.1)
    assert free * (CO2 * pressure / free) == pytest.approx(CO2 * pressure)
    for kind in ("open", "closed"):
        by_pressure = capacity(kind, ["ph", "co2_pressure"], (ph, pressure), RPMI)
        by_medium = capacity(kind, ["ph"], (ph,), RPMI, bicarbonate=bicarbonate)
        assert by_medium == pytest.approx(by_pressure, rel=1e-9)


STRIPPING = ["ph", "kla", "gas_flow", "volume"]


@pytest.mark.parametrize(("kla", "gas", "over"), [(5.0, 1e4, 1800.0), (20.0, 1e4, 600.0), (5.0, 3.0, 3600.0)])
def test_stripping_is_what_a_change_of_that_speed_meets(kla, gas, over):
    """Base that is added as exp(t/T): after a while the pH follows it by the capacity, with CO2 stripped at kLaCO2."""
    start, buffers, bicarbonate = 7.2, RPMI, 24.0
    carbon = start_carbon = bicarbonate / (carbonate_shares(start)[0] * 10.0 ** (start - 6.1))
    held = carbon * carbonate_shares(start)[0]
    carried = 1000.0 * gas / (25.4 * CO2 * 760.0)
    rate = min(0.89 * kla, carried)
    strong, ph, dose = strong_for(start, carbon, buffers), start, 0.0
    dt, hours = over / 400.0, over / HOUR
    for scan in range(2400):
        dose = 1e-5 * math.exp(scan * dt / over)
        ph = solve_ph(ph, strong + dose, carbon, buffers)
        carbon -= rate * (carbon * carbonate_shares(ph)[0] - held) * dt / HOUR
    assert carbon != start_carbon
    found = capacity("stripped", STRIPPING, (start, kla, gas, 1.0), buffers, bicarbonate=bicarbonate, over=over)
    assert hours > 0.0
    assert found == pytest.approx(dose / (ph - start), rel=0.02)


def test_stripping_lies_between_closed_and_open():
    closed = capacity("closed", ["ph"], (7.2,), RPMI, bicarbonate=24.0)
    opened = capacity("open", ["ph"], (7.2,), RPMI, bicarbonate=24.0)
    found = [
        capacity("stripped", STRIPPING, (7.2, kla, 60.0, 1.0), RPMI, bicarbonate=24.0, over=1800.0)
        for kla in (0.0, 1.0, 10.0, 100.0)
    ]
    assert found[0] == pytest.approx(closed)
    assert found == sorted(found)
    assert found[-1] < opened
    slow = capacity("stripped", STRIPPING, (7.2, 100.0, 1e6, 1.0), RPMI, bicarbonate=24.0, over=1e8)
    assert slow == pytest.approx(opened, rel=1e-3)


def test_a_slow_answer_is_renewed_every_half_minute_and_at_once_after_a_bad_input():
    bench = SoftBench("buffer_capacity", ["ph"], {"bicarbonate": 24.0, "phosphate": 1.0, "hepes": 0.0},
                      {"carbon_dioxide": "open"})  # fmt: skip
    first = bench.one(7.2)
    assert {bench.one(7.4) for _ in range(29)} == {first}
    second = bench.one(7.4)
    assert second != first
    assert bench.one(np.nan, quality={"ph": 2}) == second
    assert bench.one(7.0) not in {first, second}
