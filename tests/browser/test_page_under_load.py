"""A thousand conversations on the page and a hundred events a second: it keeps up, with ease, and forgets."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.busyday import BusyDay, Thing
from tests.browser.sites import short_directory, sign_in
from tests.browser.workload import Workload
from tests.e2e.endurance.publishers import Publisher
from tests.e2e.manymails import AGENT, ManyMails
from tests.e2e.programs import Serving, wait_until

ANNA = "anna"
THREADS = 1000
PER_SECOND = 100
AT_ONCE = 100  # events that one request may publish

MOST_MS_PER_EVENT = 4.0
# So often the page is looked at; what an event costs is told of half a second, for a frame shows several.
LOOK_MS = 100.0
LOOKS_PER_COST = 5
# What may be more at the end than at the beginning. Once garbage is gone it still goes up and down with what
# is shown: the least of a few times counts.
FLAT = {"JSHeapUsedSize": 1.05, "Nodes": 1.1}
KEPT_LOOKS = 10
READ_SECONDS = 180.0


class Publishing:
    """A service that publishes an event after the other, at a pace, from a thread of its own."""

    def __init__(self, server: Serving, events: Iterator[Thing]) -> None:
        self.sent = 0
        self._server, self._events = server, events
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._publish()))

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """While this lasts."""
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()

    async def _publish(self) -> None:
        publisher = Publisher(self._server, "crm")
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not self._over.is_set():
            await publisher.publish(ANNA, [next(self._events)])
            self.sent += 1
            await asyncio.sleep(began + self.sent / PER_SECOND - loop.time())
        await publisher.close()


@pytest.fixture(scope="module")
def office(demo_mail: Path) -> Iterator[Serving]:
    """A server that has read a thousand conversations."""
    with short_directory() as directory:
        ManyMails(demo_mail, THREADS, per_thread=1).write(directory / "mail")
        server = Serving(directory)
        try:
            server.start()
            words = ["account", "add", "--user", ANNA, "folder", str(directory / "mail"), "--address", AGENT]
            server.run(*words).said()
            wait_until(lambda: is_judged(server), "all of it to be read and judged", READ_SECONDS)
            yield server
            server.stop()
        finally:
            server.clean_up()


def is_judged(server: Serving) -> bool:
    newest = server.get("/threads?list=all&limit=50", ANNA).json()["threads"]
    if not newest or any(thread["classification"] is None for thread in newest):
        return False
    threads = all_threads(server)
    return len(threads) == THREADS and all(thread["classification"] for thread in threads)


def all_threads(server: Serving) -> list[Thing]:
    """Page by page."""
    found: list[Thing] = []
    after: str | None = ""
    while after is not None:
        page = server.get(f"/threads?list=all&limit=200{after and f'&after={after}'}", ANNA).json()
        found += page["threads"]
        after = page["next"]
    return found


def tell_all(server: Serving, events: list[Thing]) -> None:
    """Publish these, as many at a time as may be."""
    for first in range(0, len(events), AT_ONCE):
        server.post(f"/users/{ANNA}/events", "crm", events[first : first + AT_ONCE], role="publisher")


def expect_to_have_heard_all(page: Page, server: Serving, day: BusyDay, subject: str) -> None:
    """What is published last shows: everything before it has been taken, for events come in order."""
    tell_all(server, [day.pressing(subject)])
    expect(page.get_by_text(subject).first).to_be_visible()


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(12, marks=pytest.mark.timeout(300)),
        pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
    ],
)
def test_a_thousand_threads_and_a_hundred_events_a_second(
    office: Serving, context: BrowserContext, seconds: int
) -> None:
    threads = all_threads(office)
    assert len(threads) == THREADS
    day = BusyDay(threads, office.get("/deals?limit=200", ANNA).json()["deals"])
    sign_in(context, office, ANNA)
    page = context.new_page()
    page.goto(office.url)
    expect(page.get_by_text(threads[0]["from"]).first).to_be_visible()
    tell_all(office, day.introduce())
    expect_to_have_heard_all(page, office, day, "Everybody is introduced")
    workload = Workload(page)
    publishing = Publishing(office, day.events())
    with publishing.going_on():
        began = watch(page, workload, publishing, seconds / 4)
        before = least_kept(page, workload)
        went_on = watch(page, workload, publishing, seconds * 3 / 4)
        after = least_kept(page, workload)
        expect_to_have_heard_all(page, office, day, "All of it")
    assert publishing.sent > 0.9 * PER_SECOND * seconds
    assert quantiles(began.costs + went_on.costs, n=20)[-1] < MOST_MS_PER_EVENT
    assert began.long_tasks + went_on.long_tasks == []
    assert {name: value for name, value in after.items() if value > before[name] * FLAT[name]} == {}


class Watched(NamedTuple):
    """What each event has cost, in milliseconds of script and layout, and the tasks that were too long."""

    costs: list[float]
    long_tasks: list[str]


def watch(page: Page, workload: Workload, publishing: Publishing, seconds: float) -> Watched:
    """Look on for so long."""
    end = time.monotonic() + seconds
    looks, costs = [workload.look()], []
    while time.monotonic() < end:
        sent, first = publishing.sent, looks[-1]
        for _ in range(LOOKS_PER_COST):
            page.wait_for_timeout(LOOK_MS)
            looks.append(workload.look())
        costs.append((looks[-1].worked - first.worked) / (publishing.sent - sent))
    return Watched(costs, workload.long_tasks(looks))


def least_kept(page: Page, workload: Workload) -> dict[str, float]:
    """What the page cannot do without."""
    kept = []
    for _ in range(KEPT_LOOKS):
        page.wait_for_timeout(LOOK_MS)
        kept.append(workload.kept())
    return {name: min(each[name] for each in kept) for name in kept[0]}
