"""The document that the real app serves is valid and tells of everything that is there."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV32SpecValidator
from quart import Quart

from tests.databases import new_database
from zena_sse import __version__
from zena_sse.app import create_app, openapi_document
from zena_sse.contract.asyncapi import asyncapi_document
from zena_sse.contract.commands import COMMANDS
from zena_sse.contract.schema import Document
from zena_sse.contract.stream_openapi import METHODS
from zena_sse.settings import Settings
from zena_sse.wiring import Zena

# Only the owner of the operator's socket can call the first; the others are what a browser shows and runs.
HIDDEN = {"/operator/tokens", "/", "/favicon.ico", "/manifest.webmanifest", "/sw.js", "/debug"}
HIDDEN |= {f"/{folder}/<path:_>" for folder in ("client", "debug", "icons", "page")}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Quart]:
    """The real app, started."""
    new_database(tmp_path)
    app = create_app(Settings(data_dir=tmp_path, jwt_secret=secrets.token_hex(32)), background=False)
    await app.startup()
    try:
        yield app
    finally:
        await app.shutdown()


@pytest.fixture
async def served(app: Quart) -> Document:
    """What `/openapi.json` says."""
    response = await app.test_client().get("/openapi.json")
    assert response.status_code == 200
    document: Document = await response.get_json()
    return document


def routed(app: Quart) -> set[tuple[str, str]]:
    """Path and method of every route, but for what a framework answers by itself."""
    return {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in HIDDEN
    }


def documented(document: Document) -> set[tuple[str, str]]:
    """Path and method of every operation."""
    return {
        (path, method) for path, item in document["paths"].items() for method in item if method in METHODS
    }


def test_the_document_that_is_printed_is_valid() -> None:
    document = openapi_document()
    OpenAPIV32SpecValidator(document).validate()
    assert document["openapi"] == "3.2.0"
    assert document["info"]["version"] == __version__


async def test_the_document_that_is_served_is_the_one_that_is_printed(served: Document) -> None:
    assert served == openapi_document()


async def test_every_route_is_documented_and_what_is_documented_is_routed(
    app: Quart, served: Document
) -> None:
    commands = {(f"/commands/{command}", "post") for command in COMMANDS}
    routes = routed(app) - {("/commands/{command}", "post")} | commands
    assert documented(served) == routes | {("/events", "get"), ("/events", "head")}


async def test_every_operation_says_what_it_answers_and_what_it_is_called(served: Document) -> None:
    operations = [served["paths"][path][method] for path, method in documented(served)]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    for operation in operations:
        assert operation["summary"]
        assert operation["tags"]
        assert any(status.startswith("2") for status in operation["responses"]), operation["operationId"]
        assert "default" in operation["responses"]


async def test_only_what_anybody_may_ask_needs_no_credential(served: Document) -> None:
    public = {
        path
        for path, method in documented(served)
        if served["paths"][path][method].get("security", served["security"]) == []
    }
    assert public >= {"/healthz", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json"}
    assert not [path for path in public if path.startswith(("/commands", "/threads", "/users", "/events"))]


async def test_every_command_has_a_path_with_its_own_payload_and_answer(served: Document) -> None:
    for name, command in COMMANDS.items():
        operation = served["paths"][f"/commands/{name}"]["post"]
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        answer = operation["responses"]["202"]["content"]["application/json"]["schema"]
        assert body["$ref"].endswith(f"/{command.__name__}")
        assert answer["$ref"].endswith(f"/{command.__name__}Accepted")


async def test_the_stream_says_what_its_items_are(served: Document) -> None:
    answer = served["paths"]["/events"]["get"]["responses"]["200"]["content"]
    assert set(answer) == {"text/event-stream"}
    assert "itemSchema" in answer["text/event-stream"]


async def test_the_events_are_served_too(app: Quart) -> None:
    response = await app.test_client().get("/asyncapi.json")
    assert response.status_code == 200
    assert await response.get_json() == asyncapi_document(__version__)


async def test_answers_are_as_the_document_says(app: Quart, served: Document) -> None:
    zena: Zena = app.extensions["zena"]
    client = app.test_client()
    headers = {"Authorization": f"Bearer {zena.tokens.sign('mia', 'agent', timedelta(hours=1))}"}
    asked: list[tuple[str, str, str, Any]] = [
        ("get", "/me", "/me", None),
        ("get", "/snapshot", "/snapshot", None),
        ("get", "/threads", "/threads", None),
        ("get", "/threads/{thread_id}", "/threads/none", None),
        ("get", "/accounts", "/accounts", None),
        ("post", "/session", "/session", None),
        ("post", "/tickets", "/tickets", None),
        ("post", "/accounts", "/accounts", {"provider": "folder"}),
        ("post", "/commands/typing.start", "/commands/typing.start", {"where": "t"}),
        ("post", "/commands/sync.request", "/commands/sync.request", {}),
        ("post", "/commands/thread.view", "/commands/thread.view", {"threadId": "none"}),
        ("post", "/commands", "/commands", [{"type": "typing.start", "payload": {"where": "t"}}, *BAD_ENTRY]),
        ("post", "/users/{user_id}/events", "/users/mia/events", {}),
        ("get", "/threads", "/threads?limit=x", None),
    ]
    for method, path, target, body in asked:
        response = await client.open(target, method=method.upper(), headers=headers, json=body)
        responses = served["paths"][path][method]["responses"]
        declared = responses.get(str(response.status_code), responses["default"])
        if "$ref" in declared:
            declared = served["components"]["responses"][declared["$ref"].rpartition("/")[2]]
        schema = declared["content"][response.headers["Content-Type"]]["schema"]
        jsonschema.Draft202012Validator(schema | {"components": served["components"]}).validate(
            await response.get_json()
        )


BAD_ENTRY = [{"type": "thread.view", "payload": {"threadId": "none"}, "commandId": "c"}]
