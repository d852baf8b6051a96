"""What a restart of the supervisor does to a batch: it comes back held, or it is set aside loudly; never lost."""

from __future__ import annotations

from controller.commands import Event, EventType, Json
from controller.recipe.batch import Batch
from controller.recipe.lifecycle import change_state
from controller.recipe.run import event
from controller.recipe.states import State
from controller.recipe.view import OPEN


class RestoreError(LookupError):
    """A stored batch that cannot go on here: its vessel or its recipe is missing, or it is not readable."""


NOT_REVIVED = (LookupError, ValueError, TypeError, AttributeError)
"""What a stored batch can raise that another version wrote, or that no longer fits its class (ConditionError)."""


def set_aside(entry: Json, error: Exception) -> Event:
    """The alarm that a batch did not come back."""
    data = entry.get("batch") if isinstance(entry, dict) else None
    known = data if isinstance(data, dict) else {}
    identifier, vessel = str(known.get("id", "(unknown)")), str(known.get("vessel", ""))
    why = str(error) if isinstance(error, RestoreError) else f"what is stored of it does not fit: {error!r}"
    text = f"batch {identifier} is set aside and NOT supervised: {why}. It is kept, and tried again at the next start"
    return Event(EventType.ALARM, "Status Change", identifier, text, vessel=vessel, batch=identifier, reason="restart")


def after_outage(batch: Batch, outage_s: float) -> list[Event]:
    """What a restart of the supervisor does to a batch: active ones are held, those that were ending go on ending."""
    batch.issued = batch.feeds_off = False
    batch.feeding_s = 0.0
    if batch.state not in OPEN:
        return []
    text = f"{batch.id}: the supervisor was away for {outage_s:.1f} s; held in {batch.operation or 'its beginning'}"
    told = event(batch, EventType.GENERAL, "System", text, value=outage_s)
    if batch.state is State.HELD:
        return [told]
    reason = f"supervisor restarted after {outage_s:.1f} s"
    changed = change_state(batch, State.HELD, reason)
    batch.held_reason = reason
    return [told, changed]
