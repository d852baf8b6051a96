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


def closed(names: Sequence[str], picture: Picture) -> dict[str, Json]:
    """What is over: it changes so seldom that it is worth keeping. ``names`` are those of the loops."""
    books: dict[str, Json] = {
        vessel: {
            "batch": book.batch,
            "place": [*book.place],
            "closed": {operation: packed(sums) for operation, sums in book.closed.items()},
        }
        for vessel, book in picture.books.items()
    }
    return {"loops": [*names], "rows": [*ROWS], "before": packed(picture.before), "books": books}


def running(picture: Picture, since: F8) -> str:
    """The rest: it changes in every scan. ``since`` is the time since each loop's setpoint changed."""
    return packed(np.concatenate((picture.segment, since[np.newaxis])))


def restored(state: Mapping[str, Json], names: Sequence[str], empty: Picture) -> tuple[Picture, F8] | None:
    """The picture and the times out of what :func:`closed` and :func:`running` (as ``running``) gave. Loops are found
    by their names; new ones begin at zero. ``None`` for a state that holds other sums.
    """
    then = state.get("loops")
    if state.get("rows") != ROWS or not isinstance(then, list):
        return None
    known = [str(name) for name in then]
    segment, before = unpacked(state.get("running"), len(known)), unpacked(state.get("before"), len(known))
    if segment is None or before is None or (len(segment), len(before)) != (len(ROWS) + 1, len(ROWS)):
        return None
    segment, before, saved = _moved(segment, known, names), _moved(before, known, names), state.get("books")
    books = dict(empty.books)
    for vessel, entry in saved.items() if isinstance(saved, dict) else ():
        if vessel in books and isinstance(entry, dict):
            mine = [names[row] for row in empty.rows[vessel]]
            books[vessel] = _book(entry, [name for name in known if name.startswith(f"{vessel}.")], mine)
    return empty._replace(segment=segment[:-1], before=before, books=books), segment[-1]


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
