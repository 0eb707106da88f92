"""Between an IMAP server and whoever reads a mailbox there: passes everything on, notes what is fetched."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

HOST = "127.0.0.1"

SELECT = re.compile(rb'\S+ (?:EXAMINE|SELECT) "?([^"]+)"?')
FETCH = re.compile(rb"\S+ UID FETCH ([\d,:]+) \((.*)\)")
SEARCH = re.compile(rb"\S+ UID SEARCH ")
LIST = re.compile(rb"\S+ LIST ")
IDLE = re.compile(rb"\S+ IDLE")

Fetched = tuple[str, int]  # folder and uid


class Tap(socketserver.ThreadingTCPServer):
    """A port that leads to an IMAP server; what was asked for there, each message as often as it was."""

    def __init__(self, upstream: int) -> None:
        super().__init__((HOST, 0), Passage)
        self.upstream = upstream
        self.listed: list[Fetched] = []  # date and size
        self.bodies: list[Fetched] = []
        self.searches = 0
        self.idles = 0  # how often it was listened to since folders were last asked for

    @property
    def port(self) -> int:
        """Where to connect."""
        port: int = self.socket.getsockname()[1]
        return port

    def note(self, folder: str, uids: bytes, items: bytes) -> None:
        """A FETCH goes by."""
        asked = self.bodies if b"BODY" in items else self.listed
        asked += [(folder, uid) for uid in numbers(uids.decode())]


class Passage(socketserver.BaseRequestHandler):
    """One connection and the one that it leads to."""

    def handle(self) -> None:
        """Until both sides have hung up."""
        assert isinstance(self.server, Tap)
        with socket.create_connection((HOST, self.server.upstream)) as upstream:
            for end in (upstream, self.request):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers = threading.Thread(target=carry, args=(upstream, self.request))
            answers.start()
            carry(self.request, upstream, Notes(self.server))
            answers.join()


class Notes:
    """Reads what a client says, line by line."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._folder = ""
        self._rest = b""

    def read(self, data: bytes) -> None:
        """The next piece."""
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        for line in lines:
            if selected := SELECT.fullmatch(line):
                self._folder = selected[1].decode()
            elif fetch := FETCH.fullmatch(line):
                self._tap.note(self._folder, fetch[1], fetch[2])
            elif SEARCH.match(line):
                self._tap.searches += 1
            elif LIST.match(line):
                self._tap.idles = 0
            elif IDLE.fullmatch(line):
                self._tap.idles += 1


def carry(source: socket.socket, target: socket.socket, notes: Notes | None = None) -> None:
    """Pass on what one side says until it hangs up."""
    with contextlib.suppress(OSError):  # the other side has gone
        while data := source.recv(65536):
            if notes is not None:
                notes.read(data)
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def numbers(uids: str) -> Iterator[int]:
    """The uids of a set, `1,4:6`."""
    for part in uids.split(","):
        first, _, last = part.partition(":")
        yield from range(int(first), int(last or first) + 1)


@contextmanager
def tapped(upstream: int) -> Iterator[Tap]:
    """A tap that passes on; its connections must be over in the end."""
    with Tap(upstream) as tap:
        passing = threading.Thread(target=tap.serve_forever, args=(0.05,))
        passing.start()
        try:
            yield tap
        finally:
            tap.shutdown()
            passing.join()
