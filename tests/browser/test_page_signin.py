"""Signing in and out: one click in the demo, elsewhere a token; nothing of the user stays behind."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.complaints import Complaints
from tests.browser.desks import open_desk, row, until_live
from tests.browser.sites import MIA, Site, sign_in
from tests.e2e.programs import Serving


@pytest.fixture(autouse=True)
def nobody_is_signed_in(complaints: Complaints) -> None:
    """A browser says so on its console, whatever the page makes of it."""
    complaints.expect(r"401 .*/(me|session|snapshot|events)")
    complaints.expect(r"404 .*/demo")


def test_demo_opens_with_one_click(site: Site, page: Page) -> None:
    page.goto(site.url)
    page.get_by_role("button", name="Open the demo as Mia").click()
    until_live(page)
    expect(row(page, "Nicole Ashby")).to_be_visible()


def test_token_that_is_printed_signs_in_where_there_is_no_demo(server: Serving, page: Page) -> None:
    page.goto(server.url)
    page.get_by_label("Your access token").fill(server.run("token", "--user", "anna").said().strip())
    page.get_by_role("button", name="Sign in").click()
    until_live(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("No mailbox is connected yet.")


def test_token_that_is_not_valid_is_refused_in_words(server: Serving, page: Page) -> None:
    page.goto(server.url)
    page.get_by_label("Your access token").fill("not.a.token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("This token is not valid, or no longer.")


def test_signing_out_ends_every_tab_and_leaves_nothing(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    other = open_desk(site, context)
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Sign out").click()
    for tab in (page, other):
        expect(tab.get_by_role("button", name="Open the demo")).to_be_visible()
        expect(tab.locator(".row")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("button", name="Open the demo")).to_be_visible()


def test_session_that_has_ended_asks_to_sign_in(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    context.clear_cookies()
    page.reload()
    expect(page.get_by_role("button", name="Open the demo")).to_be_visible()


def test_somebody_else_who_signs_in_sees_their_own(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context)
    expect(row(page, "Nicole Ashby")).to_be_visible()
    sign_in(context, site, "anna")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("No mailbox is connected yet.")
    expect(page.locator(".row")).to_have_count(0)
    sign_in(context, site, MIA)
    page.reload()
    expect(row(page, "Nicole Ashby")).to_be_visible()
