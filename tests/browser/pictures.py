"""Takes the pictures of the page that the documents show: `python -m tests.browser.pictures [DIRECTORY]`."""

from __future__ import annotations

import base64
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.browser.desks import heading_of, open_desk, row
from tests.browser.sites import Site, short_directory

HERE = Path(__file__).parents[2]
MAIL = HERE / "zena_sse" / "demo" / "mail"
PLACE = HERE / "docs" / "img"

# Where the mail is from: what is due today is told by its days.
ZONE = "Pacific/Auckland"
SIZES: dict[str, dict[str, Any]] = {
    "phone": {
        "viewport": {"width": 360, "height": 740},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
    "desk": {"viewport": {"width": 1280, "height": 800}},
}
QUALITY = 82


def show_today(page: Page) -> None:
    page.evaluate("location.hash = '#/'")
    page.locator("#list").evaluate("(list) => { list.scrollTop = 0; }")
    expect(row(page, "Nicole Ashby")).to_be_visible()


def show_thread(page: Page) -> None:
    show_today(page)
    row(page, "Nicole Ashby").get_by_role("link").click()
    expect(page.locator(".message[open]")).to_be_visible()


def show_deals(page: Page) -> None:
    page.evaluate("location.hash = '#/deals'")
    expect(page.locator("#list h1")).to_have_text("Deals")


def show_deal(page: Page) -> None:
    show_deals(page)
    row(page, "Gemma Farrelly").get_by_role("link").click()
    expect(heading_of(page)).to_have_text("46 Finch Street")
    expect(page.locator(".timeline li").first).to_be_attached()


def show_tasks(page: Page) -> None:
    page.evaluate("location.hash = '#/tasks'")
    expect(row(page, "Send the agreement")).to_be_visible()


def show_ask(page: Page) -> None:
    page.evaluate("location.hash = '#/ask'")
    page.get_by_label("Your question").fill("What split is Glenn Moody asking for?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".sources").first).to_be_visible()


VIEWS: dict[str, Callable[[Page], None]] = {
    "today": show_today,
    "thread": show_thread,
    "deals": show_deals,
    "deal": show_deal,
    "tasks": show_tasks,
    "ask": show_ask,
}


def take(page: Page, path: Path) -> None:
    """A WebP of what is seen, once nothing moves any more."""
    page.mouse.move(0, 0)
    page.evaluate("Promise.all(document.getAnimations().map((animation) => animation.finished))")
    network = page.context.new_cdp_session(page)
    shot = network.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    path.write_bytes(base64.b64decode(shot["data"]))


def take_all(browser: Browser, site: Site, place: Path) -> None:
    """Every view, on a phone and on a desk, light; and the first one dark."""
    for size, options in SIZES.items():
        context = browser.new_context(**options, timezone_id=ZONE, color_scheme="light")
        page = open_desk(site, context)
        for name, show in VIEWS.items():
            show(page)
            take(page, place / f"{name}-{size}.webp")
        page.emulate_media(color_scheme="dark")
        show_today(page)
        take(page, place / f"today-{size}-dark.webp")
        context.close()


def main(place: Path) -> None:
    """Serve the demo's mailbox, look at it, and leave pictures."""
    place.mkdir(parents=True, exist_ok=True)
    with short_directory() as directory, sync_playwright() as playwright:
        site = Site(directory)
        site.read_mailbox(MAIL)
        site.start()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        try:
            take_all(browser, site, place)
        finally:
            browser.close()
            site.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else PLACE)
