"""A deploy reaches whoever has the page in their browser: with the next load, and never half of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

import zena_sse
from tests.browser.complaints import Complaints
from tests.browser.desks import open_desk, until_live
from tests.browser.sites import Site
from tests.e2e.programs import wait_until

ROOT = Path(zena_sse.__file__).parents[1]
MODULE = "/page/words.js"

Deploy = Callable[[str], None]


@pytest.fixture
def deploy(site: Site, tmp_path: Path, complaints: Complaints) -> Deploy:
    """Puts another version in the place of the one that runs: its document and a module of it bear a name."""
    complaints.expect("net::ERR_")

    def replace(name: str) -> None:
        for part in ("zena_sse", "migrations"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, tmp_path / name / part, ignore=ignored)
        static = tmp_path / name / "zena_sse" / "static"
        document = static / "index.html"
        document.write_text(document.read_text().replace("<html", f'<html data-version="{name}"'))
        with (static / MODULE.removeprefix("/")).open("a") as module:
            module.write(f"// {name}\n")
        site.stop()
        site.settings["PYTHONPATH"] = str(tmp_path / name)
        site.start()

    return replace


@pytest.fixture
def page(site: Site, context: BrowserContext) -> Page:
    """The page, as the worker gives it."""
    page = open_desk(site, context)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => undefined)")
    page.reload()
    until_live(page)
    assert page.evaluate("navigator.serviceWorker.controller !== null")
    return page


def newest(page: Page) -> str | None:
    """The cache of the worker that answers; None while another one is being made ready."""
    name: str | None = page.evaluate(
        """async () => {
          const { installing, waiting, active } = await navigator.serviceWorker.ready;
          const isSettled = !installing && !waiting && active.state === "activated";
          return isSettled ? (await caches.keys()).at(-1) : null;
        }"""
    )
    return name


def take(page: Page, deploy: Deploy, name: str) -> None:
    """Deploy, and have it found by a browser that has the page open, as a load does after a second."""
    before = newest(page)
    deploy(name)
    page.evaluate("() => navigator.serviceWorker.ready.then((worker) => void worker.update())")
    wait_until(lambda: newest(page) not in {None, before}, f"the worker of the {name} version")


def version(page: Page) -> str | None:
    return page.get_attribute("html", "data-version")


def module(page: Page) -> str:
    """A part of the page, as the page would get it now."""
    text: str = page.evaluate("(path) => fetch(path).then((answer) => answer.text())", MODULE)
    return text


def test_deploy_is_there_with_the_load_after_the_one_that_finds_it_and_works_offline(
    page: Page, site: Site, deploy: Deploy
) -> None:
    for name in ("second", "third"):
        take(page, deploy, name)
        page.reload()
        until_live(page)
        assert version(page) == name
    site.stop()
    page.reload()
    assert version(page) == "third"
    assert module(page).endswith("// third\n")
    # Its own, and that of the version before, for pages that were loading.
    wait_until(lambda: len(page.evaluate("caches.keys()")) == 2, "the first version's cache to be gone")


def test_page_that_began_with_a_version_gets_the_rest_of_it(
    page: Page, site: Site, context: BrowserContext, deploy: Deploy
) -> None:
    before = module(page)
    take(page, deploy, "second")
    assert module(page) == before
    other = context.new_page()
    other.goto(site.url)
    assert (version(page), version(other)) == (None, "second")
    assert module(other).endswith("// second\n")
    assert module(page) == before
