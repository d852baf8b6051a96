"""A temperature cascade through a jacket that is heated and cooled: the class jacketed-5l in whole scans."""

import numpy as np
import pytest

from tests.control.conftest import Rig
from tests.reference.closed_loop import scheduled
from tests.reference.jacketed import (
    COLD,
    COOLING_W_PER_K,
    HEATER_W,
    JACKET_PROBE_S,
    PROBE_S,
    Jacketed,
    culture_response,
    jacket_response,
)
from tests.reference.margins import controller, frequencies, hold, lag, margins
from tests.reference.site import site_of

SP, JACKET_MOST = 37.0, 40.0


class Bench:
    """A rig on the plant; keeps culture, jacket, jacket setpoint, heater and valve of every scan."""

    def __init__(self, start=22.0, seed=1, **plant):
        self.rig = Rig(site_of("jacketed-5l"))
        self.plant = Jacketed(start, noise=np.random.default_rng(seed), **plant)
        self.read, self.seen = (start, start), []
        self._rows = [self.rig.row(f"V0.{name}") for name in ("temperature", "jacket_temperature")]
        self.rig.values[self.rig.row("V0.weight")] = 1008.0 * self.plant.volume_l
        self._loops = [self.rig.loop(f"V0.{name}") for name in ("temperature", "jacket")]
        self.run(5)
        for loop, mode in (("temperature", "auto"), ("jacket", "cascade")):
            assert self.rig.mode(f"V0.{loop}", mode).applied
        self.seen.clear()

    def run(self, seconds):
        rig, plant = self.rig, self.plant
        for _ in range(seconds):
            rig.values.update(zip(self._rows, self.read, strict=True))
            rig.step()
            heater, valve = rig.device("V0.heater"), rig.device("V0.cooling_valve")
            self.read = plant.step(heater, valve)
            self.seen.append((plant.culture, plant.jacket, rig.scan.loops.sp[self._loops[1]], heater, valve))
        return np.array(self.seen).T

    def integral(self):
        loops, row = self.rig.scan.loops, self._loops[0]
        level = loops.level_of[row]
        return float(level.bank.integral[level.place[row]])


def minutes_to_stay(culture, sp, band=0.2):
    outside = np.flatnonzero(np.abs(culture - sp) > band)
    return (outside[-1] + 1) / 60.0 if len(outside) else 0.0


@pytest.mark.timeout(60)
@pytest.mark.parametrize("volume", [2.0, 5.0])
def test_warming_up_keeps_the_jacket_within_its_limit_and_does_not_overshoot(volume):
    bench = Bench(volume_l=volume)
    culture, jacket, asked, heater, valve = bench.run(2700)
    minutes = minutes_to_stay(culture, SP)
    print(f"{volume} L: 22 -> 37 Cel in {minutes:.1f} min, overshoot {culture.max() - SP:.3f} Cel, jacket up to "
          f"{jacket.max():.2f} Cel")  # fmt: skip
    assert asked.max() <= JACKET_MOST
    assert asked.max() == JACKET_MOST or volume < 5.0, "the limit matters where there is much to warm"
    assert jacket.max() < JACKET_MOST + 1.0
    assert culture.max() - SP < 0.1
    assert minutes < 36.0
    assert not (np.minimum(heater, valve) > 0.0).any()
    assert np.abs(culture[-600:] - SP).max() < 0.1


@pytest.mark.timeout(60)
def test_the_outer_loop_does_not_wind_up_while_the_jacket_cannot_follow():
    """Half an hour with the heater's fuse blown: the culture is warmed afterwards as if nothing had been."""
    bench = Bench(dead_heater=True)
    bench.run(300)
    early = bench.integral()
    bench.run(1500)
    assert bench.integral() == pytest.approx(early, abs=1.0)
    bench.plant.dead_heater = False
    bench.seen.clear()
    culture, *_ = bench.run(2400)
    print(f"after half an hour without heat: 37 Cel in {minutes_to_stay(culture, SP):.1f} min, overshoot "
          f"{culture.max() - SP:.3f} Cel")  # fmt: skip
    assert culture.max() - SP < 0.1


@pytest.mark.timeout(60)
def test_cooling_down_for_harvest_goes_from_heater_to_valve_without_a_bump():
    bench = Bench(start=37.0)
    bench.run(1500)
    bench.seen.clear()
    bench.rig.setpoint("V0.temperature", 20.0)
    culture, _, _, heater, valve = bench.run(3600)
    print(f"37 -> 20 Cel in {minutes_to_stay(culture, 20.0):.1f} min, undershoot {20.0 - culture.min():.3f} Cel")
    assert 20.0 - culture.min() < 0.1
    assert (np.diff(culture)[: np.argmax(culture < 20.2)] < 0.002).all(), "straight down"
    assert not (np.minimum(heater, valve) > 0.0).any()


@pytest.mark.timeout(60)
def test_heat_made_by_the_culture_turns_heating_into_cooling_smoothly():
    """Heat of 150 mmol/L/h of oxygen uptake comes within half an hour, as with bacteria."""
    bench = Bench(start=37.0)
    bench.run(1500)
    bench.seen.clear()
    for minute in range(40):
        bench.plant.load_w = 5.0 * 460.0 * 150.0 / 3600.0 * min(minute + 1, 30) / 30.0
        culture, _, _, heater, valve = bench.run(60)
    position = heater - valve
    print(f"heat 0 -> {bench.plant.load_w:.0f} W in half an hour: culture within {np.abs(culture - SP).max():.3f} Cel, "
          f"heater {heater[:60].mean():.1f} -> valve {valve[-60:].mean():.1f} %")  # fmt: skip
    assert heater[:60].mean() > 2.0
    assert valve[-60:].mean() > 1.0
    assert not (np.minimum(heater, valve) > 0.0).any()
    assert np.abs(culture - SP).max() < 0.1
    assert np.abs(np.diff(position)).max() < 15.0, "no bump beyond what the noise makes, also at the leg change"


def regulator_of(site, name, w, volume):
    """The controller of a loop at a volume, with the filter of its measurement."""
    loop = site.loops.rows[site.loops.index[f"V0.{name}"]]
    tuning, filter_s = loop.tuning, site.tags.tags[loop.pv].filter_s
    times = tuning.gain, tuning.integral_time, tuning.derivative_time
    return controller(w, *(scheduled(loop, volume) if loop.schedule else times), filter_s=filter_s)


@pytest.mark.parametrize("watts", [0.01 * HEATER_W, 0.01 * COOLING_W_PER_K * (JACKET_MOST - COLD)], ids=["hot", "cold"])
@pytest.mark.parametrize("volume", [2.0, 3.0, 4.0, 5.0])
def test_the_cascade_is_robust_with_any_volume_on_both_legs(volume, watts):
    site, w = site_of("jacketed-5l"), frequencies()
    acts = regulator_of(site, "jacket", w, volume) * hold(w, delay_s=1.0) * jacket_response(w, volume, watts)
    inner = acts * lag(w, JACKET_PROBE_S)
    outer = acts / (1.0 + inner) * culture_response(w, volume) * lag(w, PROBE_S)
    outer *= regulator_of(site, "temperature", w, volume)
    for name, found in (("jacket", margins(inner)), ("culture", margins(outer))):
        print(f"{volume} L, {watts:.1f} W per %, {name}: Ms {found.ms:.2f}, GM {found.gm:.1f}")
        assert found.ms <= 1.7
        assert found.gm >= 2.8
