"""Many tabs on HTTP/1.1: one stream for all of them, handed over without a gap."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.complaints import Complaints
from tests.browser.sites import sign_in
from tests.browser.tabs import Tab, publish_notes
from tests.e2e.programs import Serving, request, wait_until

USER = "anna"

# Browsers open six connections to an origin: with the sixth tab none would be left for the rest.
FEW, MANY, MORE = 5, 6, 8


@pytest.fixture
def user(request: pytest.FixtureRequest, server: Serving, context: BrowserContext) -> str:
    """Somebody new, signed in."""
    name: str = request.node.name[-60:].strip("_")
    sign_in(context, server, name)
    return name


def open_tabs(context: BrowserContext, server: Serving, count: int) -> list[Tab]:
    """Tabs that are live."""
    tabs = []
    for _ in range(count):
        tabs.append(Tab(context, server))
        tabs[-1].until_live()
    return tabs


def streams(server: Serving) -> int:
    """How many streams the server has open."""
    text = request("GET", f"{server.url}/metrics", {}).text
    [value] = re.findall(r"^zena_streams (\S+)$", text, re.MULTILINE)
    return int(float(value))


def leader_of(tabs: list[Tab]) -> Tab:
    """The tab that holds the stream of all."""
    expression = """
      navigator.locks.query().then(({ held }) =>
        held.find((lock) => lock.name.startsWith("zena-line")).clientId)
    """
    leading = tabs[0].page.evaluate(expression)
    for tab in tabs:
        own = """
          new Promise((resolve) => navigator.locks.request("who " + Math.random(), async (lock) => {
            const { held } = await navigator.locks.query();
            resolve(held.find(({ name }) => name === lock.name).clientId);
          }))
        """
        if tab.page.evaluate(own) == leading:
            return tab
    raise AssertionError("nobody leads")


def test_few_tabs_have_a_stream_each(context: BrowserContext, server: Serving, user: str) -> None:
    before = streams(server)
    tabs = open_tabs(context, server, FEW)
    assert streams(server) - before == FEW
    publish_notes(server, user, "one")
    for tab in tabs:
        tab.until_note("one")


def test_eight_tabs_are_all_live_on_one_stream_and_posts_are_not_stuck(
    context: BrowserContext, server: Serving, user: str
) -> None:
    before = streams(server)
    tabs = open_tabs(context, server, MORE)
    wait_until(lambda: streams(server) - before == 1, "one stream to be left")
    for number, tab in enumerate(tabs):
        tab.send("task.create", {"label": f"from tab {number}"})
    for tab in tabs:
        tab.until(f"told.events.length === {MORE}")
        labels = [event["payload"]["label"] for event in tab.told()["events"]]
        assert labels == [f"from tab {number}" for number in range(MORE)]


def test_leader_that_closes_hands_over_without_loss(
    context: BrowserContext, server: Serving, user: str
) -> None:
    tabs = open_tabs(context, server, MANY)
    notes: list[str] = []
    while len(tabs) > 1:
        leader = leader_of(tabs)
        tabs.remove(leader)
        leader.page.close()
        notes.append(f"with {len(tabs)} left")
        publish_notes(server, user, notes[-1])
        for tab in tabs:
            tab.until_note(notes[-1])
    [last] = tabs
    assert last.notes() == notes
    assert len(last.told()["snapshots"]) == 1


def test_new_leader_that_cannot_reach_the_server_says_so_to_all(
    context: BrowserContext, server: Serving, user: str, complaints: Complaints
) -> None:
    complaints.expect("net::ERR_")
    tabs = open_tabs(context, server, MANY)
    context.route("**/events?*", lambda route: route.abort())
    leader = leader_of(tabs)
    tabs.remove(leader)
    leader.page.close()
    for tab in tabs:
        tab.until("zena.state.name === 'offline'")
    context.unroute("**/events?*")
    publish_notes(server, user, "one")
    for tab in tabs:
        tab.until_note("one")
        tab.until_live()


def test_leader_that_freezes_hands_over_and_has_everything_when_it_wakes(
    context: BrowserContext, server: Serving, user: str
) -> None:
    tabs = open_tabs(context, server, MANY)
    frozen = leader_of(tabs)
    cdp = context.new_cdp_session(frozen.page)
    cdp.send("Page.setWebLifecycleState", {"state": "frozen"})
    others = [tab for tab in tabs if tab is not frozen]
    publish_notes(server, user, "one", "two")
    for tab in others:
        tab.until_note("two")
    cdp.send("Page.setWebLifecycleState", {"state": "active"})
    publish_notes(server, user, "three")
    for tab in tabs:
        tab.until_note("three")
        assert tab.notes() == ["one", "two", "three"]


def test_leader_that_says_nothing_any_more_is_replaced(
    context: BrowserContext, server: Serving, user: str
) -> None:
    tabs = open_tabs(context, server, MANY)
    stuck = leader_of(tabs)
    # It holds the lock, and its line is dead: as after a freeze that no event told of.
    stuck.page.evaluate("() => { BroadcastChannel.prototype.postMessage = () => {}; }")
    for tab in tabs:
        if tab is not stuck:
            tab.page.evaluate("() => { const now = Date.now; Date.now = () => now() + 60_000; }")
    wait_until(lambda: leader_of(tabs) is not stuck, "another tab to lead")
    publish_notes(server, user, "one")
    for tab in tabs:
        tab.until_note("one")
        assert tab.notes() == ["one"]


def test_tab_that_comes_late_has_the_snapshot_and_what_follows(
    context: BrowserContext, server: Serving, user: str
) -> None:
    tabs = open_tabs(context, server, MANY)
    publish_notes(server, user, "before it came")
    for tab in tabs:
        tab.until_note("before it came")
    [late] = open_tabs(context, server, 1)
    publish_notes(server, user, "after")
    late.until_note("after")
    assert late.notes() == ["after"]
    assert len(late.told()["snapshots"]) == 1
    assert all(len(tab.told()["snapshots"]) == 1 for tab in tabs)


def test_tab_that_has_missed_a_frame_notices_and_gets_it(
    context: BrowserContext, server: Serving, user: str
) -> None:
    tabs = open_tabs(context, server, MANY)
    leader = leader_of(tabs)
    # What it says about one event reaches nobody.
    leader.page.evaluate("""() => {
      const post = BroadcastChannel.prototype.postMessage;
      BroadcastChannel.prototype.postMessage = function (message) {
        if (!JSON.stringify(message).includes("lost on the way")) return post.call(this, message);
        BroadcastChannel.prototype.postMessage = post;
      };
    }""")
    publish_notes(server, user, "lost on the way")
    leader.until_note("lost on the way")
    publish_notes(server, user, "next")
    for tab in tabs:
        tab.until_note("next")
        assert tab.notes() == ["lost on the way", "next"]


def test_reset_reaches_every_tab(
    context: BrowserContext, server: Serving, user: str, complaints: Complaints
) -> None:
    complaints.expect("401 .*/(me|events)")  # until the user has signed in again
    tabs = open_tabs(context, server, MANY)
    request("DELETE", f"{server.url}/me", server.headers(user)).raise_for_status()
    sign_in(context, server, user)
    for tab in tabs:
        tab.page.evaluate("zena.reconnect()")
    for tab in tabs:
        tab.until("zena.state.name === 'live' && told.snapshots.length === 2")
    publish_notes(server, user, "after")
    for tab in tabs:
        tab.until_note("after")


def test_all_tabs_resume_after_the_server_restarts(
    context: BrowserContext, new_server: Callable[..., Serving], complaints: Complaints
) -> None:
    complaints.expect("net::ERR_")
    server = new_server()
    server.start()
    sign_in(context, server, USER)
    tabs = open_tabs(context, server, MANY)
    server.restart(killed=True)
    publish_notes(server, USER, "after")
    for tab in tabs:
        tab.until_note("after")
        assert tab.notes() == ["after"]
