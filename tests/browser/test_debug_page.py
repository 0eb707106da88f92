"""`/debug`: the stream as it comes, and what a developer can do to it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.complaints import Complaints
from tests.browser.sites import MIA, Site, sign_in
from tests.e2e.clients import events_of
from tests.e2e.programs import environment
from tests.e2e.terminals import terminal
from zena_sse.contract.events import ThreadNew, ThreadViewed

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def debug(site: Site, context: BrowserContext) -> Page:
    """The page, live, of an operator."""
    sign_in(context, site, role="operator")
    page = context.new_page()
    page.goto(f"{site.url}/debug")
    expect(page.locator("#state")).to_contain_text("live")
    return page


def rows(page: Page, words: str) -> Locator:
    return page.locator("#log li").filter(has_text=words)


def publish(site: Site, *notes: str) -> None:
    site.publish(*(ThreadViewed(note, NOW, MIA) for note in notes))


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def test_what_happens_is_shown_as_it_comes(debug: Page, site: Site) -> None:
    expect(rows(debug, "stream.ready")).to_have_count(1)
    site.publish(ThreadNew("t1", "a1", "Offer for <b>12 Hill Road</b>", "Anna Berg", NOW))
    row = rows(debug, "thread.new")
    expect(row).to_contain_text("<b>12 Hill Road</b>")
    row.locator("summary").click()
    expect(row.locator("pre")).to_contain_text('"from": "Anna Berg"')


def test_what_is_filtered_is_hidden_and_not_lost(debug: Page, site: Site) -> None:
    publish(site, "one", "two")
    expect(rows(debug, "two")).to_be_visible()
    debug.get_by_label("Filter").fill("thread.* one")
    expect(debug.locator("#log li")).to_have_count(1)
    publish(site, "another one", "three")
    expect(debug.locator("#log li")).to_have_count(2)
    debug.get_by_label("Filter").fill("")
    expect(rows(debug, "three")).to_be_visible()


def test_what_comes_during_a_pause_is_counted_and_shown_after_it(debug: Page, site: Site) -> None:
    press(debug, "Pause")
    publish(site, "one", "two")
    expect(debug.locator("#count")).to_contain_text("2 waiting")
    expect(rows(debug, "thread.viewed")).to_have_count(0)
    press(debug, "Pause")
    expect(rows(debug, "thread.viewed")).to_have_count(2)
    press(debug, "Clear")
    expect(debug.locator("#log li")).to_have_count(0)


def test_a_command_is_posted_from_its_schema(debug: Page) -> None:
    debug.get_by_role("combobox", name="Command").select_option("task.create")
    debug.get_by_label("label").fill("call Anna")
    debug.get_by_label("Idempotency-Key").fill("once")
    press(debug, "Post")
    expect(debug.locator("#sent li").first).to_contain_text('"taskId"')
    expect(rows(debug, "task.created")).to_contain_text("call Anna")
    press(debug, "Post")
    expect(debug.locator("#sent li").first).to_contain_text("202, replayed")
    expect(rows(debug, "task.created")).to_have_count(1)


def test_a_field_that_must_be_there_is_asked_for(debug: Page) -> None:
    debug.get_by_role("combobox", name="Command").select_option("thread.view")
    press(debug, "Post")
    assert debug.get_by_label("threadId").evaluate("(input) => input.validity.valueMissing")
    expect(debug.locator("#sent li")).to_have_count(0)


def test_a_refusal_is_shown_as_it_is(debug: Page, complaints: Complaints) -> None:
    complaints.expect("404 .*/commands/thread.view")
    debug.get_by_role("combobox", name="Command").select_option("thread.view")
    debug.get_by_label("threadId").fill("no such")
    press(debug, "Post")
    expect(debug.locator("#sent li")).to_contain_text('"code": "not_found"')


def test_an_answer_that_is_not_json_is_shown_with_its_status(
    debug: Page, context: BrowserContext, complaints: Complaints
) -> None:
    complaints.expect("502 .*/commands/sync.request")
    context.route("**/commands/*", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>"))
    debug.get_by_role("combobox", name="Command").select_option("sync.request")
    press(debug, "Post")
    expect(debug.locator("#sent li")).to_contain_text("sync.request 502")
    expect(debug.locator("#sent pre")).to_have_text("<h1>Bad Gateway</h1>")


def test_rows_are_opened_with_the_keyboard(debug: Page, site: Site) -> None:
    publish(site, "one")
    expect(rows(debug, "one")).to_be_visible()
    debug.get_by_role("button", name="Copy as curl").first.focus()
    for key in ("Tab", "End", "Enter"):
        debug.keyboard.press(key)
    expect(rows(debug, "one").locator("pre")).to_be_visible()


@pytest.mark.needs("curl")
def test_what_is_copied_as_curl_works(debug: Page, site: Site, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    publish(site, "before")
    expect(rows(debug, "before")).to_be_visible()
    press(debug, "Copy as curl")
    expect(debug.locator("#said")).to_have_text("Copied")
    assert debug.locator("#said").evaluate("(said) => said.clientHeight") > 10  # to be seen, too
    line = debug.evaluate("navigator.clipboard.readText()")
    publish(site, "after")
    with terminal(f"TOKEN={site.token(MIA)}\n{line}\n", site.directory, environment()) as shown:
        ready, event = (event for event, _ in zip(events_of(shown), range(2), strict=False))
        assert (ready.payload["mode"], event.payload["threadId"]) == ("resumed", "after")


def test_a_connection_that_is_dropped_resumes(debug: Page, site: Site) -> None:
    publish(site, "before")
    expect(rows(debug, "before")).to_be_visible()
    press(debug, "Drop my connection")
    expect(rows(debug, "stream.ready")).to_have_count(2)
    publish(site, "after")
    expect(rows(debug, "after")).to_have_count(1)
    expect(rows(debug, "before")).to_have_count(1)
    expect(debug.locator("#facts")).to_contain_text("resumed")


def test_offline_and_back_loses_nothing(debug: Page, site: Site) -> None:
    publish(site, "before")
    expect(rows(debug, "before")).to_be_visible()
    press(debug, "Go offline")
    expect(debug.locator("#state")).to_contain_text("closed")
    publish(site, "meanwhile")
    press(debug, "Go offline")
    expect(rows(debug, "meanwhile")).to_have_count(1)
    assert re.search(r"resumed", debug.locator("#facts").inner_text())


def test_an_agent_does_not_find_it(site: Site, context: BrowserContext, complaints: Complaints) -> None:
    complaints.expect("404 .*/debug")
    sign_in(context, site)
    page = context.new_page()
    answer = page.goto(f"{site.url}/debug")
    assert answer is not None
    assert answer.status == 404
