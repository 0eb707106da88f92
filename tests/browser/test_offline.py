"""The page without a network: it starts, shows what was known last, and says how old that is."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, Response, expect

from tests.browser.complaints import Complaints
from tests.browser.desks import open_desk, row, section, until_live
from tests.browser.sites import MIA, Site

OFFLINE = re.compile(r"^Offline since \d\d:\d\d\.")
KEPT_AT = "async (user) => (await (await import('/page/saved.js')).openSaved(user).load()).at"


@pytest.fixture
def kept(site: Site, context: BrowserContext, complaints: Complaints) -> Page:
    """A page that was used, in a browser that has kept it."""
    complaints.expect("net::ERR_")
    page = open_desk(site, context)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => undefined)")
    row(page, "Warren Pickard").click()
    expect(page.locator(".message")).to_have_count(4)
    page.keyboard.press("Escape")
    page.reload()  # by the worker now
    until_live(page)
    return page


def test_reload_without_a_server_shows_the_last_snapshot_and_its_age(kept: Page, site: Site) -> None:
    brief = kept.get_by_role("heading", level=1).inner_text()
    site.stop()
    kept.reload()
    expect(kept.get_by_role("heading", level=1)).to_have_text(brief)
    expect(section(kept, "Focus").locator(".row")).to_have_count(10)
    expect(kept.locator("#line")).to_have_text(OFFLINE)
    row(kept, "Warren Pickard").click()
    expect(kept.locator(".message")).to_have_count(4)
    site.start()
    until_live(kept)


def test_what_is_shown_again_and_again_offline_grows_no_younger(kept: Page, site: Site) -> None:
    site.stop()
    expect(kept.locator("#line")).to_have_text(OFFLINE)
    at = kept.evaluate(KEPT_AT, MIA)
    for _ in range(2):
        kept.reload()
        expect(section(kept, "Focus").locator(".row")).to_have_count(10)
    assert kept.evaluate(KEPT_AT, MIA) == at


def test_worker_answers_for_the_page_and_never_for_what_the_server_says(kept: Page, site: Site) -> None:
    answers: list[Response] = []
    kept.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108  # it wants a function
    kept.reload()
    until_live(kept)
    kept.evaluate(
        "() => fetch('/commands/sync.request', { method: 'POST', body: '{}' }).then((it) => it.status)"
    )
    by_worker = {
        answer.url.removeprefix(site.url).partition("?")[0]: answer.from_service_worker for answer in answers
    }
    said = {path for path, is_by_worker in by_worker.items() if not is_by_worker}
    assert {"/events", "/me", "/snapshot", "/commands/sync.request"} <= said
    assert {path for path, is_by_worker in by_worker.items() if is_by_worker} >= {"/", "/page/main.js"}
    assert all(
        path.startswith(("/page/", "/client/", "/icons/")) or path == "/" for path in by_worker.keys() - said
    )


def test_whoever_signs_out_leaves_nothing_behind(kept: Page, context: BrowserContext) -> None:
    kept.get_by_role("button", name="Menu").click()
    kept.get_by_role("button", name="Sign out").click()
    expect(kept.get_by_role("button", name="Open the demo")).to_be_visible()
    context.set_offline(True)
    kept.reload()
    expect(kept.locator("body")).to_have_attribute("data-mode", "signin")
    expect(kept.locator(".row")).to_have_count(0)


def test_page_can_be_installed(kept: Page, context: BrowserContext) -> None:
    browser = context.new_cdp_session(kept)
    manifest = browser.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"].endswith("/manifest.webmanifest")
    found = browser.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {error["errorId"] for error in found} <= {"in-incognito"}  # as every context of a test is
