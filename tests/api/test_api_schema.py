"""Requests generated from the OpenAPI document, valid and not: whatever comes, an answer that the document allows."""

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("examples", [6, pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=str)
def test_every_answer_is_one_the_document_allows(server, http, mode, examples):
    document = http.get("/api/v1/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document).exclude(path="/api/v1/stream")
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) >= 15
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
            continue

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def answers(case):
            response = case.call(base_url=server, timeout=5)
            case.validate_response(response, checks=CHECKS)
            if response.status_code >= 400:
                assert response.json()["status"] == response.status_code

        answers()


def test_the_document_names_no_other_server(server):
    assert "http" not in httpx.get(f"{server}/api/v1/openapi.json", trust_env=False).text.replace("urn:", "")
