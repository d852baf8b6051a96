"""Gas mixing: the unique mix, exact while nothing limits it, never outside a controller, never a jump at air."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.commands import Verb
from controller.model.mixers import Mixer
from controller.stages.mixing import AIR_OXYGEN, Gas, MixingBank
from tests.control import tables

AIR, O2, N2, CO2, FINE = Gas
HIGH = (500.0, 300.0, 400.0, 100.0, 0.0)
WIDE = (1e4, 1e4, 1e4, 1e4, 0.0)
WAYS = {"lower": {}, "keep": {"keeps_total": True}, "add": {"additive": True}}

totals = st.floats(0.0, 600.0)
shares = st.floats(0.0, 1.0)


def bank(high=HIGH, turndown=np.inf, additive=False, keeps_total=False):
    high = np.array(high)[:, None]
    return MixingBank(high, high / turndown, np.array([additive]), np.array([keeps_total]))


def spread(mixer, total, oxygen, carbon_dioxide=0.0):
    return mixer.spread(*(np.array([value]) for value in (total, oxygen, carbon_dioxide)))[:, 0]


def achieved(mixer, total, oxygen, carbon_dioxide=0.0):
    flows = spread(mixer, total, oxygen, carbon_dioxide)
    return mixer.achieved(flows[:, None])[:, 0]


def test_mixes_worked_out_by_hand():
    """79.05 % of air is no oxygen, 20.95 % is."""
    assert spread(bank(), 100.0, 0.21 + 0.79 * 0.5) == pytest.approx([49.968, 50.032, 0.0, 0.0, 0.0], abs=1e-3)
    assert spread(bank(), 100.0, 0.10475) == pytest.approx([50.0, 0.0, 50.0, 0.0, 0.0])
    assert spread(bank(), 100.0, 0.199, 0.05) == pytest.approx([94.9881, 0.0, 0.0119, 5.0, 0.0], abs=1e-3)
    assert spread(bank(additive=True), 79.05, 0.5) == pytest.approx([79.05, 45.9281, 0.0, 0.0, 0.0], abs=1e-3)


@given(st.floats(1.0, 1000.0), st.floats(0.0, 0.8), st.floats(0.0, 0.19))
def test_fractions_and_total_are_exact_while_nothing_limits(total, oxygen, carbon_dioxide):
    found = achieved(bank(WIDE), total, oxygen, carbon_dioxide)
    assert found[0] == pytest.approx(total, abs=1e-9)
    assert found[1:] == pytest.approx([oxygen, carbon_dioxide], abs=1e-12)


@given(st.floats(1.0, 100.0), st.floats(0.05, 0.7), st.floats(0.0, 0.19))
def test_added_gases_make_exact_fractions_and_leave_the_air_as_it_is(base, oxygen, carbon_dioxide):
    found = achieved(bank(WIDE, additive=True), base, oxygen, carbon_dioxide)
    assert found[0] == base
    assert found[1:] == pytest.approx([oxygen, carbon_dioxide], abs=1e-12)


@given(totals, shares, st.floats(0.0, 0.3), st.sampled_from(sorted(WAYS)))
def test_the_mix_is_of_air_with_one_other_gas(total, oxygen, carbon_dioxide, way):
    flows = spread(bank(**WAYS[way]), total, oxygen, carbon_dioxide)
    assert min(flows[O2], flows[N2]) == 0.0


@given(totals, shares, shares, st.sampled_from([1e9, 50.0, 5.0]), st.sampled_from(sorted(WAYS)))
@settings(max_examples=300)
def test_no_flow_is_negative_above_its_range_or_too_small_to_be_held(total, oxygen, carbon_dioxide, turndown, way):
    flows = spread(bank(turndown=turndown, **WAYS[way]), total, oxygen, carbon_dioxide)
    assert (flows >= 0.0).all()
    assert (flows <= np.array(HIGH)).all()
    assert ((flows == 0.0) | (flows >= np.array(HIGH) / turndown * (1.0 - 1e-12))).all()
    assert flows.sum() == 0.0 or flows[CO2] < flows.sum() or carbon_dioxide > 0.99, "not carbon dioxide alone"


@given(totals, totals, shares, st.floats(0.0, 0.3), st.sampled_from(sorted(WAYS)))
def test_more_total_gives_no_less(one, other, oxygen, carbon_dioxide, way):
    mixer, (less, more) = bank(**WAYS[way]), sorted((one, other))
    low, high = (achieved(mixer, total, oxygen, carbon_dioxide)[0] for total in (less, more))
    assert low <= high + 1e-9


@given(totals, shares, shares, st.floats(0.0, 0.3), st.sampled_from(sorted(WAYS)), st.sampled_from([1e9, 50.0, 5.0]))
@settings(max_examples=300)
def test_more_oxygen_asked_for_is_no_less_given(total, one, other, carbon_dioxide, way, turndown):
    if turndown < 1e9:
        total *= 0.4  # a range and a turndown that limit at once may cost a little of the fraction
    mixer, (less, more) = bank(turndown=turndown, **WAYS[way]), sorted((one, other))
    low, high = (achieved(mixer, total, oxygen, carbon_dioxide)[1] for oxygen in (less, more))
    assert not low > high + 1e-9


@given(totals, st.floats(0.0, 0.7), st.floats(0.0, 0.3), st.floats(0.0, 0.3), st.sampled_from(sorted(WAYS)))
def test_more_carbon_dioxide_asked_for_is_no_less_given(total, oxygen, one, other, way):
    mixer, (less, more) = bank(**WAYS[way]), sorted((one, other))
    low, high = (achieved(mixer, total, oxygen, carbon_dioxide)[2] for carbon_dioxide in (less, more))
    assert not low > high + 1e-9


@given(st.floats(1.0, 500.0), st.floats(0.0, 0.2), st.sampled_from([1e9, 50.0]), st.sampled_from(sorted(WAYS)))
def test_nothing_jumps_where_nitrogen_becomes_oxygen(total, carbon_dioxide, turndown, way):
    mixer, air = bank(turndown=turndown, **WAYS[way]), AIR_OXYGEN * (1.0 - carbon_dioxide)
    below, above = (spread(mixer, total, air + step, carbon_dioxide).copy() for step in (-1e-13, 1e-13))
    assert np.abs(above - below).max() <= 1e-9 * max(HIGH)


@given(st.floats(1.0, 300.0), st.floats(0.0, 0.8), st.floats(0.0, 0.15))
def test_turndown_keeps_the_total_and_moves_the_mix_towards_air(total, oxygen, carbon_dioxide):
    """What cannot be held is air's: never more oxygen than was asked for above air, never less below."""
    free = achieved(bank(), total, oxygen, carbon_dioxide)
    mixer = bank(turndown=20.0)
    flows = spread(mixer, total, oxygen, carbon_dioxide)
    if not flows.any():
        assert total <= HIGH[AIR] / 20.0 / 0.85
        return
    found = mixer.achieved(flows[:, None])[:, 0]
    # A carbon dioxide flow that cannot be held lets the others' share of the total grow.
    assert found[0] == pytest.approx(free[0], rel=0.01 if carbon_dioxide > 0.0 else 1e-9)
    low, high = sorted((AIR_OXYGEN, free[1])) if flows[CO2] == 0.0 else sorted((AIR_OXYGEN * 0.85, free[1]))
    assert min(low, AIR_OXYGEN * (1.0 - carbon_dioxide)) - 1e-9 <= found[1] <= max(high, AIR_OXYGEN) + 1e-9


def test_where_a_controller_ends_the_fractions_stay_and_the_total_is_lowered():
    mixer = bank()
    assert achieved(mixer, 600.0, 0.8, 0.0) == pytest.approx(
        [300.0 / ((0.8 - AIR_OXYGEN) / (1.0 - AIR_OXYGEN)), 0.8, 0.0]
    )
    assert mixer.possible[:, 0] == pytest.approx(mixer.achieved(mixer.flows)[:, 0])


def test_or_the_total_stays_and_air_takes_the_place():
    mixer = bank(keeps_total=True)
    assert spread(mixer, 400.0, 1.0).tolist() == [100.0, 300.0, 0.0, 0.0, 0.0]
    assert mixer.possible[1, 0] == pytest.approx((300.0 + 100.0 * AIR_OXYGEN) / 400.0)


def test_an_additive_mixer_gives_what_it_can_to_the_air_asked_for():
    flows = spread(bank(additive=True), 400.0, 1.0)
    assert flows.tolist() == [400.0, 300.0, 0.0, 0.0, 0.0]


def test_without_a_gas_there_is_no_mix_with_it():
    mixer = bank((500.0, 300.0, 0.0, 0.0, 0.0))
    assert achieved(mixer, 200.0, 0.1, 0.5) == pytest.approx([200.0, AIR_OXYGEN, 0.0])
    assert mixer.possible[:, 0] == pytest.approx([200.0, AIR_OXYGEN, 0.0])


def test_without_any_flow_no_fraction_is_known_and_the_wish_stays_where_it_was():
    mixer = bank()
    spread(mixer, 200.0, 0.4)
    before = mixer.positions(mixer.flows)[1, 0]
    nothing = mixer.positions(np.zeros((5, 1)))
    assert np.isnan(mixer.achieved(np.zeros((5, 1)))[1:]).all()
    assert nothing[:, 0].tolist() == [0.0, before, 0.0]


def test_a_share_too_small_to_be_held_counts_as_given():
    """Else a controller would push for ever against what a mass-flow controller cannot do."""
    mixer = bank(turndown=50.0)
    flows = spread(mixer, 200.0, 0.22)
    assert flows[O2] == 0.0
    assert mixer.positions(flows[:, None])[1, 0] == pytest.approx(0.22)
    held_back = flows.copy()
    held_back[AIR] = 100.0
    assert mixer.positions(held_back[:, None])[0, 0] == pytest.approx(100.0)


def test_pure_gases_need_no_air():
    assert spread(bank(turndown=50.0), 100.0, 1.0).tolist() == [0.0, 100.0, 0.0, 0.0, 0.0]
    assert spread(bank(turndown=50.0), 100.0, 0.0).tolist() == [0.0, 0.0, 100.0, 0.0, 0.0]


def test_a_little_air_is_never_rounded_to_none():
    """65 % oxygen in 20 mL/min would need 9 mL/min of air, of which the controller holds no less than 10: the culture
    gets 60 %, not 100 %; and in the same way not 0 % instead of 5 %.
    """
    mixer = bank(turndown=50.0)
    assert achieved(mixer, 20.0, 0.65)[1] == pytest.approx((10.0 + 10.0 * AIR_OXYGEN) / 20.0)
    assert achieved(mixer, 20.0, 0.05)[1] == pytest.approx(10.0 * AIR_OXYGEN / 20.0)


@given(st.floats(0.0, 400.0), st.floats(0.15, 0.3))
def test_a_fine_controller_on_air_gives_the_first_part_of_it(total, oxygen):
    high = (500.0, 300.0, 400.0, 100.0, 30.0)
    mixer = bank(high, turndown=50.0)
    flows = spread(mixer, total, oxygen)
    smallest = np.array(high) / 50.0
    assert ((flows == 0.0) | (flows >= smallest * (1.0 - 1e-12))).all()
    assert (flows <= np.array(high)).all()
    if flows[AIR] > 0.0:
        assert flows[FINE] >= 20.0 - 1e-9
    if total >= 1.0:
        assert flows.sum() == pytest.approx(min(total, mixer.possible[0, 0]), abs=1e-9)


@pytest.mark.parametrize("missing", range(3))
def test_p19_a_wish_that_is_no_number_leaves_the_last_one(missing):
    mixer, wish = bank(), [200.0, 0.4, 0.05]
    before = spread(mixer, *wish).copy()
    wish[missing] = np.nan
    assert spread(mixer, *wish).tolist() == before.tolist()


def test_many_mixers_at_once_are_as_each_alone():
    rng = np.random.default_rng(8)
    n = 60
    high = rng.uniform(50.0, 500.0, (5, n)) * np.array([1, 1, 1, 1, 0])[:, None]
    kinds = [list(WAYS.values())[place % 3] for place in range(n)]
    flags = [np.array([kind.get(name, False) for kind in kinds]) for name in ("additive", "keeps_total")]
    wish = np.array([rng.uniform(0.0, 600.0, n), rng.uniform(0.0, 0.8, n), rng.uniform(0.0, 0.2, n)])
    together = MixingBank(high, high / 50.0, *flags).spread(*wish)
    for place in range(n):
        alone = bank(high[:, place], 50.0, **kinds[place])
        assert spread(alone, *wish[:, place]) == pytest.approx(together[:, place], abs=1e-12)


# In the scan


PVS = ["do"]
OUTPUTS = {"air": (0.0, 500.0, 50.0), "o2": (0.0, 300.0, 0.0), "n2": (0.0, 400.0, 0.0), "co2": (0.0, 100.0, 0.0)}
LOOPS = ["do", "total", "oxygen", "carbon_dioxide"]
GASES = (0, 1, 2, 3)


def mixed_site(scale=1.0, **mixer):
    stations = {"total": (100.0, 10.0, 400.0), "oxygen": (0.21, 0.05, 0.6), "carbon_dioxide": (0.0, 0.0, 0.1)}
    stations |= {name: tuple(value / scale for value in stations[name]) for name in ("oxygen", "carbon_dioxide")}
    legs = (tables.Leg(2, 0.0, 100.0, 0.1, 0.6, cascade=True),)
    loops = [
        tables.loop("do", sp=50.0, low=0.0, high=100.0, pv=0, legs=legs, tuning=tables.Tuning(1.0, 100.0)),
        *(
            tables.loop(name, "station", *limits, gases=GASES, leads=name == "total")
            for name, limits in stations.items()
        ),
    ]
    one = Mixer(
        "V", "sparge", "Sparge gas", (1, 2, 3), (1.0, scale, scale), (*GASES, -1), (1.0,) * 5, HIGH,
        tuple(value / 50.0 for value in HIGH), **mixer,
    )  # fmt: skip
    return tables.site(PVS, OUTPUTS, loops, mixers=(one,))


@pytest.fixture
def rig(make_rig):
    rig = make_rig(site=mixed_site())
    rig.devices.update(zip((1, 2, 3, 4), (120.0, 30.0, 0.0, 0.0), strict=True))
    rig.values[0] = 50.0
    return rig


def flows(rig):
    return np.array([rig.devices[row] for row in (1, 2, 3, 4)])


def reached(rig, name):
    return float(rig.scan.loops.op[rig.loop(f"V.{name}")])


def test_at_a_start_the_gases_stay_as_they_were_found(rig):
    rig.run(3)
    assert flows(rig).tolist() == pytest.approx([120.0, 30.0, 0.0, 0.0])
    assert rig.scan.loops.sp_target[1:].tolist() == pytest.approx([150.0, (30.0 + 120.0 * AIR_OXYGEN) / 150.0, 0.0])


def test_also_when_they_are_read_late(rig):
    rig.lost = {"plc"}
    rig.run(5)
    rig.lost = set()
    rig.run(3)
    assert flows(rig).tolist() == pytest.approx([120.0, 30.0, 0.0, 0.0])


def test_controllers_that_forgot_their_setpoints_get_the_mix_again(rig):
    rig.run(3)
    rig.lost = {"plc"}
    rig.run(3)
    rig.devices.update(zip((1, 2, 3, 4), (0.0, 0.0, 0.0, 7.0), strict=True))
    rig.lost = set()
    rig.run(3)
    assert flows(rig).tolist() == pytest.approx([120.0, 30.0, 0.0, 0.0])


def test_what_was_asked_for_before_the_outputs_were_read_is_not_lost(rig):
    rig.lost = {"plc"}
    rig.step()
    rig.setpoint("V.total", 200.0)
    assert flows(rig).tolist() == [120.0, 30.0, 0.0, 0.0]
    rig.lost = set()
    rig.run(3)
    assert flows(rig).sum() == pytest.approx(200.0)


def test_a_setpoint_of_a_station_is_a_mix(rig):
    rig.step()
    rig.setpoint("V.total", 200.0)
    rig.setpoint("V.oxygen", 0.4)
    rig.setpoint("V.carbon_dioxide", 0.05)
    found = flows(rig)
    assert found.sum() == pytest.approx(200.0)
    assert (found[1] + AIR_OXYGEN * found[0]) / 200.0 == pytest.approx(0.4)
    assert found[3] == pytest.approx(10.0)
    assert reached(rig, "oxygen") == pytest.approx(0.4)


def test_a_loop_moves_oxygen_through_its_station_and_is_not_wound_up_by_its_cap(rig):
    rig.run(2)
    rig.mode("V.do", "auto")
    rig.values[0] = 20.0
    rig.run(600)
    assert reached(rig, "oxygen") == pytest.approx(0.6)
    assert rig.op("V.do") == pytest.approx(100.0)
    rig.values[0] = 80.0
    rig.run(110)
    assert reached(rig, "oxygen") < 0.45, "it comes back at once"


def test_an_interlock_on_a_gas_wins_and_the_loop_sees_what_is_left(rig):
    rig.run(2)
    rig.mode("V.do", "auto")
    rig.values[0] = 20.0
    rig.run(50)
    before = rig.op("V.do")
    rig.scan.interlocks.forced[1] = 0.0
    rig.run(300)
    assert flows(rig)[1] == 0.0
    assert reached(rig, "oxygen") == pytest.approx(AIR_OXYGEN, abs=0.03)
    assert rig.op("V.do") < before, "no wind-up against the interlock"


def test_a_total_that_is_off_takes_all_gases_to_their_safe_values(rig):
    rig.run(2)
    rig.mode("V.total", "off")
    rig.step()
    assert flows(rig).tolist() == [50.0, 0.0, 0.0, 0.0]
    rig.mode("V.total", "auto")
    rig.step()
    assert flows(rig).sum() == pytest.approx(150.0)


def test_an_oxygen_station_that_is_off_adds_nothing_to_the_air(rig):
    rig.run(2)
    rig.mode("V.oxygen", "off")
    assert flows(rig).tolist() == pytest.approx([150.0, 0.0, 0.0, 0.0])


def test_a_station_has_no_manual_mode(rig):
    rig.step()
    outcome = rig.mode("V.oxygen", "manual")
    assert not outcome.applied
    assert "manual" not in outcome.allowed


def test_a_controller_that_is_lost_holds_what_there_is(rig):
    rig.run(2)
    rig.lost = {"plc"}
    rig.step()
    rig.setpoint("V.total", 300.0)
    rig.run(5)
    assert flows(rig).tolist() == pytest.approx([120.0, 30.0, 0.0, 0.0])
    assert any("cannot be reached" in text for text in rig.texts())
    rig.lost = set()
    rig.run(2)
    assert flows(rig).sum() == pytest.approx(300.0)


def test_a_restart_goes_on_with_the_mix(rig, make_rig):
    rig.run(2)
    rig.setpoint("V.oxygen", 0.5)
    found = flows(rig)
    state = json.loads(json.dumps(rig.scan.state(), allow_nan=False))
    new = make_rig(site=mixed_site())
    new.values, new.devices = rig.values, rig.devices
    new.scan.restore(state, new.now, 10.0)
    new.run(3)
    assert flows(new).tolist() == pytest.approx(found.tolist(), abs=1e-6)


def test_units_of_outputs_and_stations_may_differ(make_rig):
    site = mixed_site(scale=0.01)
    mixer = site.mixers[0]._replace(output_scale=(1e-3,) * 5)
    rig = make_rig(site=replace(site, mixers=(mixer,)))
    rig.devices.update(zip((1, 2, 3, 4), (0.120, 0.030, 0.0, 0.0), strict=True))
    rig.step()
    assert rig.scan.loops.reached[1] == pytest.approx(150.0)
    assert rig.scan.loops.reached[2] == pytest.approx(100.0 * (30.0 + 120.0 * AIR_OXYGEN) / 150.0)


def test_p19_nothing_that_is_commanded_makes_a_flow_no_number(rig):
    rig.run(2)
    for value in (float("nan"), float("inf"), -1.0, 1e308, 0.3):
        rig.step(rig.command(Verb.SETPOINT, "V.oxygen", value=value))
        assert np.isfinite(flows(rig)).all()
