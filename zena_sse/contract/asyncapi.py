"""The AsyncAPI 3.0 document: the stream's events, the commands and what each answers."""

from __future__ import annotations

import msgspec

from zena_sse.contract.commands import COMMANDS, Command
from zena_sse.contract.events import EVENTS, Event
from zena_sse.contract.schema import (
    SECURITY,
    STREAM_QUERY,
    Document,
    component_schemas,
    described,
    reference,
    summary,
)

HTTP_BINDING = "0.3.0"

STREAM = """One user's events as Server-Sent Events, one connection for each browser tab.

`data:` is the message's payload, `event:` its type; `id:` is the cursor to resume after."""

COMMAND = """The payload as JSON, answered with 202 or a problem (RFC 9457).

The header `Idempotency-Key` becomes the `commandId`; the same key and body run once."""


def asyncapi_document(version: str) -> Document:
    """The whole document, for `/asyncapi.json` and `zena-sse contract asyncapi`."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "zena-sse", "version": version, "description": STREAM},
        "defaultContentType": "application/json",
        "channels": {"events": _events_channel(), "commands": _commands_channel()},
        "operations": {"sendEvents": _send_events()}
        | {_operation_name(command): _receive(command) for command in COMMANDS.values()},
        "components": {"schemas": component_schemas(), "securitySchemes": _security_schemes()},
    }


def _events_channel() -> Document:
    messages = {event.__name__: _event_message(event) for event in EVENTS.values()}
    return {"address": "/events", "title": "Stream", "description": STREAM, "messages": messages}


def _event_message(event: type[Event]) -> Document:
    return _message(event, event.type, f"{event.__name__}Event") | {"x-kept": event.kept}


def _commands_channel() -> Document:
    messages: Document = {}
    for command in COMMANDS.values():
        accepted = f"{command.__name__}Accepted"
        messages[command.__name__] = _message(command, command.type, command.__name__)
        messages[accepted] = _message(command.result, f"{command.type} accepted", accepted)
    return {
        "address": "/commands/{type}",
        "title": "Commands",
        "description": COMMAND,
        "messages": messages,
        "parameters": {"type": {"description": "The command.", "enum": list(COMMANDS)}},
    }


def _message(struct: type[msgspec.Struct], name: str, schema: str) -> Document:
    return {
        "name": name,
        "title": name,
        "summary": summary(struct),
        "description": described(struct),
        "payload": {"$ref": reference(schema)},
    }


def _send_events() -> Document:
    query = {"type": "object", "properties": STREAM_QUERY}
    return {
        "action": "send",
        "channel": {"$ref": "#/channels/events"},
        "summary": "Everything that happens for one user.",
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in SECURITY],
        "bindings": {"http": {"method": "GET", "query": query, "bindingVersion": HTTP_BINDING}},
    }


def _receive(command: type[Command]) -> Document:
    channel = {"$ref": "#/channels/commands"}
    messages = "#/channels/commands/messages"
    return {
        "action": "receive",
        "channel": channel,
        "summary": summary(command),
        "messages": [{"$ref": f"{messages}/{command.__name__}"}],
        "reply": {"channel": channel, "messages": [{"$ref": f"{messages}/{command.__name__}Accepted"}]},
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in ("bearer", "cookie")],
        "bindings": {"http": {"method": "POST", "bindingVersion": HTTP_BINDING}},
    }


def _operation_name(command: type[Command]) -> str:
    return f"receive{command.__name__}"


def _security_schemes() -> Document:
    """AsyncAPI calls a key in a cookie or query `httpApiKey`; its `apiKey` is a user name or password."""
    return {
        name: scheme | ({"type": "httpApiKey"} if scheme["type"] == "apiKey" else {})
        for name, scheme in SECURITY.items()
    }
