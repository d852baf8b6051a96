"""The JSON Schemas: valid themselves, satisfied by the shipped files, and as strict as the models."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from controller.config.schema import schema
from controller.config.source import read_document

FILES = {"site": "sites/bench.yaml", "class": "classes/stirred-tank-2l.yaml"}


@pytest.mark.parametrize("kind", FILES)
def test_a_schema_accepts_the_shipped_file_and_refuses_what_the_model_refuses(configs: Path, kind: str) -> None:
    validator = jsonschema_rs.validator_for(schema(kind))
    tree: Any = read_document(configs / FILES[kind]).tree
    validator.validate(tree)
    for path, value in {
        "site": [(("scan_period",), 1), (("connections", "counter", "url"), "http://x"), (("extra",), 1)],
        "class": [
            (("measurements", "ph", "credible", "low"), 2),
            (("measurements", "ph", "decimals"), "2"),
            (("loops", "ph", "type"), "fuzzy"),
            (("loops", "ph", "legs", 0, "from"), "-100"),
            (("outputs", "heater", "safe"), 0),
            (("alarms", "ph_low", "typo"), "x"),
        ],
    }[kind]:
        wrong = copy.deepcopy(tree)
        part = wrong
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value
        assert not validator.is_valid(wrong), path


def test_there_is_no_schema_of_an_unknown_kind() -> None:
    with pytest.raises(KeyError):
        schema("batch")
