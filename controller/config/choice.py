"""A part of a file that is one of several models, as a word in it says; only models that are named are made.

A class file names a few of the many methods that there are. Making the models of all of them, as a union of pydantic
does, is most of what reading that file takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from importlib import import_module
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic_core import CoreSchema, PydanticKnownError, core_schema

if TYPE_CHECKING:
    from pydantic import BaseModel, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue


class Choice(NamedTuple):
    """An annotation: the entry is one of ``kinds``, by the word at ``key``. A kind is the module in
    :mod:`controller.config` and the model in it, as in ``calculated_gas:GasTotal``. Values are checked, and mistakes
    reported, as by a union with a discriminator.
    """

    key: str
    kinds: Mapping[str, str]

    def model(self, word: str) -> type[BaseModel]:
        """The model for a word. Raises ``KeyError`` for an unknown one."""
        module, _, name = self.kinds[word].partition(":")
        model: type[BaseModel] = getattr(import_module(f"controller.config.{module}"), name)
        return model

    def models(self) -> tuple[type[BaseModel], ...]:
        """All of them, in order."""
        return tuple(map(self.model, self.kinds))

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        from pydantic import Field, TypeAdapter  # for a schema only

        union: Any = reduce(or_, self.models())
        return handler(TypeAdapter(Annotated[union, Field(discriminator=f"{self.key}_")]).core_schema)

    def _validate(self, value: Any) -> BaseModel:
        if not isinstance(value, dict):
            raise PydanticKnownError("model_attributes_type")
        if self.key not in value:
            raise PydanticKnownError("union_tag_not_found", {"discriminator": repr(self.key)})
        word = str(value[self.key])
        if word not in self.kinds:
            known = ", ".join(map(repr, self.kinds))
            context = {"discriminator": repr(self.key), "tag": word, "expected_tags": known}
            raise PydanticKnownError("union_tag_invalid", context)
        return self.model(word).model_validate(value)
