"""What an operator may say of an output itself: that what it gave is right."""

from __future__ import annotations

from fastapi import APIRouter

from controller.api.answers import ACCEPTED, Answer, Supervisor, vessel_info
from controller.api.models import BatchAction
from controller.api.ordering import OPERATOR, order_now
from controller.api.views import unknown
from controller.commands import Command, Verb

router = APIRouter(prefix="/api/v1/vessels/{vessel}/outputs/{output}", tags=["outputs"])


@router.post("/guard/reset", summary="Let a dose guard go", responses=ACCEPTED)
async def reset_guard(vessel: str, output: str, body: BatchAction, gateway: Supervisor) -> Answer:
    """What the output gives is counted anew from zero. Refused unless its dose guard holds it."""
    guarded = vessel_info(gateway, vessel).guarded
    if output not in guarded:
        raise unknown(f"output of {vessel} with a dose guard", sorted(guarded))
    command = Command(Verb.GUARD_RESET, f"{vessel}.{output}", {}, OPERATOR, "api", body.reason)
    return await order_now(gateway, command)
