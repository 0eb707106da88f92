"""What quart-schema leaves open is closed, and the result is a valid OpenAPI 3.2 document."""

from __future__ import annotations

import copy
from collections import defaultdict

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV32SpecValidator
from quart import Quart
from quart_schema import QuartSchema, validate_response
from quart_schema.openapi import OpenAPIProvider

from zena_sse.contract.commands import COMMANDS
from zena_sse.contract.events import EVENTS
from zena_sse.contract.schema import Document
from zena_sse.contract.stream_openapi import METHODS, finish_openapi


@pytest.fixture
def raw() -> Document:
    """What quart-schema can emit: numeric statuses, no responses, shared operations, misplaced headers."""
    shared: Document = {"parameters": [], "responses": {}, "summary": "Shared."}
    threads: Document = {"type": "object", "properties": {"threads": {"type": "array", "items": {}}}}
    content = {
        "application/json": {"schema": threads},
        "headers": {"x-total": {"schema": {"type": "integer"}}},
    }
    paths: defaultdict[str, Document] = defaultdict(dict)
    paths["/session"] = {
        "post": shared | {"operationId": "post_s"},
        "delete": shared | {"operationId": "delete_s"},
    }
    paths["/threads"] = {
        "get": {
            "parameters": [],
            "responses": {200: {"content": content, "description": ""}},
            "operationId": "g",
        }
    }
    name = {"name": "command", "in": "path", "required": True, "schema": {"type": "string"}}
    paths["/commands/{command}"] = {"post": {"parameters": [name], "responses": {}, "operationId": "c"}}
    paths["/healthz"] = {"get": {"parameters": [], "responses": {}, "security": [], "operationId": "h"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "zena-sse", "version": "1.2.3"},
        "paths": paths,
        "components": {"schemas": {"Own": {"type": "object"}}},
    }


@pytest.fixture
def finished(raw: Document) -> Document:
    return finish_openapi(raw)


def test_the_result_is_a_valid_3_2_document(finished: Document) -> None:
    OpenAPIV32SpecValidator(finished).validate()
    assert finished["openapi"] == "3.2.0"
    assert finished["info"]["version"] == "1.2.3"


def test_the_argument_is_left_as_it_is(raw: Document) -> None:
    before = copy.deepcopy(raw)
    finish_openapi(raw)
    assert raw == before


def test_finishing_twice_changes_nothing(finished: Document) -> None:
    assert finish_openapi(finished) == finished


def test_every_operation_has_a_success_and_a_problem_for_everything_else(finished: Document) -> None:
    operations = [
        op for item in finished["paths"].values() for method, op in item.items() if method in METHODS
    ]
    assert len(operations) > len(COMMANDS)
    for operation in operations:
        assert any(status.startswith("2") for status in operation["responses"])
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
    problem = finished["components"]["responses"]["Problem"]["content"]
    assert problem["application/problem+json"]["schema"]["$ref"].endswith("/Problem")


def test_declared_responses_are_kept_and_their_headers_are_put_right(finished: Document) -> None:
    responses = finished["paths"]["/threads"]["get"]["responses"]
    assert "2XX" not in responses
    assert set(responses["200"]["content"]) == {"application/json"}
    assert set(responses["200"]["headers"]) == {"x-total"}


def test_an_item_of_the_stream_is_one_event_whose_data_is_an_envelope(finished: Document) -> None:
    answer = finished["paths"]["/events"]["get"]["responses"]["200"]
    item = answer["content"]["text/event-stream"]["itemSchema"]
    assert set(item["properties"]) == {"id", "event", "data", "retry"}
    data = item["properties"]["data"]
    assert (data["type"], data["contentMediaType"]) == ("string", "application/json")
    names = [choice["$ref"].rpartition("/")[2] for choice in data["contentSchema"]["oneOf"]]
    schemas = finished["components"]["schemas"]
    assert [schemas[name]["properties"]["type"]["const"] for name in names] == list(EVENTS)


def test_the_stream_takes_these_parameters_and_refuses_with_these_problems(finished: Document) -> None:
    item = finished["paths"]["/events"]
    query = {parameter["name"] for parameter in item["parameters"] if parameter["in"] == "query"}
    tickets = {
        scheme["name"] for scheme in finished["components"]["securitySchemes"].values() if "name" in scheme
    }
    assert query == {"last_event_id", "types", "tab", "poll", "token"}
    assert tickets == {"zena_session", "ticket"}
    assert {"name": "Last-Event-ID", "in": "header"}.items() <= item["parameters"][0].items()
    assert set(item["get"]["responses"]) == {"200", "401", "403", "429", "default"}
    assert "Retry-After" in item["get"]["responses"]["429"]["headers"]


def test_only_the_stream_takes_a_ticket(finished: Document) -> None:
    assert {"ticket": []} in finished["paths"]["/events"]["get"]["security"]
    assert finished["security"] == [{"bearer": []}, {"cookie": []}]
    assert finished["paths"]["/healthz"]["get"]["security"] == []


def test_each_command_has_its_own_path_with_its_own_payload(finished: Document) -> None:
    paths = [path for path in finished["paths"] if path.startswith("/commands")]
    assert sorted(paths) == sorted(["/commands", *(f"/commands/{name}" for name in COMMANDS)])
    view = finished["paths"]["/commands/thread.view"]["post"]
    assert view["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/ThreadView")
    assert set(view["responses"]) == {"202", "401", "422", "429", "default"}


def test_the_schemas_of_the_routes_stay(finished: Document) -> None:
    assert {"Own", "Problem", "ThreadNew", "ThreadNewEvent"} <= set(finished["components"]["schemas"])


class Inner(msgspec.Struct):
    """Something inside."""

    name: str


class Outer(msgspec.Struct):
    """Something with something inside."""

    parts: list[Inner]


async def test_a_document_of_a_real_application_becomes_valid() -> None:
    app = Quart(__name__)
    schema = QuartSchema(app)

    @app.get("/parts")
    @validate_response(Outer)
    async def parts() -> Outer:
        """List the parts."""
        return Outer([])

    @app.route("/parts/<int:number>", methods=["PUT", "DELETE"])
    async def part(number: int) -> str:
        return ""

    finished = finish_openapi(OpenAPIProvider(app, schema).schema(), [Outer])
    OpenAPIV32SpecValidator(finished).validate()
    assert finished["components"]["schemas"]["Inner"]["description"] == "Something inside."
