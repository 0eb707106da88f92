"""The page says in plain words whether it hears what happens, how old it is, and what is being read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.complaints import Complaints
from tests.browser.conftest import NewContext
from tests.browser.desks import open_blank, open_desk, row
from tests.browser.sites import MIA, Site
from tests.e2e.programs import Serving, wait_until
from zena_sse.contract.events import SyncCompleted, SyncError, SyncProgress, SyncStarted

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp() * 1_000
MINUTE = 60_000

WORDS = """
async ([name, since, known, now]) =>
  (await import("/page/status.js")).lineWords({ name, since: new Date(since) }, known, now)
"""


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("live", NOON, "Live"),
        ("catching_up", NOON - MINUTE, "Catching up"),
        ("connecting", 0, "Connecting."),
        ("connecting", NOON - 90 * MINUTE, "Connecting. What you see is from 10:30."),
        ("offline", 0, "Offline since 12:00."),
        ("offline", NOON, "Offline since 12:00."),
        ("offline", NOON - 30 * MINUTE, "Offline since 12:00. What you see is from 11:30."),
        (
            "offline",
            NOON - 24 * 60 * MINUTE,
            "Offline since 12:00. What you see is from Mon 30 Nov, 12:00.",
        ),
        ("replaced", NOON - MINUTE, "Open in another tab. What you see is from 11:59."),
        ("signed_out", 0, "Signed out"),
    ],
)
def test_connection_is_told_in_plain_words(
    server: Serving, new_context: NewContext, complaints: Complaints, name: str, known: float, said: str
) -> None:
    page = new_context(timezone_id="UTC").new_page()
    open_blank(server, page, complaints)
    assert page.evaluate(WORDS, [name, NOON, known, NOON + 5 * MINUTE]) == said


def test_progress_of_a_mailbox_is_shown_while_it_is_read(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    [account] = site.get("/accounts", MIA).json()["accounts"]
    of_it: dict[str, Any] = {"sync_id": "s", "account_id": account["accountId"]}
    site.publish(
        SyncStarted(provider="folder", **of_it),
        SyncProgress(total_threads=70, processed_threads=34, **of_it),
    )
    expect(page.locator("#sync")).to_have_text("Reading Mia's mailbox: 34 of 70")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "34")
    site.publish(SyncCompleted(threads_processed=70, success=True, **of_it))
    expect(page.locator("#sync")).to_have_text("")
    expect(page.get_by_role("progressbar")).not_to_be_visible()
    site.publish(SyncError(account_id=account["accountId"], error="Wrong password.", fatal=True))
    expect(page.locator("#sync")).to_have_text("Mia's mailbox cannot be read: Wrong password.")


def test_what_was_known_is_shown_before_the_server_answers(
    site: Site, context: BrowserContext, page: Page
) -> None:
    first = open_desk(site, context)
    kept = "async (user) => !!(await (await import('/page/saved.js')).openSaved(user).load())"
    wait_until(lambda: bool(first.evaluate(kept, MIA)), "the state to be kept")
    first.close()
    context.route("**/snapshot", lambda _route: None)
    page.goto(site.url)
    expect(row(page, "Nicole Ashby")).to_be_visible()
    expect(page.locator("#line")).not_to_have_text("Live")
