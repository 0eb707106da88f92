"""What a client wants: once, in order, with an answer that says which event to wait for."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import msgspec
import pytest

from tests.databases import PATIENCE_SECONDS, until
from tests.web.sites import MIA, NOAH, Site
from tests.web.tabs import EventStream, Message
from zena_sse.contract.commands import COMMANDS
from zena_sse.contract.events import SyncError
from zena_sse.storage.port import Reader, Transaction


async def post(site: Site, command: str, payload: object, key: str | None = None, user: str = MIA) -> Any:
    """The response to one command."""
    headers = site.bearer(user) | ({"Idempotency-Key": key} if key else {})
    return await site.client.post(f"/commands/{command}", headers=headers, json=payload)


async def logged(site: Site, user: str = MIA) -> list[dict[str, Any]]:
    """The user's log."""

    def query(reader: Reader) -> list[bytes]:
        return reader.all(bytes, 'SELECT data FROM events WHERE user_id = :user ORDER BY "offset"', user=user)

    return [msgspec.json.decode(data) for data in await site.zena.storage.read(query)]


async def views(site: Site) -> list[str]:
    """The ids of the commands that had a thread viewed."""
    return [event["commandId"] for event in await logged(site) if event["type"] == "thread.viewed"]


async def stream_from(site: Site, cursor: str, number: int) -> list[Message]:
    """The first events after a cursor."""
    reader, messages = EventStream(), list[Message]()
    target = f"/events?last_event_id={cursor}"
    async with site.client.request(target, headers=site.bearer()) as connection:
        await connection.send_complete()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(messages) <= number:
                messages += reader.feed(await connection.receive())
        await connection.disconnect()
    return messages[1:]


async def test_the_event_a_command_caused_is_at_or_below_its_cursor_and_carries_its_id(site: Site) -> None:
    (thread,) = await site.receive("Open home")
    before = (await site.zena.log.page(MIA, 0)).position
    response = await post(site, "thread.view", {"threadId": thread}, key="wish-1")
    assert response.status_code == 202
    answer = await response.get_json()
    assert answer.keys() == {"commandId", "cursor", "result"}
    assert answer["commandId"] == "wish-1"
    (message,) = await stream_from(site, f"{before.epoch}-{before.head}", 1)
    assert message.id is not None
    assert int(message.id.partition("-")[2]) <= int(answer["cursor"].partition("-")[2])
    assert (message.event, message.envelope["commandId"]) == ("thread.viewed", "wish-1")
    assert message.payload == {"threadId": thread, "viewedAt": answer["result"]["viewedAt"], "by": MIA}


async def test_without_a_key_each_request_is_a_wish_of_its_own(site: Site) -> None:
    (thread,) = await site.receive("Open home")
    responses = [await post(site, "thread.view", {"threadId": thread}) for _ in range(3)]
    ids = {(await response.get_json())["commandId"] for response in responses}
    assert len(ids) == 3
    assert set(await views(site)) == ids


async def test_the_same_key_and_body_give_the_same_answer_and_run_once(site: Site) -> None:
    (thread,) = await site.receive("Open home")
    first = await post(site, "thread.view", {"threadId": thread}, key="k")
    assert "Idempotent-Replayed" not in first.headers
    await site.publish(SyncError(account_id="a", error="later", fatal=False))
    again = await site.client.post(
        "/commands/thread.view",
        headers=site.bearer() | {"Idempotency-Key": "k"},
        data=f' {{ "threadId" : "{thread}" }} ',  # the same wish in other bytes
    )
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.status_code == 202
    assert await again.get_json() == await first.get_json()
    assert (await views(site)).count("k") == 1


async def test_the_same_key_at_the_same_moment_runs_once(site: Site) -> None:
    (thread,) = await site.receive("Open home")
    responses = await asyncio.gather(
        *(post(site, "thread.view", {"threadId": thread}, key="k") for _ in range(8))
    )
    assert {response.status_code for response in responses} == {202}
    assert sum("Idempotent-Replayed" in response.headers for response in responses) == 7
    assert await views(site) == ["k"]


async def test_the_same_key_with_another_body_is_refused(site: Site) -> None:
    one, two = await site.receive("Open home", "Offer")
    await post(site, "thread.view", {"threadId": one}, key="k")
    response = await post(site, "thread.view", {"threadId": two}, key="k")
    assert response.status_code == 422
    assert (await response.get_json())["code"] == "idempotency_conflict"
    assert await views(site) == ["k"]


async def test_a_key_belongs_to_one_user_and_one_command(site: Site) -> None:
    (mine,), (theirs,) = await site.receive("Open home"), await site.receive("Offer", user=NOAH)
    responses = [
        await post(site, "thread.view", {"threadId": mine}, key="k"),
        await post(site, "thread.view", {"threadId": theirs}, key="k", user=NOAH),
        await post(site, "typing.start", {"where": "t"}, key="k"),
    ]
    assert [response.status_code for response in responses] == [202, 202, 202]
    assert not any("Idempotent-Replayed" in response.headers for response in responses)


async def test_a_failure_is_not_remembered(site: Site) -> None:
    response = await post(site, "thread.view", {"threadId": "none"}, key="k")
    assert response.status_code == 404
    (thread,) = await site.receive("Open home")
    response = await post(site, "thread.view", {"threadId": thread}, key="k")
    assert response.status_code == 202
    assert "Idempotent-Replayed" not in response.headers


@pytest.mark.parametrize("key", ["with space", "x" * 129, "é", "tab\tbed"])
async def test_a_key_that_could_not_be_an_id_is_refused(site: Site, key: str) -> None:
    response = await post(site, "typing.start", {"where": "t"}, key=key)
    assert response.status_code == 400
    assert (await response.get_json())["code"] == "invalid_query"


async def test_a_client_that_leaves_does_not_take_its_command_back(site: Site) -> None:
    (thread,) = await site.receive("Open home")
    gate = threading.Event()

    def block(_tx: Transaction) -> None:
        gate.wait(PATIENCE_SECONDS)

    blocked = asyncio.create_task(site.zena.storage.write(block))
    await until(lambda: len(site.zena.storage.writer) == 1)
    headers = site.bearer() | {"Idempotency-Key": "k"}
    try:
        async with site.client.request("/commands/thread.view", method="POST", headers=headers) as connection:
            await connection.send(b'{"threadId": "%s"}' % thread.encode())
            await connection.send_complete()
            await until(lambda: len(site.zena.storage.writer) == 2)
            await connection.disconnect()
            gate.set()
    finally:
        gate.set()
    await blocked
    await until(lambda: len(site.zena.storage.writer) == 0)
    assert await views(site) == ["k"]
    replayed = await post(site, "thread.view", {"threadId": thread}, key="k")
    assert replayed.headers["Idempotent-Replayed"] == "true"


async def test_somebody_elses_thread_does_not_exist(site: Site) -> None:
    (theirs,) = await site.receive("Offer", user=NOAH)
    response = await post(site, "thread.view", {"threadId": theirs})
    assert response.status_code == 404
    assert [event for event in await logged(site, NOAH) if event["type"] == "thread.viewed"] == []


async def test_every_declared_command_has_its_handler_and_its_address(site: Site) -> None:
    assert site.zena.dispatch._handlers.keys() >= COMMANDS.keys()
    for command in COMMANDS:
        response = await post(site, command, {"nonsense": 1})
        problem = await response.get_json()
        assert (response.status_code, problem["code"]) == (422, "invalid_payload"), command


# --- many at once ---------------------------------------------------------------------------------


async def batch(site: Site, entries: object) -> tuple[int, Any]:
    """Status and answer."""
    response = await site.client.post("/commands", headers=site.bearer(), json=entries)
    return response.status_code, await response.get_json()


def view(thread: str, key: str | None = None) -> dict[str, object]:
    """One entry of a batch."""
    entry: dict[str, object] = {"type": "thread.view", "payload": {"threadId": thread}}
    return entry | ({"commandId": key} if key else {})


async def test_a_batch_runs_in_order_and_a_failure_does_not_stop_the_rest(site: Site) -> None:
    one, two = await site.receive("Open home", "Offer")
    status, outcomes = await batch(
        site,
        [
            view(two, "c1"),
            view("none", "c2"),
            {"type": "no.such", "payload": {}, "commandId": "c3"},
            {"type": "thread.view", "payload": {"thread": 1}, "commandId": "c4"},
            {"type": "thread.view", "payload": None, "commandId": "c5"},
            view(one, "with space"),
            view(one, "c6"),
            view(one),
        ],
    )
    assert status == 200
    assert [outcome["status"] for outcome in outcomes] == [202, 404, 404, 422, 422, 400, 202, 202]
    assert [outcome["commandId"] for outcome in outcomes][:7] == [
        "c1", "c2", "c3", "c4", "c5", "with space", "c6",
    ]  # fmt: skip
    codes = [outcome["problem"]["code"] for outcome in outcomes if "problem" in outcome]
    assert codes == ["not_found", "unknown_command", "invalid_payload", "invalid_payload", "invalid_query"]
    done = [outcome for outcome in outcomes if outcome["status"] == 202]
    assert all(outcome.keys() == {"commandId", "status", "cursor", "result"} for outcome in done)
    offsets = [int(outcome["cursor"].partition("-")[2]) for outcome in done]
    assert offsets == sorted(set(offsets))
    assert await views(site) == [outcome["commandId"] for outcome in done]


async def test_a_batch_sent_again_runs_what_had_failed_and_nothing_else(site: Site) -> None:
    typing = {"type": "typing.start", "commandId": "c2"}
    entries = [view("none", "c1"), typing | {"payload": {"where": "t"}}]
    _, first = await batch(site, entries)
    _, again = await batch(site, entries)
    assert first == again
    _, other = await batch(site, [view("other", "c1"), typing | {"payload": {"where": "u"}}])
    assert [outcome["status"] for outcome in other] == [404, 422]
    assert other[1]["problem"]["code"] == "idempotency_conflict"


async def test_a_batch_has_a_hundred_commands_at_most(site: Site) -> None:
    entry = {"type": "typing.start", "payload": {"where": "t"}}
    status, outcomes = await batch(site, [entry] * 100)
    assert (status, len(outcomes)) == (200, 100)
    assert await batch(site, []) == (200, [])
    for wrong in ([entry] * 101, entry):
        status, problem = await batch(site, wrong)
        assert (status, problem["code"]) == (422, "invalid_payload")


async def test_a_malformed_entry_of_a_batch_does_not_stop_the_rest(site: Site) -> None:
    entry = {"type": "typing.start", "payload": {"where": "t"}}
    entries = [entry | {"at": "noon"}, {"payload": {}}, None, 5, {"type": "sync.request"}, entry]
    status, outcomes = await batch(site, entries)
    assert status == 200
    assert [outcome["status"] for outcome in outcomes] == [422, 422, 422, 422, 202, 202]
    assert {outcome["problem"]["code"] for outcome in outcomes[:4]} == {"invalid_payload"}
    assert len({outcome["commandId"] for outcome in outcomes}) == len(entries)
