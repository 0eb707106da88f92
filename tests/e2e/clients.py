"""Clients of the stream that other people wrote, and one that follows it over any number of connections."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any, NamedTuple, Self

import httpx
import sseclient
from httpx_sse import connect_sse

from tests.e2e.programs import NO_AUTHORITIES, PATIENCE_SECONDS, ending, wait_until
from tests.eventstream import read_events

# Longer than the server lets a stream be silent.
READ_TIMEOUT = httpx.Timeout(PATIENCE_SECONDS)

EPHEMERAL = ("stream.", "sync.progress", "typing.")


class Event(NamedTuple):
    """What a client got; `id` is the last one it has seen on this connection, as EventSource has it."""

    id: str
    type: str
    data: dict[str, Any]

    @property
    def payload(self) -> dict[str, Any]:
        """What happened."""
        payload: dict[str, Any] = self.data["payload"]
        return payload

    @property
    def kept(self) -> bool:
        """Whether it is in the log."""
        return not self.type.startswith(EPHEMERAL)

    @property
    def offset(self) -> int:
        """Its number in the log."""
        return int(self.id.rpartition("-")[2])


Headers = dict[str, str]
Client = Callable[[str, Headers], AbstractContextManager[Iterator[Event]]]


@contextmanager
def with_httpx_sse(url: str, headers: Headers) -> Iterator[Iterator[Event]]:
    """httpx-sse."""
    with (
        httpx.Client(verify=NO_AUTHORITIES, timeout=READ_TIMEOUT) as http,
        connect_sse(http, "GET", url, headers=headers) as source,
    ):
        source.response.raise_for_status()
        yield (Event(sse.id, sse.event, sse.json()) for sse in source.iter_sse())


@contextmanager
def with_sseclient(url: str, headers: Headers) -> Iterator[Iterator[Event]]:
    """sseclient-py, which is given bytes and knows nothing of HTTP."""
    with (
        httpx.Client(verify=NO_AUTHORITIES, timeout=READ_TIMEOUT) as http,
        http.stream("GET", url, headers=headers) as response,
    ):
        response.raise_for_status()
        events = sseclient.SSEClient(response.iter_bytes()).events()
        yield (Event(sse.id or "", sse.event, json.loads(sse.data)) for sse in events)


@contextmanager
def with_curl(url: str, headers: Headers) -> Iterator[Iterator[Event]]:
    """curl, read as a person reads it: a block of lines and an empty one."""
    words = ["curl", "--silent", "--show-error", "--fail", "--no-buffer", url]
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}"]
    with ending(subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)) as process:
        assert process.stdout is not None
        yield events_of(process.stdout)


def events_of(output: IO[bytes]) -> Iterator[Event]:
    """The events in what a process prints, each as soon as it is whole."""
    block = b""
    for line in output:
        block += line
        if line == b"\n":
            for received in read_events(block):
                yield Event(received.last_event_id, received.event, json.loads(received.data))
            block = b""


def up_to(events: Iterator[Event], wanted: Callable[[Event], bool]) -> list[Event]:
    """What comes until the wanted one, and that one."""
    got: list[Event] = []
    for event in events:
        got.append(event)
        if wanted(event):
            return got
    raise AssertionError(f"the stream ended without it; it had {[event.type for event in got]}")


def up_to_note(events: Iterator[Event], note: str) -> list[Event]:
    """What comes until somebody's note (`programs.publish_note`), and the note."""
    return up_to(events, lambda event: is_note(event, note))


def is_note(event: Event, note: str) -> bool:
    """Whether this is the note."""
    return event.type == "thread.viewed" and event.payload["threadId"] == note


class Follower:
    """A client that stays: it resumes after its last event, over as many connections as it takes."""

    def __init__(self, url: str, headers: Headers, cursor: str, query: str = "") -> None:
        self.events: list[Event] = []
        self.connections = 0
        self.modes: list[str] = []
        self._url, self._headers, self._query = url, headers, query
        self._cursor = cursor
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._follow)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "a follower hangs"
        if self._failure is not None:
            raise self._failure

    @property
    def kept(self) -> list[Event]:
        """The events of the log that it was given, in its order."""
        return [event for event in self.events if event.kept]

    def wait_for(self, condition: Callable[[list[Event]], bool], what: str, seconds: float = 30.0) -> None:
        """Wait until its events are so."""

        def holds() -> bool:
            if self._failure is not None:
                raise self._failure
            return condition(list(self.events))

        wait_until(holds, what, seconds)

    def _follow(self) -> None:
        try:
            while not self._over.is_set():
                try:
                    self._connect()
                except httpx.TransportError:
                    self._over.wait(0.02)
        except BaseException as error:
            self._failure = error

    def _connect(self) -> None:
        headers = {**self._headers, "Last-Event-ID": self._cursor}
        with with_httpx_sse(self._url + self._query, headers) as events:
            self.connections += 1
            for event in events:
                if event.type == "stream.ready":
                    self.modes.append(event.payload["mode"])
                self._cursor = event.id or self._cursor
                self.events.append(event)
                if self._over.is_set():
                    return
