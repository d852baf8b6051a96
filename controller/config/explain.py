"""A pydantic error in the operator's words, at its position."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from controller.config.location import KEY, keys_at, path_in
from controller.config.problems import Path, Problem, nearest
from controller.config.quantity import describe
from controller.config.source import Document
from controller.units import UnitError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "finite_number": "a finite number",
}


_PHRASES = {
    "union_tag_not_found": "it is missing",
    "too_short": "needs at least {min_length}, has {actual_length}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
}
_NUMBER_LIKE = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,15})?([eE][-+]?[0-9]{1,2})?")


def explain(document: Document, model: type[BaseModel], error: ErrorDetails) -> Problem:
    """The problem that an error of validating the document's tree stands for."""
    kind = error["type"]
    path = path_in(document.tree, error["loc"], missing=kind == "missing")
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        path = (*path, re.findall(r"\w+", error["ctx"]["discriminator"])[-1])  # "'from_' | 'from'" with an alias
    if kind == "extra_forbidden":
        return _unknown_key(document, model, path)
    at_key = error["loc"][-1:] == (KEY,)
    if kind == "missing":
        return document.problem(path, f"{path[-1]} is missing")
    message, hint = _words(error)
    if path and isinstance(path[-1], str) and not at_key:
        message = f"{path[-1]}: {message}"
    return document.problem(path, message, hint, at_key=at_key)


def suggestion(document: Document, model: type[BaseModel], path: Path) -> str:
    """The missing key that an unknown key at ``path`` probably means; empty when there is none."""
    from difflib import get_close_matches

    taken = document.names(path[:-1])
    free = [key for key in keys_at(model, path[:-1], document.tree) if key not in taken]
    return next(iter(get_close_matches(str(path[-1]), free, n=1, cutoff=0.6)), "")


def _unknown_key(document: Document, model: type[BaseModel], path: Path) -> Problem:
    meant = suggestion(document, model, path)
    hint = f"did you mean {meant}?" if meant else nearest(str(path[-1]), keys_at(model, path[:-1], document.tree))
    return document.problem(path, f"{path[-1]!r} is not known here", hint, at_key=True)


def _words(error: ErrorDetails) -> tuple[str, str]:
    """Message and hint."""
    kind = error["type"]
    if kind in {"config", "value_error"}:
        return _own_words(error["ctx"])
    if kind in {"literal_error", "union_tag_invalid"}:
        return _wrong_word(error)
    if kind in _EXPECTED:
        return _wrong_kind(error["input"], _EXPECTED[kind])
    if kind in _PHRASES:
        return _PHRASES[kind].format(**error["ctx"]), ""
    return error["msg"][0].lower() + error["msg"][1:], ""


def _own_words(context: dict[str, Any]) -> tuple[str, str]:
    """Of an error that one of our validators raised."""
    cause = context.get("error")
    if isinstance(cause, UnitError):
        return cause.message, cause.hint
    if cause is not None:
        return str(cause), ""
    return context["message"], context["hint"]


def _wrong_word(error: ErrorDetails) -> tuple[str, str]:
    known = re.findall(r"'([^']*)'", str(error["ctx"].get("expected") or error["ctx"].get("expected_tags")))
    found = error["ctx"].get("tag", error["input"])
    if isinstance(found, str):
        return f"{found[:60]!r} is not known here", nearest(found, known)
    return f"text is expected, this is {describe(found)}", f"one of {', '.join(known)}"


def _wrong_kind(found: object, expected: str) -> tuple[str, str]:
    message = f"{expected} is expected, this is {describe(found)}"
    if isinstance(found, str) and expected.endswith("number") and _NUMBER_LIKE.fullmatch(found):
        return message, f"YAML readers disagree about {found}, or it is in quotes: write {float(found):.15g}"
    return message, ""
