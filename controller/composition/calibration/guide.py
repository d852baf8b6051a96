"""The way through a calibration: the method, old and new side by side, acceptance, the entry; and the way back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from controller.clock import iso_utc
from controller.composition.calibration import probes, pumps
from controller.composition.calibration.job import Finding, Job
from controller.composition.calibration.results import changed
from controller.composition.calibration.session import words, yes
from controller.config.calibrated import SITE_FILE, Calibrated, users
from controller.store.calibrations import append, read, stacks
from controller.units import Quantity

DAY_S = 86_400.0


class Method(NamedTuple):
    """How it is done, and after how many days it is to be done again."""

    do: Callable[[Job], Finding]
    valid_days: float


METHODS: Mapping[str, Method] = {
    "ph-1": Method(probes.ph_one_point, 7),
    "ph-2": Method(probes.ph_two_points, 30),
    "do": Method(probes.oxygen, 30),
    "pump-balance": Method(pumps.by_balance, 30),
    "pump-volume": Method(pumps.by_volume, 30),
    "balance": Method(probes.balance, 30),
}


class Book(NamedTuple):
    """Where entries go. ``valid_s`` is how long a new one is valid: ``None`` as usual for its method, infinite for
    good; ``utc`` gives the time.
    """

    path: Path
    prefix: str
    utc: Callable[[], float]
    valid_s: float | None = None


def calibrate(job: Job, method: str, book: Book) -> dict[str, Any] | None:
    """From the first question to the entry, which it gives; ``None`` when the result was not accepted.

    Raises what the method raises: :class:`~controller.composition.calibration.results.Refused` and others.
    """
    finding = METHODS[method].do(job)
    session = job.session
    session.say(finding.text + "\n" if finding.text else compared(job.old, finding))
    if finding.passed is None and not session.ask("accept", "Accept it: yes or no", yes):
        session.end()
        return None
    content = {
        "kind": "calibration" if finding.passed is None else "check",
        **_who(job),
        "method": method,
        "readings": finding.readings,
        "references": finding.references,
        "old": document(job.old),
        "new": None if finding.factor is None else line(finding.factor, finding.offset),
        "passed": finding.passed,
        "expires": _expires(METHODS[method], book),
    }
    entry = append(book.path, content, book.utc(), book.prefix)
    session.end()
    return entry


def undo(job: Job, book: Book) -> dict[str, Any] | None:
    """Put back what was in force before, by a new entry; ``None`` when there is nothing to undo. For a name that the
    site does not have any more, nothing stays in force.
    """
    stack = stacks(read(book.path).entries).get((job.vessel, job.name), [])
    if not stack:
        return None
    known = job.vessel in job.loaded.classes and bool(users(job.loaded.classes[job.vessel], job.name))
    below = stack[-2] if len(stack) > 1 and known else None
    content = {
        "kind": "undo",
        **_who(job),
        "method": stack[-1]["method"],
        "undoes": stack[-1]["id"],
        "restores": below["id"] if below else SITE_FILE,
        "old": stack[-1]["new"],
        "new": below["new"] if below else None,
        "expires": below["expires"] if below else "",
    }
    return append(book.path, content, book.utc(), book.prefix)


def compared(old: Calibrated | None, finding: Finding) -> str:
    """Old and new side by side, with the change in %."""
    assert finding.factor is not None, "a finding that changes something"
    before = old.factor.value * _unit_factor(old.factor, finding.factor) if old else math.nan
    rows = [("", "old", "new", "change"), _row("factor", before, finding.factor)]
    if finding.offset is not None:
        had = old.offset.difference(finding.offset.unit) if old and old.offset else 0.0
        rows.append(_row("offset", had, finding.offset))
    return table(rows)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns, aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{text.rstrip()}\n" for text in lines)


def line(factor: Quantity, offset: Quantity | None) -> dict[str, Any]:
    """Factor and offset as plain JSON."""
    return {"factor": _plain(factor), "offset": _plain(offset) if offset else None}


def document(one: Calibrated | None) -> dict[str, Any] | None:
    """What was in force, as plain JSON."""
    return {**line(one.factor, one.offset), "id": one.id} if one else None


def _plain(quantity: Quantity) -> dict[str, Any]:
    return {"value": quantity.value, "unit": quantity.unit}


def _unit_factor(old: Quantity, new: Quantity) -> float:
    return Quantity(1.0, old.unit).difference(new.unit)


def _row(name: str, before: float, after: Quantity) -> tuple[str, str, str, str]:
    change = changed(before, after.value)
    shown = "-" if math.isnan(change) else f"{change:+.2f} %"
    return name, "-" if math.isnan(before) else f"{before:.5g}", f"{after.value:.5g} {after.unit}", shown


def _who(job: Job) -> dict[str, Any]:
    return {
        "vessel": job.vessel,
        "name": job.name,
        "who": job.session.ask("who", "Who are you", words),
        "reason": job.session.ask("reason", "Why was it done", words),
    }


def _expires(method: Method, book: Book) -> str:
    valid_s = method.valid_days * DAY_S if book.valid_s is None else book.valid_s
    return iso_utc(book.utc() + valid_s) if math.isfinite(valid_s) else ""
