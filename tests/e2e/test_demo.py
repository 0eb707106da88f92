"""`zena-sse demo`: the lines that it prints are pasted into bash as they stand."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.utils import parseaddr, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from pathlib import Path
from typing import IO

import httpx
import pytest

from tests.e2e.clients import Event, events_of, up_to
from tests.e2e.programs import PATIENCE_SECONDS, PROGRAM, Serving, environment, request, wait_until
from tests.e2e.terminals import group, terminal
from tests.mailservers import free_port
from zena_sse.demo.feed import LATE_MESSAGES, OVER_SECONDS
from zena_sse.web.pages import read_files

ROOT = Path(__file__).parents[2]
LABELS = ROOT / "tests" / "data" / "mail" / "labels.json"

# A message as both sides can name it: when it was sent, and by whom.
Letter = tuple[datetime, str]


class Demo:
    """A demo that runs, and what it printed."""

    def __init__(self, output: IO[bytes]) -> None:
        self.printed = "".join(
            line.decode() for line in takewhile(lambda line: b"Ctrl+C" not in line, output)
        )
        lines = [line.strip() for line in self.printed.splitlines() if line.startswith("  ")]
        self.commands = [line for line in lines if line and not line.startswith("#")]
        self.began = time.monotonic()

    @property
    def url(self) -> str:
        """Where it says it runs."""
        found = re.search(r"http://[^\s\"]+:\d+", self.printed)
        assert found is not None, self.printed
        return found[0]

    def command(self, part: str) -> str:
        """The one command to paste that has this in it."""
        [found] = [command for command in self.commands if part in command]
        return found

    def get(self, path: str) -> httpx.Response:
        """Read something with the token that it printed."""
        token = self.command("TOKEN=").removeprefix("TOKEN=")
        return request("GET", self.url + path, {"Authorization": f"Bearer {token}"}).raise_for_status()

    def pasted(self, command: str, cwd: Path) -> AbstractContextManager[IO[bytes]]:
        """What a terminal shows that was given the token's line and then this one."""
        return terminal(f"{self.command('TOKEN=')}\n{command}\n", cwd, environment())


@contextmanager
def demo_running(directory: Path, *words: str, **settings: str) -> Iterator[Demo]:
    """A demo from its start to Ctrl+C."""
    with group(*words, cwd=directory, env=environment(**settings)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        demo = Demo(process.stdout)
        data = Path(re.findall(r"ZENA_DATA_DIR=(\S+)", demo.printed)[0])
        assert data.is_dir()
        yield demo
        os.killpg(process.pid, signal.SIGINT)
        process.wait(PATIENCE_SECONDS)
        said = process.stderr.read().decode()
        assert "Traceback" not in said
        assert not data.exists()
        assert not data.parent.exists()


@pytest.fixture
def demo(directory: Path) -> Iterator[Demo]:
    with demo_running(directory, *PROGRAM, "demo", "--port", str(free_port()), "--no-browser") as running:
        yield running


def letter_of(path: Path) -> Letter:
    """How a file of the demo mail is named here."""
    message = message_from_bytes(path.read_bytes())
    return parsedate_to_datetime(message["Date"]).astimezone(UTC), parseaddr(message["From"])[1].lower()


def labelled_threads(mail: Path) -> set[frozenset[Letter]]:
    """The conversations of the labelled mailbox; a message that is in both folders is one."""
    threads = json.loads(LABELS.read_text())["threads"]
    found = {frozenset(letter_of(mail / name) for name in thread["messages"]) for thread in threads}
    assert sum(len(thread) for thread in found) == len(frozenset[Letter]().union(*found))
    return found


def early_threads(mail: Path) -> int:
    """How many conversations there are before the late messages come."""
    dates = sorted(letter_of(path) for path in mail.glob("*/*.eml"))
    early = set(dates[:-LATE_MESSAGES])
    return len([thread for thread in labelled_threads(mail) if thread & early])


@pytest.mark.needs("curl")
def test_lines_that_the_demo_prints_show_what_it_says(demo: Demo, demo_mail: Path, directory: Path) -> None:
    with demo.pasted(demo.command("?last_event_id="), directory) as shown:
        got = up_to(events_of(shown), lambda event: event.type == "sync.completed")
    assert [event.type for event in got[:2]] == ["stream.ready", "sync.started"]
    assert got[0].payload["mode"] == "resumed"
    assert got[-1].payload["success"]
    threads = Counter(event.payload["threadId"] for event in got if event.type == "thread.new")
    assert len(threads) == early_threads(demo_mail)
    assert set(threads.values()) == {1}

    resume = demo.command("Last-Event-ID: ")
    last = int(re.findall(r"Last-Event-ID: \w+-(\d+)", resume)[0])
    with demo.pasted(resume, directory) as shown:
        again = up_to(events_of(shown), lambda event: event.type == "sync.completed")
    assert again[0].payload["mode"] == "resumed"
    assert [e for e in again if e.kept] == [e for e in got if e.kept and e.offset > last]

    with demo.pasted(demo.command("sync.request"), directory) as shown:
        answer = json.loads(shown.read())
    assert len(answer["result"]["syncIds"]) == 1

    with demo.pasted(demo.command(" tail "), directory) as shown:
        lines = [shown.readline().decode() for _ in range(2)]
    assert ["stream.ready" in lines[0], "sync.started" in lines[1]] == [True, True]


@pytest.mark.needs("curl")
def test_sync_that_was_asked_for_shows_in_the_demos_stream(demo: Demo, directory: Path) -> None:
    with demo.pasted(demo.command("?last_event_id="), directory) as shown:
        events = events_of(shown)
        up_to(events, lambda event: event.type == "sync.completed")
        with demo.pasted(demo.command("sync.request"), directory) as answered:
            answer = json.loads(answered.read())
        [sync_id] = answer["result"]["syncIds"]
        started = up_to(events, lambda event: event.type == "sync.started")[-1]
        completed = up_to(events, lambda event: event.type == "sync.completed")[-1]
    assert started.payload["syncId"] == completed.payload["syncId"] == sync_id
    assert started.data["commandId"] == completed.data["commandId"] == answer["commandId"]


@pytest.mark.needs("curl")
def test_make_demo_serves_on_the_port_it_is_given(directory: Path) -> None:
    port = free_port()
    # What is installed is not this test's to change; `-o` takes the installation as it is.
    words = ["make", "--silent", "--no-print-directory", "-C", str(ROOT), "-o", ".make/run", "demo"]
    words += [f"PORT={port}", f"BIN={Path(sys.executable).parent}"]
    with demo_running(directory, *words) as demo:
        assert demo.url == f"http://127.0.0.1:{port}"
        with demo.pasted(demo.command("?last_event_id="), directory) as shown:
            assert next(events_of(shown)).type == "stream.ready"
        with demo.pasted(demo.command(" tail "), directory) as shown:
            assert "stream.ready" in shown.readline().decode()


def test_anybody_signs_in_to_the_demo_with_one_click_and_sees_everything(demo: Demo) -> None:
    assert request("GET", f"{demo.url}/me", {}).status_code == 401
    assert request("GET", f"{demo.url}/demo", {}).json() == {"userId": "mia", "name": "Mia Tane"}
    signed_in = request("POST", f"{demo.url}/demo/session", {})
    assert signed_in.status_code == 201
    cookie = {"Cookie": signed_in.headers["Set-Cookie"].partition(";")[0]}
    me = request("GET", f"{demo.url}/me", cookie).json()
    assert (me["userId"], me["how"]) == ("mia", "cookie")
    assert timedelta(hours=11) < datetime.fromisoformat(me["expiresAt"]) - datetime.now(UTC)
    assert request("GET", f"{demo.url}/snapshot", cookie).is_success
    assert request("GET", demo.url, {}).headers["Content-Type"].startswith("text/html")
    documented = request("GET", f"{demo.url}/openapi.json", {}).json()["paths"]
    assert not [path for path in documented if path.startswith("/demo")]


def test_the_demos_user_opens_the_debug_page(demo: Demo) -> None:
    signed_in = request("POST", f"{demo.url}/demo/session", {})
    assert signed_in.json()["role"] == "operator"
    cookie = {"Cookie": signed_in.headers["Set-Cookie"].partition(";")[0]}
    assert request("GET", f"{demo.url}/debug", {}).status_code == 404
    if "/debug" in read_files():
        assert request("GET", f"{demo.url}/debug", cookie).is_success


def test_there_is_no_way_in_without_a_credential_where_there_is_no_demo(running: Serving) -> None:
    assert request("GET", f"{running.url}/demo", {}).status_code == 404
    assert request("POST", f"{running.url}/demo/session", {}).status_code == 404


def test_what_is_printed_begins_with_the_address_to_open(demo: Demo) -> None:
    address = [line.strip() for line in demo.printed.splitlines() if line.strip()][1]
    assert address == demo.url
    assert demo.printed.index("sign in with one click") < demo.printed.index("curl")


@pytest.mark.parametrize(
    ("words", "on_a_terminal", "opens"),
    [([], True, True), (["--no-browser"], True, False), ([], False, False)],
    ids=["on a terminal", "told not to", "in a pipe"],
)
def test_demo_opens_its_page_where_somebody_looks(
    directory: Path, words: list[str], on_a_terminal: bool, opens: bool
) -> None:
    opened = directory / "opened"
    browser = directory / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >{opened}.part && mv {opened}.part {opened}\n')
    browser.chmod(0o755)
    port = free_port()
    ours, theirs = os.openpty() if on_a_terminal else os.pipe()
    with subprocess.Popen(
        [*PROGRAM, "demo", "--port", str(port), *words],
        env=environment(BROWSER=f"{browser} %s &"),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        printed = b""
        while b"Ctrl+C" not in printed:
            printed += os.read(ours, 4096)
        if opens:
            wait_until(opened.exists, "the page to be opened")
            assert opened.read_text().strip() == f"http://127.0.0.1:{port}"
        else:  # it would have been before anything else was answered
            assert request("GET", f"http://127.0.0.1:{port}/snapshot", {}).status_code == 401
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_SECONDS)
    os.close(ours)
    assert opened.exists() == opens


@pytest.mark.slow
def test_demo_that_is_interrupted_at_once_ends_quietly(directory: Path) -> None:
    for moment in range(10):  # the worker that reads mail is being started in one of them
        with demo_running(directory, *PROGRAM, "demo", "--port", str(free_port())):
            time.sleep(moment / 30)  # not for a result: the moment is the point


@pytest.mark.slow
@pytest.mark.needs("curl")
@pytest.mark.timeout(OVER_SECONDS + 90)
def test_all_seventy_conversations_are_there_and_whole_after_two_minutes(
    demo: Demo, demo_mail: Path, directory: Path
) -> None:
    with demo.pasted(demo.command("?last_event_id="), directory) as shown:
        got = arrivals(events_of(shown), 70)
    assert [event.offset for event in got] == list(range(1, len(got) + 1))
    threads = Counter(event.payload["threadId"] for event in got if event.type == "thread.new")
    assert (len(threads), set(threads.values())) == (70, {1})
    expected = labelled_threads(demo_mail)
    wait_until(
        lambda: {thread_of(demo, name) for name in threads} == expected,
        "every message to be in its conversation",
        seconds=OVER_SECONDS + 30 - (time.monotonic() - demo.began),
    )


def arrivals(events: Iterator[Event], threads: int) -> list[Event]:
    """The events of the log until so many conversations are known."""
    kept: list[Event] = []
    while len([event for event in kept if event.type == "thread.new"]) < threads:
        event = next(events)
        if event.kept:
            kept.append(event)
    return kept


def thread_of(demo: Demo, thread_id: str) -> frozenset[Letter]:
    """A conversation as the server tells it."""
    messages = demo.get(f"/threads/{thread_id}").json()["messages"]
    return frozenset((datetime.fromisoformat(m["at"]), m["from"]["email"]) for m in messages)


def test_demo_asks_the_model_that_was_chosen(directory: Path) -> None:
    asked: list[str] = []

    class Model(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    words = (*PROGRAM, "demo", "--port", str(free_port()), "--no-browser")
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as model:
        thread = threading.Thread(target=model.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{model.server_port}/v1"
            with demo_running(directory, *words, ZENA_LLM_BASE_URL=address, ZENA_LLM_MODEL="any") as demo:
                wait_until(lambda: bool(asked), "the model to be asked for a second opinion")
                assert demo.get("/me").json()["userId"] == "mia"
        finally:
            model.shutdown()
            thread.join()
    assert asked[0] == "/v1/chat/completions"
