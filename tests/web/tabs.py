"""A browser's tab, as far as its stream goes: HTTP by h11, events by the WHATWG's words, piece by piece."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import re
import socket
import struct
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import h11
import msgspec

from tests.databases import PATIENCE_SECONDS

# RFC 9112: what every response may carry whatever it is about.
FRAMING = frozenset({"date", "server", "connection", "transfer-encoding", "content-length"})


class Message(NamedTuple):
    """What a listener gets, and the fields that a browser keeps to itself: None when they were not there."""

    event: str
    data: str
    id: str | None = None
    retry: int | None = None

    @property
    def envelope(self) -> dict[str, Any]:
        """What stands in `data`."""
        decoded: dict[str, Any] = msgspec.json.decode(self.data)
        return decoded

    @property
    def payload(self) -> dict[str, Any]:
        """The event itself."""
        payload: dict[str, Any] = self.envelope["payload"]
        return payload


class EventStream:
    """Turns bytes, cut anywhere, into messages (WHATWG HTML, section 9.2.6)."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._line = ""
        self._after_cr = False
        self._fields: dict[str, str] = {}
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[Message]:
        """The messages that this chunk completes."""
        text = self._decoder.decode(chunk)
        if self._after_cr and text.startswith("\n"):
            text, self._after_cr = text[1:], False
        if text:
            self._after_cr = text.endswith("\r")
        *lines, self._line = re.split(r"\r\n|\r|\n", self._line + text)
        return [message for line in lines if (message := self._take(line)) is not None]

    def _take(self, line: str) -> Message | None:
        if line:
            self._field(*line.partition(":")[::2])
            return None
        fields, data = self._fields, self._data
        self._fields, self._data = {}, []
        if not data:
            return None
        retry = fields.get("retry")
        return Message(
            fields.get("event") or "message",
            "\n".join(data),
            fields.get("id"),
            None if retry is None else int(retry),
        )

    def _field(self, name: str, value: str) -> None:
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event" or (name == "retry" and re.fullmatch("[0-9]+", value)):
            self._fields[name] = value
        elif name == "id" and "\0" not in value:
            self._fields["id"] = value


class Tab:
    """One request for a stream and what comes back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)
        self._stream = EventStream()
        self._messages: deque[Message] = deque()
        self._ended = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.last_event_id = ""  # what a browser would send when it comes back

    @classmethod
    async def open(
        cls, port: int, headers: Mapping[str, str], *, method: str = "GET", buffer: int = 0, **query: str
    ) -> Tab:
        """Connect, ask, and read the response's head. `buffer`: the size of the socket's receive buffer."""
        tab = await cls.connect(port, buffer)
        target = f"/events?{urlencode(query)}" if query else "/events"
        tab.ask(method, target, headers)
        await tab.read_head()
        return tab

    @classmethod
    async def connect(cls, port: int, buffer: int = 0) -> Tab:
        """Connect, and say nothing yet."""
        sock = socket.socket()
        sock.setblocking(False)
        if buffer:  # before it connects, or the window that it offers is larger already
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        except OSError:
            sock.close()
            raise
        return cls(*await asyncio.open_connection(sock=sock, limit=buffer or 65536))

    def ask(self, method: str, target: str, headers: Mapping[str, str], behind: bytes = b"") -> None:
        """Send the request, and in the same breath whatever else is to stand behind it."""
        lines = [("Host", "zena.test"), *headers.items()]
        request = self._http.send(h11.Request(method=method, target=target, headers=lines)) or b""
        end = self._http.send(h11.EndOfMessage()) or b""
        self._writer.write(request + end + behind)

    def ask_bytes(self, request: bytes) -> None:
        """Send a GET in exactly these bytes."""
        self._http.send(h11.Request(method="GET", target="/", headers=[("Host", "zena.test")]))
        self._http.send(h11.EndOfMessage())
        self._writer.write(request)

    async def read_head(self) -> None:
        """Wait for status and headers."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self.status:
                await self._step()

    async def next(self) -> Message:
        """The next message that is no ping."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (message := await self._next()) is not None:
                if message.event != "stream.ping":
                    return message
        raise AssertionError("the stream has ended")

    async def ping(self) -> Message:
        """The next message, which is a ping."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            message = await self._next()
        assert message is not None
        assert message.event == "stream.ping", message
        return message

    async def until_ping(self, cursor: str) -> list[Message]:
        """What comes before the ping that carries this cursor."""
        messages = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (message := await self._next()) is not None:
                if message.event != "stream.ping":
                    messages.append(message)
                elif message.payload["cursor"] == cursor:
                    return messages
        raise AssertionError("the stream has ended")

    async def take(self, number: int) -> list[Message]:
        """So many messages that are no pings."""
        return [await self.next() for _ in range(number)]

    async def rest(self) -> list[Message]:
        """Everything up to the end, which must be a clean one; without pings."""
        messages = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (message := await self._next()) is not None:
                if message.event != "stream.ping":
                    messages.append(message)
        return messages

    async def content(self) -> bytes:
        """The whole body of a response that is no stream."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self._ended:
                await self._step()
        return self.body

    async def leave(self) -> None:
        """Close the connection as a browser does: FIN."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):  # it may be gone already
            await self._writer.wait_closed()

    async def vanish(self) -> None:
        """Cut the connection: RST."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        await asyncio.sleep(0)

    async def _next(self) -> Message | None:
        while not self._messages and not self._ended:
            await self._step()
        if not self._messages:
            return None
        message = self._messages.popleft()
        self.last_event_id = message.id or self.last_event_id
        return message

    async def _step(self) -> None:
        """One event of HTTP. h11 raises when a body ends before its time, the socket when it is reset."""
        event = self._http.next_event()
        if event is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(65536))
        elif isinstance(event, h11.Response):
            self.status = event.status_code
            self.headers = {name.decode(): value.decode() for name, value in event.headers}
        elif isinstance(event, h11.Data):
            self.body += bytes(event.data) if "event-stream" not in self.headers["content-type"] else b""
            self._messages.extend(self._stream.feed(bytes(event.data)))
        else:
            assert isinstance(event, h11.EndOfMessage), event
            self._ended = True
