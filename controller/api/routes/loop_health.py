"""How well loops do: one of them, or all of them on their sister vessels."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from controller.api.answers import Answer, Supervisor, loop_info
from controller.api.views import newest
from controller.stages.health_report import Scope

router = APIRouter(prefix="/api/v1", tags=["loops"])


@router.get("/vessels/{vessel}/loops/{loop}/health", summary="How well a loop does")
async def loop_health(vessel: str, loop: str, gateway: Supervisor) -> Answer:
    """Figures of all time, of the present or last batch and of each of its operations; and what the newest series of
    settled control says about tuning, oscillation and the actuator.
    """
    info = loop_info(gateway, vessel, loop)
    time = newest(gateway.publisher).time
    return Answer({"time": time, **await asyncio.to_thread(gateway.health.loop, vessel, info.name)})


@router.get("/health/loops", summary="Loops on sister vessels, compared")
async def compared(
    gateway: Supervisor,
    scope: Annotated[
        Scope, Query(description="`batch`: each vessel's present or last batch; `all`: all time.")
    ] = "batch",
    operation: Annotated[
        str | None, Query(max_length=100, description="One operation of each vessel's present or last batch.")
    ] = None,
) -> Answer:
    """Each loop of each vessel class with a row per vessel of that class, and how far the vessels lie apart."""
    time = newest(gateway.publisher).time
    return Answer({"time": time, "loops": await asyncio.to_thread(gateway.health.compare, scope, operation)})
