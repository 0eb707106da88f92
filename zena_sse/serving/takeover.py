"""Our uvicorn protocol: an ordinary HTTP connection, which the app may take over for a stream.

It is offered as an ASGI extension, the way servers hand a connection over to WebSocket: the request is an
ordinary one until the caller is admitted; then the connection gets the stream as its protocol, and the
request, its task and its parser go.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import get_remote_addr, is_ssl

EXTENSION = "zena.takeover"
OPERATOR = "zena.operator"

# A request's header, generously: browsers and proxies stop at 8 to 16 KiB.
HEADER_BYTES = 64 * 1024

# Until a new connection, or a request that has begun, must have brought its header.
HEADER_SECONDS = 20.0

Begin = Callable[[asyncio.Transport, bool], None]


class Takeover:
    """One request's offer to hand its connection over."""

    __slots__ = ("_cycle", "_protocol")

    def __init__(self, protocol: TakeoverProtocol) -> None:
        self._protocol = protocol
        self._cycle: RequestResponseCycle | None = None

    def belongs_to(self, cycle: RequestResponseCycle) -> None:
        """Remember the request: with pipelining the protocol's current one may be another."""
        self._cycle = cycle

    @property
    def is_gone(self) -> bool:
        """Whether the client has left meanwhile."""
        return self._protocol.is_gone

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """What the server puts on every response: its date."""
        return self._protocol.server_state.default_headers

    def take(self, stream: asyncio.Protocol, begin: Begin) -> bool:
        """Make `stream` the connection's protocol and call `begin(transport, write_paused)`.

        False when it cannot be: the client has left, has sent a body, or talks TLS to us. The request is
        then an ordinary one still.
        """
        return self._cycle is not None and self._protocol.hand_over(self._cycle, stream, begin)


class TakeoverProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with that offer in the scope of every request."""

    _is_local = False
    _steps = 0  # of parsing that were finished on this connection
    _pending_bytes = 0  # that came since
    _patience: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """As uvicorn does it, but for our own address: nobody asks for it, and it costs a tenth of a connect.

        Notes whether the caller came through the operator's socket, which only its owner can open.
        """
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        self.client = get_remote_addr(transport)
        self.scheme = "https" if is_ssl(transport) else "http"
        sock = transport.get_extra_info("socket")
        self._is_local = sock is not None and sock.family == socket.AF_UNIX
        self._patience = self.loop.call_later(HEADER_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._patience.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bound headers and trailers, which the parser does not: it would take all that is sent."""
        before = self._steps
        super().data_received(data)
        self._pending_bytes = self._pending_bytes + len(data) if self._steps == before else 0
        if self._pending_bytes > HEADER_BYTES:
            self.send_400_response("The header is too large.")

    def on_message_begin(self) -> None:
        """A request begins, and must bring its header in time."""
        self._steps += 1
        self._patience.cancel()
        self._patience = self.loop.call_later(HEADER_SECONDS, self.transport.abort)
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """A step of parsing."""
        self._steps += 1
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A step of parsing."""
        self._steps += 1
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        """Put the offer into the scope before the app sees it."""
        offer = Takeover(self)
        extensions: dict[str, Any] = {EXTENSION: offer}
        if self._is_local:
            extensions[OPERATOR] = True
        cast("dict[str, Any]", self.scope)["extensions"] = extensions
        self._steps += 1
        self._patience.cancel()
        super().on_headers_complete()
        if self.cycle is not None:
            offer.belongs_to(self.cycle)

    @property
    def is_gone(self) -> bool:
        """Whether the client has left."""
        return self.transport.is_closing()

    def hand_over(self, cycle: RequestResponseCycle, stream: asyncio.Protocol, begin: Begin) -> bool:
        """See `Takeover.take`."""
        transport = self.transport
        if transport.is_closing() or cycle.disconnected or self.scheme == "https":
            return False
        if cycle.body or cycle.more_body or cycle.response_started:
            return False
        # Requests behind this one were never begun: the response says that the connection ends with it, so
        # the client sends them elsewhere (RFC 9112, section 9.3.2).
        self.pipeline.clear()
        self._patience.cancel()
        self._unset_keepalive_if_required()
        paused = self.flow.write_paused
        self.flow.resume_reading()
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        self.connections.discard(self)
        transport.set_protocol(stream)
        begin(transport, paused)
        # What would keep the request alive as long as the stream.
        for name in ("cycle", "scope", "headers", "parser", "transport", "flow"):
            setattr(self, name, None)
        return True
