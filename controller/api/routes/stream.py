"""The live stream: Server-Sent Events, one mailbox per client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response

from controller.api.problems import Problem
from controller.publish.hub import Hub, TooManyStreams

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from controller.publish.mailbox import Mailbox

router = APIRouter(prefix="/api/v1", tags=["live"])
SEND_S = 15.0
RETRY = b"retry: 1000\n\n"


class EventStream(Response):
    """Sends what a mailbox holds until the client goes, stops reading for ``SEND_S``, or the mailbox is closed."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, mailbox: Mailbox) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub = hub
        self._mailbox = mailbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one client."""
        watching = asyncio.ensure_future(_gone(receive, self._mailbox))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            content: bytes | None = RETRY
            while content is not None:
                async with asyncio.timeout(SEND_S):
                    await send({"type": "http.response.body", "body": content, "more_body": True})
                content = await self._mailbox.take()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            return  # the server closes a connection whose answer was left unfinished
        finally:
            watching.cancel()
            self._hub.leave(self._mailbox)


@router.get(
    "/stream",
    summary="Everything, live",
    response_class=Response,
    responses={200: {"description": "Endless.", "content": {EventStream.media_type: {}}}},
)
async def stream(request: Request) -> Response:
    """Events ``snapshot``, ``delta``, ``event`` (a journal row), ``hb`` each second, ``resync``.

    The first is a snapshot. A client that reads slowly gets snapshots instead of the deltas it missed.
    """
    hub: Hub = request.app.state.hub
    try:
        mailbox = hub.join()
    except TooManyStreams as error:
        raise Problem(503, f"{error}.") from None
    return EventStream(hub, mailbox)


async def _gone(receive: Receive, mailbox: Mailbox) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    mailbox.close()
