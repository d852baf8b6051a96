"""The calibrations on disk: what a power cut and a forger leave."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.store.calibrations import CalibrationsUnusable, append, checks, read, stacks

UTC = 1_795_000_000.0


def entry(name="ph", kind="calibration", **more):
    return {
        "kind": kind,
        "vessel": "BR-101",
        "name": name,
        "who": 'Ann "A" Lee',
        "reason": 'a ","hash":" in it',
        **more,
    }


@pytest.fixture
def path(tmp_path):
    return tmp_path / "calibrations/bench.jsonl"


def write(path, count):
    return [append(path, entry(restores=""), UTC + number, "CAL") for number in range(count)]


def test_entries_come_back_in_order_with_number_time_id_and_hash(path):
    written = write(path, 3)
    history = read(path)
    assert [{key: value for key, value in one.items() if key != "line"} for one in history.entries] == [
        {key: value for key, value in one.items() if key != "hash"} for one in written
    ]
    assert [one["id"] for one in written] == [f"CAL-20261118-{number}" for number in (1, 2, 3)]
    assert written[-1]["hash"] == history.head.hex()
    assert [one["line"] for one in history.entries] == [1, 2, 3]
    assert read(path.with_name("other")).entries == []


@pytest.mark.parametrize("left", [1, 20, -2, -1])
def test_a_half_written_last_line_is_left_out_and_nothing_else(path, left):
    write(path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:left].rstrip(b"\n"))
    history = read(path)
    whole = left == -1
    assert len(history.entries) == 2 + whole
    assert len(history.warnings) == 1 - whole
    assert all(f"{path}:3: " in one and "power cut" in one for one in history.warnings)
    added = append(path, entry(), UTC, "CAL")
    assert [one["number"] for one in read(path).entries] == list(range(1, 4 + whole))
    assert added["id"].endswith(f"-{3 + whole}")


@pytest.mark.parametrize(
    "harm",
    [
        lambda lines: [lines[0].replace(b"Ann", b"Bob"), *lines[1:]],
        lambda lines: [lines[0], lines[2]],
        lambda lines: [lines[1], lines[0], lines[2]],
        lambda lines: lines[1:],
        lambda lines: [*lines, lines[2]],
        lambda lines: [lines[0], lines[1][:40] + b"\n", lines[2]],
    ],
)
def test_what_was_altered_removed_or_reordered_is_found(path, harm):
    write(path, 3)
    path.write_bytes(b"".join(harm(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(CalibrationsUnusable, match="altered, removed or reordered"):
        read(path)
    before = path.read_bytes()
    with pytest.raises(CalibrationsUnusable):
        append(path, entry(), UTC, "CAL")
    assert path.read_bytes() == before


def test_one_flipped_byte_anywhere_never_gives_another_calibration(path):
    write(path, 2)
    content = path.read_bytes()
    true = [{key: value for key, value in one.items() if key != "line"} for one in read(path).entries]
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            found = read(path)
        except CalibrationsUnusable:
            continue
        assert len(found.entries) < 2, place
        assert found.warnings, place
        assert [{key: value for key, value in one.items() if key != "line"} for one in found.entries] == true[:1]


def test_a_file_that_cannot_be_read_says_so(path):
    path.mkdir(parents=True)
    with pytest.raises(CalibrationsUnusable, match="cannot be read"):
        read(path)


@given(st.lists(st.booleans(), max_size=20))
def test_undo_always_goes_back_to_the_one_before(deeds):
    entries, expected = [], []
    for number, is_undo in enumerate(deeds):
        if not is_undo:
            entries.append(entry(id=str(number)))
            expected.append(str(number))
        elif expected:
            expected.pop()
            entries.append(entry(kind="undo", id=str(number), restores=expected[-1] if expected else "site file"))
    found = stacks(entries).get(("BR-101", "ph"), [])
    assert [one["id"] for one in found] == expected


def test_the_newest_check_counts_and_changes_nothing():
    entries = [entry(id="1"), entry(kind="check", id="2"), entry(kind="check", id="3")]
    assert checks(entries)["BR-101", "ph"]["id"] == "3"
    assert [one["id"] for one in stacks(entries)["BR-101", "ph"]] == ["1"]
    assert json.dumps(entries)
