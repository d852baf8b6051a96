"""The stored calibrations of a site: which are in force, and which are missing or expired."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from controller.clock import iso_utc
from controller.commands import Event, EventType
from controller.composition.paths import calibrations_path
from controller.config.calibrated import Calibrated, fits, users
from controller.config.problems import Problem, nearest
from controller.store.calibrations import CalibrationsUnusable, Key, checks, read, stacks
from controller.units import Quantity

if TYPE_CHECKING:
    from controller.config.load import LoadedSite

Entry = Mapping[str, Any]


class Stored(NamedTuple):
    """What is stored for a site: calibrations in force and newest checks, by vessel and name; what was passed over,
    and which calibrations do not fit their tags any more.
    """

    in_force: Mapping[Key, Calibrated]
    checks: Mapping[Key, Entry]
    warnings: Sequence[str] = ()
    unfit: Sequence[str] = ()


class Overdue(NamedTuple):
    """A calibration or a check that somebody has to see to: ``what`` is ``missing``, ``expired`` or ``failed``."""

    vessel: str
    name: str
    what: str
    text: str


def stored(loaded: LoadedSite, data: Path, *, simulated: bool) -> Stored:
    """What the data directory holds for a site; those for names that the site does not have are passed over with a
    warning. Raises :class:`CalibrationsUnusable`.
    """
    path = calibrations_path(data, loaded.config.site, simulated=simulated)
    history = read(path)
    in_force = {key: calibrated(stack[-1]) for key, stack in stacks(history.entries).items() if stack}
    warnings, unfit = list(history.warnings), []
    for (vessel, name), one in list(in_force.items()):
        tags = _users(loaded, vessel, name)
        if wrong := _misfit(one, tags):
            unfit.append(f"{path}: {one.id}: {wrong}")
        elif not tags:
            warnings.append(f"{one.id}: the site has no calibration {vessel}.{name} any more; it is left out")
        if wrong or not tags:
            del in_force[vessel, name]
    return Stored(in_force, checks(history.entries), warnings, unfit)


def wanted(loaded: LoadedSite, found: Stored, vessel: str) -> set[str]:
    """The names of the calibrations that a vessel should have, has, or has a check of."""
    vessel_class = loaded.classes[vessel]
    names = {one.calibration for one in vessel_class.measurements.values() if one.calibration}
    names |= {name for owner, name in [*found.in_force, *found.checks] if owner == vessel}
    return names | set(loaded.config.vessels[vessel].calibration)


def overdue(loaded: LoadedSite, found: Stored, vessel: str, utc: float) -> list[Overdue]:
    """Which calibrations of a vessel are missing or expired at ``utc``, and which checks have failed or expired."""
    return [
        Overdue(vessel, name, what, text)
        for name in sorted(wanted(loaded, found, vessel))
        for what, text in _judged(loaded, found, vessel, name, iso_utc(utc))
    ]


def overdue_texts(loaded: LoadedSite, found: Stored, utc: float) -> list[str]:
    """What is overdue on all vessels, in words."""
    return [f"{vessel}: {one.text}" for vessel in loaded.classes for one in overdue(loaded, found, vessel, utc)]


def ids(loaded: LoadedSite) -> dict[str, str]:
    """The ids of the calibrations in force, by full name."""
    return {f"{vessel}.{name}": one.id for vessel in loaded.classes for name, one in in_force(loaded, vessel).items()}


def in_force(loaded: LoadedSite, vessel: str) -> dict[str, Calibrated]:
    """The calibrations in force on a vessel, by name."""
    names = [*loaded.config.vessels[vessel].calibration]
    names += [name for owner, name in loaded.calibrations if owner == vessel]
    found = {name: loaded.calibration(vessel, name) for name in names}
    return {name: one for name, one in found.items() if one}


def start_events(loaded: LoadedSite, found: Stored, before: Mapping[str, str], utc: float) -> list[Event]:
    """For the record at a start: which calibrations are in force, what changed since ``before`` (the ids of the last
    run), what is overdue, and what was passed over.
    """
    events = [
        _event(vessel, name, one, before.get(f"{vessel}.{name}"))
        for vessel in loaded.classes
        for name, one in in_force(loaded, vessel).items()
    ]
    events += [_gone(name, before[name]) for name in before.keys() - ids(loaded).keys()]
    events += [
        Event(EventType.EQUIPMENT, "Status Change", f"{vessel}.{one.name}", one.text, vessel=vessel, value=one.what)
        for vessel in loaded.classes
        for one in overdue(loaded, found, vessel, utc)
    ]
    return events + [Event(EventType.GENERAL, "System", "calibrations", text) for text in found.warnings]


def problems(loaded: LoadedSite, data: Path) -> list[Problem]:
    """What is wrong with the stored calibrations of a site, simulated ones included, by line of their files."""
    found: list[Problem] = []
    for simulated in (False, True):
        path = calibrations_path(data, loaded.config.site, simulated=simulated)
        try:
            history = read(path)
        except CalibrationsUnusable as error:
            line, _, message = str(error).removeprefix(f"{path}:").partition(": ")
            found.append(Problem(str(path), int(line), 1, (), message))
            continue
        entries = [stack[-1] for stack in stacks(history.entries).values() if stack]
        found += [
            Problem(str(path), entry["line"], 1, (entry["vessel"], entry["name"]), message, hint)
            for entry in entries
            for message, hint in _wrong(loaded, entry)
        ]
    return found


def calibrated(entry: Entry) -> Calibrated:
    """What an entry puts in force."""
    new = entry["new"]
    offset = Quantity(**new["offset"]) if new["offset"] else None
    return Calibrated(entry["id"], Quantity(**new["factor"]), offset, entry["time"], entry["expires"])


def _event(vessel: str, name: str, now: Calibrated, before: str | None) -> Event:
    changed = before is not None and before != now.id
    kind = "Modification" if changed else "Status Change"
    text = f"calibration {now.id} of {now.date[:10]} is in force" + (f" in place of {before}" if changed else "")
    text += f": factor {now.factor}" + (f", offset {now.offset}" if now.offset else "")
    text += f", until {now.expires[:10]}" if now.expires else ""
    name = f"{vessel}.{name}"
    return Event(EventType.EQUIPMENT, kind, name, text, vessel=vessel, value=now.id, previous=before)


def _gone(name: str, before: str) -> Event:
    text = f"no calibration is in force in place of {before}"
    vessel = name.partition(".")[0]
    return Event(EventType.EQUIPMENT, "Modification", name, text, vessel=vessel, value="", previous=before)


def _judged(loaded: LoadedSite, found: Stored, vessel: str, name: str, now: str) -> Iterator[tuple[str, str]]:
    one = found.in_force.get((vessel, name)) or loaded.calibration(vessel, name)
    check = found.checks.get((vessel, name))
    if one is None and check is None:
        yield "missing", f"{name}: never calibrated"
    elif one is not None and one.expires and one.expires <= now:
        yield "expired", f"{name}: calibration {one.id} expired on {one.expires[:10]}"
    if check is not None and not check["passed"]:
        yield "failed", f"{name}: the check {check['id']} failed on {check['time'][:10]}"
    elif check is not None and check["expires"] and check["expires"] <= now:
        yield "expired", f"{name}: the check {check['id']} expired on {check['expires'][:10]}"


def _users(loaded: LoadedSite, vessel: str, name: str) -> list[tuple[str, str]]:
    return users(loaded.classes[vessel], name) if vessel in loaded.classes else []


def _misfit(one: Calibrated, tags: Sequence[tuple[str, str]]) -> str:
    """Why a factor does not fit a tag, if so."""
    wrong = next((tag for tag, unit in tags if not fits(one.factor.unit, unit)), "")
    return f"its factor in {one.factor.unit} does not give the unit of {wrong}" if wrong else ""


def _wrong(loaded: LoadedSite, entry: Entry) -> Iterator[tuple[str, str]]:
    vessel, name = entry["vessel"], entry["name"]
    out = "undo it with `biovisor device calibrate … --undo`"
    if vessel not in loaded.classes:
        yield f"{entry['id']}: there is no vessel {vessel!r} any more", nearest(vessel, list(loaded.classes)) or out
    elif not (tags := _users(loaded, vessel, name)):
        yield f"{entry['id']}: {vessel} has no calibration {name!r} any more", out
    elif wrong := _misfit(calibrated(entry), tags):
        yield f"{entry['id']}: {wrong}", "calibrate anew, or undo it"
