"""The cell counter: one sample at a time, a result after its time, noise that can be repeated."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from simulators.instruments.vicell_counter import COUNTING_S, Counter, Culture, Order, Refusal, SampleStatus

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


class Bench:
    def __init__(self, seed: int = 1) -> None:
        self.now = 0.0
        self.culture = Culture(4.0, 96.0)
        self.counter = Counter(seed, lambda: self.now, lambda: NOON, lambda _: self.culture, ("Mammalian",))


def order(name: str = "BR-101-1", **changes: object) -> Order:
    fields: dict[str, object] = {
        "name": name,
        "tag": "",
        "dilution": 1,
        "row": "Y",
        "column": 1,
        "cell_type": "Mammalian",
        "quality_control": "",
        "wash": 0,
    }
    return Order(**{**fields, **changes})  # type: ignore[arg-type]  # the test names the fields


def test_a_sample_takes_its_time_and_shows_the_culture_of_its_start():
    bench = Bench()
    sample = bench.counter.start(order())
    seen = []
    for now in (0.0, 25.0, 50.0, 110.0, COUNTING_S):
        bench.now = now
        bench.culture = Culture(99.0, 1.0)
        seen.append(bench.counter.status(sample))
    assert seen == [
        SampleStatus.InProcessAspirating,
        SampleStatus.InProcessMixing,
        SampleStatus.InProcessImageAcquisition,
        SampleStatus.InProcessCleaning,
        SampleStatus.Completed,
    ]
    assert sample.viable_density == pytest.approx(4.0, rel=0.08)
    assert sample.total_density == pytest.approx(sample.viable_density / sample.viability * 100)


def test_one_at_a_time():
    bench = Bench()
    bench.counter.start(order())
    with pytest.raises(Refusal, match="being processed"):
        bench.counter.start(order("BR-102-1"))
    bench.now = COUNTING_S
    bench.counter.start(order("BR-102-1"))
    assert [sample.name for sample in bench.counter.samples] == ["BR-101-1", "BR-102-1"]


def test_noise_depends_on_seed_and_name_only():
    one, same, other = (Bench(seed).counter.start(order()) for seed in (1, 1, 2))
    assert one == same
    assert one.viable_density != other.viable_density


def test_noise_is_three_per_cent_at_two_standard_deviations():
    bench = Bench()
    densities = []
    for number in range(400):
        bench.now += COUNTING_S
        densities.append(bench.counter.start(order(f"BR-101-{number}")).viable_density)
    outside = sum(abs(density / 4.0 - 1.0) > 0.03 for density in densities)
    assert 5 <= outside <= 40
    assert sum(densities) / 400 == pytest.approx(4.0, rel=0.005)


def test_an_empty_vessel_has_no_cells():
    bench = Bench()
    bench.culture = Culture(0.0, 0.0)
    sample = bench.counter.start(order())
    assert (sample.viable_density, sample.total_density, sample.viability) == (0.0, 0.0, 0.0)


def test_stop_gives_the_sample_up():
    bench = Bench()
    sample = bench.counter.start(order())
    bench.counter.stop()
    assert bench.counter.status(sample) is SampleStatus.SkipManual
    assert not bench.counter.busy
    with pytest.raises(Refusal):
        bench.counter.stop()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"cell_type": ""},
        {"quality_control": "Beads"},
        {"cell_type": "Unicorn"},
        {"dilution": 0},
        {"row": "Y", "column": 2},
        {"row": "Q"},
        {"row": "A", "column": 13},
    ],
)
def test_orders_without_sense_are_refused(changes: dict[str, object]):
    bench = Bench()
    with pytest.raises(Refusal):
        bench.counter.start(order(**changes))
    assert not bench.counter.busy


def test_plate_and_carousel_positions_exist():
    bench = Bench()
    for row, column in (("H", 12), ("Z", 24)):
        bench.now += COUNTING_S
        bench.counter.start(order(row=row, column=column))
