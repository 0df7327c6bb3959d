"""Requests that schemathesis draws from the server's own OpenAPI document."""

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

OPERATIONS = (
    "POST /v1/chat/completions",
    "GET /v1/models",
    "GET /v1/models/{model}",
    "GET /health",
    "GET /metrics",
)
DOCUMENTED = [content_type_conformance, response_schema_conformance, status_code_conformance]


@pytest.fixture(scope="session")
def operations(http):
    schema = schemathesis.openapi.from_url(str(http.base_url.join("/openapi.json")))
    return {found.ok().label: found.ok() for found in schema.get_all_operations()}


def send_cases(server, operation, mode, count):
    """Send so many requests of one operation; return how many were sent."""
    sent = 0
    session = requests.Session()

    @settings(max_examples=count, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def send(case):
        nonlocal sent
        response = case.call(session=session)
        server.check(response)
        case.validate_response(response, checks=DOCUMENTED)
        sent += 1

    with session:
        send()
    return sent


def test_the_document_tells_every_operation(operations):
    assert set(operations) == set(OPERATIONS)


@pytest.mark.parametrize("label", OPERATIONS)
def test_requests_that_the_document_allows_never_fail(server, operations, label):
    assert send_cases(server, operations[label], GenerationMode.POSITIVE, 12)


def test_requests_that_the_document_forbids_never_fail(server, operations):
    chat = operations["POST /v1/chat/completions"]
    assert send_cases(server, chat, GenerationMode.NEGATIVE, 25) >= 25
    assert server.statuses[400] > 10


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_many_requests_after_the_document_never_fail(server, operations, mode):
    chat = operations["POST /v1/chat/completions"]
    assert send_cases(server, chat, mode, 1_500)
    print(mode, server.statuses)  # noqa: T201
