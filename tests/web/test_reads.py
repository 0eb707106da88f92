"""Snapshot, lists, one thread, accounts: one user's, consistent, and in step with the stream."""

from __future__ import annotations

import asyncio
import gzip
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from quart import Quart

from tests.databases import PATIENCE_SECONDS
from tests.web.sites import MIA, NOAH, LiveSite, Site
from tests.web.tabs import EventStream, Message
from zena_sse.app import create_app
from zena_sse.security.principal import Role
from zena_sse.settings import Settings
from zena_sse.web.json import reply


async def get(site: Site, path: str, user: str = MIA) -> Any:
    """What a read answers."""
    response = await site.client.get(path, headers=site.bearer(user))
    assert response.status_code == 200, await response.get_data(as_text=True)
    assert response.headers["Cache-Control"] == "no-store"
    return await response.get_json()


@pytest.mark.parametrize("takes", ["gzip, br", "gzip;q=0", "identity", ""])
async def test_a_long_answer_is_packed_for_whoever_takes_that(takes: str) -> None:
    for words in (10, 10_000):
        async with Quart(__name__).test_request_context("/", headers={"Accept-Encoding": takes}):
            response = reply(["mail"] * words)
            body = await response.get_data(as_text=False)
        is_packed = response.headers.get("Content-Encoding") == "gzip"
        assert is_packed == (words > 10 and takes == "gzip, br")
        assert msgspec.json.decode(gzip.decompress(body) if is_packed else body) == ["mail"] * words
        assert ("Vary" in response.headers) == (words > 10), "a cache between must know"


# --- the snapshot ---------------------------------------------------------------------------------


async def test_a_newcomers_snapshot_is_empty_and_its_cursor_opens_the_stream(live: LiveSite) -> None:
    snapshot = await get(live, "/snapshot")
    assert (snapshot["threads"], snapshot["syncs"], snapshot["accounts"]) == ([], [], [])
    tab = await live.open(last_event_id=snapshot["cursor"])
    assert (await tab.next()).payload["mode"] == "resumed"


async def test_a_snapshot_says_by_which_moment_it_is_judged(settings: Settings) -> None:
    moment = datetime.fromisoformat("2026-11-20T09:00:00+13:00")
    app = create_app(settings, lambda: moment, background=False)
    await app.startup()
    try:
        assert (await get(Site(app, settings), "/snapshot"))["asOf"] == "2026-11-20T09:00:00+13:00"
    finally:
        await app.shutdown()


async def test_snapshots_and_the_stream_after_them_are_everything_once_while_mail_comes_in(
    live: LiveSite,
) -> None:
    subjects = [f"Number {number}" for number in range(60)]
    await live.receive(*subjects[:3])
    snapshots: list[Any] = []

    async def look() -> None:
        while True:
            snapshots.append(await get(live, "/snapshot"))

    looking = asyncio.create_task(look())
    for first in range(3, 60, 3):
        await live.receive(*subjects[first : first + 3])
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    head = (await live.zena.log.page(MIA, 0)).position.head
    between = [snapshot for snapshot in snapshots if 3 < len(snapshot["threads"]) < 60]
    assert len({snapshot["cursor"] for snapshot in between}) > 3
    for snapshot in between[:: max(1, len(between) // 8)]:
        held = {thread["subject"] for thread in snapshot["threads"]}
        tab = await live.open_ready(last_event_id=snapshot["cursor"])
        messages = await tab.take(head - int(snapshot["cursor"].rpartition("-")[2]))
        told = [message.payload["subject"] for message in messages if message.event == "thread.new"]
        assert sorted([*held, *told]) == sorted(subjects)


async def test_a_client_that_is_reset_is_made_whole_by_snapshot_and_its_connection(live: LiveSite) -> None:
    await live.receive("Before")
    tab = await live.open(last_event_id="gone-7")
    assert (await tab.next()).payload["mode"] == "reset"
    await live.receive("Meanwhile")
    snapshot = await get(live, "/snapshot")
    await live.receive("Afterwards")
    held = {thread["subject"] for thread in snapshot["threads"]}
    known = int(snapshot["cursor"].rpartition("-")[2])
    while "Afterwards" not in held:
        message = await tab.next()
        assert message.id is not None
        if int(message.id.rpartition("-")[2]) > known and message.event == "thread.new":
            assert message.payload["subject"] not in held
            held.add(message.payload["subject"])
    assert held == {"Before", "Meanwhile", "Afterwards"}


# --- threads --------------------------------------------------------------------------------------


async def test_pages_of_threads_are_all_threads_newest_first(site: Site) -> None:
    await site.receive(*(f"Number {number}" for number in range(23)))
    await site.receive("Not mine", user=NOAH)
    found, path = list[dict[str, Any]](), "/threads?limit=5"
    while path:
        page = await get(site, path)
        found += page["threads"]
        assert len(page["threads"]) == (5 if page["next"] else 3)
        path = page["next"] and f"/threads?limit=5&after={page['next']}"
    assert [thread["subject"] for thread in found] == [f"Number {number}" for number in range(22, -1, -1)]
    assert found == (await get(site, "/threads"))["threads"]


async def test_a_thread_comes_with_its_messages_and_is_nobody_elses(site: Site) -> None:
    (mine,), (theirs,) = await site.receive("Open home"), await site.receive("Offer", user=NOAH)
    thread = await get(site, f"/threads/{mine}")
    assert (thread["subject"], len(thread["messages"])) == ("Open home", 1)
    assert thread["messages"][0]["text"].strip() == "Kia ora"
    for path in (f"/threads/{theirs}", "/threads/none"):
        response = await site.client.get(path, headers=site.bearer())
        assert response.status_code == 404
        assert (await response.get_json())["detail"] == "There is no such thread."


# --- accounts -------------------------------------------------------------------------------------


async def test_accounts_are_listed_without_their_secrets(site: Site) -> None:
    await site.account()
    (account,) = (await get(site, "/accounts"))["accounts"]
    assert account["provider"] == "folder"
    assert account.keys() == {
        "accountId", "provider", "name", "addresses", "state", "error", "createdAt", "syncedAt",
    }  # fmt: skip
    assert (await get(site, "/accounts", NOAH))["accounts"] == []


async def test_somebody_elses_account_is_not_there_to_be_removed_or_read(site: Site) -> None:
    theirs = (await site.account(NOAH)).account_id
    for response in (
        await site.client.delete(f"/accounts/{theirs}", headers=site.bearer()),
        await site.client.post("/commands/sync.request", headers=site.bearer(), json={"accountId": theirs}),
    ):
        assert response.status_code == 404
        assert (await response.get_json())["code"] == "not_found"
    assert len((await get(site, "/accounts", NOAH))["accounts"]) == 1


async def test_removing_an_account_removes_it_and_its_threads(site: Site) -> None:
    await site.receive("Open home")
    account_id = (await site.account(NOAH)).account_id
    (mine,) = (await get(site, "/accounts"))["accounts"]
    response = await site.client.delete(f"/accounts/{mine['accountId']}", headers=site.bearer())
    assert response.status_code == 204
    assert (await get(site, "/accounts"))["accounts"] == []
    async with asyncio.timeout(PATIENCE_SECONDS):
        await site.zena.engine.purged([mine["accountId"]])
    assert (await get(site, "/snapshot"))["threads"] == []
    (theirs,) = (await get(site, "/accounts", NOAH))["accounts"]
    assert theirs["accountId"] == account_id


@pytest.mark.parametrize("provider", ["folder", "maildir"])
async def test_the_servers_disk_is_not_read_for_a_caller_over_http(
    site: Site, provider: str, tmp_path: Path
) -> None:
    (tmp_path / "mail" / "INBOX").mkdir(parents=True)
    for role in get_args(Role):
        response = await site.client.post(
            "/accounts",
            headers=site.bearer(MIA, role),
            json={"provider": provider, "path": str(tmp_path / "mail")},
        )
        assert response.status_code == 403
        assert (await response.get_json())["code"] == "forbidden"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "::1", "0.0.0.0", "::ffff:127.0.0.1"]  # noqa: S104
)  # fmt: skip
async def test_a_mail_server_on_a_private_address_is_refused(site: Site, host: str) -> None:
    body = {"provider": "imap", "host": host, "username": "u", "password": "secret-password"}
    response = await site.client.post("/accounts", headers=site.bearer(), json=body)
    problem = await response.get_json()
    assert (response.status_code, problem["code"]) == (422, "host_not_allowed")
    assert "secret-password" not in str(problem)
    assert (await get(site, "/accounts"))["accounts"] == []


# --- with the real engine -------------------------------------------------------------------------


async def events_until(site: Site, cursor: str, last: str) -> list[Message]:
    """A user's events after a cursor, to the first of this type."""
    reader, messages = EventStream(), list[Message]()
    target = f"/events?last_event_id={cursor}"
    async with site.client.request(target, headers=site.bearer()) as connection:
        await connection.send_complete()
        async with asyncio.timeout(PATIENCE_SECONDS * 3):
            while not any(message.event == last for message in messages):
                messages += reader.feed(await connection.receive())
        await connection.disconnect()
    return messages


@pytest.mark.parametrize(("changes", "background"), [({"mail_days": 0}, True)])
async def test_a_mailbox_that_was_asked_for_is_told_thread_by_thread_and_then_all_in_the_reads(
    site: Site, demo_mail: Path
) -> None:
    await site.account(path=str(demo_mail))
    cursor = f"{await site.epoch()}-0"
    headers = site.bearer() | {"Idempotency-Key": "wish-1"}
    response = await site.client.post("/commands/sync.request", headers=headers)
    assert response.status_code == 202
    answer = await response.get_json()
    (sync_id,) = answer["result"]["syncIds"]
    messages = await events_until(site, cursor, "sync.completed")
    durable = [message for message in messages if message.id is not None]
    assert (durable[0].event, durable[0].payload["syncId"]) == ("sync.started", sync_id)
    assert durable[0].id == answer["cursor"]
    assert {message.envelope["commandId"] for message in durable} == {"wish-1"}
    assert durable[-1].payload["success"] is True
    told = {message.payload["threadId"] for message in durable if message.event == "thread.new"}
    snapshot = await get(site, "/snapshot")
    found = (await get(site, "/threads?limit=200"))["threads"]
    assert {thread["threadId"] for thread in found} == told
    telling = [thread for thread in found if thread["classification"] != "noise"]
    assert snapshot["threads"] == telling
    assert 0 < len(telling) < len(found)
    assert len(told) == durable[-1].payload["threadsProcessed"] > 50
    (sync,) = snapshot["syncs"]
    assert (sync["syncId"], sync["state"], sync["success"]) == (sync_id, "completed", True)
    again = await site.client.post("/commands/sync.request", headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"
