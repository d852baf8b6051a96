"""Ids of batches: never the same twice, from any thread, without the disk."""

import re
from concurrent.futures import ThreadPoolExecutor

from controller.composition.batch_ids import BatchIds


def test_ids_that_are_asked_for_at_the_same_moment_differ():
    ids = BatchIds(lambda: 1_795_000_000.0)
    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(ids.new, ["BR-101"] * 2000))
    assert len(set(given)) == 2000
    assert all(re.fullmatch(r"BR-101-20261118-[0-9A-HJKMNP-TV-Z]{4}", one) for one in given)


def test_an_id_that_comes_up_again_is_not_given_again(monkeypatch):
    drawn = iter([b"\0\1\2\3", b"\0\1\2\3", b"\4\5\6\7"])
    monkeypatch.setattr("controller.composition.batch_ids.os.urandom", lambda _count: next(drawn))
    ids = BatchIds(lambda: 1_795_000_000.0)
    assert [ids.new("V"), ids.new("V")] == ["V-20261118-0123", "V-20261118-4567"]
