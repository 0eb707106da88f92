"""The parts of the OpenAPI document that the declarations know best: the stream, the commands, errors.

The routes are documented where they are; `finish_openapi` takes that document and makes it whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from zena_sse.contract.commands import COMMANDS, Command
from zena_sse.contract.events import EVENTS
from zena_sse.contract.schema import (
    SECURITY,
    STREAM_QUERY,
    Document,
    component_schemas,
    described,
    reference,
    struct_schemas,
    summary,
)
from zena_sse.errors import (
    Forbidden,
    IdempotencyConflict,
    InvalidPayload,
    TooManyRequests,
    Unauthenticated,
    ZenaError,
)

METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"})
DEFAULT_PROBLEM = {"$ref": "#/components/responses/Problem"}
# The ticket opens a stream and nothing else.
CALLER: list[Document] = [{"bearer": []}, {"cookie": []}]
BATCH_LIMIT = 100
ASKING_TAB = "The tab that asks; what it does itself, it is not told."

STREAM = """One connection for each browser tab. The first event is `stream.ready`; after silence comes
`stream.ping`; before every end that the server chooses comes `stream.closing`. Shedding and draining answer
200 and close, because a native EventSource gives up for good on any other status."""


def stream_path_item() -> Document:
    """`/events`: OpenAPI 3.2 describes each event of the stream by `itemSchema`."""
    refusals = _problems(Unauthenticated, Forbidden, TooManyRequests)
    media = {"text/event-stream": {"itemSchema": _server_sent_event()}}
    events = {"200": {"description": "Events, until one side closes.", "content": media}}
    get = {
        "summary": "Follow the user's stream",
        "description": STREAM,
        "operationId": "get_events",
        "tags": ["stream"],
        "security": [*CALLER, {"ticket": []}],
        "responses": events | refusals,
    }
    head = get | {
        "summary": "Ask whether a stream would be given",
        "operationId": "head_events",
        "responses": {"200": {"description": "Headers only."}} | refusals,
    }
    return {"parameters": _stream_parameters(), "get": get, "head": head}


def command_path_items() -> Document:
    """`/commands` and one path for each command."""
    paths = {f"/commands/{command.type}": {"post": _command(command)} for command in COMMANDS.values()}
    return {"/commands": {"post": _batch()}} | paths


def finish_openapi(document: Document, models: Iterable[type[msgspec.Struct]] = ()) -> Document:
    """A valid OpenAPI 3.2 document from quart-schema's 3.1: every operation answers, and the stream is in it.

    `models` are what the routes take and answer: quart-schema 0.25 leaves out the Structs inside a Struct.
    What is declared wins: `/commands/{type}` gives way to one path for each command. The document that is
    passed in is left as it is.
    """
    # Through JSON: status codes become text, and methods of one route no longer share one operation.
    finished: Document = msgspec.json.decode(msgspec.json.encode(document))
    paths = {path: item for path, item in finished["paths"].items() if not path.startswith("/commands/{")}
    paths |= command_path_items() | {"/events": stream_path_item()}
    for operation in _operations(paths):
        _complete(operation)
    components = finished.setdefault("components", {})
    components["schemas"] = components.get("schemas", {}) | struct_schemas(models) | component_schemas()
    components["responses"] = components.get("responses", {}) | {"Problem": _problem("Something went wrong.")}
    components["securitySchemes"] = components.get("securitySchemes", {}) | SECURITY
    return {"security": CALLER} | finished | {"openapi": "3.2.0", "paths": paths}


def _server_sent_event() -> Document:
    """One event as its fields; `data` is an envelope as text."""
    envelopes = {event.type: reference(f"{event.__name__}Event") for event in EVENTS.values()}
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {
            "oneOf": [{"$ref": envelope} for envelope in envelopes.values()],
            "discriminator": {"propertyName": "type", "mapping": envelopes},
        },
    }
    cursor = {"type": "string", "pattern": "^[A-Za-z0-9-]+$", "maxLength": 64}
    return {
        "type": "object",
        "required": ["data", "event"],
        "properties": {
            "id": cursor | {"description": "Resume after this; absent from ephemeral events."},
            "event": {"type": "string", "enum": list(EVENTS)},
            "data": data,
            "retry": {
                "type": "integer",
                "minimum": 0,
                "description": "Milliseconds to wait before the next connect.",
            },
        },
    }


def _stream_parameters() -> list[Document]:
    header: Document = {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}}
    header["description"] = "Cursor to resume after; a browser sends it by itself."
    query = [
        {"name": name, "in": "query", "description": form["description"], "schema": _bare(form)}
        for name, form in STREAM_QUERY.items()
    ]
    return [header, *query]


def _bare(form: Document) -> Document:
    return {key: value for key, value in form.items() if key != "description"}


def _command(command: type[Command]) -> Document:
    accepted: Document = _json(f"{command.__name__}Accepted") | {"description": "Done or under way."}
    replayed = {"schema": {"type": "string", "const": "true"}, "description": "This key was answered before."}
    accepted["headers"] = {"Idempotent-Replayed": replayed}
    key = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}
    return {
        "summary": summary(command),
        "description": described(command),
        "operationId": f"post_{command.type.replace('.', '_')}",
        "tags": ["commands"],
        "security": CALLER,
        "parameters": [
            key | {"description": "Becomes the `commandId`; the same key and body run once."},
            {"name": "tab", "in": "query", "schema": _bare(STREAM_QUERY["tab"]), "description": ASKING_TAB},
        ],
        "requestBody": _json(command.__name__) | {"required": True},
        "responses": {"202": accepted}
        | _problems(Unauthenticated, InvalidPayload, IdempotencyConflict, TooManyRequests),
    }


def _batch() -> Document:
    entries = {command.type: reference(f"{command.__name__}Entry") for command in COMMANDS.values()}
    entry = {
        "oneOf": [{"$ref": schema} for schema in entries.values()],
        "discriminator": {"propertyName": "type", "mapping": entries},
    }
    body = {"type": "array", "maxItems": BATCH_LIMIT, "items": entry}
    outcomes = {"type": "array", "items": {"$ref": reference("BatchOutcome")}}
    answer = {"description": "One outcome for each.", "content": {"application/json": {"schema": outcomes}}}
    return {
        "summary": "Run what an offline client has queued, in order",
        "description": "Not one transaction: a command that fails does not stop the rest.",
        "operationId": "post_commands",
        "tags": ["commands"],
        "security": CALLER,
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": answer} | _problems(Unauthenticated, InvalidPayload, TooManyRequests),
    }


def _json(schema: str) -> Document:
    return {"content": {"application/json": {"schema": {"$ref": reference(schema)}}}}


def _problems(*errors: type[ZenaError]) -> Document:
    """A response for each status; errors that share one share its response."""
    titles: dict[int, list[str]] = {}
    for error in errors:
        titles.setdefault(error.status, []).append(error.title())
    problems = {str(status): _problem(" ".join(title)) for status, title in titles.items()}
    if "429" in problems:
        seconds = {"schema": {"type": "integer", "minimum": 0}, "description": "Seconds to wait."}
        problems["429"]["headers"] = {"Retry-After": seconds}
    return problems


def _problem(description: str) -> Document:
    media = {"application/problem+json": {"schema": {"$ref": reference("Problem")}}}
    return {"description": description, "content": media}


def _operations(paths: Document) -> Iterator[Document]:
    for item in paths.values():
        yield from (operation for method, operation in item.items() if method in METHODS)


def _complete(operation: Document) -> None:
    """What quart-schema leaves open: a success nobody declared, headers put in the wrong place, problems."""
    responses = operation.setdefault("responses", {})
    if not any(status.startswith(("2", "3")) for status in responses):
        responses["2XX"] = {"description": "Done."}
    for response in responses.values():
        if "headers" in response.get("content", {}):
            response["headers"] = response["content"].pop("headers")
    responses.setdefault("default", DEFAULT_PROBLEM)
