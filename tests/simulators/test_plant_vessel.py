"""A vessel as a whole: what its actuators do, what must always hold, and that it repeats itself."""

import math
import random

import pytest

from simulators.bus import ACTUATORS, SENSORS, TRUTH
from simulators.description import CULTURES
from simulators.plant import Plant

WARM = {"model": "tc_m", "seed": 101, "volume_l": 1.0, "temperature_c": 37.0, "ph": 7.2, "do": 50.0}
GROWING = {**WARM, "vcd": 1.1, "culture_age_h": 40.0}
HOLD = {"heater": 26.7, "agitation_sp": 60.0, "air_sp": 50.0, "co2_sp": 6.0}


def plant(state=WARM, seed=1, **actuators):
    made = Plant({"BR-101": state}, seed)
    made.actuators["BR-101"].update({**HOLD, **actuators})
    return made


def run(made, hours, dt=2.0):
    for _ in range(round(hours * 3600 / dt)):
        made.step(dt)
    return made.truth("BR-101")


def test_every_signal_of_the_bus_is_there():
    made = plant()
    assert set(made.sensors["BR-101"]) == set(SENSORS)
    assert set(made.truth("BR-101")) == set(TRUTH)
    assert set(made.actuators["BR-101"]) == set(ACTUATORS)
    assert made.vessels == ("BR-101",)


def test_the_initial_state_is_what_was_asked_for_and_what_the_sensors_see():
    made = plant({**GROWING, "glucose": 8.0, "lactate": 5.0, "ammonia": 0.7, "glutamine": 1.5, "dead_density": 0.1})
    truth, seen = made.truth("BR-101"), made.sensors["BR-101"]
    assert truth["true_ph"] == pytest.approx(7.2, abs=1e-9)
    assert truth["true_do"] == pytest.approx(50.0)
    assert (truth["vcd"], truth["dead_density"], truth["glucose"]) == (1.1, 0.1, 8.0)
    assert (truth["lactate"], truth["ammonia"], truth["glutamine"]) == (5.0, 0.7, 1.5)
    assert truth["viability"] == pytest.approx(100 * 1.1 / 1.2)
    assert seen["temperature"] == pytest.approx(37.0, abs=0.2)
    assert seen["ph"] == pytest.approx(7.2, abs=0.05)
    assert seen["do"] == pytest.approx(50.0, abs=2.0)
    assert seen["weight"] == pytest.approx(1008.0, abs=10.0)


def test_a_sour_culture_can_be_set_to_a_ph():
    assert plant({**WARM, "lactate": 40.0}).truth("BR-101")["true_ph"] == pytest.approx(7.2, abs=1e-9)


def test_medium_from_the_bottle_has_its_own_ph():
    assert plant({"volume_l": 1.0}).truth("BR-101")["true_ph"] == pytest.approx(7.44, abs=0.01)


@pytest.mark.parametrize("dt", [1.0, 6.0])
@pytest.mark.parametrize(
    ("actuator", "value", "signal", "sign"),
    [
        ("heater", 60.0, "true_temperature", 1),
        ("heater", 0.0, "true_temperature", -1),
        ("co2_sp", 30.0, "true_ph", -1),
        ("base_rpm", 13.3, "true_ph", 1),
        ("agitation_sp", 150.0, "true_do", 1),
        ("o2_sp", 50.0, "true_do", 1),
        ("n2_sp", 200.0, "true_do", -1),
        ("feed_rpm", 10.0, "volume_l", 1),
    ],
)
def test_each_actuator_moves_its_variable_the_right_way(actuator, value, signal, sign, dt):
    idle = run(plant(), 0.5, dt)[signal]
    driven = run(plant(**{actuator: value}), 0.5, dt)[signal]
    assert sign * (driven - idle) > 0.002


def test_cells_grow_eat_and_sour_their_medium():
    made = plant(GROWING)
    start = made.truth("BR-101")
    end = run(made, 8, 10.0)
    assert end["vcd"] > 1.15 * start["vcd"]
    assert end["glucose"] < start["glucose"]
    assert end["lactate"] > 1.0
    assert end["viability"] > 90.0


def test_without_cells_nothing_grows():
    assert run(plant(), 6, 10.0)["vcd"] == 0.0


def test_the_weight_is_what_came_less_what_went():
    made = plant(feed_rpm=5.0, base_rpm=2.0)
    end = run(made, 10, 10.0)
    assert end["feed_ml"] == pytest.approx(5 * 0.10 * 600)
    assert end["base_ml"] == pytest.approx(2 * 0.025 * 600)
    evaporated = 0.515 / 60 / 1000 * 56 * 600
    assert 1000 * (end["volume_l"] - 1.0) == pytest.approx(330.0 - evaporated, abs=0.005)
    assert made.sensors["BR-101"]["feed_revolutions"] == pytest.approx(3000.0)


def test_sugar_is_conserved_when_nobody_eats_it():
    made = plant(feed_rpm=20.0)
    end = run(made, 5)
    evaporated = 0.515 / 60 / 1000 * 56 * 300 / 1000
    assert end["glucose"] * end["volume_l"] == pytest.approx(11.1 + 22.0 * end["feed_ml"] / 1000, rel=1e-4)
    gas = 0.03 * evaporated  # the controllers' errors: half a percent, and a thousandth of full scale
    assert end["volume_l"] == pytest.approx(1.0 + end["feed_ml"] / 1000 - evaporated, abs=gas)


def test_the_balance_of_strong_ions_is_the_ph():
    """One mmol of base in a closed, unstirred litre moves the pH by one over the buffer capacity."""
    made = plant(agitation_sp=0.0, air_sp=0.0, co2_sp=0.0)
    before = made.truth("BR-101")["true_ph"]
    made.actuators["BR-101"]["base_rpm"] = 20.0
    run(made, 4 / 60)
    made.actuators["BR-101"]["base_rpm"] = 0.0
    after = run(made, 0.1)
    assert after["base_ml"] == pytest.approx(2.0)
    assert 0.04 < after["true_ph"] - before < 0.12


def random_drive(made, noise):
    ranges = {"heater": 100, "agitation_sp": 300, "air_sp": 500, "o2_sp": 500, "co2_sp": 200, "n2_sp": 500}
    for name, high in ranges.items():
        made.actuators["BR-101"][name] = noise.choice([0.0, high, high * noise.random()])
    made.actuators["BR-101"]["base_rpm"] = noise.choice([0.0, 0.0, 40.0])
    made.actuators["BR-101"]["feed_rpm"] = noise.choice([0.0, 0.0, 50.0])


@pytest.mark.parametrize("model", CULTURES)
@pytest.mark.parametrize("dt", [0.2, 1.0, 6.0, 10.0])
def test_whatever_is_driven_the_state_stays_finite_and_positive(dt, model):
    noise = random.Random(7)
    made = plant({"model": model, "vcd": 5.0, "culture_age_h": 80.0})
    for _ in range(40):
        random_drive(made, noise)
        for _ in range(30):
            made.step(dt)
        for name, value in made.truth("BR-101").items():
            assert math.isfinite(value), name
            assert value >= 0, name
        assert all(math.isfinite(value) for value in made.sensors["BR-101"].values())


def test_nonsense_on_an_actuator_counts_as_zero_or_full():
    made = plant(heater=math.nan, agitation_sp=math.inf, air_sp=-5.0, base_rpm=math.nan, feed_rpm=-3.0)
    end = run(made, 0.1)
    assert end["base_ml"] == end["feed_ml"] == 0.0
    assert made.sensors["BR-101"]["agitation"] == pytest.approx(1200.0, abs=5)
    assert made.sensors["BR-101"]["air"] < 1.0


def trace(made, name="BR-101", steps=500):
    rows = []
    for step in range(steps):
        made.actuators[name].update({**HOLD, "co2_sp": 10.0 + step % 7, "feed_rpm": 1.0})
        made.step(1.0)
        rows.append((tuple(made.sensors[name].values()), tuple(made.truth(name).values())))
    return rows


def test_the_same_seed_gives_the_same_numbers_bit_for_bit():
    assert trace(plant(GROWING)) == trace(plant(GROWING))
    assert trace(plant(GROWING)) != trace(plant(GROWING, seed=2))
    assert trace(plant(GROWING)) != trace(plant({**GROWING, "seed": 102}))


def test_a_vessel_does_not_depend_on_its_neighbours():
    alone = Plant({"BR-101": GROWING}, 1)
    together = Plant({"X": WARM, "BR-101": GROWING, "Y": {"model": "ecoli_a", "vcd": 100.0}}, 1)
    assert trace(alone) == trace(together)


def test_long_and_short_steps_agree():
    fine, coarse = (run(plant(GROWING), 1.5, dt) for dt in (1.0, 10.0))
    for name in ("true_temperature", "true_ph", "true_do", "vcd", "volume_l", "lactate"):
        assert coarse[name] == pytest.approx(fine[name], rel=0.002), name


def test_a_vessel_beyond_what_its_model_knows_is_marked():
    assert plant(GROWING).outside("BR-101") == ()
    assert plant({**GROWING, "temperature_c": 22.0, "lactate": 60.0}).outside("BR-101") == ("lactate", "temperature")
    with pytest.raises(KeyError):
        plant().outside("BR-999")


def test_gas_below_the_turndown_does_not_flow():
    made = plant(co2_sp=3.0, n2_sp=9.0)
    run(made, 0.1)
    assert made.sensors["BR-101"]["co2"] < 0.5
    assert made.sensors["BR-101"]["n2"] < 0.5


def test_coli_uses_up_its_glucose_and_the_oxygen_jumps():
    made = Plant({"F": {"model": "ecoli_a", "biomass": 2.0, "glucose": 12.0, "temperature_c": 37.0}}, 1)
    made.actuators["F"].update({**HOLD, "agitation_sp": 300.0, "air_sp": 500.0, "heater": 20.0})
    oxygen = []
    for _ in range(3 * 360):
        made.step(10.0)
        oxygen.append(made.truth("F")["true_do"])
    end = made.truth("F")
    assert end["biomass"] > 2.5
    assert end["glucose"] < 0.1
    assert min(oxygen) < 60
    assert oxygen[-1] > min(oxygen) + 30


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"model": "yeast"}, "unknown model 'yeast'; known: tc_m, ecoli_a"),
        ({"volume": 1.0}, "no state variable 'volume'"),
        ({"ph": 99.0}, "ph must be 4 .. 9"),
        ({"vcd": "many"}, "vcd must be a number"),
        ({"volume_l": math.nan}, "volume_l must be 0.02 .. 3"),
        ({"biomass": 1.0}, "this vessel's culture has no biomass"),
    ],
)
def test_a_description_without_sense_is_refused_with_the_vessels_name(state, message):
    with pytest.raises(ValueError, match=message) as refused:
        Plant({"BR-101": state})
    assert "BR-101" in str(refused.value)
