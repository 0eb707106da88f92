"""The page comes up in a browser that has nothing to complain about; and a browser that has is heard."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.complaints import Complaints
from tests.browser.sites import MIA, Site
from tests.e2e.programs import Serving

ZENA = re.compile("Zena")
# A page finds out like this that nobody is signed in, and that this is not the demo.
SIGNED_OUT = "401 .*/me|404 .*/demo"
CSP = "^console: .*Content Security Policy"


def test_the_page_comes_up_for_whoever_is_signed_in(site: Site, context: BrowserContext) -> None:
    page = site.open(context)
    expect(page).to_have_title(ZENA)
    me = page.evaluate("fetch('/me').then((answer) => answer.json())")
    assert (me["userId"], me["how"]) == (MIA, "cookie")
    assert len(page.evaluate("fetch('/snapshot').then((answer) => answer.json())")["threads"]) > 50


def test_the_page_comes_up_for_whoever_is_not(
    server: Serving, context: BrowserContext, complaints: Complaints
) -> None:
    complaints.expect(SIGNED_OUT)
    page = context.new_page()
    page.goto(server.url)
    expect(page).to_have_title(ZENA)


@pytest.mark.parametrize(
    ("event", "script", "said"),
    [
        ("console", "console.error('on purpose')", "^console: on purpose"),
        ("weberror", "setTimeout(() => { throw new Error('nobody caught it'); })", "^uncaught: nobody"),
        ("weberror", "Promise.reject(new Error('nobody awaited it'))", "^uncaught: nobody"),
        (
            "console",
            "document.body.append(Object.assign(document.createElement('script'), {text: 'x'}))",
            CSP,
        ),
        ("console", "fetch('https://elsewhere.example/').catch(() => {})", CSP),
        ("console", "new Image().src = 'https://elsewhere.example/pixel.gif'", CSP),
        (
            "console",
            "document.body.append(Object.assign(document.createElement('iframe'), {src: 'data:,x'}))",
            CSP,
        ),
        ("console", "fetch('/nothing')", "^console: .*404.*/nothing"),
    ],
)
def test_what_a_browser_complains_about_is_heard(
    server: Serving,
    context: BrowserContext,
    complaints: Complaints,
    event: Literal["console", "weberror"],
    script: str,
    said: str,
) -> None:
    complaints.expect(SIGNED_OUT)
    page = context.new_page()
    page.goto(server.url)
    with context.expect_event(event, lambda _heard: bool(complaints.unexpected())):
        page.evaluate(f"() => {{ {script}; }}")
    assert all(re.search(said, complaint) for complaint in complaints.unexpected())
    complaints.expect(said)
