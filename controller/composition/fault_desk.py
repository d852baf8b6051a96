"""Process faults ordered by hand while a simulated site runs: where its control port is, and what to ask of it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from controller.clock import ScaledClock
from controller.commands import Json
from controller.composition.fault_status import row
from controller.composition.lease import holder_of
from controller.composition.paths import control_path
from controller.composition.process_faults import Wish, catalogue, request
from controller.composition.simulated import Addresses, SimulatorError, ask
from controller.units import Quantity, UnitError, parse_quantity

NOTHING_RUNS = "no supervisor with simulated instruments runs on {data}; say its data directory with --data"


class NotOrdered(Exception):
    """The order makes no sense; the text says why, and what would."""


def control_port(data: Path, instruments: Path | None = None) -> tuple[str, int]:
    """Where the simulators of the running supervisor take orders: of the one whose record is in ``data``, of a
    demonstration whose folder is in there, or of those that ``instruments`` holds the line of.

    Raises :class:`SimulatorError` when none runs, or several do.
    """
    if instruments is not None:
        try:
            return Addresses.parse(instruments.read_text(encoding="utf-8")).control
        except OSError as error:
            raise SimulatorError(f"{instruments}: {error.strerror}") from error
    folders = [data, *sorted(data.glob("demo-*"))]
    running = [one for one in folders if control_path(one).is_file() and holder_of(one) is not None]
    if not running:
        raise SimulatorError(NOTHING_RUNS.format(data=data))
    if len(running) > 1:
        several = ", ".join(map(str, running))
        raise SimulatorError(f"several supervisors with simulated instruments run: choose one with --data: {several}")
    return control_port(running[0], control_path(running[0]))


def inject(fault: str, vessel: str, texts: Sequence[str | None], data: Path, instruments: Path | None) -> str:
    """Order a fault; gives what to tell. ``texts`` are signal, start, duration and magnitude as they were typed.

    Raises :class:`NotOrdered` for an order that makes no sense, :class:`SimulatorError`.
    """
    signal, *quantities = texts
    asked = request(Wish(fault, signal, *map(_quantity, quantities)), vessel)
    if not isinstance(asked, dict):
        raise NotOrdered("; ".join(f"{one.message} ({one.hint})" if one.hint else one.message for one in asked))
    answer = _ask(data, instruments, asked)
    return f"process fault {answer['number']} is ordered: end it with `biovisor fault clear {answer['number']}`\n"


def clear(number: str, data: Path, instruments: Path | None) -> str:
    """End one fault by its number, or all; gives what to tell. Raises :class:`NotOrdered`, :class:`SimulatorError`."""
    if number != "all" and not number.isdecimal():
        raise NotOrdered(f"{number!r} is no number; `biovisor fault status` shows them")
    asked: Json = "all" if number == "all" else int(number)
    cleared = cast("list[Json]", _ask(data, instruments, {"op": "process_fault_clear", "number": asked})["cleared"])
    return f"cleared: {', '.join(map(str, cleared)) or 'none'}\n"


def going_on(data: Path, instruments: Path | None) -> list[tuple[str, ...]]:
    """What waits or goes on, a row of :data:`controller.composition.fault_status.HEAD` each. Raises
    :class:`SimulatorError`.
    """
    answer, utc = _ask(data, instruments, {"op": "process_faults"}), ScaledClock().utc()
    faults, speed = cast("list[Mapping[str, Json]]", answer["faults"]), float(cast("float", answer["speed"]))
    return [row(one, speed, utc) for one in faults]


def rows() -> list[tuple[str, ...]]:
    """The catalogue: number, name, signals, magnitude with its range, usual duration, what it is."""
    found: list[tuple[str, ...]] = []
    for one in catalogue():
        size = one.magnitude
        found.append(
            (
                one.number,
                one.name,
                one.befalls,
                f"{size.usual:g} {size.unit} ({size.low:g} .. {size.high:g})" if size else "-",
                f"{one.duration_s:g} s" if math.isfinite(one.duration_s) else "until cleared",
                one.title,
            )
        )
    return found


def _quantity(text: str | None) -> Quantity | None:
    if text is None:
        return None
    try:
        return parse_quantity(text, "")
    except UnitError as error:
        raise NotOrdered(f"{error.message}{f' ({error.hint})' if error.hint else ''}") from error


def _ask(data: Path, instruments: Path | None, asked: Mapping[str, Json]) -> dict[str, Json]:
    return asyncio.run(ask(control_port(data, instruments), asked))
