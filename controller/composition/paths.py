"""Where things are stored below the data directory."""

from __future__ import annotations

from pathlib import Path


def store_path(data: Path) -> Path:
    """The one file of record."""
    return data / "biovisor.sqlite"


def recipes_path(data: Path) -> Path:
    """Frozen copies of every recipe that a batch was made from, by content hash."""
    return data / "recipes"


def instruments_path(data: Path) -> Path:
    """Where the pseudo-terminals of simulated instruments are linked."""
    return data / "instruments"


def control_path(data: Path) -> Path:
    """The line that the simulators of a running supervisor printed; their control port is in it."""
    return data / "simulators.json"


def calibrations_path(data: Path, site: str, *, simulated: bool) -> Path:
    """A site's calibrations. Those of simulated instruments are apart: neither kind is ever used for the other."""
    return data / "calibrations" / f"{site}{'-simulated' if simulated else ''}.jsonl"


def open_calibration_path(data: Path, site: str, vessel: str, name: str, *, simulated: bool) -> Path:
    """What an unfinished calibration has found so far."""
    return calibrations_path(data, site, simulated=simulated).with_suffix("") / f"{vessel}.{name}.json"


def fresh(data: Path, name: str) -> Path:
    """The first of ``name-1``, ``name-2`` … below ``data`` that does not exist yet."""
    number = 1
    while (data / f"{name}-{number}").exists():
        number += 1
    return data / f"{name}-{number}"
