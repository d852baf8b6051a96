"""Commands and events: the words of the one door and of the one record.

Every change of anything (operator, API, recipe, interlock, restart) is a :class:`Command` that is committed to
the journal before it acts. What came of it, and everything else worth knowing, is an :class:`Event`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, NamedTuple

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Verb(StrEnum):
    """What a command asks for. ``target`` is named beside each."""

    SETPOINT = "loop.setpoint"  # "BR-101.temperature"; value {"value": 37.0}, in the loop's unit
    MODE = "loop.mode"  # "BR-101.temperature"; value {"mode": a word of Mode}
    OUTPUT = "loop.output"  # "BR-101.temperature"; value {"value": 12.5}, in output units, manual mode only
    GUARD_RESET = "output.guard"  # "BR-101.base_flow"; no value: what the output gives is counted anew
    # "BR-101.feed"; value {"program": name or None, "parameters": {name: number, word, or points of hour and rate}} and
    # a recipe's "run", which names this start; or {"wait": true | false}
    PROGRAM = "loop.program"
    BOTTLE = "loop.bottle"  # "BR-101.feed"; value {"volume": 500 or None for a full one}, in the feed's amount
    TUNE_START = "loop.tune"  # "BR-101.temperature"; value {"method": "relay" | "step", "amplitude": 10.0, …}
    TUNE_STOP = "loop.tune.stop"  # "BR-101.temperature"
    TUNING = "loop.tuning"  # "BR-101.temperature"; value {"gain": 46.0, "integral_time": 710.0, …} or {"undo": True}
    ACCEPT = "connection.accept"  # "feed-pump-101"; value {"instrument": by what the other one is seen}
    WRITE_ONCE = "tag.write"  # "BR-101.count_request"; value {"value": 7}; for outputs with `once: true`
    BATCH_CREATE = (
        "batch.create"  # vessel; value {"batch", "recipe", "formula": {name: number}, "begin_at": operation or None}
    )
    BATCH_START = "batch.start"  # batch id, as all below
    BATCH_HOLD = "batch.hold"
    BATCH_RESTART = "batch.restart"
    BATCH_STOP = "batch.stop"
    BATCH_ABORT = "batch.abort"
    BATCH_PAUSE = "batch.pause"
    BATCH_RESUME = "batch.resume"
    BATCH_RESET = "batch.reset"
    PROMPT_ANSWER = "prompt.answer"  # batch id; value {"prompt": id, "inputs": {name: number}}


STOPPING = frozenset({Verb.BATCH_HOLD, Verb.BATCH_STOP, Verb.BATCH_ABORT, Verb.TUNE_STOP})
"""What ends or interrupts a batch or an experiment."""


@dataclass(frozen=True, slots=True)
class Command:
    """A wish to change something. ``journal`` is 0 until the journal committed it under that number.

    ``batch`` and ``operation`` say for which step of which batch a recipe wants it; empty for anybody else's.
    """

    verb: Verb
    target: str
    value: Mapping[str, Json] = field(default_factory=dict)
    who: str = "system"
    source: Literal["api", "cli", "recipe", "restart", "demo"] = "api"
    reason: str = ""
    id: str = ""
    expected_revision: int | None = None
    journal: int = 0
    batch: str = ""
    operation: str = ""

    @property
    def stops(self) -> bool:
        """Whether it only leads to the safe side: a batch held, stopped or aborted, an experiment ended, a loop off.
        It can't be too late for that, and nothing is gained by refusing it.
        """
        return self.verb in STOPPING or (self.verb is Verb.MODE and self.value.get("mode") == "off")

    def committed(self, journal: int) -> Command:
        """The same command, under its journal number."""
        return replace(self, journal=journal)


class EventType(StrEnum):
    """BatchML event types, used as they are so that an export is a mapping and not a conversion."""

    ALARM = "Alarm"
    CONTROL_RECIPE = "Control Recipe"
    EQUIPMENT = "Equipment"
    GENERAL = "General"
    MATERIAL = "Material"
    MESSAGE = "Message"
    OPERATOR = "Operator"
    PROCEDURAL = "Procedural Execution"
    OTHER = "Other"


class Event(NamedTuple):
    """Something that happened, in one line of the record.

    ``subtype`` is BatchML's ("State Change", "Mode Change", "Prompt", "Modification", "Status Change", "System" …);
    ``object`` is what it is about ("BR-101.temperature", "plc-101", a batch id); ``command`` is the journal number
    of the command it answers, 0 for none.
    """

    type: EventType
    subtype: str
    object: str
    text: str
    vessel: str = ""
    batch: str = ""
    value: Json = None
    previous: Json = None
    unit: str = ""
    who: str = "system"
    reason: str = ""
    command: int = 0


class Outcome(NamedTuple):
    """What the scan made of a committed command: applied, or refused with its reason and the allowed alternatives."""

    command: Command
    applied: bool
    reason: str = ""
    allowed: tuple[str, ...] = ()
