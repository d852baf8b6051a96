"""JSON Schema of the configuration files, for editors and other programs."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from controller.config.site import SiteConfig
from controller.config.vessel_class import VesselClassConfig

MODELS: dict[str, type[BaseModel]] = {"site": SiteConfig, "class": VesselClassConfig}
"""The model of each kind of file; the recipe's joins them where recipes are known."""


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a kind of file. Raises ``KeyError`` for an unknown kind."""
    result = MODELS[kind].model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **result}
