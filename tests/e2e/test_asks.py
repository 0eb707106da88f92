"""Questions put to the program: answers reach every tab, and end when the server does."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.askroom import assembled
from tests.e2e.clients import Event, Follower
from tests.e2e.conftest import NewServer
from tests.e2e.programs import Serving, publish_note

SLOW_ANSWERS = (sys.executable, str(Path(__file__).with_name("slowanswers.py")))

# A follower looks up from its stream at every ping.
HEARTBEAT = "0.5"

# A tab that waits for longer believes that nothing comes any more.
END_SECONDS = 10.0


@contextmanager
def two_tabs(server: Serving, user: str = "anna") -> Iterator[tuple[Follower, Follower]]:
    """Two tabs of a user, from the beginning of the log."""
    stream, headers, begin = f"{server.url}/events", server.headers(user), f"{server.epoch(user)}-0"
    with Follower(stream, headers, begin) as one, Follower(stream, headers, begin, "?tab=two") as two:
        yield one, two


def ask(server: Serving, user: str = "anna", question: str = "Who waits?") -> str:
    answer = server.post("/commands/ask.request", user, {"question": question}).json()
    ask_id: str = answer["result"]["askId"]
    return ask_id


def pieces(events: list[Event]) -> list[dict[str, Any]]:
    """What a tab was told of answers."""
    return [event.payload for event in events if event.type == "ask.response"]


def has_ended(events: list[Event]) -> bool:
    return any(piece["isComplete"] for piece in pieces(events))


def the_end(tab: Follower) -> dict[str, Any]:
    """The one end of the one answer that a tab was told of, after which nothing of it came."""
    (end,) = [piece for piece in pieces(tab.kept) if piece["isComplete"]]
    assert pieces(tab.kept)[-1] == end
    assert assembled(pieces(tab.kept)) == end["answer"]
    return end


def test_every_tab_sees_question_and_answer_and_another_user_nothing(new_server: NewServer) -> None:
    server = new_server(ZENA_HEARTBEAT_SECONDS=HEARTBEAT)
    server.start()
    with two_tabs(server) as tabs, two_tabs(server, "ben") as (stranger, _):
        ask_id = ask(server, question="Is there anything about zebras?")
        for tab in tabs:
            tab.wait_for(has_ended, "the answer to end")
            started = next(event for event in tab.kept if event.type == "ask.started")
            assert started.payload["question"] == "Is there anything about zebras?"
            assert (the_end(tab)["askId"], the_end(tab)["found"]) == (ask_id, False)
        assert server.get(f"/asks/{ask_id}", "anna").json()["answer"] == the_end(tabs[0])["answer"]
        publish_note(server, "ben", "the last")
        stranger.wait_for(lambda events: any(event.kept for event in events), "the note")
        assert [event.type for event in stranger.kept] == ["thread.viewed"]
    server.stop()


@pytest.mark.parametrize("killed", [True, False])
def test_every_tab_sees_an_answer_end_when_its_server_is_killed_or_stopped(
    new_server: NewServer, *, killed: bool
) -> None:
    server = new_server(ZENA_HEARTBEAT_SECONDS=HEARTBEAT)
    server.program = SLOW_ANSWERS
    server.start()
    with two_tabs(server) as tabs:
        ask_id = ask(server)
        for tab in tabs:
            tab.wait_for(lambda events: len(pieces(events)) > 5, "some of the answer")
        server.restart(killed=killed)
        restarted = time.monotonic()
        for tab in tabs:
            tab.wait_for(has_ended, "the answer to end")
        assert time.monotonic() - restarted < END_SECONDS
        for tab in tabs:
            assert the_end(tab)["error"]["code"] == "interrupted"
            assert the_end(tab)["answer"].startswith("0 🏡 1 🏡 2 🏡 ")
        item = server.get(f"/asks/{ask_id}", "anna").json()
        assert (item["state"], item["answer"]) == ("completed", the_end(tabs[0])["answer"])
    server.stop()


def test_an_answer_is_cancelled_from_another_tab(new_server: NewServer) -> None:
    server = new_server(ZENA_HEARTBEAT_SECONDS=HEARTBEAT)
    server.program = SLOW_ANSWERS
    server.start()
    with two_tabs(server) as tabs:
        ask_id = ask(server)
        tabs[0].wait_for(lambda events: len(pieces(events)) > 2, "some of the answer")
        server.post("/commands/ask.cancel", "anna", {"askId": ask_id})
        publish_note(server, "anna", "the last")
        for tab in tabs:
            tab.wait_for(lambda events: any(event.type == "thread.viewed" for event in events), "the note")
            assert the_end(tab)["error"]["code"] == "cancelled"
    server.stop()
