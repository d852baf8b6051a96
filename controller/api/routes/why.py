"""Why the output of a loop is what it is."""

from __future__ import annotations

from fastapi import APIRouter

from controller.api.answers import Answer, Supervisor, loop_info
from controller.api.problems import Problem
from controller.api.views import loop_of, loop_view, newest

router = APIRouter(prefix="/api/v1/vessels/{vessel}/loops/{loop}", tags=["loops"])


@router.get("/why", summary="Why the output is at this value")
async def why(vessel: str, loop: str, gateway: Supervisor) -> Answer:
    """The loop with its actual mode, the chain of reasons from the output back to the setpoint, the parts of the
    controller's output, its actuators and the tuning in force: all of one scan, the newest.
    """
    info = loop_info(gateway, vessel, loop)
    tick = newest(gateway.publisher)
    if tick.why is None:
        raise Problem(503, "The newest scan cannot explain its loops.")
    told = tick.why(f"{vessel}.{info.name}")
    view = loop_view(gateway.publisher, tick, loop_of(tick, vessel, info.name))
    return Answer({"time": tick.time, "vessel": vessel, **view, **told})
