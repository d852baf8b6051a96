"""What a server reports of its own accord: events, alarms among them, as messages of the instrument.

Source: OPC UA part 5, 6.4 (BaseEventType) and part 9, 5.8 (alarms).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from drivers.contract import Message

if TYPE_CHECKING:
    from asyncua import ua

EVENTS = 0xFFFFFFFE
"""The number by which the server tells events from values."""
QUEUE = 100
KEPT = 200
LONGEST = 500
SERVER, BASE_EVENT, ALARM = "i=2253", "i=2041", "i=2915"
FIELDS = ("Message", "SourceName", "Severity", "Time")
ACTIVE = ("ActiveState", "Id")
STATES = {True: "active: ", False: "no longer active: "}


class Heard:
    """Messages that wait to be taken; of more than 200 the oldest are dropped, and counted."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque(maxlen=KEPT)
        self._dropped = 0

    def say(self, text: str) -> None:
        """A message of the driver's own."""
        self._append(Message(text))

    def take(self, events: Iterable[Sequence[ua.Variant]]) -> None:
        """Events by the fields that :func:`event_item` asks for."""
        for fields in events:
            text, source, severity, time, active = ([field.Value for field in fields] + [None] * 5)[:5]
            said = _words(getattr(text, "Text", text)) or "an event without words"
            state = STATES[active] if isinstance(active, bool) else ""
            rank = severity if isinstance(severity, int) else 0
            self._append(Message(state + said, _words(source), rank, _seconds(time)))

    def give(self) -> Sequence[Message]:
        """All of them, oldest first; they are forgotten here."""
        messages, dropped = list(self._messages), self._dropped
        self._messages.clear()
        self._dropped = 0
        lost = [Message(f"{dropped} earlier messages were too many at once and are lost")] if dropped else []
        return [*lost, *messages]

    def _append(self, message: Message) -> None:
        self._dropped += len(self._messages) == KEPT
        self._messages.append(message)


def event_item(*, alarms: bool) -> ua.MonitoredItemCreateRequest:
    """The request for all events of a server, in the fields of :data:`FIELDS`, and with ``alarms`` their state."""
    from asyncua import ua
    from asyncua.ua.attribute_ids import AttributeIds

    clauses = [_field(BASE_EVENT, name) for name in FIELDS]
    wanted = ua.EventFilter()
    wanted.SelectClauses = [*clauses, _field(ALARM, *ACTIVE)] if alarms else clauses
    item = ua.MonitoredItemCreateRequest()
    item.ItemToMonitor.NodeId = ua.NodeId.from_string(SERVER)
    item.ItemToMonitor.AttributeId = AttributeIds.EventNotifier
    item.MonitoringMode = ua.MonitoringMode.Reporting
    item.RequestedParameters.ClientHandle = EVENTS
    item.RequestedParameters.Filter = wanted
    item.RequestedParameters.QueueSize = QUEUE
    return item


def _field(of: str, *path: str) -> ua.SimpleAttributeOperand:
    from asyncua import ua
    from asyncua.ua.attribute_ids import AttributeIds

    field = ua.SimpleAttributeOperand()
    field.TypeDefinitionId = ua.NodeId.from_string(of)
    field.BrowsePath = [ua.QualifiedName(name, 0) for name in path]
    field.AttributeId = AttributeIds.Value
    return field


def _words(said: object) -> str:
    """In one line, and not too long."""
    return " ".join(str(said or "").split())[:LONGEST]


def _seconds(time: object) -> float | None:
    if not isinstance(time, datetime) or not 2000 <= time.year < 2100:  # servers without a clock say odd things
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
