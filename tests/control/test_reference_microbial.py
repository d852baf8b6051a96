"""The tunings of microbial-2l where they are not those of cells: robust over what varies in a batch."""

from itertools import product

from simulators.tank import MICROBIAL, MINERAL
from tests.reference import broth_response
from tests.reference.aeration import aerated
from tests.reference.broth_response import State, base_response, co2_response
from tests.reference.chemistry import BASE_MM
from tests.reference.margins import frequencies
from tests.reference.tuned import acting, judge, loop_of


def test_dissolved_oxygen_is_robust_wherever_the_sequence_stands():
    w, (loop, filter_s) = frequencies(count=3000), loop_of("microbial", "do")
    places = (1.0, 8.0, 16.0, 24.0, 25.5, 28.0, 35.0, 45.0, 58.0, 59.5, 61.0, 65.0, 75.0, 85.0, 99.0)
    vessels = [*product((0.5, 2.0), (30.0, 70.0), (13.0, 30.0), (50.0, 500.0))]
    pairs = product(places, vessels)
    judge("do", [
        acting(w, loop, filter_s, place) * aerated(w, place, *vessel, MICROBIAL) for place, vessel in pairs
    ])  # fmt: skip


def test_the_ph_is_robust_with_little_and_much_carbonate(monkeypatch):
    """At pH 7.2, where phosphate buffers best, and told the capacity that there is."""
    monkeypatch.setitem(broth_response.BUFFERS, "mineral", MINERAL)
    w, (loop, filter_s) = frequencies(slowest=1e-5, count=4000), loop_of("microbial", "ph")
    per_co2, per_base = ((leg.end - leg.start) / (leg.high - leg.low) for leg in loop.legs)
    by_base, by_co2 = [], []
    for case in product((0.05, 0.3, 1.0, 5.0), (0.0, 60.0, 200.0), (0.5, 2.0), (50.0, 500.0), (0.0, 30.0)):
        state = State("mineral", *case)
        regulator = acting(w, loop, filter_s, state.capacity)
        by_base.append(regulator * per_base * base_response(w, state) * MICROBIAL.base_mm / BASE_MM)
        by_co2.append(regulator * per_co2 * co2_response(w, state))
    judge("base", by_base)
    judge("carbon dioxide", by_co2)
