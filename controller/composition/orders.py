"""Batches ordered on the command line: created and started through the door, like anybody's."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from controller.commands import Command, Outcome, Verb
from controller.composition.options import BatchOrder, Options

if TYPE_CHECKING:
    from controller.composition.assembly import Assembly

log = logging.getLogger("biovisor.orders")


async def place_orders(options: Options, assembly: Assembly) -> None:
    """Create and start every ordered batch whose vessel has none; what is refused is logged and on record."""
    for order in options.batches:
        if not assembly.occupied(order.vessel):
            await place(order, assembly)


async def place(order: BatchOrder, assembly: Assembly) -> None:
    """Create one batch and start it. Raises what :meth:`Assembly.new_batch` raises for a wrong recipe or formula."""
    create = assembly.new_batch(order)
    outcome = await settle(assembly, create)
    if outcome.applied:
        batch = str(create.value["batch"])
        outcome = await settle(assembly, Command(Verb.BATCH_START, batch, who="cli", source="cli", reason=order.reason))
    if not outcome.applied:
        log.error("%s on %s: %s", order.recipe, order.vessel, outcome.reason)


async def settle(assembly: Assembly, command: Command) -> Outcome:
    """Send one command through the door and wait for what the scan makes of it."""
    number = await asyncio.wrap_future(assembly.door.submit(command))
    future = assembly.door.outcome(number)
    if future is None:
        raise LookupError(f"the outcome of command {number} is no longer known")
    return await asyncio.wrap_future(future)
