"""Errors as problem documents, https://www.rfc-editor.org/rfc/rfc9457. They never repeat what was sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from controller.api.gateway import Refused
from controller.store import StoreUnavailable

MEDIA_TYPE = "application/problem+json"
HARMLESS = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,40}")
Error = dict[str, Any]


class Problem(Exception):
    """An answer that is an error: status, one sentence that says what is wrong, and details.

    ``errors`` names single fields; ``extra`` adds members to the document, such as the allowed commands.
    """

    def __init__(self, status: int, detail: str, errors: Sequence[Error] = (), **extra: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = list(errors)
        self.extra = extra


def document(problem: Problem, path: str = "") -> dict[str, Any]:
    """The problem as its JSON document."""
    title = HTTPStatus(problem.status).phrase
    return {
        "type": f"urn:biovisor:problem:{title.lower().replace(' ', '-')}",
        "title": title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": quote(path)[:200],
        "errors": problem.errors,
        **problem.extra,
    }


def response(problem: Problem, path: str = "") -> Response:
    """The problem as an answer; a temporary one says when to try again."""
    headers = {"Retry-After": "2"} if problem.status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return Response(orjson.dumps(document(problem, path)), problem.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of the application a problem document."""

    @app.exception_handler(Problem)
    async def _problem(request: Request, error: Problem) -> Response:
        return response(error, request.url.path)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [field_error(item) for item in error.errors()]
        detail = "; ".join(f"{item['field']}: {item['message']}" for item in errors[:5])
        return response(Problem(422, f"The request is not valid. {detail}", errors), request.url.path)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        answer = response(Problem(error.status_code, HTTP_DETAILS.get(error.status_code, "Refused.")), request.url.path)
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(StoreUnavailable)
    async def _unavailable(request: Request, error: StoreUnavailable) -> Response:
        prefix = "" if request.method == "GET" else "The command was not accepted and does not act: "
        return response(Problem(503, f"{prefix}{error}."), request.url.path)

    @app.exception_handler(Refused)
    async def _refused(request: Request, error: Refused) -> Response:
        status = 409 if error.conflict else 422
        return response(Problem(status, error.reason, allowed=list(error.allowed)), request.url.path)


HTTP_DETAILS = {
    400: "The request cannot be understood.",
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
}


def field_error(item: Mapping[str, Any]) -> Error:
    """One validation error as field and message, without the input that caused it."""
    location = list(item["loc"])
    if item["type"] == "extra_forbidden":
        return {"field": _field(location[:-1]) or "body", "message": "an unknown field is not allowed here"}
    return {"field": _field(location), "message": str(item["msg"])}


def _field(location: Sequence[object]) -> str:
    """A dotted path; a part that is the sender's own word and not a plain name becomes ``?``."""
    parts = [str(part) for part in location if part != "body"]
    return ".".join(part if HARMLESS.fullmatch(part) or part.isdigit() else "?" for part in parts) or "body"
