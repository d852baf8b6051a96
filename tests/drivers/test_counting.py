"""A total over a device's own count that starts again."""

from __future__ import annotations

from drivers.counting import Counter


def test_a_count_that_starts_again_goes_on() -> None:
    counter = Counter()
    assert [counter.total(count) for count in (2.0, 10.0, 0.0, 3.0, 1.0, 1.0)] == [2.0, 10.0, 10.0, 13.0, 14.0, 14.0]


def test_a_count_that_falls_a_little_is_not_counted_twice() -> None:
    counter = Counter()
    counts = (12.5, 12.49, 12.5, 12.48, 12.51)
    assert [counter.total(count) for count in counts] == [12.5, 12.5, 12.5, 12.5, 12.51]
