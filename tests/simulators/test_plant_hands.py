"""What hands do to a vessel, and that they do it once."""

import pytest

from simulators.plant import Plant

WARM = {"model": "tc_m", "seed": 101, "volume_l": 1.0, "temperature_c": 37.0, "ph": 7.2, "do": 50.0}


@pytest.fixture
def plant():
    made = Plant({"BR-101": WARM}, 1)
    made.actuators["BR-101"].update(heater=26.7, agitation_sp=60.0, air_sp=50.0, co2_sp=6.0)
    return made


def act(plant, action, identifier=None, **amounts):
    plant.hands(identifier or action, "BR-101", action, amounts)
    return plant.truth("BR-101")


def test_inoculation_brings_volume_and_cells(plant):
    plant.step(10.0)
    before = plant.truth("BR-101")
    truth = act(plant, "inoculate", volume_ml=50.0, density=10.5)
    assert truth["volume_l"] == pytest.approx(before["volume_l"] + 0.05)
    assert truth["vcd"] == pytest.approx(10.5 * 0.05 / truth["volume_l"])
    assert truth["viability"] == pytest.approx(95.0)


def test_the_same_identifier_acts_once(plant):
    first = act(plant, "inoculate", "batch:7", volume_ml=50.0, density=10.5)
    assert act(plant, "inoculate", "batch:7", volume_ml=50.0, density=10.5) == first
    assert act(plant, "inoculate", "batch:8", volume_ml=50.0, density=10.5)["vcd"] > first["vcd"]


def test_every_deed_that_changed_the_vessel_is_counted(plant):
    act(plant, "inoculate", "batch:7", volume_ml=50.0, density=10.5)
    act(plant, "inoculate", "batch:7", volume_ml=50.0, density=10.5)
    act(plant, "sample", "batch:8", volume_ml=2.0)
    with pytest.raises(ValueError, match="not that much"):
        act(plant, "sample", "batch:9", volume_ml=2990.0)
    act(plant, "sample", "batch:9", volume_ml=3.0)
    deeds = plant.deeds("BR-101")
    assert set(deeds) == {"inoculate", "sample"}
    assert (deeds["inoculate"].times, deeds["inoculate"].volume_ml) == (1, pytest.approx(50.0))
    assert (deeds["sample"].times, deeds["sample"].volume_ml) == (2, pytest.approx(-5.0))
    act(plant, "inoculate", "batch:10", volume_ml=50.0, density=10.5)
    assert plant.deeds("BR-101")["inoculate"].times == 2
    assert plant.deeds("BR-102") == {}


def test_a_sample_takes_volume_and_nothing_else(plant):
    act(plant, "inoculate", volume_ml=50.0, density=10.5)
    before = plant.truth("BR-101")
    after = act(plant, "sample", volume_ml=2.0)
    assert after.pop("volume_l") == pytest.approx(before.pop("volume_l") - 0.002)
    assert after == before


def test_harvest_and_refill(plant):
    act(plant, "inoculate", volume_ml=50.0, density=10.5)
    plant.step(10.0)
    assert act(plant, "harvest")["volume_l"] == pytest.approx(0.02)
    plant.step(10.0)
    filled = act(plant, "fill", volume_l=1.0)
    assert filled["volume_l"] == pytest.approx(1.02, abs=1e-4)
    assert filled["true_temperature"] == pytest.approx(22.3, abs=0.2)
    assert filled["vcd"] == pytest.approx(0.01, abs=0.002)
    for _ in range(100):
        plant.step(10.0)


@pytest.mark.parametrize(
    ("action", "amounts", "message"),
    [
        ("stir", {}, "unknown action 'stir'; known: inoculate, fill, sample, harvest"),
        ("inoculate", {"volume_ml": 50.0}, "inoculate needs density"),
        ("sample", {"volume_ml": 2.0, "density": 1.0}, "sample does not know density"),
        ("sample", {"volume_ml": 0.0}, "every amount must be above 0"),
        ("sample", {"volume_ml": float("inf")}, "every amount must be above 0"),
        ("sample", {"volume_ml": 990.0}, "not that much in the vessel"),
        ("fill", {"volume_l": 2.5}, "would overflow"),
        ("inoculate", {"volume_ml": 5.0, "density": 1.0, "viability": 101.0}, "above 100 %"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(plant, action, amounts, message):
    before = plant.truth("BR-101")
    with pytest.raises(ValueError, match=message):
        plant.hands("1", "BR-101", action, amounts)
    assert plant.truth("BR-101") == before


def test_a_refused_action_may_be_asked_again_under_the_same_identifier(plant):
    with pytest.raises(ValueError, match="not that much"):
        act(plant, "sample", "1", volume_ml=990.0)
    assert act(plant, "sample", "1", volume_ml=10.0)["volume_l"] == pytest.approx(0.99)


def test_an_unknown_vessel_is_a_key_error(plant):
    with pytest.raises(KeyError):
        plant.hands("1", "BR-999", "harvest", {})


def test_state_can_be_set_in_the_middle_of_a_run(plant):
    plant.step(5.0)
    plant.set_state("BR-101", {"temperature_c": 30.0, "volume_l": 1.5, "vcd": 2.0, "culture_age_h": 50.0, "do": 80.0})
    truth = plant.truth("BR-101")
    assert truth["true_temperature"] == 30.0
    assert truth["true_do"] == pytest.approx(80.0)
    assert truth["vcd"] == 2.0
    assert plant.sensors["BR-101"]["temperature"] == pytest.approx(30.0, abs=0.2)
    plant.step(60.0)
    with pytest.raises(ValueError, match="no state variable"):
        plant.set_state("BR-101", {"colour": 1.0})
