"""Journal entries: one JSON document per command or event, chained by hashes. Pure."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import orjson

from controller.clock import iso_utc
from controller.commands import Command, Event, EventType, Verb

Entry = dict[str, Any]
"""A journal row as its JSON document."""

GENESIS = bytes(32)
"""The hash before the first row."""

SUBTYPES = {
    Verb.SETPOINT: "Property Value Change",
    Verb.OUTPUT: "Property Value Change",
    Verb.WRITE_ONCE: "Property Value Change",
    Verb.GUARD_RESET: "Property Value Change",
    Verb.ACCEPT: "Property Value Change",
    Verb.MODE: "Mode Command",
    Verb.PROGRAM: "Mode Command",
    Verb.BOTTLE: "Property Value Change",
    Verb.BATCH_CREATE: "Allocation",
    Verb.PROMPT_ANSWER: "Prompt Response",
}
"""BatchML sub-type of a command; every verb that is not here is a State Command."""

TYPES = {"api": EventType.OPERATOR, "cli": EventType.OPERATOR, "recipe": EventType.PROCEDURAL}
"""BatchML type of a command by where it came from; everything else is General."""


def command_entry(command: Command) -> Entry:
    """A command as it was asked for, before anything was decided about it."""
    is_batch = command.verb in {verb for verb in Verb if verb.name.startswith("BATCH_")} - {Verb.BATCH_CREATE}
    named = command.batch or str(command.value.get("batch", ""))
    batch = command.target if is_batch or command.verb is Verb.PROMPT_ANSWER else named
    return {
        "kind": "command",
        "type": TYPES.get(command.source, EventType.GENERAL),
        "subtype": SUBTYPES.get(command.verb, "State Command"),
        "object": command.target,
        "vessel": "" if command.target == batch else command.target.split(".")[0],
        "batch": batch,
        "text": f"{command.verb} " + ", ".join(f"{name} {value}" for name, value in command.value.items()),
        "verb": command.verb,
        "value": dict(command.value),
        "who": command.who,
        "source": command.source,
        "reason": command.reason,
        "id": command.id,
        "expected_revision": command.expected_revision,
        "operation": command.operation,
    }


def event_entry(event: Event) -> Entry:
    """An event in the journal's words."""
    return {
        "kind": "event",
        "type": event.type,
        "subtype": event.subtype,
        "object": event.object,
        "vessel": event.vessel,
        "batch": event.batch,
        "text": event.text,
        "value": event.value,
        "previous": event.previous,
        "unit": event.unit,
        "who": event.who,
        "reason": event.reason,
        "command": event.command,
    }


def entry_command(entry: Mapping[str, Any]) -> Command:
    """The command that an entry of kind ``command`` holds, under its journal number."""
    return Command(
        verb=Verb(entry["verb"]),
        target=entry["object"],
        value=entry["value"],
        who=entry["who"],
        source=entry["source"],
        reason=entry["reason"],
        id=entry["id"],
        expected_revision=entry["expected_revision"],
        journal=entry["number"],
        batch=entry["batch"] if entry["source"] == "recipe" and entry["batch"] != entry["object"] else "",
        operation=entry.get("operation", ""),
    )


def body(entry: Entry) -> bytes:
    """An entry as JSON. A number that is not finite becomes null. Raises ``TypeError`` for what JSON cannot say."""
    return orjson.dumps(entry, option=orjson.OPT_SERIALIZE_NUMPY)


def seal(content: bytes, number: int, utc: float, previous: bytes) -> tuple[bytes, bytes]:
    """The text and the hash of row ``number``, which says ``content`` (from :func:`body`).

    ``utc`` is when it is written, in seconds since the epoch; beside it stands this computer's zone offset in seconds.
    """
    zone = time.localtime(utc).tm_gmtoff
    text = b'{"number":%d,"time":"%s","zone_s":%d,%s' % (number, iso_utc(utc).encode(), zone, content[1:])
    return text, chain(previous, text)


def chain(previous: bytes, text: bytes) -> bytes:
    """SHA-256 over the previous row's hash and this row's text."""
    return hashlib.sha256(previous + text).digest()
