"""How routes reach the gateway, and how answers become JSON."""

from __future__ import annotations

from typing import Annotated, Any, cast

import orjson
from fastapi import Depends, Request
from starlette.responses import Response

from controller.api.gateway import Gateway, LoopInfo, VesselInfo
from controller.api.problems import MEDIA_TYPE
from controller.api.views import unknown


class Answer(Response):
    """JSON; a number that is not finite becomes null."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body."""
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def _gateway(request: Request) -> Gateway:
    return cast("Gateway", request.app.state.gateway)


Supervisor = Annotated[Gateway, Depends(_gateway)]
"""The gateway of this application, as a route's parameter."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for status, text in {
        400: "The request cannot be understood.",
        403: "The request comes from another origin.",
        404: "No such vessel, loop, batch, recipe, command or tag.",
        405: "Not with this method.",
        408: "The body came too slowly.",
        409: "The present state does not allow it.",
        413: "The body is too large.",
        415: "The body is not declared as JSON.",
        421: "Not a loopback name.",
        422: "The content is not valid, or outside its limits.",
        503: "It cannot be stored now, or no scan has been completed.",
    }.items()
}

ACCEPTED: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {Answer.media_type: {}}}
    for status, text in {
        200: "The scan has acted; a setpoint has been read back from the device.",
        202: "Committed to the journal; `command` says what becomes of it. What only stops something acts also while "
        "nothing can be stored: `journal` is null then, and `detail` says why.",
    }.items()
}
"""The answers to a command besides its usual one."""

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem document.",
    "required": ["type", "title", "status", "detail", "instance", "errors"],
    "properties": {
        **{name: {"type": "string"} for name in ("type", "title", "detail", "instance")},
        "status": {"type": "integer"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def vessel_info(gateway: Gateway, vessel: str) -> VesselInfo:
    """A vessel by name. Raises :class:`controller.api.problems.Problem` (404)."""
    if vessel not in gateway.site.vessels:
        raise unknown("vessel", sorted(gateway.site.vessels))
    return gateway.site.vessels[vessel]


def loop_info(gateway: Gateway, vessel: str, loop: str) -> LoopInfo:
    """A loop by name. Raises :class:`controller.api.problems.Problem` (404)."""
    loops = vessel_info(gateway, vessel).loops
    if loop not in loops:
        raise unknown(f"loop of {vessel}", sorted(loops))
    return loops[loop]
