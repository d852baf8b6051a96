"""P16: the limit cycles of a plain relay, and what is read off them, against exact formulas."""

import math
from functools import cache

import numpy as np
import pytest

from controller.stages.experiment import Guards
from controller.stages.relay import Relay
from controller.tuning.limit_cycle import limit_cycle
from controller.tuning.plants import Plants
from controller.tuning.process import Process
from tests.tuning.conftest import PROCESSES, tuned_relay
from tests.tuning.oracles import RELAY_ROWS

PER_DEAD_TIME = 400
PLAIN = {"amplitude": 1.0, "hysteresis": 0.0, "confirmed": 1, "rest_scans": 2}


def process_of(row):
    gain, lag, delay = row
    return Process(gain, () if lag is None else (lag,), delay, integrating=lag is None)


@cache
def cycles():
    """All plain relays side by side, each on its process, sampled 400 times per dead time."""
    rows = list(RELAY_ROWS)
    dt = np.array([delay / PER_DEAD_TIME for _, _, delay in rows])
    guards = Guards(-10.0, 10.0, longest_s=math.inf)
    relays = [Relay(0.0, 1.0, guards, **PLAIN) for _ in rows]
    plants, y, u = Plants([process_of(row) for row in rows], dt), np.zeros(len(rows)), np.zeros(len(rows))
    while not all(relay.stage.over for relay in relays):
        for row, relay in enumerate(relays):
            u[row] = relay.step(float(y[row]), float(u[row]), float(dt[row]))
        y = plants.step(u).copy()
    found = [limit_cycle(one.record.time, one.record.pv, one.record.op) for one in relays]
    return dict(zip(rows, found, strict=True))


@pytest.mark.parametrize(("row", "figures"), RELAY_ROWS.items())
def test_p16_a_plain_relay_swings_as_the_formulas_say(row, figures):
    cycle = cycles()[row]
    amplitude, period, gain = figures
    _, lag, delay = row
    if lag is not None:
        assert amplitude == pytest.approx(row[0] * (1 - math.exp(-delay / lag)), abs=1e-5)
        assert period == pytest.approx(2 * lag * math.log(2 * math.exp(delay / lag) - 1), rel=1e-5)
    assert cycle.amplitude == pytest.approx(amplitude, rel=0.005)
    assert cycle.period == pytest.approx(period, rel=0.005)
    assert cycle.describing_gain == pytest.approx(gain, rel=0.005)


@pytest.mark.parametrize("row", RELAY_ROWS)
def test_p16_the_fundamental_waves_give_the_frequency_response_exactly(row):
    cycle = cycles()[row]
    exact = complex(process_of(row).response(np.array(2.0 * np.pi / cycle.period)))
    assert abs(cycle.response / exact - 1.0) < 0.01


def test_p16_an_uneven_relay_gives_the_static_gain():
    one = tuned_relay("e^-s/(s+1)", 0.0)
    cycle = limit_cycle(one.record.time, one.record.pv - one.reference, one.record.op)
    assert cycle.static_gain == pytest.approx(1.0, rel=0.02)
    assert math.isnan(cycles()[1.0, 1.0, 1.0].static_gain)


def test_p16_a_record_without_a_whole_cycle_is_refused():
    with pytest.raises(ValueError, match="whole cycle"):
        limit_cycle(np.arange(10.0), np.zeros(10), np.ones(10))


@pytest.mark.parametrize("name", PROCESSES)
def test_p16_with_noise_the_relay_neither_chatters_nor_waits_for_ever(name):
    one = tuned_relay(name, 1.0)
    assert one.reason == ("10 cycles" if name == "1/Π(0.2^i s+1)" else "4 cycles")
    gaps = np.diff(one.switches)
    assert gaps.min() > 3.0 / 60.0
    assert gaps.max() < 12.0 * np.median(gaps)
