"""A plant of many vessels is to the bit what each of them is alone, and keeps what every plant must keep."""

import numpy as np
import pytest

from simulators.biology import ecoli_a, tc_m
from simulators.biology.contamination import INVADER, Contaminated, Invader
from simulators.biology.donors import patients, together
from simulators.biology.suspension import Suspension
from simulators.bus import ACTUATORS, FITTINGS, actuators_with
from simulators.draws import Alone, Together
from simulators.physics.ph import weak_charge
from simulators.sizes import as_bought, sized
from simulators.tank import CELL_CULTURE, MICROBIAL
from simulators.vessel import Vessel

N = 500
COLUMNS = (0, 1, 7, 255, 256, 499)
PERIOD_S = 60.0
HOUR_S = 3600.0
WHOLE = pytest.param(1.0, HOUR_S, marks=pytest.mark.soak)


class T:
    """T cells of as many donors as there are vessels, in vessels that nobody has calibrated."""

    tank = as_bought(CELL_CULTURE)
    fitted: tuple[str, ...] = ()
    donors = tuple(patient.donor for patient in patients(7, N))

    def all(self):
        return Suspension(tc_m.TCell(together(self.donors)))

    def one(self, k):
        return Suspension(tc_m.TCell(self.donors[k]))


class Fitted(T):
    """The same with everything that can be fitted."""

    fitted = tuple(FITTINGS)


class Coli:
    """E. coli, some of it with another bacterium in it, at 10 L."""

    tank = as_bought(sized(MICROBIAL, 10.0))
    fitted = ("off_gas", "acid", "antifoam")
    begin = np.where(np.arange(N) % 5 == 0, 1e8, 0.0)

    def all(self):
        strain = ecoli_a.Strain(*(np.full(N, value) for value in ecoli_a.STRAIN))
        clean = Suspension(ecoli_a.Coli(strain))
        return Contaminated(clean, Invader(*(np.full(N, value) for value in INVADER)), self.begin)

    def one(self, k):
        return Contaminated(Suspension(ecoli_a.Coli(ecoli_a.STRAIN)), INVADER, float(self.begin[k]))


def moves(tank, number, random, fitted):
    """What the actuators of all vessels are asked for in one period; nonsense included."""

    def some_of(high):
        return random.choice([0.0, high, -1.0, np.nan, *high * random.uniform(0.0, 1.0, 12)], N)

    gases = dict(zip(("air_sp", "o2_sp", "co2_sp", "n2_sp"), map(some_of, tank.gas_range), strict=True))
    agitation, heater = some_of(2.0 * tank.reference_rpm), some_of(100.0)
    pumps = {name: some_of(50.0) if number % 3 else np.zeros(N) for name in ("base_rpm", "feed_rpm")}
    for name in [name for name in actuators_with(fitted) if name not in ACTUATORS]:
        pumps[name] = (
            some_of(100.0 if name.endswith("valve") else 50.0)
            if number % 4 or not name.endswith("_rpm")
            else np.zeros(N)
        )
    return {"heater": heater, "agitation_sp": agitation, **gases, **pumps}


def start(vessel, like, own):
    vessel.culture.set("vcd", like(2.0))
    vessel.culture.set("culture_age_h", like(30.0))
    vessel.solution.oxygen_percent = like(60.0)
    vessel.solution.set_ph(like(7.1))
    vessel.protein = like(4.0)
    vessel.out = vessel.out._replace(harvest=own * 0.05, bleed=own * 0.01, retained=0.9 + 0.1 * own)
    vessel.settle()


def seen(vessel):
    return [
        *vessel.truth().values(),
        *vessel.readings.values(),
        vessel.foam,
        *vessel.gas.exhaust,
        vessel.solution.strong,
    ]


@pytest.mark.parametrize("kind", [T(), Fitted(), Coli()], ids=["t_cells", "fitted", "coli"])
@pytest.mark.parametrize(("dt", "long_s"), [(1.0, HOUR_S / 4), (5.0, HOUR_S), WHOLE])
def test_random_moves_are_the_same_to_the_bit_alone_and_among_500(kind, dt, long_s):
    random = np.random.default_rng(9)
    volume, warm, own = (random.uniform(low, high, N) for low, high in ((0.4, 1.3), (20.0, 38.0), (0.0, 1.0)))
    volume = volume * 0.5 * kind.tank.nominal_l
    many = Vessel(kind.tank, kind.all(), Together([f"3:{k}" for k in range(N)]), volume, warm, kind.fitted)
    start(many, lambda value: np.full(N, value), own)
    ones = {
        k: Vessel(kind.tank, kind.one(k), Alone(f"3:{k}"), float(volume[k]), float(warm[k]), kind.fitted)
        for k in COLUMNS
    }
    for k, one in ones.items():
        start(one, float, float(own[k]))
    for number in range(round(long_s / PERIOD_S)):
        asked = moves(kind.tank, number, random, kind.fitted)
        many.actuators.update(asked)
        for k, one in ones.items():
            one.actuators.update({name: float(values[k]) for name, values in asked.items()})
        for _ in range(round(PERIOD_S / dt)):
            for vessel in (many, *ones.values()):
                vessel.step(dt)
            balanced(many)
        together_now = seen(many)
        assert all(np.isfinite(values).all() for values in together_now)
        for k, one in ones.items():
            assert [np.float64(value).tobytes() for value in seen(one)] == [v[k].tobytes() for v in together_now], k


def balanced(vessel):
    """Charges within a nanomol per litre; nothing below 0."""
    solution = vessel.solution
    residual = weak_charge(solution.ph, solution.carbon, solution.buffers()).total - solution.strong
    assert np.abs(residual).max() < 1e-6, "mmol/L"
    for values in (solution.oxygen, solution.carbon, solution.ammonia, vessel.volume_l, vessel.foam):
        assert (values >= 0.0).all()


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others():
    def trace(seed):
        many = Vessel(T.tank, Suspension(tc_m.TCell(together(T.donors[:3]))), Together([seed, "b", "c"]),
                      np.full(3, 1.0), np.full(3, 37.0))  # fmt: skip
        many.actuators.update(air_sp=np.full(3, 100.0), feed_rpm=np.full(3, 5.0))
        for _ in range(50):
            many.step(5.0)
        return np.array(seen(many))

    first, again, other = trace("a"), trace("a"), trace("x")
    assert (first == again).all()
    assert (first[:, 1:] == other[:, 1:]).all()
    assert not (first[:, 0] == other[:, 0]).all()
