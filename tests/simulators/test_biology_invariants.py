"""What holds for every model, whatever its parameters and surroundings; and floats equal arrays to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.biology import cho_a, cho_m, ecoli_a, pen_b, tc_m, tc_p
from simulators.biology.contamination import INVADER, Contaminated, Invader
from simulators.biology.culture import Environment, Inflow, runge_kutta
from simulators.biology.suspension import Suspension

MODELS = {
    "ecoli_a": (ecoli_a.Coli, ecoli_a.STRAIN, ecoli_a.LIMITS),
    "cho_a": (cho_a.Cho, cho_a.LINE, cho_a.LIMITS),
    "cho_m": (cho_m.DenseCho, cho_m.LINE, cho_m.LIMITS),
    "tc_p": (tc_p.PublishedTCell, tc_p.DONOR, tc_p.LIMITS),
    "tc_m": (tc_m.TCell, tc_m.DONOR, tc_m.LIMITS),
    "pen_b": (pen_b.Penicillium, pen_b.MOULD, pen_b.LIMITS),
}
N = 500
COLUMNS = (0, 1, 2, 3, 7, 8, 100, 255, 256, 497, 498, 499)
CELLS = {"tc_m": (tc_m.TCell(tc_m.DONOR), 1.7), "cho_m": (cho_m.DenseCho(cho_m.LINE), 0.70)}


def anyone(name, random):
    """Parameters of N vessels anywhere within their limits."""
    _, usual, limits = MODELS[name]
    return type(usual)(*(random.uniform(limits[field].low, limits[field].high, N) for field in usual._fields))


def anywhere(random):
    here = Environment(*(random.uniform(low, high, N) for low, high in ((5, 45), (5, 9), (0, 0.3), (0, 200))))
    total = random.uniform(0.0, 0.05, N)
    return here, Inflow(total, total * random.uniform(0.0, 1.0, N), random.uniform(0.0, 0.1, N))


def column(values, k):
    return type(values)(*(float(value[k]) for value in values))


def lives(culture, here, inflow, like):
    """What a culture goes through in an hour; everything that a vessel sees of it."""
    seen = []
    culture.inoculate(like(200.0), like(0.1), like(0.9))
    culture.set("culture_age_h", like(30.0))
    for step in range(20):
        seen += culture.advance(culture.interval_s / 3600.0, here, inflow)
        if step % 7 == 3:
            culture.dilute(like(0.1))
            culture.set("glucose", like(3.0))
    return [*seen, *culture.truth().values(), *culture.outside(here).values()]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("contaminated", [False, True], ids=["clean", "contaminated"])
def test_a_vessel_alone_is_the_same_to_the_bit_as_one_of_many(name, contaminated):
    random = np.random.default_rng([list(MODELS).index(name), 5])
    model, parameters, (here, inflow) = MODELS[name][0], anyone(name, random), anywhere(random)
    invaders = Invader(random.uniform(0.9, 1.2, N), *(np.full(N, value) for value in INVADER[1:]))
    seed = random.uniform(0.0, 1e9, N)

    def culture(own, invader, begin):
        clean = Suspension(model(own))
        return Contaminated(clean, invader, begin) if contaminated else clean

    many = lives(culture(parameters, invaders, seed), here, inflow, lambda value: np.full(N, value))
    for k in COLUMNS:
        one = culture(column(parameters, k), column(invaders, k), float(seed[k]))
        alone = lives(one, column(here, k), column(inflow, k), float)
        assert [np.asarray(value).tobytes() for value in alone] == [values[k].tobytes() for values in many]


@pytest.mark.parametrize("name", MODELS)
def test_the_equations_give_the_same_bits_in_floats_and_in_arrays(name):
    """Slopes and exchange themselves: in a state, most of their last places are rounded away."""
    random = np.random.default_rng([list(MODELS).index(name), 6])
    model, parameters, (here, inflow) = MODELS[name][0], anyone(name, random), anywhere(random)
    here = here._replace(temperature=random.uniform(30.0, 40.0, N), ph=random.uniform(6.5, 7.5, N))
    many = model(parameters)
    state = tuple(
        random.uniform(0.0, 200.0 if place >= len(many.basal) else 10.0, N) for place in range(len(many.fresh()))
    )
    together = [*many.slope(state, here, inflow), *many.exchange(state, here)]
    for k in range(N):
        one, mine = model(column(parameters, k)), tuple(float(value[k]) for value in state)
        alone = [*one.slope(mine, column(here, k), column(inflow, k)), *one.exchange(mine, column(here, k))]
        assert [np.asarray(value).tobytes() for value in alone] == [values[k].tobytes() for values in together]


@pytest.mark.parametrize("name", MODELS)
@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), steps=st.sampled_from([0.1, 1.0, 5.0]))
def test_whatever_happens_no_state_is_negative_or_without_end(name, seed, steps):
    random = np.random.default_rng(seed)
    model, parameters, (here, inflow) = MODELS[name][0], anyone(name, random), anywhere(random)
    culture = Suspension(model(parameters))
    state = [random.choice([0.0, 1e-9, 1e-3, 1.0, 20.0], N) for _ in model.basal]
    culture.state = (*state, *culture.state[len(state) :])
    hours = steps * model.interval_s / 3600.0
    for _ in range(10):
        exchange = culture.advance(hours, here, inflow)
        assert all(np.isfinite(value).all() for value in culture.state)
        assert all((value >= 0.0).all() for value in culture.state[: len(state)])
        assert all(np.isfinite(value).all() for value in exchange)
        assert (exchange.oxygen >= 0.0).all()


@pytest.mark.parametrize("name", CELLS)
@settings(deadline=None, max_examples=25)
@given(x=st.floats(0.01, 10.0), g=st.floats(1.0, 40.0), q=st.floats(0.1, 8.0), lactate=st.floats(0.0, 30.0))
def test_in_a_closed_vessel_lactate_is_what_became_of_glucose(name, x, g, q, lactate):
    model, per_glucose = CELLS[name]
    culture = Suspension(model)
    culture.state = (x, 0.1, g, q, lactate, 0.2, 40.0)
    before = lactate + per_glucose * g
    for _ in range(300):
        culture.advance(1 / 60, Environment(37.0, 7.2, 0.1, 50.0), Inflow(0.0, 0.0, 0.0))
    assert culture.state[4] + per_glucose * culture.state[2] == pytest.approx(before, rel=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_without_cells_a_feed_only_mixes(name):
    """Volume 1 L, 0.05 L/h for 10 h: what came in is there, what was there is thinner."""
    model = MODELS[name][0](MODELS[name][1])
    state, volume, place = model.fresh(), 1.0, model.signals["glucose"][0]
    feed = model.slope(tuple(0.0 * y for y in state), Environment(37.0, 7.0, 0.2, 100.0), Inflow(0.0, 1.0, 0.0))[place]
    begin = state[place]
    for _ in range(6000):
        rate = 0.05 / 600 * 600 / (volume + 0.025 / 600)
        inflow = Inflow(rate, rate, 0.0)
        state = runge_kutta(lambda y, i=inflow: model.slope(y, Environment(37.0, 7.0, 0.2, 100.0), i), state, 1 / 600)
        volume += 0.05 / 600
    assert state[place] * volume == pytest.approx(begin + 0.5 * feed, rel=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_parameters_out_of_range_are_refused_with_range_and_source(name):
    model, usual, limits = MODELS[name]
    for field, limit in limits.items():
        for wrong in (-1.0, limit.high * 1.01 + 1e-9, float("nan"), float("inf")):
            with pytest.raises(ValueError, match=rf"^{field} = .* is outside .* \.\. ") as refused:
                model(usual._replace(**{field: wrong}))
            assert limit.basis in str(refused.value)
            assert limit.reason in str(refused.value)


def test_of_many_vessels_the_wrong_one_is_named_and_every_wrong_parameter():
    many = tc_m.Donor(*(np.full(4, value) for value in tc_m.DONOR))
    many.y_lactate[2] = 2.5
    many.mumax[3] = -0.04
    with pytest.raises(ValueError, match=r"mumax = -0.04 1/h in vessel 3 .*; y_lactate = 2.5 mol/mol in vessel 2 "):
        tc_m.TCell(many)


@pytest.mark.parametrize("name", MODELS)
def test_the_basis_of_every_parameter_says_whether_it_is_published_or_chosen(name):
    for limit in MODELS[name][2].values():
        assert limit.basis.startswith(("published", "derived", "chosen"))
        assert 0.0 <= limit.low <= limit.usual <= limit.high
        assert limit.low < limit.high


@pytest.mark.parametrize("name", MODELS)
def test_a_state_beyond_what_the_model_knows_is_marked(name):
    model = MODELS[name][0](MODELS[name][1])
    culture = Suspension(model)
    middle = {key: 0.5 * (span.low + span.high) for key, span in model.valid.items()}
    here = Environment(middle["temperature"], middle["ph"], 0.2, 100.0)
    assert not any(culture.outside(here).values())
    assert culture.outside(here._replace(temperature=50.0))["temperature"]
    first = next(key for key in model.valid if key not in {"temperature", "ph"})
    culture.set(first, model.valid[first].high * 1.01)
    assert [key for key, beyond in culture.outside(here).items() if beyond] == [first]
