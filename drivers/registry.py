"""Drivers by name.

They are found through the entry-point group ``biovisor.drivers``, so that a third party's package is used exactly
like our own. Only the driver that is asked for is imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from drivers.contract import ConnectionSpec, Driver, Turning

GROUP = "biovisor.drivers"


class UnknownDriver(LookupError):
    """No installed package provides this driver; the message lists those that exist."""


@dataclass(frozen=True, slots=True)
class About:
    """What a driver says of itself and its instruments; empty where it does not. See
    :class:`~drivers.contract.DriverFactory`.
    """

    name: str
    purpose: str = ""
    verified_on: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    address_option: str = ""
    disturbs: str = ""
    recognises: bool = True
    turns: Mapping[str, Turning] = field(default_factory=dict)


def names() -> tuple[str, ...]:
    """The names of all installed drivers, sorted; imports none of them."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def create(kind: str, spec: ConnectionSpec) -> Driver:
    """Build the driver ``kind`` for one connection; no I/O.

    Raises :class:`UnknownDriver`, or ``ValueError`` with a readable message for wrong options.
    """
    driver = find(kind).load()(spec)
    if not isinstance(driver, Driver):
        raise UnknownDriver(f"{kind!r} is registered as a driver, but does not keep the contract of drivers.contract")
    return driver


def find(kind: str) -> EntryPoint:
    """The entry point of the driver ``kind``, not loaded. Raises :class:`UnknownDriver`."""
    found = entry_points(group=GROUP, name=kind)
    if not found:
        raise UnknownDriver(f"there is no driver {kind!r}; installed are: {', '.join(names()) or 'none'}")
    return next(iter(found))


def about(kind: str) -> About:
    """What the driver ``kind`` says of itself; imports it. Raises :class:`UnknownDriver`, or ``ImportError`` or
    ``AttributeError`` when it is registered but not there.
    """
    entry = find(kind)
    factory, module = entry.load(), import_module(entry.module)
    return About(
        kind,
        _first_paragraph(module.__doc__ or ""),
        _texts(getattr(module, "VERIFIED_ON", ())),
        _texts(getattr(factory, "points", ())),
        _texts(getattr(factory, "schemes", ())),
        str(getattr(factory, "address_option", "")),
        str(getattr(factory, "disturbs", "")),
        bool(getattr(factory, "recognises", True)),
        dict(getattr(factory, "turns", {})),
    )


def _texts(given: Sequence[object]) -> tuple[str, ...]:
    return tuple(map(str, given))


def _first_paragraph(text: str) -> str:
    return " ".join(text.strip().split("\n\n", 1)[0].split()).rstrip(".")
