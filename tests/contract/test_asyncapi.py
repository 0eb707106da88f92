"""The AsyncAPI document holds together: references lead somewhere, messages can be checked with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import jsonschema
import msgspec
import pytest

from zena_sse.contract.asyncapi import asyncapi_document
from zena_sse.contract.commands import COMMANDS
from zena_sse.contract.events import EVENTS, Envelope, Event, StreamPing, SyncCompleted, ThreadUpdated
from zena_sse.contract.schema import Document

DOCUMENT = asyncapi_document("1.2.3")


def references(part: object) -> Iterator[str]:
    """Every `$ref` anywhere inside."""
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def resolve(reference: str) -> Document:
    found: Document = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def check(event: Event, **also: object) -> None:
    """Raise unless this event, as it is sent, is what the document says."""
    envelope = Envelope(event.type, msgspec.Raw(msgspec.json.encode(event)), "2026-11-20T09:00:00.120Z")
    sent = msgspec.json.decode(msgspec.json.encode(envelope)) | also
    schema = {
        "$ref": f"#/components/schemas/{type(event).__name__}Event",
        "components": DOCUMENT["components"],
    }
    jsonschema.validate(sent, schema, format_checker=jsonschema.FormatChecker())


def test_it_names_its_version_and_the_version_of_the_program() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"]["version"] == "1.2.3"


def test_every_reference_leads_to_something() -> None:
    found = set(references(DOCUMENT))
    assert found
    assert all(resolve(reference) for reference in found)


def test_the_stream_is_sent_and_has_one_message_for_each_event() -> None:
    assert DOCUMENT["channels"]["events"]["address"] == "/events"
    messages = DOCUMENT["channels"]["events"]["messages"].values()
    assert [message["name"] for message in messages] == list(EVENTS)
    assert DOCUMENT["operations"]["sendEvents"]["action"] == "send"


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.type)
def test_a_message_says_how_its_event_is_kept(event: type[Event]) -> None:
    message = DOCUMENT["channels"]["events"]["messages"][event.__name__]
    assert message["x-kept"] == event.kept
    assert ("Durable" in message["description"]) == (event.kept == "log")


def test_every_command_is_received_and_answered() -> None:
    channel = DOCUMENT["channels"]["commands"]
    assert channel["address"] == "/commands/{type}"
    assert channel["parameters"]["type"]["enum"] == list(COMMANDS)
    for command in COMMANDS.values():
        operation = DOCUMENT["operations"][f"receive{command.__name__}"]
        [request], [answer] = operation["messages"], operation["reply"]["messages"]
        assert resolve(resolve(request["$ref"])["payload"]["$ref"])["title"] == command.__name__
        accepted = resolve(resolve(answer["$ref"])["payload"]["$ref"])
        assert resolve(accepted["properties"]["result"]["$ref"])["title"] == command.result.__name__


def test_what_is_sent_fits_its_schema() -> None:
    check(StreamPing(cursor="5f3a91c2-184"))
    check(SyncCompleted(sync_id="s", account_id="a", threads_processed=1, success=True), commandId="c")
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    check(ThreadUpdated(thread_id="t", classification=None, category=None, next_action_owner=None))
    check(
        ThreadUpdated(
            thread_id="t",
            classification="buyer",
            category="focus",
            next_action_owner="agent",
            last_message_at=moment,
        )
    )


@pytest.mark.parametrize(
    "wrong",
    [{"type": "thread.new"}, {"payload": {}}, {"at": None}, {"commandId": None}],
    ids=["another type", "a field is missing", "no time", "null for what is left out"],
)
def test_what_is_never_sent_does_not_fit(wrong: Document) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check(StreamPing(cursor="5f3a91c2-184"), **wrong)


def test_a_payload_has_no_null_for_what_is_left_out_but_a_command_may_send_it() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["SyncCompleted"]["properties"]["error"] == {"type": "string"}
    assert {"type": "null"} in schemas["SyncRequest"]["properties"]["accountId"]["anyOf"]
    assert {"type": "null"} in schemas["ThreadUpdated"]["properties"]["category"]["anyOf"]
