"""Planning is arithmetic: every span is covered, no read is longer than allowed, exact blocks stay whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.planning import MAX_REGISTERS, Span, coalesce, covering, distinct, portions

spans = st.lists(
    st.builds(Span, st.integers(1, 3), st.integers(0, 600), st.integers(1, 20), st.booleans(), st.integers(1, 4)),
    max_size=40,
)


@given(spans, st.integers(0, 20))
def test_coalesced_reads_cover_everything(wanted: list[Span], max_gap: int) -> None:
    reads = coalesce(wanted, max_gap)
    assert all(any(read.covers(span) for read in reads) for span in wanted)
    assert all(read.length <= MAX_REGISTERS for read in reads)
    assert len(reads) <= len(set(wanted))
    assert {read for read in reads if read.exact} == {span for span in wanted if span.exact}
    assert list(reads) == sorted(reads, key=lambda read: (read.unit, read.table, *read[1:4]))
    assert all(reads[covering(reads, span)].covers(span) for span in wanted)


def test_neighbours_become_one_read_and_distant_ones_do_not() -> None:
    assert coalesce([Span(1, 4, 2), Span(1, 0, 2), Span(1, 0, 2)], max_gap=2) == (Span(1, 0, 6),)
    assert coalesce([Span(1, 5, 2), Span(1, 0, 2)], max_gap=2) == (Span(1, 0, 2), Span(1, 5, 2))
    assert coalesce([Span(1, 0, 2), Span(2, 2, 2)]) == (Span(1, 0, 2), Span(2, 2, 2))
    assert coalesce([Span(1, 0, 100), Span(1, 100, 100)]) == (Span(1, 0, 100), Span(1, 100, 100))


def test_five_hundred_scattered_registers_need_few_reads() -> None:
    assert len(coalesce([Span(1, 3 * place, 1) for place in range(500)])) == 12


@given(st.lists(st.integers(0, 9)))
def test_distinct_keeps_first_appearance_and_finds_each(items: list[int]) -> None:
    unique, where = distinct(items)
    assert [unique[place] for place in where] == items
    assert len(set(unique)) == len(unique)


@given(st.lists(st.integers()), st.integers(1, 7))
def test_portions_are_the_whole(items: list[int], size: int) -> None:
    runs = portions(items, size)
    assert [item for run in runs for item in run] == items
    assert all(0 < len(run) <= size for run in runs)
