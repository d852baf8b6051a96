"""Gas: what flows in, its composition, and the balances around the vessel."""

import math

import numpy as np
import pytest

from drivers.contract import Reason
from tests.control.soft_bench import SoftBench

BALANCE = ["flow", "oxygen_in", "oxygen_out", "carbon_dioxide_in", "carbon_dioxide_out", "volume"]
GIVEN = {"least_flow": 1.0, "molar_volume": 22.414, "analyser_accuracy": 0.0005}


def no_answer(bench):
    return bench.quality[0] == 2 and bench.reason[0] == Reason.MODEL and math.isnan(bench.frame.value[bench.rows[0]])


def test_gas_in_all_is_a_sum_in_which_noise_around_zero_does_not_count():
    bench = SoftBench("gas_total", ["flow", "flow", "flow"])
    assert bench.one(3.0, 0.5, -0.02) == 3.5
    assert bench.one(-0.1, -0.1, -0.1) == 0.0
    assert bench.quality[0] == 0, "no gas is a good answer"


@pytest.mark.parametrize(
    ("model", "air", "pure"), [("oxygen_in_gas", 0.2095, "oxygen"), ("carbon_dioxide_in_gas", 0.0004, "carbon_dioxide")]
)
def test_shares_of_the_gas(model, air, pure):
    bench = SoftBench(model, ["air", "oxygen", "nitrogen", "carbon_dioxide"], {"least_flow": 0.5})
    assert bench.one(air=3.0, oxygen=0.0, nitrogen=0.0, carbon_dioxide=0.0) == pytest.approx(air)
    mixed = {"air": 2.0, "oxygen": 0.0, "nitrogen": 1.0, "carbon_dioxide": 0.0, pure: 1.0}
    assert bench.one(**mixed) == pytest.approx((2.0 * air + 1.0) / (4.0 if pure != "nitrogen" else 3.0))
    assert bench.quality[0] == 0


def test_without_gas_there_is_no_share():
    bench = SoftBench("oxygen_in_gas", ["air", "oxygen"], {"least_flow": 0.5})
    assert math.isnan(bench.one(0.2, 0.2))
    assert no_answer(bench)
    assert bench.one(0.6, 0.0) == pytest.approx(0.2095)
    assert bench.quality[0] == 0


def outlet(flow, taken, given, volume=1.0, oxygen=0.2095, carbon_dioxide=0.0004):
    """Dry exhaust of ``flow`` L/h after ``taken`` and ``given`` mmol/L/h: moles counted one by one."""
    moles = flow / 22.414
    o2 = moles * oxygen - taken * volume / 1000.0
    co2 = moles * carbon_dioxide + given * volume / 1000.0
    total = moles * (1.0 - oxygen - carbon_dioxide) + o2 + co2
    return o2 / total, co2 / total


@pytest.mark.parametrize(("our", "cer"), [(10.0, 10.0), (25.0, 12.0), (8.0, 30.0), (1.0, 0.8)])
def test_the_balance_finds_what_was_taken_and_given_whatever_the_quotient(our, cer):
    """The inert balance is exact: also where more or less gas leaves than came."""
    o2, co2 = outlet(60.0, our, cer, volume=1.7)
    values = dict(zip(BALANCE, (60.0, 0.2095, o2, 0.0004, co2, 1.7), strict=True))
    uptake, evolution = SoftBench("our_gas_balance", BALANCE, GIVEN), SoftBench("cer_gas_balance", BALANCE, GIVEN)
    assert uptake.one(**values) == pytest.approx(our, rel=1e-9)
    assert evolution.one(**values) == pytest.approx(cer, rel=1e-9)
    quotient = SoftBench("rq", ["cer", "our"], {"least_our": 0.5})
    assert quotient.one(cer, our) == pytest.approx(cer / our)


def test_a_difference_within_the_analysers_error_is_uncertain():
    bench = SoftBench("our_gas_balance", BALANCE, GIVEN)
    bench.see(60.0, 0.2095, 0.2091, 0.0004, 0.0008, 1.0)
    assert (bench.quality[0], bench.reason[0]) == (1, Reason.MODEL)
    bench.see(60.0, 0.2095, 0.2085, 0.0004, 0.0014, 1.0)
    assert bench.quality[0] == 0


@pytest.mark.parametrize("change", [{"flow": 0.5}, {"volume": 0.0}, {"volume": -0.1}, {"oxygen_out": 0.999}])
def test_a_balance_without_gas_or_liquid_is_no_answer(change):
    bench = SoftBench("our_gas_balance", BALANCE, GIVEN)
    fine = dict(zip(BALANCE, (60.0, 0.2095, 0.205, 0.0004, 0.004, 1.0), strict=True))
    bench.see(**fine | change)
    assert no_answer(bench)
    bench.see(**fine)
    assert bench.quality[0] == 0


def test_a_culture_that_hardly_breathes_has_no_quotient():
    bench = SoftBench("rq", ["cer", "our"], {"least_our": 0.5})
    bench.see(0.3, 0.49)
    assert no_answer(bench)
    bench.see(0.3, 0.0)
    assert no_answer(bench)


def test_noise_of_the_analysers_averages_out_in_a_balance():
    """±0.01 % noise of both analysers at 10 mmol/L/h: unbiased, and 0.5 mmol/L/h wide."""
    rng = np.random.default_rng(3)
    n = 2000
    o2, co2 = outlet(60.0, 10.0, 9.0)
    bench = SoftBench("our_gas_balance", BALANCE, GIVEN, vessels=n)
    noisy = o2 + rng.normal(0.0, 1e-4, n), co2 + rng.normal(0.0, 1e-4, n)
    found = bench.see(60.0, 0.2095, noisy[0], 0.0004, noisy[1], 1.0)
    assert found.mean() == pytest.approx(10.0, abs=0.03)
    assert found.std() < 0.5
