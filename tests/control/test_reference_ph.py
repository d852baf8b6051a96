"""The pH loop of the class over ten days of T cells, at open and at closed carbon dioxide, in media of every strength.

What the loop is judged by is the truth, not the reading; the base that it needs more than the least is its waste.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from simulators.physics.ph import carbonate_shares
from tests.control.conftest import Rig, bench_site
from tests.reference.broth import Broth
from tests.reference.broth_response import State, base_response, co2_response
from tests.reference.chemistry import BASE_MM, BICARBONATE, BUFFERS, PH, STEP_H, Batch, Chemistry, stoichiometric
from tests.reference.closed_loop import scheduled
from tests.reference.culture import DONORS, FEEDINGS, HOURS
from tests.reference.margins import controller, frequencies, hold, margins
from tests.reference.sisters import Sisters

BAND = 0.02
BATCHES = [
    Batch(donor, feeding, gas, medium)
    for donor in DONORS
    for feeding in FEEDINGS
    for gas in ("open", "closed")
    for medium in BUFFERS
]
LITTLE = 0.05
"""Where the least base is less than this share of the acid, it is not base that meets the acid."""


@dataclass
class Run:
    """Shares of time in the band, from the beginning and once settled; pH extremes once settled; base in mmol given,
    least, and acid of the whole batch; pump starts per day.
    """

    inside: np.ndarray
    settled: np.ndarray
    low: np.ndarray
    high: np.ndarray
    given: np.ndarray
    least: np.ndarray
    acid: np.ndarray
    starts: np.ndarray

    def waste(self):
        """Base beyond the least: in shares of it, or of the acid where base is not what meets the acid."""
        return (self.given - self.least) / np.where(self.least >= LITTLE * self.acid, self.least, self.acid)

    def tell(self, batches):
        """A line for each batch."""
        inside, settled, waste = (100.0 * share for share in (self.inside, self.settled, self.waste()))
        beyond = self.given - self.least
        for place, batch in enumerate(batches):
            print(
                f"{' '.join(batch):34s} in the band {inside[place]:.2f} %, settled {settled[place]:.2f} % "
                f"({self.low[place]:.4f} .. {self.high[place]:.4f}); base {self.given[place]:.2f} mmol, "
                f"least {self.least[place]:.2f}: {beyond[place]:+.2f} mmol or {waste[place]:+.2f} % too much; "
                f"{self.starts[place]:.0f} starts/d"
            )


def run(batches, hours, seed, start_h=0.0, settling=7200):
    """The loop of the class in closed loop, a scan a second; ``settling`` seconds to find the setpoint and the load."""
    broth = Broth(batches, seed, start_h)
    sisters = Sisters(bench_site(), "BR-101", "ph", broth.n, {"co2_flow": 0.0, "base_flow": 0.0})
    capacity, reading = broth.chemistry.told_capacity(), broth.read()
    inside, settled = np.zeros((2, broth.n))
    low, high = np.full(broth.n, np.inf), np.full(broth.n, -np.inf)
    seconds = round(3600 * hours)
    for second in range(seconds):
        written = sisters.step(reading, capacity)
        reading = broth.step(written["base_flow"], written["co2_flow"])
        assert not np.minimum(written["base_flow"], written["co2_flow"]).any(), "never acid and base together"
        near = np.abs(broth.ph - PH) <= BAND
        inside += near
        if second >= settling:
            settled += near
            low, high = np.minimum(low, broth.ph), np.maximum(high, broth.ph)
    given, least = broth.given()
    return Run(inside / seconds, settled / (seconds - settling), low, high, given, least, broth.acid(),
               broth.starts * 24.0 / hours)  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("start_h", "hours", "settling"), [(0.0, 2.2, 6000), (150.0, 1.4, 3600)])
def test_hours_of_thirty_six_batches(start_h, hours, settling):
    """A sample of the ten days: the beginning with its way to the setpoint, and dense cells met with empty hands."""
    found = run(BATCHES, hours, 1, start_h, settling)
    found.tell(BATCHES)
    assert found.settled.min() == 1.0
    assert found.waste()[found.least > 0.5].max(initial=0.0) <= 0.05


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_days_of_thirty_six_batches():
    found = run(BATCHES, HOURS, 2)
    found.tell(BATCHES)
    assert found.inside.min() >= 0.99
    assert found.settled.min() >= 0.999
    assert found.waste().max() <= 0.05


def test_the_guard_leaves_what_every_batch_needs_and_bounds_what_a_failed_probe_does():
    site = bench_site()
    guard = site.outputs.rows[site.outputs.index["BR-101.base_flow"]].guard
    base, window = stoichiometric(BATCHES).base / BASE_MM * 1000.0, round(guard.within / 3600.0 / STEP_H)
    busiest, whole = (base[window:] - base[:-window]).max(), base[-1].max()
    most, per_batch = guard.most / guard.factor, guard.most_per_batch / guard.factor
    chemistry, ph = Chemistry([Batch("nominal", "perfusion", "closed", "rpmi")]), np.linspace(PH, 9.0, 400)
    carbon, litres = BICARBONATE / carbonate_shares(PH)[1], 2.0
    strong = np.array([chemistry.strong_at(one, carbon)[0] for one in ph])
    raised = float(np.interp(strong[0] + most / 1000.0 * BASE_MM / litres, strong, ph)) - PH
    print(f"busiest {guard.within / 3600.0:.0f} h {busiest:.1f} mL, whole batch {whole:.0f} mL; guard {most:.0f} and "
          f"{per_batch:.0f} mL, which raise {litres:.0f} L by {raised:.2f}")  # fmt: skip
    assert most >= 2.5 * busiest
    assert per_batch >= 1.1 * whole
    assert raised <= 0.5


@pytest.fixture(scope="module")
def tunings():
    """Gain and times that the class's schedule gives for the capacity that is declared for each medium."""
    site = bench_site()
    loop = site.loops.rows[site.loops.index["BR-101.ph"]]
    chemistry = Chemistry([Batch("nominal", "perfusion", "open", medium) for medium in BUFFERS])
    legs = [(leg.end - leg.start) / (leg.high - leg.low) for leg in loop.legs]
    told = dict(zip(BUFFERS, chemistry.told_capacity().tolist(), strict=True))
    filter_s = site.tags.tags[loop.pv].filter_s
    return {medium: (*scheduled(loop, value), *legs, filter_s) for medium, value in told.items()}


STATES = [
    State(medium, bicarbonate, kla, volume, air, co2)
    for medium, held in {"lean": (16.0, 24.0, 40.0), "rpmi": (2.0, 24.0, 40.0), "hepes": (2.0, 24.0, 60.0)}.items()
    for bicarbonate in held
    for kla in (0.0, 6.0, 12.0)
    for volume in (0.5, 1.0, 2.0)
    for air in (50.0, 200.0)
    for co2 in (0.0, 30.0)
]
"""Closed capacities from 3.3 to 27 mM per pH; 57 and more as long as the gas keeps the partial pressure."""


def test_the_loop_is_robust_over_the_whole_range_of_gains(tunings):
    w = frequencies(slowest=1e-5, count=4000)
    capacities, found = [state.capacity for state in STATES], {"base": [], "carbon dioxide": []}
    regulators = {
        medium: controller(w, gain, ti, td, filter_s=filter_s) * hold(w, delay_s=1.0)
        for medium, (gain, ti, td, _, _, filter_s) in tunings.items()
    }
    for state in STATES:
        *_, per_co2, per_base, _ = tunings[state.medium]
        found["base"].append(margins(regulators[state.medium] * per_base * base_response(w, state)))
        found["carbon dioxide"].append(margins(regulators[state.medium] * per_co2 * co2_response(w, state)))
    print(f"closed capacity {min(capacities):.1f} .. {max(capacities):.1f} mM per pH")
    for leg, all_found in found.items():
        ms, gm = max(one.ms for one in all_found), min(one.gm for one in all_found)
        print(f"{leg}: Ms up to {ms:.2f}, GM from {gm:.1f}")
        assert ms <= 1.7
        assert gm >= 2.8


@pytest.mark.timeout(60)
def test_whole_scans_hold_an_open_and_a_closed_vessel():
    rig = Rig(bench_site())
    batches = [Batch("fast", "perfusion", gas, "rpmi") for gas in ("open", "closed")]
    broth = Broth(batches, seed=3, start_h=130.0)
    vessels, worst = ("BR-101", "BR-102"), 0.0
    rows = [rig.row(f"{vessel}.ph") for vessel in vessels]
    for second in range(2400):
        rig.values.update(zip(rows, broth.read().tolist(), strict=True))
        rig.step()
        if second == 5:
            assert all(rig.mode(f"{vessel}.ph", "auto").applied for vessel in vessels)
        broth.step(*(np.array([rig.device(f"{vessel}.{name}") for vessel in vessels])
                     for name in ("base_flow", "co2_flow")))  # fmt: skip
        worst = max(worst, float(np.abs(broth.ph - PH).max()))
    capacity = rig.result.frame.value[rig.row("BR-101.buffer_capacity")]
    print(f"40 min of whole scans: at most {worst:.4f} from the setpoint; buffer capacity {capacity:.1f} mM per pH")
    assert worst <= BAND
    assert capacity == pytest.approx(Chemistry(batches).told_capacity()[0], rel=0.05)
