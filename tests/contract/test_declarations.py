"""The declarations say what the public contract says, and every document says what they say."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from zena_sse import errors
from zena_sse.contract.asyncapi import asyncapi_document
from zena_sse.contract.commands import COMMANDS
from zena_sse.contract.events import EVENTS, TEXT_LIMIT, Kept
from zena_sse.contract.stream_openapi import finish_openapi
from zena_sse.contract.typescript import typescript
from zena_sse.errors import ZenaError

STREAM_GUIDE = Path(__file__).parents[2] / "docs" / "stream.md"
NOON = "2026-11-20T12:00:00Z"

Fields = dict[str, Any]


class Row(NamedTuple):
    """An example with only the required fields, the optional ones, and how the event is kept."""

    required: Fields
    optional: Fields
    kept: Kept


class CommandRow(NamedTuple):
    required: Fields
    optional: Fields
    result: Fields


# What clients, tests and scripts rely on. Adding an optional field is fine; nothing else is.
EXPECTED_EVENTS: dict[str, Row] = {
    "stream.ready": Row(
        {"mode": "reset", "cursor": "5f3a91c2-184", "heartbeatSeconds": 15.0, "expiresAt": NOON},
        {"reason": "unknown_epoch"},
        "stream",
    ),
    "stream.ping": Row({"cursor": "5f3a91c2-184"}, {}, "stream"),
    "stream.closing": Row({"reason": "draining"}, {}, "stream"),
    "sync.started": Row({"syncId": "s", "accountId": "a", "provider": "imap"}, {}, "log"),
    "sync.progress": Row(
        {"syncId": "s", "accountId": "a", "totalThreads": 9, "processedThreads": 3}, {}, "newest"
    ),
    "sync.completed": Row(
        {"syncId": "s", "accountId": "a", "threadsProcessed": 9, "success": False},
        {"error": "interrupted"},
        "log",
    ),
    "sync.error": Row({"accountId": "a", "error": "refused", "fatal": True}, {}, "log"),
    "thread.new": Row(
        {"threadId": "t", "accountId": "a", "subject": "Offer", "from": "Anna", "lastMessageAt": NOON},
        {},
        "log",
    ),
    "thread.updated": Row(
        {"threadId": "t", "classification": "buyer", "category": "focus", "nextActionOwner": "agent"},
        {"subject": "Offer", "lastMessageAt": NOON, "messageCount": 2, "removed": True, "mergedInto": "u"}
        | {"riskLevel": "low", "propertyId": "p", "dealId": "d", "confidence": 0.9},
        "log",
    ),
    "thread.viewed": Row({"threadId": "t", "viewedAt": NOON, "by": "anna"}, {}, "log"),
    "deal.updated": Row(
        {"dealId": "d", "stage": "offer", "nextActionOwner": "other", "summary": "Offer"},
        {"propertyId": "p", "riskLevel": "low", "closed": True, "removed": True},
        "log",
    ),
    "deal.risk": Row(
        {"dealId": "d", "riskLevel": "high", "riskFlags": ["silence"], "riskReason": "10 days"}, {}, "log"
    ),
    "task.created": Row(
        {"taskId": "k", "label": "Ring Ana", "source": "email"},
        {"dueDate": "2026-11-24", "dealId": "d", "propertyId": "p", "contactId": "c", "threadId": "t"},
        "log",
    ),
    "task.completed": Row({"taskId": "k", "completedAt": NOON}, {"reason": "answered"}, "log"),
    "ask.started": Row({"askId": "q", "question": "Who waits?", "conversationId": "v"}, {}, "log"),
    "ask.response": Row(
        {"askId": "q", "chunk": "Ana", "offset": 0, "isComplete": True},
        {"answer": "Ana", "found": True, "error": {"code": "cancelled", "message": "Stopped."}}
        | {"sources": [{"type": "thread", "id": "t", "title": "T", "snippet": "S", "messageId": "m"}]}
        | {"suggestedActions": [{"label": "Done", "command": "task.complete", "payload": {"taskId": "k"}}]},
        "log",
    ),
    "typing.started": Row({"by": "anna", "where": "thread:t"}, {}, "live"),
}

EXPECTED_COMMANDS: dict[str, CommandRow] = {
    "sync.request": CommandRow({}, {"accountId": "a"}, {"syncIds": ["s"]}),
    "thread.view": CommandRow({"threadId": "t"}, {}, {"viewedAt": NOON}),
    "typing.start": CommandRow({"where": "thread:t"}, {}, {}),
    "ask.request": CommandRow({"question": "Who waits?"}, {"conversationId": "v"}, {"askId": "q"}),
    "ask.cancel": CommandRow({"askId": "q"}, {}, {}),
    "task.create": CommandRow(
        {"label": "Ring Ana"},
        {"dueDate": "2026-11-24", "dealId": "d", "propertyId": "p", "contactId": "c"},
        {"taskId": "k"},
    ),
    "task.complete": CommandRow({"taskId": "k"}, {}, {}),
}

EXPECTED: dict[str, Row | CommandRow] = {**EXPECTED_EVENTS, **EXPECTED_COMMANDS}
DECLARED: dict[str, type[msgspec.Struct]] = {**EVENTS, **COMMANDS}

each_event = pytest.mark.parametrize("name", sorted(EVENTS))
each_command = pytest.mark.parametrize("name", sorted(COMMANDS))
each = pytest.mark.parametrize("name", sorted(DECLARED))


def on_the_wire(struct: type[msgspec.Struct], fields: Fields) -> Fields:
    """These fields after they were read and written by the declaration."""
    read = msgspec.convert(fields, struct)
    written: Fields = msgspec.json.decode(msgspec.json.encode(read))
    return written


def field_names(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


def required_names(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct) if field.required}


def test_the_expected_tables_name_every_declaration() -> None:
    assert (set(EXPECTED_EVENTS), set(EXPECTED_COMMANDS)) == (set(EVENTS), set(COMMANDS))
    assert len(EXPECTED) == len(EVENTS) + len(COMMANDS), "an event and a command share a type"


@each
def test_a_type_is_two_lower_case_words_and_a_declaration_has_a_docstring(name: str) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z]+", name)
    own = DECLARED[name].__dict__.get("__doc__")
    assert own, "no docstring of its own"
    assert inspect.cleandoc(own)[-1] in ".)`"


@each
def test_a_payload_has_exactly_the_fields_of_the_contract(name: str) -> None:
    row, struct = EXPECTED[name], DECLARED[name]
    assert required_names(struct) == set(row.required)
    assert field_names(struct) == set(row.required) | set(row.optional)


@each
def test_a_payload_is_written_with_these_names_and_without_what_is_not_set(name: str) -> None:
    row = EXPECTED[name]
    everything = row.required | row.optional
    assert on_the_wire(DECLARED[name], row.required) == row.required
    assert on_the_wire(DECLARED[name], everything) == everything


@each_event
def test_an_event_is_kept_as_the_contract_says(name: str) -> None:
    assert EVENTS[name].kept == EXPECTED_EVENTS[name].kept


@each_command
def test_a_command_answers_what_the_contract_says(name: str) -> None:
    result, row = COMMANDS[name].result, EXPECTED_COMMANDS[name]
    assert field_names(result) == set(row.result)
    assert on_the_wire(result, row.result) == row.result


@each_command
def test_a_command_refuses_a_field_it_does_not_know(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `surprise`"):
        msgspec.convert(EXPECTED_COMMANDS[name].required | {"surprise": 1}, COMMANDS[name])


@pytest.mark.parametrize(("name", "field"), [("thread.new", "subject"), ("thread.new", "from")])
def test_text_from_mail_has_a_limit(name: str, field: str) -> None:
    too_long = EXPECTED_EVENTS[name].required | {field: "x" * (TEXT_LIMIT + 1)}
    with pytest.raises(msgspec.ValidationError, match=f"length <= {TEXT_LIMIT}"):
        msgspec.convert(too_long, EVENTS[name])


def test_an_unsorted_thread_says_null_rather_than_nothing() -> None:
    unsorted = {"threadId": "t", "classification": None, "category": None, "nextActionOwner": None}
    assert on_the_wire(EVENTS["thread.updated"], unsorted) == unsorted


# --- nothing is declared without being documented -----------------------------------------------


@each_event
def test_an_event_is_in_every_generated_document(name: str) -> None:
    struct = EVENTS[name].__name__
    stream = finish_openapi({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}})
    item = stream["paths"]["/events"]["get"]["responses"]["200"]["content"]["text/event-stream"]["itemSchema"]
    assert name in item["properties"]["event"]["enum"]
    assert stream["components"]["schemas"][f"{struct}Event"]["properties"]["type"]["const"] == name
    assert asyncapi_document("1")["channels"]["events"]["messages"][struct]["name"] == name
    assert f'Envelope<"{name}", {struct}>' in typescript({})


@each_command
def test_a_command_is_in_every_generated_document(name: str) -> None:
    struct = COMMANDS[name].__name__
    paths = finish_openapi({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}})["paths"]
    assert "post" in paths[f"/commands/{name}"]
    assert asyncapi_document("1")["channels"]["commands"]["messages"][struct]["name"] == name
    assert f'"{name}": {{ payload: {struct};' in typescript({})


@pytest.fixture(scope="module")
def guide_rows() -> dict[str, str]:
    """The table rows of the guide by the type in their first cell."""
    guide = STREAM_GUIDE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z]+\.[a-z]+)` \|(.*)\|$", guide, flags=re.MULTILINE)
    names = [name for name, _ in rows]
    assert len(names) == len(set(names)), "a type has two rows"
    return dict(rows)


@each
def test_the_guide_has_a_row_with_every_field(name: str, guide_rows: dict[str, str]) -> None:
    row = guide_rows.get(name)
    assert row is not None, f"docs/stream.md has no row for {name}"
    fields = field_names(DECLARED[name])
    if name in COMMANDS:
        fields |= field_names(COMMANDS[name].result)
    missing = {field for field in fields if not re.search(rf"`{field}(\[\])?\??`", row)}
    assert not missing


def test_the_guide_has_no_row_for_what_is_not_declared(guide_rows: dict[str, str]) -> None:
    assert set(guide_rows) == set(DECLARED)


@each_event
def test_the_guide_marks_optional_fields_and_how_an_event_is_kept(
    name: str, guide_rows: dict[str, str]
) -> None:
    row = guide_rows[name]
    marked = set(re.findall(r"`(\w+)\?`", row))
    assert marked == set(EXPECTED_EVENTS[name].optional)
    kept = row.rstrip().rpartition("|")[2].strip()
    assert kept == {"log": "yes", "newest": "newest only", "live": "no", "stream": "no"}[EVENTS[name].kept]


def test_the_guide_explains_every_reason() -> None:
    guide = STREAM_GUIDE.read_text(encoding="utf-8")
    schemas = asyncapi_document("1")["components"]["schemas"]
    reasons = [
        *schemas["StreamClosing"]["properties"]["reason"]["enum"],
        *schemas["StreamReady"]["properties"]["reason"]["enum"],
        *schemas["StreamReady"]["properties"]["mode"]["enum"],
    ]
    assert [reason for reason in reasons if f"`{reason}`" not in guide] == []


def test_the_guide_names_only_codes_that_exist_with_their_status() -> None:
    guide = STREAM_GUIDE.read_text(encoding="utf-8")
    known = {
        (error.status, error.code)
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, ZenaError)
    }
    rows = re.findall(r"^\| (\d{3}) \| ([^|]*) \|", guide, flags=re.MULTILINE)
    listed = {(int(status), code) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    assert len(listed) > 10
    assert listed - known == set()
