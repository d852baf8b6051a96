"""What the vessels are doing."""

from __future__ import annotations

from fastapi import APIRouter

from controller.api.answers import Answer, Supervisor, vessel_info
from controller.api.views import newest, vessel_view

router = APIRouter(prefix="/api/v1/vessels", tags=["vessels"])


@router.get("", summary="Every vessel")
async def vessels(gateway: Supervisor) -> Answer:
    """Tags with quality and age, loops, interlocks, alarms and batch of every vessel."""
    tick = newest(gateway.publisher)
    views = [vessel_view(gateway.publisher, tick, name) for name in gateway.site.vessels]
    return Answer({"time": tick.time, "vessels": views})


@router.get("/{vessel}", summary="One vessel")
async def vessel(vessel: str, gateway: Supervisor) -> Answer:
    """Tags with quality and age, loops, interlocks, alarms and batch of one vessel."""
    info = vessel_info(gateway, vessel)
    return Answer(vessel_view(gateway.publisher, newest(gateway.publisher), info.name))
