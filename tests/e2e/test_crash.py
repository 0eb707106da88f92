"""`kill -9` in the middle of a sync, again and again, with streams open: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.e2e.clients import Event, Follower
from tests.e2e.conftest import NewServer
from tests.e2e.maildrop import Maildrop
from tests.e2e.programs import Serving

NEW_EACH_ROUND, ANSWERS_EACH_ROUND = 300, 300

# How many events of a run the witness has seen when the server is killed. Most runs have as many as there are
# messages; the last third is left, so that the kill does not come too late.
MOMENTS = range(400)

SYNC_TYPES = ("sync.started", "sync.completed")


class Crashes:
    """A server that is killed while it reads a mailbox that grows, and the clients that follow it."""

    def __init__(self, server: Serving, directory: Path) -> None:
        self.server = server
        self.mail = Maildrop(directory / "mail")
        self.during_a_run = 0
        self.acknowledged: list[str] = []

    def run(self, kills: int) -> list[Follower]:
        """Kill it so many times, let it come to an end, stop it; the clients."""
        server = self.server
        self.mail.deliver(begin=NEW_EACH_ROUND + ANSWERS_EACH_ROUND, answer=0)
        server.start()
        server.run("account", "add", "--user", "anna", "folder", str(self.mail.root)).said()
        stream, headers, begin = f"{server.url}/events", server.headers("anna"), f"{server.epoch('anna')}-0"
        with ExitStack() as stack:
            followers = [
                stack.enter_context(Follower(stream, headers, begin, query))
                for query in ("", "?tab=another", f"?types={','.join(SYNC_TYPES)}")
            ]
            for _ in range(kills):
                self._kill_during_a_sync(followers[0])
            self._read_to_the_end(followers)
            server.stop()
        return followers

    def _kill_during_a_sync(self, witness: Follower) -> None:
        self._ask_for_a_sync()
        moment = random.choice(MOMENTS)  # noqa: S311  # the test's seed
        witness.wait_for(
            lambda events: events_of_run(events) >= moment or self._is_over(events), "the sync to go on"
        )
        self.server.kill()
        with closing(sqlite3.connect(self.server.database)) as database:
            self.during_a_run += count(database, "sync_runs WHERE state <> 'completed'")
        self.mail.deliver(begin=NEW_EACH_ROUND, answer=ANSWERS_EACH_ROUND)
        self.server.start()

    def _ask_for_a_sync(self) -> None:
        answer = self.server.post("/commands/sync.request", "anna", {}).json()
        self.acknowledged += answer["result"]["syncIds"]

    def _is_over(self, events: list[Event]) -> bool:
        """Whether every sync that was promised has ended."""
        ended = {event.payload["syncId"] for event in events if event.type == "sync.completed"}
        return ended.issuperset(self.acknowledged)

    def _read_to_the_end(self, followers: list[Follower]) -> None:
        self._ask_for_a_sync()
        followers[0].wait_for(self._is_over, "the last sync to end", seconds=60)
        head = int(self.server.get("/snapshot", "anna").json()["cursor"].rpartition("-")[2])
        for follower in followers[:2]:
            follower.wait_for(lambda events: last_offset(events) >= head, "all events to be delivered")
        syncs = [event for event in followers[0].kept if event.type in SYNC_TYPES]
        followers[2].wait_for(
            lambda events: last_offset(events) >= syncs[-1].offset, "the filtered events to be delivered"
        )


def events_of_run(events: list[Event]) -> int:
    """How many events about conversations there are of the run that is under way; -1: there is none."""
    for number, event in enumerate(reversed(events)):
        if event.type == "sync.started":
            return len([e for e in events[len(events) - number :] if e.type.startswith("thread.")])
        if event.type == "sync.completed":
            break
    return -1


def last_offset(events: list[Event]) -> int:
    return next((event.offset for event in reversed(events) if event.kept), 0)


def count(database: sqlite3.Connection, what: str) -> int:
    number: int = database.execute(f"SELECT COUNT(*) FROM {what}").fetchone()[0]
    return number


def check_client(follower: Follower, crashes: Crashes) -> None:
    """A client that came back after each crash has every event once, in order."""
    kept = follower.kept
    assert [event.offset for event in kept] == list(range(1, len(kept) + 1))
    assert set(follower.modes) == {"resumed"}
    threads = Counter(event.payload["threadId"] for event in kept if event.type == "thread.new")
    assert (len(threads), set(threads.values())) == (len(crashes.mail.lengths), {1})
    started = Counter(event.payload["syncId"] for event in kept if event.type == "sync.started")
    completed = Counter(event.payload["syncId"] for event in kept if event.type == "sync.completed")
    assert started == completed
    assert set(started.values()) == {1}
    assert set(crashes.acknowledged) <= set(started)


def check_database(crashes: Crashes, kept: list[Event]) -> None:
    """Every message and conversation is there once, and the log is what the client got."""
    mail = crashes.mail
    with closing(sqlite3.connect(f"file:{crashes.server.database}?mode=ro", uri=True)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert count(database, "messages") == count(database, "copies") == mail.messages
        assert count(database, "threads") == len(mail.lengths)
        assert count(database, "sync_runs WHERE state <> 'completed'") == 0
        log = database.execute('SELECT "offset", type FROM events ORDER BY "offset"').fetchall()
        assert log == [(event.offset, event.type) for event in kept]
        assert database.execute("SELECT floor, head FROM streams").fetchall() == [(1, len(log))]
        found = database.execute("SELECT thread_id, data FROM messages").fetchall()
        counted = dict(database.execute("SELECT thread_id, message_count FROM threads").fetchall())
    conversations: dict[str, set[str]] = {}
    for thread_id, data in found:
        conversations.setdefault(thread_id, set()).add(json.loads(data)["message_id"])
    assert counted == {thread_id: len(messages) for thread_id, messages in conversations.items()}
    expected = {frozenset(f"{c}.{n}@test" for n in range(length)) for c, length in mail.lengths.items()}
    assert {frozenset(messages) for messages in conversations.values()} == expected


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(3, id="3 times"),
        pytest.param(20, id="20 times", marks=[pytest.mark.slow, pytest.mark.timeout(300)]),
    ],
)
def test_server_killed_while_it_reads_mail_loses_nothing_and_repeats_nothing(
    new_server: NewServer, directory: Path, kills: int
) -> None:
    began = time.monotonic()
    crashes = Crashes(new_server(ZENA_HEARTBEAT_SECONDS="1"), directory)  # a hanging follower notices
    followers = crashes.run(kills)
    for follower in followers[:2]:
        check_client(follower, crashes)
        assert follower.connections > kills / 2
    kept = followers[0].kept
    assert followers[2].kept == [event for event in kept if event.type in SYNC_TYPES]
    check_database(crashes, kept)
    assert crashes.during_a_run > kills / 2, "kills that come between syncs test nothing"
    figures = {
        "kills": kills,
        "kills during a run": crashes.during_a_run,
        "messages": crashes.mail.messages,
        "threads": len(crashes.mail.lengths),
        "events": len(kept),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(figures)  # noqa: T201  # shown with -s, and when it fails
