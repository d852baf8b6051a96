"""The application: routes, guards, the page's files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.staticfiles import StaticFiles

from controller.api import problems
from controller.api.answers import PROBLEM_SCHEMA, PROBLEMS, Answer
from controller.api.body import StrictBody
from controller.api.gateway import Gateway
from controller.api.metrics import Metrics
from controller.api.routes import (
    batches,
    connections,
    health,
    loop_health,
    loops,
    outputs,
    programs,
    record,
    stream,
    tuning,
    vessels,
    why,
)
from controller.api.security import SameOrigin, SecurityHeaders
from controller.publish.hub import Hub

PAGE = Path(__file__).parent.parent / "page" / "static"
ROUTERS = (
    vessels.router,
    loops.router,
    programs.router,
    loop_health.router,
    why.router,
    tuning.router,
    outputs.router,
    connections.router,
    batches.router,
    record.router,
    stream.router,
    health.router,
)


def create_app(gateway: Gateway, page: Path = PAGE) -> FastAPI:
    """The HTTP interface of one supervisor; ``page`` is the folder served at ``/``."""
    app = FastAPI(
        title="Biovisor",
        summary="Supervisory control for bioreactors.",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        default_response_class=Answer,
        responses=PROBLEMS,
        lifespan=_lifespan,
        telemetry={"tracing": False},
    )
    app.state.gateway = gateway
    app.state.hub = Hub(gateway.publisher, gateway.store.subscribe, lambda: gateway.scan_alive()[0])
    app.state.metrics = Metrics(gateway, app.state.hub)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema
    app.mount("/", StaticFiles(directory=page, html=True, check_dir=False), name="page")
    for guard in (StrictBody, SameOrigin, SecurityHeaders):  # the last one added is asked first
        app.add_middleware(guard)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.hub.start()
    try:
        yield
    finally:
        app.state.hub.close()
        app.state.metrics.close()


def _json_contents(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every answer in JSON: they are all objects, which the framework cannot know of an answer it did not encode."""
    for path in schema["paths"].values():
        for operation in path.values():
            for answer in operation["responses"].values():
                yield from [
                    content for media, content in answer.get("content", {}).items() if media == Answer.media_type
                ]


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The schema, in which every error is a problem document."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        components = schema.setdefault("components", {}).setdefault("schemas", {})
        components["Problem"] = PROBLEM_SCHEMA
        for content in _json_contents(schema):
            content["schema"] = {"type": "object"}
        app.openapi_schema = schema
    return app.openapi_schema
