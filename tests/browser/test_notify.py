"""Notifications: only for whoever wants them and does not look; a click leads to what they are about."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.complaints import Complaints
from tests.browser.desks import open_blank, open_desk
from tests.browser.sites import Site
from tests.e2e.programs import Serving

NOTIFY = "(note) => import('/page/notify.js').then(({ notify }) => notify(note))"
SHOWN = """() => navigator.serviceWorker.ready
  .then((registration) => registration.getNotifications())
  .then((notes) => notes.map(({ title, body, tag }) => [title, body, tag]))"""
NOTE = {"title": "73 Hackett Street", "body": "High risk", "tag": "deal-1", "href": "/#/deals"}


@pytest.fixture
def page(site: Site, context: BrowserContext) -> Page:
    """The page of somebody who wants to be told, and its worker."""
    context.grant_permissions(["notifications"])
    page = open_desk(site, context)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => undefined)")
    return page


def look_away(page: Page) -> None:
    page.evaluate("() => Object.defineProperty(document, 'hidden', { value: true, configurable: true })")


def test_whoever_looks_at_the_page_is_not_told_what_is_on_it(page: Page) -> None:
    page.evaluate(NOTIFY, NOTE)
    assert page.evaluate(SHOWN) == []


def test_whoever_does_not_look_is_told_and_of_one_thing_once(page: Page) -> None:
    look_away(page)
    page.evaluate(NOTIFY, NOTE)
    page.evaluate(NOTIFY, NOTE | {"body": "Higher"})
    assert page.evaluate(SHOWN) == [["73 Hackett Street", "Higher", "deal-1"]]


def test_click_brings_the_page_to_what_it_is_about_and_takes_the_notification_away(page: Page) -> None:
    look_away(page)
    page.evaluate(NOTIFY, NOTE)
    page.evaluate("() => { window.isTheSame = true; }")
    [worker] = page.context.service_workers
    worker.evaluate(
        """async () => {
          WindowClient.prototype.focus = async function () { return this; }; // only a person's click may
          const [notification] = await registration.getNotifications();
          dispatchEvent(new NotificationEvent("notificationclick", { notification }));
        }"""
    )
    expect(page.get_by_role("heading", level=1)).to_have_text("Deals")
    assert page.url.endswith("/#/deals")
    assert page.evaluate("window.isTheSame")  # it was not loaded again
    assert page.evaluate(SHOWN) == []


@pytest.mark.parametrize(
    ("permission", "can_ask"), [("default", True), ("granted", False), ("denied", False)]
)
def test_it_is_offered_to_whoever_has_not_said_yes_or_no(
    server: Serving, context: BrowserContext, complaints: Complaints, permission: str, can_ask: bool
) -> None:
    page = context.new_page()
    open_blank(server, page, complaints)
    page.evaluate("(value) => Object.defineProperty(Notification, 'permission', { value })", permission)
    assert page.evaluate("import('/page/notify.js').then(({ canAsk }) => canAsk())") is can_ask
