"""Instruments that answer in place of others: nothing is written to them until a person accepts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from controller.commands import Command, Event, Outcome
from controller.stages.orders import Change, recorded, refused

if TYPE_CHECKING:
    from drivers.link import Link


def accept(command: Command, find: Callable[[str], Link | None]) -> tuple[Outcome, Event]:
    """Accept the instrument that answers on the connection ``command.target``; the event is for the record, whatever
    came of it. ``find`` gives a connection's link.
    """
    link = find(command.target)
    refusal = _refusal(command, link)
    if link is None or refusal:
        return refused(command, refusal)
    text = f"{command.target}: {link.stranger}: accepted, and written to from now on"
    link.accept()
    return Outcome(command, applied=True), recorded(command, Change(text, "Status Change"))


def _refusal(command: Command, link: Link | None) -> str:
    """Why it is not accepted; empty when it is."""
    if link is None or link.state != "up":
        return f"{command.target} is not connected"
    if command.source == "recipe":
        return "only a person can accept an instrument"
    if not link.stranger:
        return f"{command.target} has the instrument that it had before"
    if command.value.get("instrument") != link.stranger:
        return f"another one answers meanwhile: {link.stranger}"
    return ""
