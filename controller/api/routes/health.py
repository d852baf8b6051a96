"""Whether it lives, whether it is ready, and its numbers for monitoring."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from controller.api.answers import Answer, Supervisor
from controller.api.problems import Problem

router = APIRouter(tags=["health"])


@router.get("/livez", summary="Does the scan run?")
async def livez(gateway: Supervisor) -> Answer:
    """200 while the scan runs; 503 once it has stopped, and then the process should be restarted."""
    alive, silence_s = gateway.scan_alive()
    if not alive:
        raise Problem(503, f"The scan has not completed for {silence_s:.1f} s.")
    return Answer({"alive": True, "since_last_scan_s": silence_s})


@router.get("/readyz", summary="Can vessels be operated?")
async def readyz(gateway: Supervisor) -> Answer:
    """200 when instruments answer and the record can be written; 503 with what is missing."""
    ready, reasons = gateway.ready()
    if not ready:
        missing = [{"field": "readiness", "message": reason} for reason in reasons]
        raise Problem(503, f"Not ready: {'; '.join(reasons) or 'starting'}.", missing)
    return Answer({"ready": True})


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Scan duration and lateness, overruns, samples by quality and connection, the store, streams, the process."""
    content, media_type = request.app.state.metrics.render()
    return Response(content, media_type=media_type)
