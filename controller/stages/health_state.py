"""What loop health remembers over a restart: all its sums, exactly, as JSON."""

from __future__ import annotations

import binascii
from collections.abc import Mapping, Sequence

import numpy as np

from controller.commands import Json
from controller.frame import F8
from controller.stages.health_books import NOWHERE, Book, Picture, Place
from controller.stages.health_sums import Row

ROWS = [row.name for row in Row]


def saved_books(books: Mapping[str, Book]) -> dict[str, Json]:
    """The books of all vessels; they change so seldom that it's worth keeping."""
    return {
        vessel: {
            "batch": book.batch,
            "place": [*book.place],
            "closed": {operation: packed(sums) for operation, sums in book.closed.items()},
        }
        for vessel, book in books.items()
    }


def saved(names: Sequence[str], picture: Picture, since: F8, books: Json) -> dict[str, Json]:
    """Everything; ``names`` are those of the loops, ``books`` what :func:`saved_books` gave."""
    sums = np.concatenate((picture.segment, picture.before, since[np.newaxis]))
    return {"loops": [*names], "rows": [*ROWS], "sums": packed(sums), "books": books}


def restored(state: Mapping[str, Json], names: Sequence[str], empty: Picture) -> tuple[Picture, F8] | None:
    """The picture, and the times since the setpoints changed. Loops are found by their names; new ones begin at zero.
    ``None`` for a state that holds other sums.
    """
    then = state.get("loops")
    if state.get("rows") != ROWS or not isinstance(then, list):
        return None
    sums = unpacked(state.get("sums"), len(then))
    if sums is None or len(sums) != 2 * len(ROWS) + 1:
        return None
    sums = _moved(sums, [str(name) for name in then], names)
    saved = state.get("books")
    books = dict(empty.books)
    for vessel, entry in saved.items() if isinstance(saved, dict) else ():
        if vessel in books and isinstance(entry, dict):
            mine = [names[row] for row in empty.rows[vessel]]
            books[vessel] = _book(entry, [str(name) for name in then if str(name).startswith(f"{vessel}.")], mine)
    picture = empty._replace(segment=sums[: len(ROWS)], before=sums[len(ROWS) : -1], books=books)
    return picture, sums[-1]


def _book(entry: Mapping[str, Json], then: Sequence[str], names: Sequence[str]) -> Book:
    place, closed = entry.get("place"), entry.get("closed")
    found = {}
    for operation, text in closed.items() if isinstance(closed, dict) else ():
        sums = unpacked(text, len(then))
        if sums is not None and len(sums) == len(ROWS):
            found[operation] = _moved(sums, then, names)
    where = Place(*map(str, place)) if isinstance(place, list) and len(place) == len(Place._fields) else NOWHERE
    return Book(str(entry.get("batch", "")), where, found)


def _moved(sums: F8, then: Sequence[str], names: Sequence[str]) -> F8:
    """Columns of the loops ``then`` as columns of the loops ``names``."""
    if [*then] == [*names]:
        return sums
    column = {name: place for place, name in enumerate(then)}
    result = np.zeros((len(sums), len(names)))
    for place, name in enumerate(names):
        if name in column:
            result[:, place] = sums[:, column[name]]
    return result


def packed(array: F8) -> str:
    """The numbers of an array, to the last bit, in a third of the space and time of JSON's own."""
    return binascii.b2a_base64(array.tobytes(), newline=False).decode("ascii")


def unpacked(text: Json, columns: int) -> F8 | None:
    """An array that :func:`packed` gave, with so many columns; ``None`` for anything else."""
    if not isinstance(text, str):
        return None
    try:
        numbers = np.frombuffer(binascii.a2b_base64(text), np.float64)
    except ValueError:
        return None
    if not columns or len(numbers) % columns or not np.isfinite(numbers).all():
        return None
    return numbers.reshape(-1, columns).copy()
