"""The client keeps its stream: nothing is missed, nothing told twice, whatever becomes of the connection."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Route

from tests.browser.complaints import Complaints
from tests.browser.sites import sign_in
from tests.browser.tabs import Tab, publish_notes
from tests.e2e.programs import Serving, wait_until
from tests.e2e.proxies import hoarding_proxy

USER = "anna"

NewServer = Callable[..., Serving]


@pytest.fixture
def beating(new_server: NewServer, complaints: Complaints) -> Serving:
    """A server of its own for the test, with a short heartbeat: silence is soon noticed."""
    complaints.expect("net::ERR_")  # it is stopped, or cut off
    serving = new_server(ZENA_HEARTBEAT_SECONDS="1")
    serving.start()
    return serving


@pytest.fixture(params=["cookie", "token"])
def open_tab(request: pytest.FixtureRequest, context: BrowserContext, beating: Serving) -> Callable[..., Tab]:
    """Opens a tab whose stream is a native EventSource, or one that is read by fetch."""
    if request.param == "cookie":
        sign_in(context, beating, USER)
        return lambda **options: Tab(context, beating, **options)
    return lambda **options: Tab(context, beating, token=beating.token(USER), **options)


def test_first_load_is_a_snapshot_and_then_events(open_tab: Callable[..., Tab], beating: Serving) -> None:
    tab = open_tab()
    tab.until_live()
    publish_notes(beating, USER, "one", "two")
    tab.until_note("two")
    told = tab.told()
    assert (len(told["snapshots"]), tab.notes()) == (1, ["one", "two"])
    assert told["states"] == ["catching_up", "live"]


def test_what_comes_while_the_snapshot_is_fetched_is_told_once_and_after_it(
    context: BrowserContext, beating: Serving
) -> None:
    sign_in(context, beating, USER)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    context.route("**/snapshot", hold)
    tab = Tab(context, beating)
    wait_until(lambda: tab.is_so("1") and bool(held), "the snapshot to be asked for")
    publish_notes(beating, USER, "in the snapshot")
    answer = held[0].fetch()
    publish_notes(beating, USER, "after it")
    tab.until("told.frames.filter(([type]) => type === 'thread.viewed').length === 2")
    assert tab.notes() == []
    held[0].fulfill(response=answer)
    tab.until_note("after it")
    tab.until_live()
    assert tab.notes() == ["after it"]


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "stopped"])
def test_resume_after_the_server_restarts(
    open_tab: Callable[..., Tab], beating: Serving, killed: bool
) -> None:
    tab = open_tab()
    tab.until_live()
    publish_notes(beating, USER, "before")
    tab.until_note("before")
    beating.restart(killed=killed)
    publish_notes(beating, USER, "after", "at last")
    tab.until_note("at last")
    assert tab.notes() == ["before", "after", "at last"]
    assert len(tab.told()["snapshots"]) == 1


@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(180)])])
def test_resume_after_being_offline(
    open_tab: Callable[..., Tab], context: BrowserContext, beating: Serving, seconds: int
) -> None:
    tab = open_tab()
    tab.until_live()
    context.set_offline(True)
    tab.until("zena.state.name === 'offline'")
    until = time.monotonic() + seconds
    while time.monotonic() < until:  # what happens meanwhile is not heard of
        publish_notes(beating, USER, f"{until - time.monotonic():.0f} s left")
        time.sleep(1)
    published = [f"{left} s left" for left in range(seconds, 0, -1)]
    assert tab.notes() == []
    context.set_offline(False)
    tab.until_note(published[-1])
    assert tab.notes() == published
    tab.until_live()


def test_resume_after_the_tab_was_frozen(
    open_tab: Callable[..., Tab], context: BrowserContext, beating: Serving
) -> None:
    tab = open_tab()
    tab.until_live()
    cdp = context.new_cdp_session(tab.page)
    cdp.send("Page.setWebLifecycleState", {"state": "frozen"})
    beating.restart(killed=True)
    publish_notes(beating, USER, "while it was frozen")
    cdp.send("Page.setWebLifecycleState", {"state": "active"})
    tab.until_note("while it was frozen")
    publish_notes(beating, USER, "after")
    tab.until_note("after")
    assert tab.notes() == ["while it was frozen", "after"]


def test_silence_is_noticed_though_the_socket_is_open(open_tab: Callable[..., Tab], beating: Serving) -> None:
    tab = open_tab()
    tab.until_live()
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    assert beating.process is not None
    os.kill(beating.process.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: tab.is_so("1") and any("/events?" in url for url in asked), "another connection")
    finally:
        os.kill(beating.process.pid, signal.SIGCONT)
    publish_notes(beating, USER, "after")
    tab.until_note("after")
    assert tab.notes() == ["after"]


def test_reset_is_the_first_load_again(open_tab: Callable[..., Tab], beating: Serving) -> None:
    tab = open_tab()
    tab.until_live()
    publish_notes(beating, USER, "before")
    tab.until_note("before")
    beating.stop()
    with sqlite3.connect(beating.database) as database:
        database.execute("DELETE FROM events")
        database.execute("UPDATE streams SET epoch = 'restored', head = 0, floor = 1")
    beating.start()
    tab.until("told.snapshots.length === 2")
    publish_notes(beating, USER, "after")
    tab.until_note("after")
    told = tab.told()
    assert told["resets"] == ["unknown_epoch"]
    assert told["snapshots"][1]["cursor"].startswith("restored-")
    assert tab.notes() == ["before", "after"]


def test_filtered_stream_hears_only_what_it_asked_for(open_tab: Callable[..., Tab], beating: Serving) -> None:
    tab = open_tab(types=["thread.*"])
    tab.until_live()
    tab.send("task.create", {"label": "not asked for"})
    publish_notes(beating, USER, "asked for")
    tab.until_note("asked for")
    assert [event["type"] for event in tab.told()["events"]] == ["thread.viewed"]


def test_listener_that_throws_does_not_stop_the_next_event(
    context: BrowserContext, beating: Serving, complaints: Complaints
) -> None:
    complaints.expect("^uncaught: .*ours")
    sign_in(context, beating, USER)
    tab = Tab(context, beating)
    tab.until_live()
    tab.page.evaluate(
        "() => { told.events.push = function (event) { this[this.length] = event; throw Error('ours'); }; }"
    )
    publish_notes(beating, USER, "one", "two")
    tab.until_note("two")
    assert tab.notes() == ["one", "two"]


def test_delays_grow_from_one_second_to_thirty_with_full_jitter(
    context: BrowserContext, beating: Serving
) -> None:
    sign_in(context, beating, USER)
    context.route("**/events?*", lambda route: route.abort())
    context.add_init_script("""
      globalThis.delays = [];
      Math.random = () => 1;
      const wait = setTimeout;
      globalThis.setTimeout = (work, delay) => {
        delays.push(delay);
        return wait(work, Math.min(delay, 20));
      };
    """)
    tab = Tab(context, beating)
    tab.until("delays.filter((delay) => delay !== 3000).length >= 8")
    told = [delay for delay in tab.page.evaluate("delays") if delay != 3000]
    assert told[:7] == [1000, 2000, 4000, 8000, 16000, 30000, 30000]


def test_where_responses_are_held_back_until_they_end_it_asks_for_short_ones(
    context: BrowserContext, beating: Serving
) -> None:
    with hoarding_proxy(beating.port) as url:
        with context.expect_event("request", lambda request: "/events?" in request.url):
            tab = Tab(context, beating, url=url, token=beating.token(USER))
        # Ten seconds are ten seconds; here they are over at once.
        tab.page.evaluate("() => { const now = Date.now; Date.now = () => now() + 10_000; }")
        tab.until_live()
        publish_notes(beating, USER, "one")
        tab.until_note("one")
        publish_notes(beating, USER, "two", "three")
        tab.until_note("three")
        assert tab.notes() == ["one", "two", "three"]
        assert tab.told()["states"] == ["catching_up", "live"]


def test_credential_that_ends_is_renewed_and_nothing_is_missed(
    context: BrowserContext, beating: Serving, complaints: Complaints
) -> None:
    complaints.expect("401 .*/me")
    short = beating.run("token", "--user", USER, "--ttl", "3").said().strip()
    context.request.post(f"{beating.url}/session", headers={"Authorization": f"Bearer {short}"})
    tab = Tab(context, beating, renewWith=beating.token(USER))
    tab.until_live()
    tab.until("renewals === 1")
    publish_notes(beating, USER, "after")
    tab.until_note("after")
    assert tab.notes() == ["after"]
    assert tab.page.evaluate("renewals") == 1


def test_whoever_cannot_renew_is_signed_out_and_comes_back_by_signing_in(
    context: BrowserContext, beating: Serving, complaints: Complaints
) -> None:
    complaints.expect("401 .*/me")
    tab = Tab(context, beating)
    tab.until("zena.state.name === 'signed_out'")
    sign_in(context, beating, USER)
    tab.page.evaluate("zena.reconnect()")
    tab.until_live()
    tab.page.evaluate("fetch('/session', { method: 'DELETE' })")
    tab.until("zena.state.name === 'signed_out'")


def test_tab_of_one_user_never_hears_what_is_another_ones(context: BrowserContext, beating: Serving) -> None:
    sign_in(context, beating, USER)
    tab = Tab(context, beating)
    tab.until_live()
    sign_in(context, beating, "bob")
    beating.get("/snapshot", "bob")
    beating.restart(killed=True)
    publish_notes(beating, "bob", "of Bob")
    tab.until("zena.state.name === 'signed_out'")
    assert tab.notes() == []
    assert len(tab.told()["snapshots"]) == 1


def test_oldest_of_too_many_stays_closed_until_it_is_looked_at(
    new_context: Callable[..., BrowserContext], new_server: NewServer
) -> None:
    server = new_server(ZENA_STREAMS_PER_USER="1")
    server.start()
    tabs: list[Tab] = []
    for context in (new_context(), new_context()):
        sign_in(context, server, USER)
        tabs.append(Tab(context, server))
        tabs[-1].until_live()
    first, second = tabs
    first.until("zena.state.name === 'replaced'")
    publish_notes(server, USER, "meanwhile")
    second.until_note("meanwhile")
    first.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    first.until_note("meanwhile")
    second.until("zena.state.name === 'replaced'")
    assert first.notes() == ["meanwhile"]
