"""From a document to a model: every error of a pydantic validation becomes a problem with its position.

Errors don't hide each other: what is wrong is cut out of the tree and the rest is validated again, so that the
cross-checks run on everything that can be understood, and all problems come at once.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from controller.config.location import path_in
from controller.config.partial import Pruned, related
from controller.config.problems import MOST_PROBLEMS, Path, Problem, Problems
from controller.config.source import Document, parse_text, read_document

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)


@dataclass(slots=True)
class Bound(Generic[M]):
    """A document and what could be made of it.

    ``model`` is complete when there are no ``problems``; otherwise it lacks what is wrong, or is ``None`` when too
    little is left. Names that are there but wrong are still found with ``document.names``.
    """

    document: Document
    model: M | None
    problems: list[Problem]
    pruned: Pruned

    def problem(
        self, path: Sequence[str | int], message: str, hint: str = "", *, at_key: bool = False, offset: int = 0
    ) -> None:
        """Add a cross-check's problem at a path of the model, unless it follows from one that is known already.
        ``offset`` counts characters into a text.
        """
        original = self.pruned.original(tuple(path))
        if not any(related(original, cut) for cut in self.pruned.cuts):
            self.problems.append(self.document.problem(original, message, hint, at_key=at_key, offset=offset))

    def whole(self, path: Path) -> bool:
        """Whether nothing at or below a path of the model had to be left out."""
        original = self.pruned.original(path)
        return not any(cut[: len(original)] == original for cut in self.pruned.cuts)

    def complete(self) -> M:
        """The model. Raises :class:`Problems` when anything is wrong."""
        if self.problems or self.model is None:
            raise Problems(self.problems)
        return self.model


def bind(document: Document, model: type[M]) -> Bound[M]:
    """Validate a document's tree. What is wrong is in the answer's ``problems``."""
    pruned = Pruned(document.tree, getattr(model, "placeholders", {}))
    result, errors = _attempt(model, pruned)
    problems = [*document.problems, *_explained(document, model, errors[:MOST_PROBLEMS])]
    while errors and len(errors) <= MOST_PROBLEMS and all([pruned.cut(error) for error in errors]):
        pruned.rebuild()
        result, errors = _attempt(model, pruned)
    return Bound(document, result, problems, pruned)


def parse_document(
    source: pathlib.Path | str | Document, model: type[M], check: Callable[[Bound[M]], None] | None = None
) -> M:
    """The model of a file (a path), a text, or a document that was read already. Raises :class:`Problems` with
    everything that is wrong: YAML, schema, and what ``check`` finds, which looks at ``bound.model`` and calls
    ``bound.problem``.
    """
    bound = bind(open_document(source), model)
    if check is not None and bound.model is not None:
        check(bound)
    return bound.complete()


def open_document(source: pathlib.Path | str | Document) -> Document:
    """The document of a file, of a text, or itself. Raises :class:`Problems`."""
    if isinstance(source, Document):
        return source
    return parse_text(source) if isinstance(source, str) else read_document(source)


def _attempt(model: type[M], pruned: Pruned) -> tuple[M | None, list[ErrorDetails]]:
    try:
        return model.model_validate(pruned.tree), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _explained(document: Document, model: type[BaseModel], errors: list[ErrorDetails]) -> list[Problem]:
    """One problem per error, without those that follow from a misspelt key or a value that YAML could not give."""
    if not errors:
        return []
    from controller.config.explain import explain, suggestion

    meant: set[Path] = set()
    for error in errors:
        if error["type"] == "extra_forbidden":
            path = path_in(document.tree, error["loc"])
            meant.add((*path[:-1], suggestion(document, model, path)))
    problems = [(error["type"], explain(document, model, error)) for error in errors]
    return [
        problem
        for kind, problem in problems
        if not (kind == "missing" and problem.path in meant)
        and not any(related(problem.path, path) for path in document.broken)
    ]
