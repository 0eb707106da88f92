"""A server that says byte by byte what a test has written down, and notes what it was asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import msgspec

import zena_sse

STATIC = Path(zena_sse.__file__).parent / "static"
# Between two pieces of a response, so that they arrive as two.
PIECE_SECONDS = 0.03


class Answer(msgspec.Struct, frozen=True):
    """One response: its body in pieces, after which the connection ends."""

    body: Sequence[bytes] = ()
    status: int = 200
    content_type: str | None = "text/event-stream"
    location: str | None = None


class Asked(msgspec.Struct, frozen=True):
    """A request: when it came, and with which headers; their names in lower case."""

    at: float
    headers: dict[str, str]


class Script:
    """What a path answers, request after request; the last answer again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = answers
        self.asked: list[Asked] = []
        self.ended: list[float] = []


class ScriptedServer:
    """Answers by its scripts; everything else is an empty page or one of the client's modules."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.scripts: dict[str, Script] = {}

    def plays(self, *answers: Answer) -> tuple[str, Script]:
        """An address that answers like this, and what becomes of it."""
        script = Script(*answers)
        path = f"/script/{len(self.scripts)}"
        self.scripts[path] = script
        return path, script


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """A server on loopback for as long as it is needed."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as httpd:
        httpd.daemon_threads = True
        _Handler.server_of_scripts = server = ScriptedServer(f"http://127.0.0.1:{httpd.server_port}")
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield server
        httpd.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server_of_scripts: ClassVar[ScriptedServer]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        script = self.server_of_scripts.scripts.get(path)
        if script is not None:
            self._play(script)
        elif path.startswith("/client/"):
            self._send(Answer([(STATIC / path[1:]).read_bytes()], content_type="text/javascript"))
        else:
            self._send(Answer([b"<!doctype html><title>empty</title>"], content_type="text/html"))

    def _play(self, script: Script) -> None:
        number = len(script.asked)
        headers = {name.lower(): value for name, value in self.headers.items()}
        script.asked.append(Asked(time.monotonic(), headers))
        self._send(script.answers[min(number, len(script.answers) - 1)])
        script.ended.append(time.monotonic())

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        if answer.content_type is not None:
            self.send_header("Content-Type", answer.content_type)
        if answer.location is not None:
            self.send_header("Location", answer.location)
        self.end_headers()
        for number, piece in enumerate(answer.body):
            if number:
                time.sleep(PIECE_SECONDS)
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the standard library's name
        """Quiet."""
