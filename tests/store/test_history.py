"""History: lossless, small, and never more points than asked for."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from controller.store import Store
from controller.store.columns import DECIMAL, DOUBLE, SINGLE, pack, pack_times, unpack, unpack_times
from controller.store.history import CHUNK
from controller.store.trends import reduce
from tests.store.conftest import COLUMNS, UTC, scan

TEMPERATURE = "BR-101.temperature"


def same(one, other):
    return one.tobytes() == other.tobytes() or (np.array_equal(one, other, equal_nan=True) and same_sign(one, other))


def same_sign(one, other):
    known = ~np.isnan(one)
    return np.array_equal(np.signbit(one[known]), np.signbit(other[known]))


@settings(max_examples=300, deadline=None)
@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(width=64)))
def test_any_column_comes_back_to_the_last_bit(value):
    quality = (np.arange(len(value)) % 3).astype(np.uint8)
    back, back_quality = unpack(pack(value, quality), len(value))
    assert same(value, back)
    assert np.array_equal(quality, back_quality)


@settings(max_examples=300, deadline=None)
@given(arrays(np.int64, st.integers(1, 40), elements=st.integers(-(10**12), 10**12)), st.integers(0, 6))
def test_decimals_come_back_to_the_last_bit(scaled, decimals):
    value = scaled / 10.0**decimals
    back, _ = unpack(pack(value, np.zeros(len(value), np.uint8)), len(value))
    assert same(value, back)


@given(arrays(np.int64, st.integers(1, 40), elements=st.integers(-(2**62), 2**62)))
def test_times_come_back(times):
    assert np.array_equal(unpack_times(pack_times(times)), times)


def test_sensors_cost_less_than_two_bytes_a_sample_and_registers_less_than_four():
    walk = 37 + np.cumsum(np.random.default_rng(1).normal(0, 0.01, CHUNK))
    quality = np.zeros(CHUNK, np.uint8)
    for value, method, limit in (
        (np.round(walk, 2), DECIMAL, 2.0),
        (walk.astype(np.float32).astype(np.float64), SINGLE, 4.0),
        (walk, DOUBLE, 7.5),
    ):
        data = pack(value, quality)
        assert data[0] == method
        assert len(data) / CHUNK < limit


@pytest.mark.parametrize("scans", [1, CHUNK - 1, CHUNK, CHUNK + 7, 3 * CHUNK + 5])
def test_every_scan_is_there_before_and_after_packing_and_reopening(path, clock, scans):
    for run in range(2):
        store = Store(path, COLUMNS, clock=clock)
        for second in range(scans):
            scan(store, run * scans + second, 36.0 + 0.01 * (second % 50), second % 3)
        store.close()
    found = store.history(COLUMNS, UTC, UTC + 1e6, 10**6)
    expected = [36.0 + 0.01 * (second % 50) for second in range(scans)] * 2
    assert found[TEMPERATURE].value.tolist() == expected
    assert found[TEMPERATURE].quality.tolist() == [second % 3 for second in range(scans)] * 2
    assert found[TEMPERATURE].time.tolist() == [UTC + second for second in range(2 * scans)]
    assert set(found["BR-101.ph"].value) == {7.2}


def test_other_columns_in_a_later_run_keep_the_earlier_ones(path, clock):
    first = Store(path, COLUMNS, clock=clock)
    scan(first, 0)
    first.close()
    second = Store(path, ["BR-102.ph", TEMPERATURE], clock=clock)
    second.record(UTC + 1, np.array([7.0, 38.0]), np.zeros(2, np.uint8))
    second.close()
    found = second.history(["BR-102.ph", TEMPERATURE, "BR-101.ph", "unknown"], UTC, UTC + 10)
    assert found["BR-102.ph"].value.tolist() == [7.0]
    assert found[TEMPERATURE].value.tolist() == [37.0, 38.0]
    assert found["BR-101.ph"].value.tolist() == [7.2]
    assert len(found["unknown"].time) == 0


def test_a_window_gives_what_is_inside_and_nothing_else(path, clock):
    store = Store(path, COLUMNS, clock=clock)
    for second in range(2 * CHUNK):
        scan(store, second, float(second))
    store.close()
    found = store.history([TEMPERATURE], UTC + 500, UTC + 520, 100)[TEMPERATURE]
    assert found.value.tolist() == [float(second) for second in range(500, 521)]


def test_a_scan_of_the_wrong_length_is_refused(store):
    with pytest.raises(ValueError, match="3 values are expected"):
        store.record(UTC, np.zeros(2), np.zeros(2, np.uint8))


def test_what_is_recorded_may_be_changed_afterwards(store):
    value = np.array([37.0, 7.2, 37.0])
    store.record(UTC, value, np.zeros(3, np.uint8))
    value[:] = 0
    store.close()
    assert store.history([TEMPERATURE], UTC, UTC)[TEMPERATURE].value.tolist() == [37.0]


@given(
    arrays(np.float64, st.integers(1, 300), elements=st.one_of(st.floats(-1e6, 1e6), st.just(math.nan))),
    st.integers(1, 50),
)
def test_fewer_points_keep_every_extreme_and_the_worst_quality(value, points):
    quality = (np.arange(len(value)) % 7 == 6).astype(np.uint8) * 2
    series = reduce(np.arange(float(len(value))), value, quality, points)
    assert len(series.time) == min(points, len(value))
    for extreme, part in ((np.fmax, series.high), (np.fmin, series.low)):
        assert np.array_equal(extreme.reduce(part), extreme.reduce(value), equal_nan=True)
    assert series.quality.max() == quality.max()
    known = ~np.isnan(series.value)
    assert (series.low[known] - 1e-9 <= series.value[known]).all()
    assert (series.value[known] <= series.high[known] + 1e-9).all()


def test_a_clock_that_stepped_back_gives_points_in_order_of_time():
    series = reduce(np.array([10.0, 11.0, 5.0]), np.array([1.0, 2.0, 3.0]), np.zeros(3, np.uint8), 10)
    assert series.time.tolist() == [5.0, 10.0, 11.0]
    assert series.value.tolist() == [3.0, 1.0, 2.0]
