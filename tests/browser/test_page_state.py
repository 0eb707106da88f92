"""What events make of the state: the same when they come twice, bounded, and lists by the server's rules."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.complaints import Complaints
from tests.browser.desks import open_blank, open_desk, section
from tests.browser.sites import MIA, Site
from tests.e2e.programs import Serving

AT = "2026-11-20T09:00:00Z"

APPLY = """
async ([events, times]) => {
  const { emptyState } = await import("/page/blank.js");
  const { apply } = await import("/page/state.js");
  const state = emptyState();
  for (const event of events) for (let time = 0; time < times; time++) apply(state, event);
  return Object.fromEntries(Object.entries(state)
    .map(([name, value]) => [name, value instanceof Map ? Object.fromEntries(value) : value]));
}
"""


def event(kind: str, **payload: Any) -> dict[str, Any]:
    return {"type": kind, "payload": payload, "at": AT}


def new_thread(name: str, at: str = AT) -> dict[str, Any]:
    return event("thread.new", threadId=name, accountId="a", subject=name, lastMessageAt=at)


STORY = [
    event("sync.started", syncId="s", accountId="a", provider="imap"),
    event("sync.progress", syncId="s", accountId="a", totalThreads=9, processedThreads=4),
    event("thread.new", threadId="t", accountId="a", subject="Hi", lastMessageAt=AT, **{"from": "Bo"}),
    event(
        "thread.updated",
        threadId="t",
        classification="buyer",
        category="focus",
        nextActionOwner="agent",
        riskLevel="high",
    ),
    event("thread.viewed", threadId="t", viewedAt=AT, by="mia"),
    event("deal.updated", dealId="d", stage="offer", nextActionOwner="agent", summary="Yes"),
    event("deal.risk", dealId="d", riskLevel="high", riskFlags=["silence"], riskReason="Nothing for days"),
    event("task.created", taskId="k", label="Ring Bo", source="email"),
    event("task.created", taskId="k", label="Ring Bo", source="email", dueDate="2026-11-24"),
    event("task.completed", taskId="k", completedAt=AT),
    event("ask.started", askId="q", question="Who?", conversationId="q"),
    event("ask.response", askId="q", chunk="Bo ", offset=0, isComplete=False),
    event("ask.response", askId="q", chunk="Berg", offset=3, isComplete=False),
    event("sync.completed", syncId="s", accountId="a", threadsProcessed=9, success=True),
    event("somebody.elses", what="no matter"),
]


def test_an_event_that_comes_twice_changes_nothing_more(
    server: Serving, page: Page, complaints: Complaints
) -> None:
    open_blank(server, page, complaints)
    once = page.evaluate(APPLY, [STORY, 1])
    assert page.evaluate(APPLY, [STORY, 2]) == once
    assert once["asks"]["q"]["answer"] == "Bo Berg"
    assert once["tasks"]["k"]["dueDate"] == "2026-11-24"
    assert (once["deals"]["d"]["stage"], once["deals"]["d"]["riskReason"]) == ("offer", "Nothing for days")
    assert once["threads"]["t"]["partial"], "nobody has told why it is at risk"


@pytest.mark.parametrize("merged", [None, "u"])
def test_a_thread_that_is_gone_leaves_and_says_where_to(
    server: Serving, page: Page, complaints: Complaints, merged: str | None
) -> None:
    open_blank(server, page, complaints)
    nothing = {"classification": None, "category": None, "nextActionOwner": None}
    gone = event("thread.updated", threadId="t", removed=True, mergedInto=merged, **nothing)
    state = page.evaluate(APPLY, [[*STORY, gone], 1])
    assert (state["threads"], state["moved"]) == ({}, {"t": merged} if merged else {})


def test_threads_are_bounded_and_what_is_owed_stays(
    server: Serving, page: Page, complaints: Complaints
) -> None:
    open_blank(server, page, complaints)
    owed = event("thread.updated", threadId="t", classification=None, category="focus", nextActionOwner=None)
    many = [new_thread(f"n{number}", f"2027-01-01T00:00:00.{number:05}Z") for number in range(3_000)]
    threads = page.evaluate(APPLY, [[*STORY, owed, *many], 1])["threads"]
    assert len(threads) <= 1_100
    assert {"t", "n2999"} <= threads.keys()
    assert "n0" not in threads


def test_lists_are_those_of_the_server(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    for title, name in (("Focus", "focus"), ("Waiting", "waiting")):
        page_of_them = site.get(f"/threads?list={name}&limit=50", MIA).json()
        expected = [thread["from"] for thread in page_of_them["threads"]]
        assert len(expected) >= 10
        expect(section(page, title).locator(".who")).to_have_text(expected)


def test_day_and_ages_are_those_of_the_mail(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    expect(page.locator(".kicker")).to_have_text(re.compile("(19|20) November"))
    expect(section(page, "Focus").locator(".when").first).to_have_text(re.compile(r"^(\d+ h|1 day|\d days)$"))
