"""What all soft sensors have in common: order, quality, reason, age, restart, and that no vessel touches another."""

import json

import numpy as np
import pytest

from controller.config.calculated_class import METHODS
from controller.frame import Frame
from controller.model.calculation import Calculation, Input, in_order, origins
from controller.model.tags import TagTable
from controller.stages.estimate import Estimator
from controller.stages.soft.registry import MODELS
from controller.stages.soft.sensors import FEW
from drivers.contract import Reason
from tests.control.soft_bench import CASES, SoftBench, calculated, measured

SCANS = 400
every_model = pytest.mark.parametrize("name", CASES)
WILD = np.array([0.0, -0.0, -1.0, 1.0, 1e-300, -1e-300, 1e300, -1e300, 55.0, 0.2095, 7.0, 1000.0])
FILTERED = {"our_dynamic", "kla_from_our", "kla_dynamic"}
"""Models that begin anew after a Bad input, and say so until they have seen enough."""


def seen(bench, place):
    """What the last scan made for one vessel, exactly."""
    return bench.frame.value[bench.rows[place]].tobytes(), bench.quality[place], bench.reason[place]


def run(bench, case, scans, start=0, first=0, **options):
    for scan in range(start, start + scans):
        found = bench.see(**case.at(scan * case.dt, bench.vessels, first), dt=case.dt, **options)
    return found


def test_every_method_of_a_class_file_has_its_model_and_is_tested():
    methods = {method.model_fields["from_"].annotation.__args__[0] for method in METHODS.models()}
    assert methods == set(MODELS) == set(CASES)


@every_model
@pytest.mark.parametrize("vessels", [2, FEW + 1])
def test_an_answer_is_good_and_what_it_is_does_not_depend_on_other_vessels(name, vessels):
    case, last = CASES[name], vessels - 1
    many, alone = case.bench(name, vessels), case.bench(name)
    for scan in range(SCANS):
        together = many.see(**case.at(scan * case.dt, vessels), dt=case.dt)
        single = alone.see(**case.at(scan * case.dt, 1, first=last), dt=case.dt)
    assert np.isfinite(together).all()
    assert many.quality.tolist() == [0] * vessels
    assert together[last] == single[0]
    assert together[0] != single[0]


@every_model
def test_garbage_makes_the_same_of_one_vessel_alone_and_among_others_to_the_last_bit(name):
    case, rng, count = CASES[name], np.random.default_rng(8), FEW + 1
    many, alone = case.bench(name, count), [case.bench(name) for _ in range(count)]
    for scan in range(300):
        values = case.at(scan * case.dt, count)
        if scan % 60 > 40:
            values = {one: rng.choice(WILD, count) for one in case.inputs}
        quality = {one: int(rng.choice([0, 1, 2], p=[0.96, 0.02, 0.02])) for one in case.inputs}
        dt = float(rng.choice([case.dt, 0.0, 0.1, 1e5], p=[0.95, 0.02, 0.02, 0.01]))
        many.see(**values, dt=dt, quality=quality)
        for place, bench in enumerate(alone):
            bench.see(**{one: found[place] for one, found in values.items()}, dt=dt, quality=quality)
            assert seen(many, place) == seen(bench, 0), (scan, place)
        if scan == 250:
            states = [bench.estimator.state() for bench in alone]
            assert many.estimator.state() == {
                f"V{place}.out": state["V0.out"] for place, state in enumerate(states) if state
            }
            many.estimator.restore(many.estimator.state(), 77.0)
            for bench, state in zip(alone, states, strict=True):
                bench.estimator.restore(state, 77.0)
                bench.estimator.rebase("V0")
            for place in range(count):
                many.estimator.rebase(f"V{place}")


@every_model
@pytest.mark.parametrize("quality", [1, 2])
def test_the_worst_input_decides_and_a_bad_time_leaves_no_spike(name, quality):
    case = CASES[name]
    bench, calm = case.bench(name), case.bench(name)
    run(bench, case, SCANS)
    run(calm, case, SCANS)
    for hurt in case.inputs:
        values = case.at(SCANS * case.dt)
        values = values if quality == 1 else values | {hurt: np.nan}
        bench.see(**values, dt=case.dt, quality={hurt: quality})
        calm.see(**case.at(SCANS * case.dt), dt=case.dt)
        assert bench.quality[0] == quality
        assert bench.reason[0] == (Reason.OK if quality == 1 else Reason.LINK)
    after, without = run(bench, case, 1, SCANS + 1)[0], run(calm, case, 1, SCANS + 1)[0]
    filtered = quality == 2 and name in {"our_dynamic", "kla_from_our"}
    assert bench.quality[0] == (1 if quality == 2 and name in FILTERED else 0), "it is back at once"
    assert after == pytest.approx(without, rel=0.3 if filtered else 0.01)


@every_model
def test_garbage_is_never_good_and_never_infinite(name):
    case = CASES[name]
    rng = np.random.default_rng(7)
    bench = case.bench(name, vessels=20)
    for _ in range(150):
        values = {one: rng.choice(WILD, 20) for one in case.inputs}
        found = bench.see(**values, dt=float(rng.choice([0.0, 0.1, 1.0, 1e5])))
        assert (np.isfinite(found) | (bench.quality == 2)).all()
        assert not np.isinf(found).any()
        assert (bench.reason[np.isnan(found)] == Reason.MODEL).all()


@every_model
def test_a_restored_memory_goes_on_as_if_nothing_had_happened(name):
    case = CASES[name]
    bench, again = case.bench(name, 2), case.bench(name, 2)
    run(bench, case, SCANS)
    again.estimator.restore(json.loads(json.dumps(bench.estimator.state(), allow_nan=False)))
    for scan in range(SCANS, SCANS + 100):
        values = case.at(scan * case.dt, 2)
        one, other = bench.see(**values, dt=case.dt), again.see(**values, dt=case.dt)
        assert one.tolist() == other.tolist()
        assert bench.quality.tolist() == again.quality.tolist()


@every_model
@pytest.mark.parametrize("outage_s", [30.0, 1e6])
def test_after_an_outage_the_answer_is_right_or_says_that_it_is_not(name, outage_s):
    case = CASES[name]
    bench, again, calm = case.bench(name), case.bench(name), case.bench(name)
    run(bench, case, SCANS)
    run(calm, case, SCANS + 3)
    again.estimator.restore(bench.estimator.state(), outage_s)
    after = run(again, case, 1, SCANS + 3)[0]
    if again.quality[0] == 0:
        assert after == pytest.approx(run(calm, case, 1, SCANS + 3)[0], rel=0.03)
    assert (again.quality[0] < 2) == np.isfinite(after)


@pytest.mark.parametrize("wrong", [{"model": "total 1", "total": "x"}, {"model": "total 0", "total": 1.0}, [1.0], None])
def test_a_memory_that_does_not_fit_is_left(wrong):
    case = CASES["total"]
    bench = case.bench("total")
    bench.estimator.restore({"V0.out": wrong})
    assert bench.one(flow=0.0) == 0.0


def test_the_memory_of_another_shape_is_left_as_a_whole():
    case = CASES["rate"]
    bench, other = case.bench("rate"), case.bench("rate")
    run(bench, case, SCANS)
    state = bench.estimator.state()
    state["V0.out"]["time"] = state["V0.out"]["time"][:5]
    other.estimator.restore(state)
    assert np.isnan(run(other, case, 1, SCANS)[0])


def quotient(*inputs):
    return Calculation("quotient", 1, tuple(Input(*one) for one in inputs), {"least": 0.0})


def test_tags_are_calculated_after_what_they_depend_on_whatever_their_order():
    tags = (
        calculated("V", "last", quotient(("of", 3), ("per", 1))),
        calculated("V", "middle", quotient(("of", 3), ("per", 2))),
        calculated("V", "first", quotient(("of", 3), ("per", 4))),
        measured("V", "a"),
        measured("V", "b"),
    )
    frame = Frame.never_read(5)
    frame.value[3:], frame.quality[3:], frame.reason[3:], frame.age[3:] = [12.0, 4.0], 0, 0, [1.0, 7.0]
    Estimator(TagTable(tags)).step(frame, 1.0)
    assert frame.value[:3].tolist() == [3.0, 4.0, 3.0]
    assert frame.age[:3].tolist() == [7.0, 7.0, 7.0], "as old as the oldest measurement"


@pytest.mark.parametrize("vessels", [1, FEW + 1])
def test_inputs_stay_in_their_order_whether_they_are_measured_or_calculated(vessels):
    tags = []
    for place in range(vessels):
        oxygen, air, half, _ = range(4 * place, 4 * place + 4)
        gases = Calculation("oxygen_in_gas", 1, (Input("oxygen", half), Input("air", air)), {"least_flow": 0.1})
        tags += [
            measured(f"V{place}", "oxygen"),
            measured(f"V{place}", "air"),
            calculated(f"V{place}", "half", Calculation("gas_total", 1, (Input("flow", oxygen, 0.5),))),
            calculated(f"V{place}", "share", gases),
        ]
    frame = Frame.never_read(len(tags))
    frame.value[0::4], frame.value[1::4], frame.quality[:], frame.reason[:] = 6.0, 1.0, 0, 0
    Estimator(TagTable(tuple(tags))).step(frame, 1.0)
    assert frame.value[2::4].tolist() == [3.0] * vessels
    assert frame.value[3::4].tolist() == [(3.0 + 0.2095) / 4.0] * vessels


def test_order_and_origins():
    depends = {5: [0], 6: [5, 1], 7: [6, 5], 8: [2]}
    assert in_order(depends) == [[5, 8], [6], [7]]
    assert sorted(origins(7, depends)) == [0, 1]
    with pytest.raises(ValueError, match="circle"):
        in_order({1: [2], 2: [1]})


def test_simulated_inputs_make_a_simulated_result():
    bench = SoftBench("gas_total", ["flow", "flow"])
    frame = Frame.never_read(3)
    frame.value[:2], frame.quality[:2], frame.reason[:2] = 1.0, 0, [Reason.OK, Reason.SIMULATED]
    bench.estimator.step(frame, 1.0)
    assert (frame.value[2], frame.quality[2], frame.reason[2]) == (2.0, 0, Reason.SIMULATED)


def test_of_two_bad_inputs_the_reason_is_one_of_theirs_and_not_the_models():
    bench = SoftBench("gas_total", ["flow", "flow"])
    frame = Frame.never_read(3)
    frame.quality[:2], frame.reason[:2] = 2, [Reason.STALE, Reason.RANGE]
    bench.estimator.step(frame, 1.0)
    assert (frame.quality[2], frame.reason[2]) == (2, Reason.RANGE)
    assert np.isnan(frame.value[2])


def test_what_is_not_credible_is_bad_and_keeps_its_value():
    bench = SoftBench("gas_total", ["flow"], low=0.0, high=10.0)
    assert bench.one(11.0) == 11.0
    assert (bench.quality[0], bench.reason[0]) == (2, Reason.RANGE)
    bench.one(10.0)
    assert bench.quality[0] == 0


def test_inputs_and_results_are_converted():
    table = TagTable(
        (
            measured("V", "w"),
            calculated("V", "v", Calculation("volume_from_weight", 1, (Input("weight", 0, 1000.0, 5.0),),
                                             {"density": 2.0}, gain=0.001)),
        )
    )  # fmt: skip
    frame = Frame.never_read(2)
    frame.value[0], frame.quality[0] = 3.0, 0
    Estimator(table).step(frame, 1.0)
    assert frame.value[1] == pytest.approx((3000.0 + 5.0) / 2.0 * 0.001)


GOLDEN = {
    "volume_from_weight 1": 1031.6468254,
    "total 1": 40.0995719698,
    "rate 1": 0.000555555555556,
    "quotient 1": 19.232618521,
    "gas_total 1": 2.03868401299,
    "oxygen_in_gas 1": 0.266906229083,
    "carbon_dioxide_in_gas 1": 0.0573589215277,
    "our_gas_balance 1": 9.08072862016,
    "cer_gas_balance 1": 10.9838473393,
    "rq 1": 0.995720171992,
    "our_dynamic 1": 0.938191884954,
    "kla_correlation 1": 4.11405011355,
    "kla_from_our 1": 5.10273380874,
    "kla_dynamic 1": 6.06178561216,
    "density_from_capacitance 1": 1.58394,
    "density_from_counts 1": 0.61377691166,
    "growth_from_density 1": 0.0497866532449,
    "cells_total 1": 0.528362528886,
    "buffer_capacity 1": 21.8607577201,
}


@every_model
def test_a_model_that_gives_other_numbers_has_another_version(name):
    """A record names the version; whoever changes what a model gives raises it, and puts the new number here."""
    case = CASES[name]
    version = next(one for one in METHODS.models() if one.model_fields["from_"].annotation.__args__[0] == name).version
    found = run(case.bench(name), case, SCANS)[0]
    assert found == pytest.approx(GOLDEN[f"{name} {version}"], rel=1e-9)
