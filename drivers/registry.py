"""Drivers by name.

They are found through the entry-point group ``biovisor.drivers``, so that a third party's package is used exactly
like our own. Only the driver that is asked for is imported.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from drivers.contract import ConnectionSpec, Driver

GROUP = "biovisor.drivers"


class UnknownDriver(LookupError):
    """No installed package provides this driver; the message lists those that exist."""


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
