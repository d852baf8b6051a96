"""What a person may say of a connection: that the instrument which answers now is the right one."""

from __future__ import annotations

from fastapi import APIRouter

from controller.api.answers import ACCEPTED, Answer, Supervisor
from controller.api.models import Acceptance
from controller.api.ordering import OPERATOR, order_now
from controller.api.views import connection_names, unknown
from controller.commands import Command, Verb

router = APIRouter(prefix="/api/v1/connections/{connection}", tags=["connections"])


@router.post("/accept", summary="Write to another instrument", responses=ACCEPTED)
async def accept(connection: str, body: Acceptance, gateway: Supervisor) -> Answer:
    """Another instrument answers than before: from now on it is written to. Refused unless that is still the one."""
    known = connection_names(gateway.publisher)
    if connection not in known:
        raise unknown("connection", known)
    value = {"instrument": body.instrument}
    return await order_now(gateway, Command(Verb.ACCEPT, connection, {**value}, OPERATOR, "api", body.reason))
