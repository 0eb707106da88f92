"""Threads as triage leaves them, over HTTP: lists, corrections, erasure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.databases import NOON
from tests.memorymailbox import mail, parsed
from tests.triageroom import scripted
from tests.web.sites import MIA, NOAH, Site
from zena_sse.mail.accounts import list_accounts
from zena_sse.mail.connector import Remote
from zena_sse.mail.runs import claim_run, complete_run, request_sync
from zena_sse.mail.store import Copy, apply_batch
from zena_sse.mail.threads import FOCUS_THREADS, list_threads
from zena_sse.storage.port import Reader
from zena_sse.triage.analysis.findings import Findings
from zena_sse.triage.judging import Case, Unjudged


async def judge(cases: Sequence[Case]) -> list[Findings | Unjudged]:
    """Mail says in its text what is found in it."""
    return [scripted(*case) for case in cases]


@pytest.fixture(autouse=True)
def analysis(site: Site) -> None:
    """The analysis is scripted."""
    site.zena.triage._analyse = judge


async def receive(site: Site, *mails: bytes, user: str = MIA) -> None:
    """Mail comes, and what follows a reading follows."""
    storage = site.zena.storage
    accounts = await storage.read(list_accounts, user)
    account = accounts[0] if accounts else await site.account(user)
    await storage.write(request_sync, account, f"run-{user}")
    run = await storage.write(claim_run, account.account_id)
    assert run is not None
    copies = [Copy(Remote("INBOX", parsed(raw).key, NOON, len(raw)), "1", parsed(raw)) for raw in mails]
    await storage.write(apply_batch, run, copies)
    await site.zena.watch.follow(user)
    await storage.write(complete_run, run)


async def get(site: Site, path: str, user: str = MIA) -> Any:
    response = await site.client.get(path, headers=site.bearer(user))
    assert response.status_code == 200, await response.get_data(as_text=True)
    return await response.get_json()


async def put(site: Site, subject: str, body: object, user: str = MIA) -> Any:
    """Correct the thread of this subject of Mia's; the response."""
    page = await site.zena.storage.read(list_threads, MIA, "all", 100)
    (thread_id,) = [thread.thread_id for thread in page.threads if thread.subject == subject]
    return await site.client.put(f"/threads/{thread_id}", headers=site.bearer(user), json=body)


async def subjects(site: Site, path: str) -> list[str]:
    return [thread["subject"] for thread in (await get(site, path))["threads"]]


async def test_a_thread_in_a_list_says_all_that_is_known_of_it(site: Site) -> None:
    await receive(site, mail("House", body="class: buyer\nstage: offer\nconcern: dear\nat: 12 High Street"))
    (thread,) = (await get(site, "/threads"))["threads"]
    assert thread | {"threadId": "", "propertyId": "", "dealId": ""} == {
        "threadId": "",
        "accountId": "box-mia",
        "subject": "House",
        "from": "Ben Buyer",
        "lastMessageAt": "2026-11-20T12:00:00Z",
        "messageCount": 1,
        "viewedAt": None,
        "classification": "buyer",
        "category": "focus",
        "nextActionOwner": "agent",
        "riskLevel": "medium",
        "riskReason": "A concern was voiced: “dear”",
        "confidence": 0.75,
        "evidence": ["ben@example.org wrote"],
        "stage": "offer",
        "concern": "dear",
        "propertyId": "",
        "property": "12 High Street",
        "dealId": "",
        "corrected": False,
    }
    assert thread["propertyId"].startswith("pr_")
    detail = await get(site, f"/threads/{thread['threadId']}")
    assert {key: detail[key] for key in thread} == thread


async def test_focus_is_what_presses_most_first_and_waiting_the_newest_first(site: Site) -> None:
    await receive(
        site,
        mail("New", minutes=50, body="owing: agent"),
        mail("Old", minutes=10, body="owing: agent"),
        mail("Worried", minutes=60, body="owing: agent\nconcern: dear"),
        mail("Theirs", minutes=20, body="owing: other"),
        mail("Done", minutes=30, body="owing: nobody"),
        mail("Spam", minutes=40, body="class: noise\nowing: nobody"),
    )
    assert await subjects(site, "/threads?list=focus") == ["Worried", "Old", "New"]
    assert await subjects(site, "/threads?list=waiting") == ["Done", "Theirs"]
    assert await subjects(site, "/threads?list=all") == ["Worried", "New", "Spam", "Done", "Theirs", "Old"]
    assert [thread["subject"] for thread in (await get(site, "/snapshot"))["threads"]] == [
        "Worried", "New", "Done", "Theirs", "Old",
    ]  # fmt: skip


async def test_focus_shows_ten_and_has_no_next_page(site: Site) -> None:
    await receive(site, *(mail(f"Number {n}", minutes=n, body="owing: agent") for n in range(15)))
    page = await get(site, "/threads?list=focus&limit=200")
    assert len(page["threads"]) == FOCUS_THREADS == 10
    assert page["next"] is None
    assert len((await get(site, "/threads?list=focus&limit=3"))["threads"]) == 3
    refused = await site.client.get("/threads?list=focus&after=whatever", headers=site.bearer(MIA))
    assert (refused.status_code, (await refused.get_json())["code"]) == (400, "invalid_query")


async def test_pages_of_waiting_are_all_of_it(site: Site) -> None:
    await receive(site, *(mail(f"Number {n}", minutes=n, body="owing: other") for n in range(7)))
    found, path = list[str](), "/threads?list=waiting&limit=3"
    while path:
        page = await get(site, path)
        found += [thread["subject"] for thread in page["threads"]]
        path = page["next"] and f"/threads?list=waiting&limit=3&after={page['next']}"
    assert found == [f"Number {n}" for n in range(6, -1, -1)]


# --- corrections ----------------------------------------------------------------------------------


async def test_a_correction_answers_with_the_thread_and_is_told_to_all_tabs(site: Site) -> None:
    await receive(site, mail("House", body="class: buyer\nowing: agent"))
    response = await put(site, "House", {"classification": "vendor", "category": "waiting"})
    assert response.status_code == 200
    thread = await response.get_json()
    assert (thread["classification"], thread["category"], thread["corrected"]) == ("vendor", "waiting", True)
    assert (await get(site, "/threads"))["threads"] == [thread]
    response = await put(site, "House", {"classification": None, "category": None})
    thread = await response.get_json()
    assert (thread["classification"], thread["category"], thread["corrected"]) == ("buyer", "focus", False)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_payload"),
        ({"classification": "friend"}, "invalid_payload"),
        ({"category": "later"}, "invalid_payload"),
        ({"category": "focus", "stage": "sold"}, "invalid_payload"),
        ([], "invalid_payload"),
    ],
)
async def test_a_correction_that_says_nothing_or_nonsense_is_refused(
    site: Site, body: object, code: str
) -> None:
    await receive(site, mail("House"))
    response = await put(site, "House", body)
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (await response.get_json())["code"] == code
    assert (await get(site, "/threads"))["threads"][0]["corrected"] is False


async def test_somebody_elses_thread_is_not_there_to_be_corrected(site: Site) -> None:
    await receive(site, mail("House"))
    response = await put(site, "House", {"category": "waiting"}, user=NOAH)
    assert response.status_code == 404
    response = await site.client.put("/threads/none", headers=site.bearer(), json={"category": "waiting"})
    assert response.status_code == 404
    response = await site.client.put("/threads/none", json={"category": "waiting"})
    assert response.status_code == 401


async def owners(site: Site, table: str) -> list[str]:
    """Whose rows a table has."""

    def query(reader: Reader) -> list[str]:
        return reader.all(str, f"SELECT DISTINCT user_id FROM {table}")

    return await site.zena.storage.read(query)


# --- erasure --------------------------------------------------------------------------------------


async def test_erasing_a_user_erases_what_was_made_of_their_mail_and_what_they_said_of_it(site: Site) -> None:
    for user in (MIA, NOAH):
        await receive(site, mail("House", body="class: vendor\nat: 12 High Street\nstage: lead"), user=user)
    await put(site, "House", {"category": "waiting"})
    await site.client.post("/commands/task.create", headers=site.bearer(), json={"label": "Ring Ana"})
    response = await site.client.delete("/me", headers=site.bearer())
    assert response.status_code == 204
    for table in (
        "threads", "corrections", "properties", "mentions", "contacts", "thread_contacts",
        "deals", "deal_entries", "tasks",
    ):  # fmt: skip
        assert set(await owners(site, table)) <= {NOAH}, table
    assert (await get(site, "/threads", NOAH))["threads"][0]["property"] == "12 High Street"
