"""The bench itself: it races, judges and prints; its peers do what the product does; its plants control."""

import math

import numpy as np
import pytest

from controller.store.history import split
from simulators.biology.culture import runge_kutta
from tests.bench import peers, simulated, table, wires
from tests.bench.__main__ import main
from tests.bench.peers import BarePid, LoopedPid, NumpyPid, advance, measurements, tunings
from tests.bench.race import Time, race
from tests.bench.rows import DISTANT, ROWS, SCATTERED, Result, Row, bank_row, bench_site_row, modbus_row, scan_row
from tests.bench.sites import FRAMES, Plant, site

QUICK = {"rounds": 3, "round_s": 1e-4}


@pytest.mark.parametrize("make", [NumpyPid, lambda t: LoopedPid(t, advance)])
def test_the_peers_compute_what_the_product_computes(make):
    rng, n = np.random.default_rng(1), 6
    bank, peer = peers.PidBank(tunings(n)), make(tunings(n))
    sp, live = np.full(n, 37.0), np.ones(n, np.bool_)
    for scan in range(300):
        pv = sp + rng.normal(size=n)
        pv[rng.random(n) < 0.05] = math.nan
        live = rng.random(n) < 0.9 if scan % 20 == 0 else live
        dt = 1.0 if scan % 50 else 2.5
        found, expected = (one.step(pv, sp, live, dt).copy() for one in (peer, bank))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
        achieved = np.clip(expected + rng.normal(size=n), 0.0, 100.0)
        bank.achieved[:] = peer.achieved[:] = achieved


def test_the_bare_formulas_move_as_the_product_does_where_nothing_is_wrong():
    rng, n = np.random.default_rng(2), 4
    bank, bare = peers.PidBank(tunings(n)), BarePid(tunings(n))
    bank.achieved[:] = bare.integral[:] = 50.0
    bare.pv = np.full(n, 37.0)
    sp, live, moves = np.full(n, 37.0), np.ones(n, np.bool_), []
    bank.step(sp, sp, live, 1.0)
    bare.integral -= bare.gain * (bare.setpoint_weight - 1.0) * 37.0
    bare.wanted[:] = bare.achieved[:] = 50.0
    for _ in range(50):
        pv = sp + 0.1 * rng.normal(size=n)
        both = [one.step(pv, sp, live, 1.0).copy() for one in (bank, bare)]
        bank.achieved[:], bare.achieved[:] = both
        moves.append(both)
    np.testing.assert_allclose(*np.swapaxes(moves, 0, 1), atol=1e-9)
    assert np.ptp(moves) > 1.0


def test_in_a_race_all_take_turns():
    calls = []
    times = race({"one": lambda: calls.append("one"), "two": lambda: calls.append("two")}, rounds=4, round_s=1e-9)
    assert times.keys() == {"one", "two"}
    assert calls[-8:] == ["one", "two"] * 4
    assert all(0.0 <= time.minimum <= time.median for time in times.values())


def row(**goal):
    return Row("thing", "peer", lambda: (lambda: None, lambda: sum(range(500))), **goal)


@pytest.mark.parametrize(
    ("goal", "product", "peer", "ratio", "met"),
    [
        ({"at_least": 10.0}, 1.0, 20.0, 20.0, True),
        ({"at_least": 10.0}, 1.0, 9.0, 9.0, False),
        ({"at_most": 6.0}, 5.0, 1.0, 5.0, True),
        ({"at_most": 6.0}, 7.0, 1.0, 7.0, False),
        ({}, 2.0, 1.0, 0.5, None),
    ],
)
def test_a_goal_is_judged_by_the_ratio_of_the_medians(goal, product, peer, ratio, met):
    result = Result(row(**goal), Time(0.1, product), Time(0.1, peer))
    assert (result.ratio(), result.ratio("minimum"), result.met) == (ratio, 1.0, met)


def test_the_table_shows_times_ratio_and_goal():
    result = Result(row(at_least=10.0), Time(1e-6, 2e-6), Time(4e-3, 8e-3))
    assert table.line(table.cells(result)) == (
        "| thing | 2 µs (1 µs) | peer | 8 ms (4 ms) | 4e+03 (4e+03) | ≥ 10× faster | met |"
    )
    assert len(table.head()[0].split("|")) == len(table.line(table.cells(result)).split("|"))


def test_the_command_tells_by_its_exit_code_whether_every_goal_was_met(capsys):
    rows = [row(at_least=1.0), row(), bank_row(3, peers.naive_numpy, "plain numpy", "numpy")]
    assert main([], rows, **QUICK) == 0
    printed = capsys.readouterr().out
    assert "load per core" in printed
    assert "every goal met" in printed
    assert sum(line.startswith("| ") for line in printed.splitlines()) == 1 + len(rows)
    assert main([], [row(at_least=1e12)], **QUICK) == 1
    assert "MISSED" in capsys.readouterr().out
    assert main(["--only", "nothing of that name"], [row(at_least=1e12)], **QUICK) == 0


def test_a_peer_that_is_not_there_is_a_goal_that_is_missed(capsys):
    assert main([], [row(at_least=1.0, needs="no_such_package")], **QUICK) == 1
    assert "no_such_package is not installed" in capsys.readouterr().out


def test_every_goal_is_in_the_table():
    goals = {(one.name, one.peer): one.goal for one in ROWS}
    assert goals["8 PID controllers", "simple-pid"] == "never slower"
    assert goals["64 PID controllers", "simple-pid"] == "≥ 10× faster"
    assert goals["512 PID controllers", "simple-pid"] == "≥ 50× faster"
    assert goals["512 PID controllers", "a loop compiled by numba"] == "≤ 6× the time"
    assert goals["1,000,000 PID controllers", "plain numpy"] == "≥ 2× faster"
    for peer in ("pymodbus' client", "on the driver's own line"):
        assert goals[SCATTERED, f"one by one, {peer}"] == "≥ 50× faster"
    for peer in ("pymodbus' client", "bare asyncio streams"):
        assert goals[SCATTERED, f"the same blocks, {peer}"] == "≤ 1.15× the time"
    assert goals[DISTANT, "the line itself"] == "≤ 1.11× the time"
    assert goals["500 simulated vessels, a step of 5 s", "real time"] == "≥ 5,000×"
    assert goals["100 OPC UA nodes, wall time", "asyncua, node by node"] == "≥ 10× faster"
    assert goals["100 OPC UA nodes, wall time", "asyncua, one bare Read"] == "≤ 1.1× the time"
    assert all(one.rounds >= 30 for one in ROWS)


def test_a_plant_controls_and_is_at_no_limit():
    plant = Plant(site(2, 16, 4))
    results = [plant.step() for _ in range(3 * FRAMES)]
    loops = plant.scan.loops
    assert loops.live.all()
    assert not loops.limited.any()
    assert not any(result.events for result in results)
    assert len({tuple(result.writes.values()) for result in results}) > FRAMES, "outputs move"
    value, quality = split([plant.record().data], len(plant.scan.columns.connections))
    assert np.isfinite(value).all()
    assert not quality.any()
    before = loops.op.copy()
    plant.control()
    assert (loops.op != before).any()


def test_real_time_is_the_peer_of_a_call_that_lives_through_some():
    one = Row("vessels", "real time", lambda: (lambda: sum(range(500)), None), covers_s=5.0, at_least=10.0)
    result = one.measure(**QUICK)
    assert result.ratio() == 5.0 / result.product.median
    assert result.met
    assert one.goal == "≥ 10×"
    assert table.cells(result)[3] == "5 s (5 s)"


def test_the_vessels_of_a_race_do_alike():
    """Side by side as one by one, to the bit; and as the bare equations, but for lags and errors of the drives."""
    (together, _), (many, singles) = simulated.alone(3), simulated.side_by_side(3)
    for run in (together, many, singles):
        run()
    vessel, bare = simulated.one(), simulated.Bare()
    state, hours = tuple(bare.begin), 5.0 / 3600.0
    for _ in range(720):
        state = runge_kutta(lambda now: tuple(bare.slope(0.0, now)), state, hours)
        vessel.step(5.0)
    vessel.catch_up()
    x, _, glucose, *_, oxygen, carbon, _, warm, _ = state
    truth, solution = vessel.truth(), vessel.solution
    found = (truth["vcd"], truth["glucose"], solution.oxygen, solution.carbon, truth["true_temperature"], solution.ph)
    assert found == pytest.approx((x, glucose, oxygen, carbon, warm, bare.ph), rel=0.005)


@pytest.mark.parametrize("make", [lambda: scan_row(1, 12, 3), bench_site_row], ids=["made up", "bench"])
def test_whole_scans_race_too(make, monkeypatch):
    monkeypatch.setattr(peers, "simple_pid", peers.naive_numpy)
    result = make().measure(**QUICK)
    assert result.product.minimum > 0.0
    assert len(table.cells(result)) == len(table.HEAD)


@pytest.mark.parametrize(
    "prepare", [wires.one_by_one, wires.blocks_by_pymodbus, wires.blocks_by_streams, wires.paced_line, wires.paced_loop]
)
def test_wires_race_too(prepare):
    result = modbus_row("registers", "peer", prepare).measure(rounds=1, round_s=1e-4)
    assert 0.0 < result.product.minimum < 1.0
    assert 0.0 < result.peer.minimum < 1.0


def test_measurements_differ_from_scan_to_scan():
    assert measurements(3).shape == (peers.FRAMES, 3)
    assert len({tuple(frame) for frame in measurements(3).tolist()}) == peers.FRAMES
