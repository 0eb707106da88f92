"""What the first view weighs, and that it comes in one go."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import NewContext
from tests.browser.desks import row
from tests.browser.sites import Site, sign_in
from zena_sse.web.pages import STATIC

# Over the wire, headers and all, with the snapshot of a mailbox of 70 conversations.
FIRST_VIEW_BYTES = 100_000

STATIC_IMPORT = re.compile(r'^(?:import|export)\b[^;]*?from "(\.[^"]+)"', re.MULTILINE)
PRELOAD = re.compile(r'<link rel="modulepreload" href="/([^"]+)">')


def reachable(module: Path, found: set[Path]) -> set[Path]:
    """All that a module imports, and so on, other than when it is needed."""
    for name in STATIC_IMPORT.findall(module.read_text()):
        imported = (module.parent / name).resolve()
        if imported.suffix == ".js" and imported.exists() and imported not in found:
            found.add(imported)
            reachable(imported, found)
    return found


def test_all_modules_of_the_first_view_are_asked_for_at_once() -> None:
    preloaded = PRELOAD.findall((STATIC / "index.html").read_text())
    needed = {str(path.relative_to(STATIC)) for path in reachable(STATIC / "page" / "main.js", set())}
    assert preloaded == sorted(needed)


def test_first_view_is_light(site: Site, new_context: NewContext) -> None:
    context = new_context(service_workers="block")
    sign_in(context, site)
    page = context.new_page()
    network = context.new_cdp_session(page)
    asked: dict[str, str] = {}
    weights: dict[str, float] = {}

    def note_address(event: dict[str, Any]) -> None:
        asked[event["requestId"]] = event["request"]["url"].removeprefix(site.url)

    def note_weight(event: dict[str, Any]) -> None:
        weights[asked[event["requestId"]]] = event["encodedDataLength"]

    network.on("Network.requestWillBeSent", note_address)
    network.on("Network.loadingFinished", note_weight)
    network.send("Network.enable")
    page.goto(site.url)
    expect(row(page, "Nicole Ashby")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert {"/", "/page/main.js", "/page/page.css", "/snapshot", "/me"} <= weights.keys()
    assert sum(weights.values()) < FIRST_VIEW_BYTES, weights
