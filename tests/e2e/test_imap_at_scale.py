"""A mailbox on a real IMAP server, read by the real program while a client follows: how fast, and how right.

Between the program and the server there is a tap, which counts the messages that are asked for.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.clients import Event, Follower, up_to, with_httpx_sse
from tests.e2e.imappost import AGENT, LONGEST, Post
from tests.e2e.imaptap import Tap, tapped
from tests.e2e.programs import Serving, wait_until
from tests.mailservers import PASSWORD, running_dovecot

pytestmark = [pytest.mark.needs("dovecot"), pytest.mark.timeout(180)]

# One scenario at two sizes, messages and arrivals that are timed; the small one runs with every test.
SIZES = [
    pytest.param((200, 1), id="200 messages"),
    pytest.param((10_000, 5), id="10,000 messages", marks=pytest.mark.slow),
]
READ_SECONDS = 75.0

# What is promised, however much mail there is already.
ARRIVAL_SECONDS = 2.0
SMALL_RUN_SECONDS = 1.0
# A mailbox that we just looked into is looked into again after 1 s, 2 s, 4 s, whatever the server says. From
# the third time on, mail that is on the stream within `ARRIVAL_SECONDS` was heard of.
LISTENING = 3

USER = "anna"


class Runs:
    """What happened within a `with` of `Site.run`."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.bodies = 0
        self.listed = 0
        self.searches = 0


class Site:
    """A server that keeps a mailbox read, a client that follows its user's stream, another mail program."""

    def __init__(self, server: Serving, tap: Tap, follower: Follower, post: Post, arrivals: int) -> None:
        self.server = server
        self.tap = tap
        self.follower = follower
        self.post = post
        self.arrivals = arrivals

    @contextmanager
    def run(self, seconds: float = 30.0) -> Iterator[Runs]:
        """Do something to the mailbox; afterwards it has been read, and all is as it should be."""
        tap, runs, before = self.tap, Runs(), len(self._log("sync ended"))
        bodies, listed, searches = len(tap.bodies), len(tap.listed), tap.searches
        yield runs
        wait_until(lambda: self._is_read(before), "the mailbox to be read", seconds)
        runs.seconds = [line["seconds"] for line in self._log("sync ended")[before:]]
        runs.bodies, runs.listed = len(tap.bodies) - bodies, len(tap.listed) - listed
        runs.searches = tap.searches - searches
        self.check()

    def ask(self) -> None:
        """Do not wait until the mailbox is looked into."""
        self.server.post("/commands/sync.request", USER, {})

    def delivered(self) -> list[Event]:
        """The events that the client has, once it has them all."""
        head = int(self.server.get("/snapshot", USER).json()["cursor"].rpartition("-")[2])
        self.follower.wait_for(lambda _: head in (0, len(self.follower.kept)), "all events to be delivered")
        return self.follower.kept

    def check(self) -> None:
        """The database and the client's picture agree with the mailbox: each message is there once."""
        events, post = self.delivered(), self.post
        with closing(sqlite3.connect(f"file:{self.server.database}?mode=ro", uri=True)) as database:
            copies = database.execute("SELECT folder, data FROM copies JOIN messages USING (user_id, key)")
            held = Counter((folder, json.loads(data)["message_id"]) for folder, data in copies)
            found = database.execute("SELECT thread_id, data FROM messages").fetchall()
            counted = dict(database.execute("SELECT thread_id, message_count FROM threads").fetchall())
        assert held == Counter((folder, name) for name, folder in post.folders.items())
        conversations: dict[str, set[str]] = {}
        for thread_id, data in found:
            conversations.setdefault(thread_id, set()).add(json.loads(data)["message_id"])
        assert sorted(map(sorted, conversations.values())) == sorted(map(sorted, post.conversations()))
        assert counted == {thread_id: len(names) for thread_id, names in conversations.items()}
        assert [event.offset for event in events] == list(range(1, len(events) + 1))
        new = Counter(event.payload["threadId"] for event in events if event.type == "thread.new")
        assert set(new.values()) == {1}, "a conversation is new once"
        assert len(new) == post.begun
        assert picture(events) == counted

    def _is_read(self, before: int) -> bool:
        ended = self._log("sync ended")
        if len(ended) == before or len(ended) < len(self._log("sync begins")):
            return False
        assert all(line["outcome"] == "completed" for line in ended), ended
        with closing(sqlite3.connect(f"file:{self.server.database}?mode=ro", uri=True)) as database:
            copies = database.execute("SELECT COUNT(*) FROM copies").fetchone()[0]
        return bool(copies == len(self.post.folders))

    def _log(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.server.lines() if line["event"] == event]


def picture(events: list[Event]) -> dict[str, int]:
    """How many messages each conversation has, for somebody who only has the events."""
    threads: dict[str, int] = {}
    for event in events:
        if event.type == "thread.new":
            threads[event.payload["threadId"]] = 1
        elif event.type == "thread.updated" and event.payload.get("removed"):
            del threads[event.payload["threadId"]]
        elif event.type == "thread.updated":
            threads[event.payload["threadId"]] = event.payload["messageCount"]
    return threads


@pytest.fixture(scope="module", params=SIZES)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A mailbox of this many messages that has been read once."""
    directory = Path(tempfile.mkdtemp(prefix="zena-e2e-", dir="/tmp"))
    size, arrivals = request.param
    server = Serving(directory, ZENA_ALLOW_PRIVATE_MAIL_HOSTS="1")
    try:
        with running_dovecot() as dovecot, tapped(dovecot.port) as tap, dovecot.sign_in(USER) as client:
            post = Post(client)
            post.fill(size)
            server.start()
            stream, begin = f"{server.url}/events", f"{server.epoch(USER)}-0"
            with Follower(stream, server.headers(USER), begin) as follower:
                made = Site(server, tap, follower, post, arrivals)
                read_whole(made)
                yield made
                server.stop()
        assert {line["level"] for line in server.lines()} == {"info"}
    finally:
        server.clean_up()
        shutil.rmtree(directory)


def read_whole(site: Site) -> None:
    """Connect the mailbox, and see it read to its end."""
    account = {"provider": "imap", "host": "127.0.0.1", "port": site.tap.port, "security": "plain"}
    account |= {"username": USER, "password": PASSWORD}
    with site.run(READ_SECONDS) as whole:
        site.server.post("/accounts", USER, account | {"addresses": [AGENT]})
    size, (seconds,) = len(site.post.folders), whole.seconds
    tell(f"{size} messages in {seconds:.2f} s, {size / seconds:.0f} a second")
    assert len(set(site.tap.bodies)) == whole.bodies == size


def tell(figures: str) -> None:
    """Shown with -s, and when a test fails."""
    print(figures)  # noqa: T201


def measured(what: str, runs: Runs) -> str:
    return f"{what}: {runs.bodies} fetched, {runs.listed} listed, {runs.seconds} s"


def test_every_message_is_counted_as_new_once(site: Site) -> None:
    site.check()
    metrics = site.server.get("/metrics", USER).text
    counted = {line.split()[0]: float(line.split()[1]) for line in metrics.splitlines() if line[0] != "#"}
    assert counted['zena_messages_total{outcome="new"}'] == len(site.post.ever)
    assert counted['zena_messages_total{outcome="defective"}'] == 0


def test_a_run_without_news_asks_for_no_message(site: Site) -> None:
    with site.run() as runs:
        site.ask()
    tell(measured("nothing new", runs))
    assert (runs.bodies, runs.listed, runs.searches, len(runs.seconds)) == (0, 0, 0, 1)
    assert runs.seconds[0] < SMALL_RUN_SECONDS


def test_ten_messages_that_came_are_all_that_is_fetched(site: Site) -> None:
    post, before = site.post, len(site.delivered())
    old, begun = post.whole(LONGEST)[:5], [post.begin() for _ in range(5)]
    with site.run() as runs:
        post.deliver([*old, *begun])
    tell(measured("ten new", runs))
    assert (runs.bodies, runs.listed, len(runs.seconds)) == (10, 10, 1)
    assert runs.seconds[0] < SMALL_RUN_SECONDS
    types = Counter(event.type for event in site.delivered()[before:])
    # Each is told of as it comes, and of what it is taken for; the five that grew may be taken for the same.
    assert 5 <= types.pop("thread.updated") <= 15
    assert types == {"sync.started": 1, "thread.new": 5, "sync.completed": 1}


def test_mail_is_on_the_stream_soon_after_it_came(site: Site) -> None:
    took = []
    with site.run():
        site.ask()
    with with_httpx_sse(f"{site.server.url}/events?types=thread.new", site.server.headers(USER)) as events:
        assert next(events).payload["mode"] == "live"
        for _ in range(site.arrivals):
            wait_until(lambda: site.tap.idles == LISTENING, "the program to listen for long")
            with site.run():
                began = time.monotonic()
                subject = site.post.deliver([site.post.begin()])
                (arrived,) = up_to(events, lambda event: event.type == "thread.new")
                took.append(time.monotonic() - began)
            assert arrived.payload["subject"] == subject
    p50, most = 1000 * statistics.median(took), 1000 * max(took)
    tell(f"from APPEND to thread.new, {site.arrivals} times: p50 {p50:.0f} ms, max {most:.0f} ms")
    assert max(took) < ARRIVAL_SECONDS


def test_messages_that_another_program_deletes_go_with_their_conversation(site: Site) -> None:
    post, before = site.post, len(site.delivered())
    alone, longer = post.whole(1)[0], post.whole(4)[0]
    with site.run() as runs:
        post.remove(f"{alone}.0@test", f"{longer}.3@test")
    tell(measured("two deleted", runs))
    assert runs.bodies == 0
    told = [event.payload for event in site.delivered()[before:] if event.type.startswith("thread.")]
    assert {(event.get("removed", False), event.get("messageCount")) for event in told} == {
        (False, 3),
        (True, None),
    }


def test_a_folder_whose_messages_were_renumbered_repeats_no_event(site: Site) -> None:
    before = len(site.delivered())
    with site.run(READ_SECONDS) as runs:
        renumbered = site.post.renumber("Sent")
        site.ask()
    tell(measured(f"{renumbered} renumbered", runs))
    assert runs.bodies == renumbered
    assert {event.type for event in site.delivered()[before:]} == {"sync.started", "sync.completed"}
    with site.run() as after:
        site.ask()
    assert (after.bodies, after.listed, after.searches) == (0, 0, 0)
