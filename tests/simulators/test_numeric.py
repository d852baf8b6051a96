"""The plant's arithmetic: the same bits in floats and arrays, and right in the last place."""

import ast
import hashlib
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import numeric
from simulators.numeric import FARTHEST, exp, log, maximum, minimum, positive, power, rounded, sqrt, where

ROOT = Path(__file__).parents[2]
ROUGH = np.random.default_rng(20)
EXPONENTS = np.concatenate(
    [
        ROUGH.uniform(-FARTHEST, FARTHEST, 100_000),
        ROUGH.uniform(-1.0, 1.0, 100_000),
        ROUGH.normal(0.0, 1e-6, 20_000),
        np.arange(-1021, 1022) * math.log(2.0),
        (np.arange(-1020, 1021) + 0.5) * math.log(2.0),
        [0.0, -0.0, 5e-324, -5e-324, 1e-300, FARTHEST, -FARTHEST, 1.0, -1.0],
    ]
)
NUMBERS = np.concatenate(
    [
        np.exp(ROUGH.uniform(-700.0, 700.0, 100_000)),
        ROUGH.uniform(0.5, 2.0, 100_000),
        1.0 + ROUGH.normal(0.0, 1e-7, 20_000),
        2.0 ** np.arange(-1074.0, 1024.0),
        [5e-324, 2.2250738585072014e-308, 1.0, math.sqrt(0.5), math.nextafter(1.0, 0.0), 1.7976931348623157e308],
    ]
)
SIZES = (0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 500)


def bits(values):
    return np.asarray(values, dtype=np.float64).view(np.int64)


@pytest.mark.parametrize(("function", "arguments"), [(exp, EXPONENTS), (log, NUMBERS), (sqrt, NUMBERS)])
def test_floats_and_arrays_have_the_same_bits_and_are_right_within_two_units(function, arguments):
    together = function(arguments)
    one_by_one = [function(x) for x in arguments.tolist()]
    right = [getattr(math, function.__name__)(x) for x in arguments.tolist()]
    assert (bits(together) == bits(one_by_one)).all()
    worst = int(np.abs(bits(together) - bits(right)).max())
    exact = float(np.mean(bits(together) == bits(right)))
    print(f"{function.__name__}: {len(arguments)} arguments, worst {worst} ulp, {exact:.1%} as the C library's")
    assert worst <= 1


@pytest.mark.parametrize("size", SIZES)
def test_a_number_does_not_depend_on_how_many_are_beside_it(size):
    x, y = EXPONENTS[:size].copy(), NUMBERS[:size].copy()
    assert (bits(exp(x)) == bits(exp(EXPONENTS))[:size]).all()
    assert (bits(log(y)) == bits(log(NUMBERS))[:size]).all()


DIGEST = """
import hashlib, numpy as np
from simulators.numeric import exp, log, power
x, y = np.arange(-70_000, 70_001) / 100.0, np.arange(1, 140_001) / 1000.0
for ours in (np.concatenate([exp(x), log(y), power(y, 1.2)]), np.exp(x)):
    print(hashlib.sha256(ours.tobytes()).hexdigest())
"""


def test_a_processor_without_vector_instructions_gives_the_same_bits():
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])

    def digests(**variables):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
        run = [sys.executable, "-c", DIGEST]
        return subprocess.run(run, env=environment, capture_output=True, check=True, text=True).stdout.split()

    ours, numpys = digests()
    plain, numpys_plain = digests(NPY_DISABLE_CPU_FEATURES=" ".join(found))
    same = "the same" if numpys == numpys_plain else "other"
    print(f"without {' '.join(found)}: numpy's own exponential has {same} bits")
    assert ours == plain
    x, y = np.arange(-70_000, 70_001) / 100.0, np.arange(1, 140_001) / 1000.0
    alone = [exp(v) for v in x.tolist()] + [log(v) for v in y.tolist()] + [power(v, 1.2) for v in y.tolist()]
    assert hashlib.sha256(np.array(alone).tobytes()).hexdigest() == ours


def test_the_exponential_is_bounded_on_both_sides():
    assert exp(1e9) == exp(math.inf) == exp(FARTHEST) < 1e308
    assert exp(-1e9) == exp(-math.inf) == exp(-FARTHEST) > 1e-308
    far = np.array([1e9, math.inf, -1e9, -math.inf])
    assert (exp(far) == [exp(FARTHEST), exp(FARTHEST), exp(-FARTHEST), exp(-FARTHEST)]).all()


def test_arguments_are_left_as_they_are():
    x = np.array([0.5, 1.5, 1e4, -1e4])
    for function in (exp, lambda v: log(abs(v)), lambda v: power(abs(v), 1.2), lambda v: maximum(v, 0.0)):
        function(x)
        assert (x == [0.5, 1.5, 1e4, -1e4]).all()


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_there_is_no_logarithm_of_what_is_not_above_zero_and_finite(bad):
    with pytest.raises(ValueError, match="logarithm"):
        log(bad)
    with pytest.raises(ValueError, match="logarithm"):
        log(np.array([1.0, bad]))


def test_what_is_no_number_does_not_pass_for_one():
    with pytest.raises(ValueError, match="NaN"):
        exp(math.nan)
    with pytest.warns(RuntimeWarning, match="invalid"):
        assert math.isnan(exp(np.array([math.nan]))[0])
    for function in (maximum, minimum):
        assert math.isnan(function(math.nan, 0.0))
        assert math.isnan(function(np.array([math.nan]), 0.0)[0])


@given(st.floats(1e-6, 1e6), st.floats(0.1, 4.0))
def test_a_power_is_near_that_of_the_library_and_the_same_in_arrays(x, exponent):
    value = power(x, exponent)
    assert value == pytest.approx(math.pow(x, exponent), rel=1e-14)
    assert bits(power(np.array([x, 0.0]), exponent))[0] == bits(value)


def test_powers_of_nothing_and_of_less():
    assert power(0.0, 1.2) == 0.0
    assert (power(np.array([0.0, 4.0]), 0.5) == [0.0, power(4.0, 0.5)]).all()
    with pytest.raises(ValueError, match="logarithm"):
        power(-1.0, 2.0)


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE, FINITE.filter(lambda b: math.copysign(1.0, b) > 0.0 or b < 0.0))
def test_larger_smaller_and_chosen_are_the_same_in_arrays(a, b):
    many = np.array([a])
    assert bits(maximum(a, b)) == bits(maximum(many, b))[0]
    assert minimum(a, b) == minimum(many, b)[0]
    assert (bits(positive((a, b))) == [bits(v)[0] for v in positive((many, np.array([b])))]).all()
    assert bits(where(a > b, a, b)) == bits(where(many > b, many, np.array([b])))[0]


def test_held_within_limits_what_is_no_number_is_none():
    asked = [-1.0, -0.0, 0.0, 0.5, 1.0, 2.0, math.inf, -math.inf, math.nan]
    assert [numeric.within(x, 1.0) for x in asked] == [0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 0.0, 0.0]
    assert (bits(numeric.within(np.array(asked), 1.0)) == bits([numeric.within(x, 1.0) for x in asked])).all()


def test_rounding_goes_to_the_nearest_and_then_to_the_even_number():
    halves = [-2.5, -1.5, -0.4, 0.0, 0.5, 1.5, 2.5, 7.49, 1e12 + 0.75]
    assert [rounded(x) for x in halves] == [round(x) for x in halves]
    assert (bits(rounded(np.array(halves))) == bits([rounded(x) for x in halves])).all()


EQUATIONS = [
    *(path for path in (ROOT / "simulators/biology").glob("*.py") if path.stem != "donors"),
    *(ROOT / "simulators/physics").glob("*.py"),
    *(ROOT / "simulators/mishaps").glob("on_*.py"),
    *(ROOT / f"simulators/{name}.py" for name in ("gas_path", "solution", "sensors", "actuators")),
]
"""What is written for floats and arrays alike. Donors are drawn one by one."""


@pytest.mark.parametrize("path", EQUATIONS, ids=lambda path: path.stem)
def test_equations_use_no_arithmetic_but_this(path):
    tree = ast.parse(path.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not imported & {"math", "numpy", "cmath"}
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Pow)]
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"min", "max", "pow", "round", "sum"}


def test_rows_become_columns():
    first, second = numeric.gathered([(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)])
    assert first.tolist() == [1.0, 3.0, 5.0]
    assert second.tolist() == [2.0, 4.0, 6.0]
