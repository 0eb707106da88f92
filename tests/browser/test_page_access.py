"""axe has nothing to say of any view, light and dark, on a phone and on a desk; and nothing is too wide."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.complaints import Complaints
from tests.browser.conftest import NewContext
from tests.browser.desks import open_desk, row
from tests.browser.sites import Site

SIZES: dict[str, Any] = {
    "phone": {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True},
    "desk": {"viewport": {"width": 1280, "height": 800}},
}


def findings(page: Page) -> list[str]:
    """What axe finds, where it matters."""
    page.evaluate(Path(os.environ["ZENA_AXE"]).read_text())
    # What eases in is see-through for a moment.
    page.evaluate("Promise.all(document.getAnimations().map((animation) => animation.finished))")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical", "moderate")
        for node in violation["nodes"]
    ]


@pytest.mark.needs("axe")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_view_has_a_finding(
    site: Site, new_context: NewContext, scheme: Literal["light", "dark"], size: str
) -> None:
    context = new_context(color_scheme=scheme, bypass_csp=True, **SIZES[size])
    page = open_desk(site, context)
    expect(row(page, "Nicole Ashby")).to_be_visible()
    found = {"today": findings(page)}
    row(page, "Nicole Ashby").get_by_role("link").click()
    page.get_by_text("Not right?").click()
    expect(page.locator(".message").last).to_be_visible()
    found["thread"] = findings(page)
    page.evaluate("location.hash = '#/deals'")
    row(page, "73 Hackett Street").get_by_role("link").click()
    expect(page.locator(".timeline li").first).to_be_visible()
    found["deal"] = findings(page)
    page.evaluate("location.hash = '#/deals'")
    expect(page.locator("#detail")).not_to_be_visible()
    found["deals"] = findings(page)
    page.evaluate("location.hash = '#/tasks'")
    page.get_by_label("New task").fill("x")
    found["tasks"] = findings(page)
    page.evaluate("location.hash = '#/ask'")
    page.get_by_label("Your question").fill("What split is Glenn Moody asking for?")
    page.keyboard.press("Enter")
    expect(page.locator(".sources")).to_be_visible()
    page.get_by_role("button", name="Menu").click()
    found["ask"] = findings(page)
    assert {view: said for view, said in found.items() if said} == {}


@pytest.mark.needs("axe")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_signing_in_has_no_finding(
    site: Site, new_context: NewContext, complaints: Complaints, scheme: Literal["light", "dark"]
) -> None:
    complaints.expect("401 .*/me")
    page = new_context(color_scheme=scheme, bypass_csp=True).new_page()
    page.goto(site.url)
    expect(page.get_by_role("button", name="Open the demo")).to_be_visible()
    assert findings(page) == []


def test_nothing_is_wider_than_a_small_phone(site: Site, new_context: NewContext) -> None:
    context = new_context(**SIZES["phone"] | {"viewport": {"width": 320, "height": 568}})
    page = open_desk(site, context)
    for route in ("#/", "#/deals", "#/tasks", "#/ask"):
        page.evaluate("(route) => { location.hash = route; }", route)
        expect(page.locator("#tabs [aria-current]")).to_have_attribute("href", route)
        wide = "[...document.querySelectorAll('.pane')].some((pane) => pane.scrollWidth > pane.clientWidth)"
        assert not page.evaluate(wide), route
