"""An IMAP server that says exactly what a test wants: for what no real server does on demand."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from tests.mailboxes import login
from zena_sse.mail.connectors.imap import ImapConnector, Login, Server

HANG_UP = "hang up"

Script = Mapping[str, str | Sequence[str]]

ANSWERS = {
    "CAPABILITY": "* CAPABILITY IMAP4rev1 IDLE\r\n{tag} OK done\r\n",
    "LOGIN": "{tag} OK done\r\n",
    "LOGOUT": "* BYE\r\n{tag} OK done\r\n",
    "EXAMINE": "* 1 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 5]\r\n{tag} OK [READ-ONLY]\r\n",
    "UID SEARCH": "* SEARCH 4\r\n{tag} OK done\r\n",
    "UID FETCH": "{tag} OK done\r\n",
    "IDLE": "+ idling\r\n",
    "DONE": "{tag} OK done\r\n",
}


class ScriptedServer:
    """Answers each command from `script`; a list is used up, its last entry stays.

    A line that is no command (what follows a `+`) is looked up as `DONE` or `...`.
    """

    def __init__(
        self, listener: socket.socket, script: Mapping[str, str | Sequence[str]], greeting: str
    ) -> None:
        self.port: int = listener.getsockname()[1]
        self.received: list[str] = []
        self.heard = threading.Condition()
        self._listener = listener
        self._script = {
            name: [answer] if isinstance(answer, str) else list(answer)
            for name, answer in (ANSWERS | dict(script)).items()
        }
        self._greeting = greeting
        self._tag = ""
        self._open: socket.socket | None = None

    def serve(self) -> None:
        """Serve one connection after the other until the listener is closed."""
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open = connection
                with connection, suppress(OSError):
                    self._converse(connection)

    def say(self, text: str) -> None:
        """Say something unasked."""
        assert self._open is not None
        self._open.sendall(text.encode())

    def hang_up(self) -> None:
        """End the connection, unless the other side was quicker."""
        assert self._open is not None
        with suppress(OSError):
            self._open.shutdown(socket.SHUT_RDWR)

    def wait_for(self, command: str, times: int = 1) -> None:
        """Return when this command has come so often."""
        with self.heard:
            assert self.heard.wait_for(lambda: self.count(command) >= times, timeout=10), self.received

    def count(self, command: str) -> int:
        """How often this command has come."""
        return sum(f" {command}" in f" {line}" for line in self.received)

    def _converse(self, connection: socket.socket) -> None:
        connection.sendall(self._greeting.encode())
        for line in connection.makefile("r", encoding="utf-8", newline="\r\n"):
            answer = self._answer(line.rstrip("\r\n"))
            with self.heard:
                self.received.append(line.rstrip("\r\n"))
                self.heard.notify_all()
            if answer == HANG_UP:
                return
            connection.sendall(answer.replace("{tag}", self._tag).encode())

    def _answer(self, line: str) -> str:
        tag, _, rest = line.partition(" ")
        name = next((name for name in self._script if rest.upper().startswith(name)), "")
        if name:
            self._tag = tag
        else:
            name = "DONE" if line == "DONE" else "..."
        answers = self._script[name]
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def scripted(script: Script | None = None, greeting: str = "* OK ready\r\n") -> Iterator[ScriptedServer]:
    """A scripted server on a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ScriptedServer(listener, script or {}, greeting)
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield server
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`, which `close` does not
            if server._open is not None:
                with suppress(OSError):
                    server.hang_up()
            thread.join(10)


def connector_to(server: ScriptedServer, who: Login | None = None) -> ImapConnector:
    """A connector to a scripted server."""
    where = Server("127.0.0.1", server.port, "plain")
    return ImapConnector(where, who or login(secret="hunter2"), allow_private=True, idle_seconds=20)
