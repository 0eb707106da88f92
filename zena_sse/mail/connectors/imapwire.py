"""The connection under the IMAP connector: a socket to a vetted address, TLS, bounded reads, a bell.

Part of that adapter, split off because it knows about sockets and nothing about mail. imaplib's own reading
goes through a buffer that cannot be asked whether something is left in it; `select` would then wait for bytes
that have already come. Hence `Wire`, which overrides what imaplib says may be overridden.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from imapclient import IMAPClient, SocketTimeout

from zena_sse.errors import MailboxUnreachable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

Security = Literal["tls", "starttls", "plain"]
Heard = Literal["bell", "wire", "nothing"]

# More than any answer we ask for (a batch, or one message of WHOLE_LIMIT): a server that sends more than
# this after one command would fill our memory.
ANSWER_LIMIT = 64 * 1024 * 1024
# A whole answer, in seconds: the socket's timeout is for each piece only, and pieces can drip for years.
ANSWER_SECONDS = 900.0
RECEIVE = 256 * 1024

# Seconds. Connecting: what a person would wait for a form. Reading: large folders take a while to search.
CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
# Seconds for the answer to DONE and LOGOUT, which a living server gives at once.
PARTING_TIMEOUT = 5.0

# What a secret looks like in base64, the way it is sent; longer than the words of a refusal.
ENCODED = re.compile(r"[A-Za-z0-9+/=]{24,}")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Wire(imaplib.IMAP4):
    """imaplib's protocol over a socket that is already connected."""

    def __init__(self, host: str, port: int, connected: socket.socket) -> None:
        self._buffer = bytearray()
        self._received = 0
        self._deadline = time.monotonic() + ANSWER_SECONDS
        self._idle_tag: bytes | None = None
        self._connected = connected
        super().__init__(host, port)

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:  # noqa: ARG002
        """Take the socket over. `host` is the name that STARTTLS verifies."""
        self.host, self.port, self.sock = host, port, self._connected

    def read(self, size: int) -> bytes:
        """So many bytes; fewer only at the end of the connection."""
        while len(self._buffer) < size and self._receive():
            pass
        return self._take(size)

    def readline(self) -> bytes:
        """Up to and with the next LF."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if not self._receive():
                return self._take(searched)
        return self._take(end + 1)

    def send(self, data: ReadableBuffer) -> None:
        """Begin or continue a command; what is read from here on counts as its answer."""
        self._received = 0
        self._deadline = time.monotonic() + ANSWER_SECONDS
        self.sock.sendall(data)

    def shutdown(self) -> None:
        """Close the socket."""
        self.sock.close()

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> tuple[Literal["OK"], list[None]]:
        """Switch to TLS; what somebody slipped in before that is not believed (CVE-2021-33515)."""
        status, answer = self._simple_command("STARTTLS")
        if status != "OK" or ssl_context is None:
            raise self.error(f"STARTTLS refused: {answer!r}")
        if self._buffer:
            raise self.abort("the server said more than STARTTLS allows")
        self.sock = ssl_context.wrap_socket(self.sock, server_hostname=self.host)
        self._tls_established = True
        self._get_capabilities()
        return "OK", [None]

    def has_unread(self) -> bool:
        """Whether bytes have come that `select` no longer tells of."""
        pending = self.sock.pending() if isinstance(self.sock, ssl.SSLSocket) else 0
        return bool(self._buffer) or pending > 0

    def begin_idle(self) -> None:
        """Ask to be told of changes (RFC 2177); other answers may come before the server agrees."""
        self._idle_tag = self._command("IDLE")
        while self._get_response() is not None:
            if self.tagged_commands[self._idle_tag]:
                raise self.error(f"IDLE refused: {self.tagged_commands.pop(self._idle_tag)!r}")

    def end_idle(self) -> None:
        """Take the right to speak back; what the server says until then has served its purpose."""
        timeout = self.sock.gettimeout()
        self.sock.settimeout(PARTING_TIMEOUT)
        self.send(b"DONE\r\n")
        self._command_complete("IDLE", self._idle_tag)
        self._idle_tag = None
        self.sock.settimeout(timeout)

    def _receive(self) -> bool:
        data = self.sock.recv(RECEIVE)
        if time.monotonic() > self._deadline:
            raise self.abort(f"an answer that takes more than {ANSWER_SECONDS:.0f} s")
        self._received += len(data)
        if self._received > ANSWER_LIMIT:
            raise self.abort(f"an answer of more than {ANSWER_LIMIT >> 20} MiB")
        self._buffer += data
        return bool(data)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


class Bell:
    """Wakes a thread that waits for a socket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # a number closed and given out anew must not get our byte
        self._here, self._there = socket.socketpair()
        self._here.setblocking(False)
        self._there.setblocking(False)

    def ring(self) -> None:
        """Wake the thread that waits, or the next one that will."""
        with self._lock, contextlib.suppress(OSError):  # full: it rings already; closed: nobody waits
            self._there.send(b"!")

    def wait(self, seconds: float, wire: Wire | None = None) -> Heard:
        """Wait so long for the bell, or for something to read on the wire."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._here, selectors.EVENT_READ)
            if wire is not None:
                selector.register(wire.sock, selectors.EVENT_READ)
            patience = 0.0 if wire is not None and wire.has_unread() else seconds
            ready = [key.fileobj for key, _ in selector.select(patience)]
        if self._here in ready:
            self._here.recv(4096)
            return "bell"
        return "wire" if ready or not patience else "nothing"

    def close(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            self._here.close()
            self._there.close()


class Client(IMAPClient):  # type: ignore[misc] # imapclient ships no types
    """IMAPClient over a wire of ours."""

    def __init__(self, wire: Wire, *, encrypted: bool) -> None:
        self.wire = wire
        super().__init__("", 0, ssl=encrypted, timeout=SocketTimeout(CONNECT_TIMEOUT, READ_TIMEOUT))
        self.normalise_times = False

    def _create_IMAP4(self) -> Wire:  # noqa: N802 - imapclient's name
        return self.wire


def connect(
    host: str, port: int, addresses: list[str], security: Security, context: ssl.SSLContext
) -> Client:
    """Greet the server at the first of these addresses that answers; `host` is who it must prove to be."""
    connected = _connect_first(addresses, port)
    if security == "tls":  # a failed handshake closes the socket
        connected = context.wrap_socket(connected, server_hostname=host)
    wire = Wire(host, port, connected)  # so does a wrong greeting
    try:
        client = Client(wire, encrypted=security == "tls")
        if security == "starttls":
            client.starttls(context)
    except BaseException:
        wire.shutdown()
        raise
    return client


def _connect_first(addresses: list[str], port: int) -> socket.socket:
    failure = OSError("no address")
    for address in addresses:
        try:
            connected = socket.create_connection((address, port), CONNECT_TIMEOUT)
        except OSError as error:
            failure = error
        else:
            # imapclient sends a command in pieces; the second would wait 40 ms for a delayed ACK.
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connected
    raise failure


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Whatever the network, TLS or the server's answers raise becomes one line that names the server."""
    try:
        yield
    except (OSError, imaplib.IMAP4.error, ValueError, LookupError) as error:
        raise MailboxUnreachable(f"{where}: {reason_of(error)}") from error


def reason_of(error: Exception, hiding: str = "") -> str:
    """What went wrong, on one line, without this secret: a server may repeat what it was sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"its certificate is not to be trusted: {error.verify_message}"
    elif isinstance(error, OSError) and error.strerror:
        text = error.strerror
    else:
        text = re.sub(r"""^b(['"])(.*)\1$""", r"\2", str(error)) or type(error).__name__
    if hiding:
        text = ENCODED.sub("...", text.replace(hiding, "..."))
    return CONTROL.sub(" ", text)[:200]
