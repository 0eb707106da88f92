"""Chromium, the demo with a mailbox that was read, and an eye on what the browser complains about."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.complaints import Complaints
from tests.browser.sites import Site, short_directory
from tests.e2e.programs import Serving, standing

ARGUMENTS = [
    "--disable-background-networking",  # nothing of its own: no updates, no variations
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",  # tests run as root on machines where it cannot have one
]

# What has not come by then never comes; Playwright's own 30 s make a failing test hang for too long.
PATIENCE_MS = 15_000
expect.set_options(timeout=PATIENCE_MS)

NewContext = Callable[..., BrowserContext]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever wants a browser needs Chromium."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.needs("chromium"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium.

    For one module: while Playwright's loop runs, no test can be a coroutine, and other modules have such.
    """
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def complaints() -> Complaints:
    """What the test's browsers complain about; `expect` some of it."""
    return Complaints()


@pytest.fixture
def new_context(browser: Browser, complaints: Complaints) -> Iterator[NewContext]:
    """Makes browsers of somebody's own: no cookies, nothing stored. Options as Playwright has them.

    Whatever they complain about, unexpectedly, fails the test.
    """
    made: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        complaints.hear(context)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()
    assert complaints.unexpected() == []


@pytest.fixture
def context(new_context: NewContext) -> BrowserContext:
    """A browser of somebody's own, signed in nowhere."""
    return new_context()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab in it, which is empty."""
    return context.new_page()


@pytest.fixture(scope="session")
def read_site(demo_mail: Path) -> Iterator[Site]:
    """What the others are copies of; it does not run."""
    with short_directory() as directory:
        site = Site(directory)
        site.read_mailbox(demo_mail)
        yield site


@pytest.fixture
def site(read_site: Site) -> Iterator[Site]:
    """The demo, of this test alone: what it changes, restarts or breaks is no other's."""
    with short_directory() as directory:
        own = Site(directory)
        own.copy(read_site)
        try:
            own.start()
            yield own
            if own.process is not None:
                own.stop()
        finally:
            own.clean_up()


@pytest.fixture(scope="session")
def server() -> Iterator[Serving]:
    """`zena-sse serve`, which knows nobody and which nobody stops: for what needs no mail."""
    with standing() as serving:
        yield serving


@pytest.fixture
def new_server() -> Iterator[Callable[..., Serving]]:
    """Makes a server that is not started yet; settings as keywords, `ZENA_HEARTBEAT_SECONDS="1"`."""
    with short_directory() as directory:
        made: list[Serving] = []

        def make(**settings: str) -> Serving:
            made.append(Serving(directory, **settings))
            return made[-1]

        yield make
        for serving in made:
            serving.clean_up()
