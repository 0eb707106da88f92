"""JSON Schemas of everything that is declared, as the generated documents share them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

from zena_sse.contract.commands import COMMANDS, Command
from zena_sse.contract.events import EVENTS, Envelope, Event, Kept
from zena_sse.contract.replies import Accepted, BatchEntry, BatchOutcome, Problem

# A JSON document whose form another standard fixes; that standard's validator checks it in the tests.
Document: TypeAlias = dict[str, Any]

KEPT: dict[Kept, str] = {
    "log": "Durable: carries an `id` and is replayed after a reconnect.",
    "newest": "Ephemeral: no `id`, never replayed; only the newest matters.",
    "live": "Ephemeral: no `id`, never replayed.",
    "stream": "About this connection; belongs to no log, and no filter hides it.",
}

SECURITY: Document = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "`Authorization: Bearer <JWT>`",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "zena_session",
        "description": "From `POST /session`; over HTTPS its name is `__Host-zena_session`.",
    },
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "From `POST /tickets`; good for one connect within 30 s.",
    },
}

STREAM_QUERY: Document = {
    "last_event_id": {
        "type": "string",
        "description": "Cursor to resume after; the header `Last-Event-ID` wins.",
    },
    "types": {
        "type": "string",
        "description": "Types to receive, by comma: `thread.*,sync.completed`. `stream.*` always comes.",
    },
    "tab": {
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]{1,64}$",
        "description": "Name of this tab; a new stream replaces the one of the same user and tab.",
    },
    "poll": {
        "type": "number",
        "minimum": 1,
        "maximum": 50,
        "description": "End the response after the first delivery, or after this many seconds.",
    },
    "token": {
        "type": "string",
        "description": "A JWT; only where the server runs with `ZENA_ALLOW_URL_TOKEN=1`.",
    },
}


def component_schemas() -> Document:
    """Every payload, result and reply by its class's name, and the envelope, answer and entry of each.

    The envelope of `ThreadNew` is `ThreadNewEvent`; the answer to `ThreadView` is `ThreadViewAccepted`,
    and in a batch it is a `ThreadViewEntry`.
    """
    declared: list[type[msgspec.Struct]] = [Envelope, Problem, Accepted, BatchEntry, BatchOutcome]
    declared += EVENTS.values()
    declared += COMMANDS.values()
    declared += [command.result for command in COMMANDS.values()]
    found = struct_schemas(declared)
    for struct in declared:
        if not issubclass(struct, Command | BatchEntry):  # what a client sends may say null
            _never_null(found[struct.__name__])
    found |= {f"{event.__name__}Event": _envelope(event, found["Envelope"]) for event in EVENTS.values()}
    for command in COMMANDS.values():
        found[f"{command.__name__}Accepted"] = _accepted(command, found["Accepted"])
        found[f"{command.__name__}Entry"] = _entry(command, found["BatchEntry"])
    return found


def struct_schemas(structs: Iterable[type[msgspec.Struct]]) -> Document:
    """The schemas of these and of every Struct inside them, by class name."""
    found = msgspec.json.schema_components(structs, ref_template=reference("{name}"))[1]
    for schema in found.values():
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    return found


def reference(name: str) -> str:
    """Where a component's schema is, within a document."""
    return f"#/components/schemas/{name}"


def described(struct: type[msgspec.Struct]) -> str:
    """A declaration's docstring; an event's says how it is kept as well."""
    text = inspect.getdoc(struct) or ""
    return f"{text}\n\n{KEPT[struct.kept]}" if issubclass(struct, Event) else text


def summary(struct: type[msgspec.Struct]) -> str:
    """The first line of a declaration's docstring."""
    return (inspect.getdoc(struct) or "").partition("\n")[0]


def _never_null(schema: Document) -> None:
    """An optional field that is not there is left out when it is sent, never null: say so."""
    for field in schema["properties"].values():
        if field.get("default", "") is None:
            del field["default"]
            choices = [choice for choice in field.pop("anyOf", ()) if choice != {"type": "null"}]
            field.update(choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {})


def _envelope(event: type[Event], generic: Document) -> Document:
    schema = _narrowed(generic, f"{event.__name__}Event", {"type": event.type}, {"payload": event})
    return schema | {"description": described(event), "x-kept": event.kept}


def _accepted(command: type[Command], generic: Document) -> Document:
    return _narrowed(generic, f"{command.__name__}Accepted", {}, {"result": command.result})


def _entry(command: type[Command], generic: Document) -> Document:
    return _narrowed(generic, f"{command.__name__}Entry", {"type": command.type}, {"payload": command})


def _narrowed(
    generic: Document, title: str, constants: dict[str, str], parts: dict[str, type[msgspec.Struct]]
) -> Document:
    """A copy of a generic schema in which some fields are constant and others have a declared form."""
    narrow: Document = {name: {"type": "string", "const": value} for name, value in constants.items()}
    narrow |= {name: {"$ref": reference(struct.__name__)} for name, struct in parts.items()}
    return generic | {"title": title, "properties": generic["properties"] | narrow}
