"""What goes in and out of a vessel: water with the gas, foam, samples, harvest and bleed."""

import pytest

from simulators.biology.culture import Environment, Inflow
from simulators.biology.suspension import Suspension
from simulators.biology.tc_m import DONOR, TCell
from simulators.physics import mass
from simulators.physics.mass import Foaming, Outflow
from tests.simulators.bits import same

FOAM = Foaming()


@pytest.mark.parametrize(("temperature", "grams"), [(37.0, 2.63), (10.0, 0.515)])
def test_water_carried_by_gas_that_leaves_saturated(temperature, grams):
    found = mass.water_carried(temperature)
    print(f"{temperature} Cel: {found:.4f} g/h per L/min")
    assert found == pytest.approx(grams, rel=0.005)
    assert mass.water_carried(temperature, 1.2) == pytest.approx(grams / 1.2, rel=0.005)


def test_foam_rises_to_what_gas_and_protein_make_and_falls_without():
    settled = FOAM.rate * 0.5 * 0.8 * FOAM.lasts_h
    height = 0.0
    for _ in range(1000):
        height = mass.foam_step(height, 500.0, 0.8, 0.0, FOAM, 10 / 3600)
    assert height == pytest.approx(settled, rel=0.001)
    assert mass.foam_step(height, 500.0, 0.8, 0.0, FOAM, 5.0) == pytest.approx(height, rel=0.001)
    assert mass.foam_step(height, 0.0, 0.8, 0.0, FOAM, 0.3) == pytest.approx(height * 0.36788, rel=0.005)
    assert mass.foam_step(0.0, 500.0, 0.8, 1.0, FOAM, 100.0) == pytest.approx(0.5 * settled)


def test_only_foam_above_the_greatest_height_leaves_and_a_wet_filter_holds_back():
    assert mass.foamed_out(FOAM.greatest, FOAM) == 0.0
    assert mass.foamed_out(FOAM.greatest + 2.0, FOAM) == pytest.approx(2.0 * FOAM.spilt)
    assert mass.back_pressure(500.0, 0.02, 0.0) == 10.0
    assert mass.back_pressure(500.0, 0.02, 9.0) == pytest.approx(100.0)


def test_a_sample_begins_with_what_the_last_one_left():
    first = mass.draw(10.0, 0.0, 10.0, 2.0)
    assert first.drawn == pytest.approx(8.0)
    assert first.left == 10.0
    clean = mass.draw(10.0, 10.0, 3.0, 2.0)
    assert clean.drawn == 10.0
    small = mass.draw(10.0, 0.0, 1.0, 2.0)
    assert small == pytest.approx((0.0, 5.0))
    assert mass.draw(10.0, 3.0, 1.0, 0.0).drawn == 10.0


def test_perfusion_with_retention_and_bleed_conserves_cells_and_glucose():
    """Nothing eats in the cold without oxygen's worth of growth: what is in, less what went out, is what is there."""
    out = Outflow(harvest=0.04, bleed=0.01, retained=0.9)
    turned = mass.turnover(0.0, 0.05 / 1.0, out, 1.0)
    assert turned.total == pytest.approx(0.04 * 0.1 + 0.01)
    assert turned.perfusion == pytest.approx(0.036)
    assert turned.feed + turned.perfusion == pytest.approx(0.05), "all that enters"
    assert turned.total + turned.perfusion == pytest.approx(0.05), "what is dissolved leaves with all that leaves"


def test_a_bleed_holds_the_density_that_growth_would_raise():
    def grown(out):
        culture = Suspension(TCell(DONOR))
        culture.state = (5.0, 0.1, 11.1, 2.0, 0.0, 0.1, 80.0)
        rates = Inflow(*mass.turnover(0.0, out.harvest + out.bleed, out, 1.0))
        for _ in range(24 * 60):
            culture.advance(1 / 60, Environment(37.0, 7.2, 0.1, 50.0), rates)
        return culture.state[0]

    kept, leaky, bled = (
        grown(out) for out in (Outflow(0.05, 0.0, 1.0), Outflow(0.05, 0.0, 0.5), Outflow(0.025, 0.025, 1.0))
    )
    assert kept > 1.5 * 5.0
    assert leaky == pytest.approx(bled, rel=1e-9), "half let through is half bled"
    assert leaky < 0.65 * kept


def everything(height, gas, protein, antifoam, grown, retained):
    out = Outflow(0.05 * retained, 0.01 * grown, retained)
    return (
        mass.foam_step(height, gas, protein, antifoam, FOAM, 10 / 3600),
        mass.foamed_out(height, FOAM),
        mass.back_pressure(gas, 0.02, height),
        mass.turnover(grown, protein, out, 0.1 + height),
        mass.draw(height, protein, 0.1 + gas, 2.0),
        mass.water_carried(height, 1.0 + antifoam),
    )


def test_floats_and_arrays_give_the_same_bits():
    assert same(everything, (0, 20), (0, 500), (0, 10), (0, 1), (-0.01, 0.05), (0, 1))
