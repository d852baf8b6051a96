"""Where a pydantic error is: in the tree, and in the models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from controller.config.choice import Choice
from controller.config.problems import Path
from controller.config.source import Tree

KEY = "[key]"
"""The last element of pydantic's location of an error in a mapping's key."""
CHOOSING = ("type", "from")
"""Keys whose word decides which of several models an entry is."""


def path_in(tree: Tree, location: Sequence[str | int], *, missing: bool = False) -> Path:
    """The path in ``tree`` of a pydantic location, which also names members of unions; of a ``missing`` key the last
    element is kept although the tree lacks it.
    """
    path: list[str | int] = []
    part = tree
    for element in location:
        if _holds(part, element):
            part = _child(part, element)
            path.append(element)
    return (*path, location[-1]) if missing else tuple(path)


def keys_at(model: type[BaseModel], path: Path, tree: Tree) -> list[str]:
    """The keys that may stand in the mapping at ``path``; the tree decides which member of a union it is."""
    annotation: Any = model
    part = tree
    for key in path:
        annotation = _inside(annotation, key, part)
        part = _child(part, key)
    members = _models(annotation, part)
    return list(dict.fromkeys(name for member in members for name in names(member)))


def names(model: type[BaseModel]) -> list[str]:
    """The keys of a model as they are written in a file."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _holds(part: Tree, key: str | int) -> bool:
    if isinstance(part, list):
        return isinstance(key, int) and key < len(part)
    return isinstance(part, dict) and key in part


def _child(part: Tree, key: str | int) -> Tree:
    if isinstance(part, list) and isinstance(key, int) and key < len(part):
        return part[key]
    return part.get(key) if isinstance(part, dict) and isinstance(key, str) else None


def _members(annotation: Any) -> list[Any]:
    """The annotation without ``Annotated``, taken apart where it is a union or a choice."""
    origin = get_origin(annotation)
    if origin is Annotated:
        choices = [one for one in annotation.__metadata__ if isinstance(one, Choice)]
        if choices:
            return [*choices[0].models()]
        return _members(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return [inner for member in get_args(annotation) for inner in _members(member)]
    return [annotation]


def _models(annotation: Any, part: Tree) -> list[type[BaseModel]]:
    """The models that ``part`` may be; of several, those whose literal fields say what it says."""
    models = [one for one in _members(annotation) if isinstance(one, type) and issubclass(one, BaseModel)]
    fitting = [model for model in models if isinstance(part, dict) and _fits(model, part)]
    return fitting or models


def _fits(model: type[BaseModel], part: Mapping[str, Tree]) -> bool:
    tags = {field.alias or name: get_args(field.annotation) for name, field in model.model_fields.items()}
    return all(part[name] in tags[name] for name in CHOOSING if name in part and name in tags)


def _inside(annotation: Any, key: str | int, part: Tree) -> Any:
    for member in _members(annotation):
        arguments = get_args(member)
        if get_origin(member) is dict:
            return arguments[1]
        if get_origin(member) is list:
            return arguments[0]
    for model in _models(annotation, part):
        for name, field in model.model_fields.items():
            if key == (field.alias or name):
                return field.annotation
    return None
