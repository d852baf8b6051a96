"""Batches ordered on the command line: created and started through the door, like anybody's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from controller.commands import Command, Outcome, Verb
from controller.composition.options import BatchOrder, Options
from controller.config.problems import Problems
from controller.door import DoorClosed
from controller.store import StoreUnavailable
from controller.units import UnitError

if TYPE_CHECKING:
    from controller.composition.assembly import Assembly


class OrderRefused(Exception):
    """A batch that was ordered cannot be made or started; the message says which and why."""


async def place_orders(options: Options, assembly: Assembly) -> None:
    """Create and start every ordered batch whose vessel has none. Raises :class:`OrderRefused` for the first that
    cannot be: the supervisor's life decides whether it goes on.
    """
    for order in options.batches:
        try:
            if not assembly.has_batch(order.vessel):
                await place(order, assembly)
        except (Problems, LookupError, UnitError, StoreUnavailable, DoorClosed) as error:
            raise OrderRefused(f"{order.recipe} on {order.vessel}: {error}") from error


async def place(order: BatchOrder, assembly: Assembly) -> None:
    """Create one batch and start it. Raises what :meth:`Assembly.new_batch` raises for a wrong recipe or formula, and
    :class:`StoreUnavailable` or :class:`DoorClosed` when it is not accepted, ``LookupError`` when it is refused.
    """
    create = await asyncio.to_thread(assembly.new_batch, order)
    outcome = await settle(assembly, create)
    if outcome.applied:
        batch = str(create.value["batch"])
        outcome = await settle(assembly, Command(Verb.BATCH_START, batch, who="cli", source="cli", reason=order.reason))
    if not outcome.applied:
        raise LookupError(outcome.reason)


async def settle(assembly: Assembly, command: Command) -> Outcome:
    """Send one command through the door and wait for what the scan makes of it."""
    number = await asyncio.wrap_future(assembly.door.submit(command))
    future = assembly.door.outcome(number)
    if future is None:
        raise LookupError(f"the outcome of command {number} is no longer known")
    return await asyncio.wrap_future(future)
