"""The page at work in a browser, as its user sees it."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.complaints import Complaints
from tests.browser.sites import Site
from tests.e2e.programs import Serving

# Something of the same origin that runs nothing by itself, to try single modules on.
BLANK = "/client/events.d.ts"


def open_blank(server: Serving, page: Page, complaints: Complaints) -> None:
    """A tab where modules of the page can be imported, and nothing else happens."""
    complaints.expect("404 .*/favicon.ico")
    page.goto(server.url + BLANK)


def open_desk(site: Site, context: BrowserContext, route: str = "#/") -> Page:
    """A tab whose page is live, at an address of the page's own."""
    page = site.open(context, f"/{route}")
    until_live(page)
    return page


def until_live(page: Page) -> None:
    """Wait until the page says that it hears what happens."""
    expect(page.locator("#line")).to_have_text("Live")


def section(page: Page, title: str) -> Locator:
    """A titled part of what is shown."""
    return page.locator(".pane section", has=page.get_by_role("heading", name=re.compile(rf"^{title}\b")))


def row(page: Page, words: str) -> Locator:
    """The row of the list that says this."""
    return page.locator("#list .row", has_text=words)


def heading_of(page: Page) -> Locator:
    """What the opened conversation or deal is called."""
    return page.locator("#detail h1")
