"""An OpenAI-compatible server on loopback that answers as a test wants: well, wrongly, slowly or never."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent back; `hangs` before its head, or after it, until the server ends or is released."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = {}
    hangs: str = ""  # "silent", "headed"


class Asked(msgspec.Struct, frozen=True):
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def mail(self) -> dict[str, Any]:
        """The document in the user message."""
        document: dict[str, Any] = msgspec.json.decode(self.body["messages"][1]["content"])
        return document

    @property
    def format(self) -> str:
        """In which format the answer is wanted."""
        kind: str = self.body["response_format"]["type"]
        return kind


class Telling:
    """A streamed reply, chunked, which goes on as the test says; notes when whoever listens is gone."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.gone_at = 0.0
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue()

    def say(self, *texts: str | None, finish: str | None = None) -> Telling:
        """Deltas, the last one with a reason to finish if there is one."""
        for text in texts[: -1 if finish else None]:
            self.raw(event(text))
        return self.raw(event(texts[-1] if texts else None, finish)) if finish else self

    def raw(self, data: bytes) -> Telling:
        """Bytes, in a chunk of their own."""
        self.pieces.put_nowait(b"%x\r\n%s\r\n" % (len(data), data))
        return self

    def end(self) -> Telling:
        """The body is whole."""
        self.pieces.put_nowait(b"0\r\n\r\n")
        return self

    def break_off(self) -> Telling:
        """The connection is reset."""
        self.pieces.put_nowait(None)
        return self


Script = Reply | Telling | Callable[[Asked], Reply | Telling] | Sequence[Reply | Telling]

USAGE = b'data: {"choices": [], "usage": {"prompt_tokens": 70, "completion_tokens": 7}}\n\n'
DONE = b"data: [DONE]\n\n"
TELLING_HEAD = (
    b"HTTP/1.1 200 Scripted\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def event(text: str | None, finish: str | None = None) -> bytes:
    """A delta as it is on the wire."""
    delta = {} if text is None else {"content": text}
    chunk = {"object": "chat.completion.chunk", "choices": [{"delta": delta, "finish_reason": finish}]}
    return b"data: %s\n\n" % json.dumps(chunk).encode()


def spoken(*texts: str, finish: str = "stop") -> Reply:
    """A streamed completion that is there at once, whole, with its usage."""
    body = b"".join([*map(event, texts), event(None, finish), USAGE, DONE])
    return Reply(body=body, headers={"Content-Type": "text/event-stream"})


def verdict(**changes: Any) -> dict[str, Any]:
    """A verdict as the schema wants it."""
    usual: dict[str, Any] = {
        "classification": "vendor",
        "owing": "other",
        "stage": None,
        "concern": None,
        "tasks": [],
    }
    return usual | changes


def says(content: str | dict[str, Any]) -> Reply:
    """A completion with this content; a dict as JSON."""
    text = content if isinstance(content, str) else msgspec.json.encode(content).decode()
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "scripted",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
    }
    return Reply(body=msgspec.json.encode(completion))


class ScriptedModel:
    """A server on a port of its own, which it keeps when it is stopped and started again.

    Of a sequence of replies the last one stays.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.open = 0
        self.most_open = 0
        self.connections = 0
        self.port = 0
        self.released = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        """What the setting says."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Go away, whoever is being answered."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    await self._answer(await _request(reader), reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(asked)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            reply = self._reply(asked)
            if isinstance(reply, Telling):
                await _tell(reply, reader, writer)
            else:
                await self._send(reply, writer)
        finally:
            self.open -= 1

    def _reply(self, asked: Asked) -> Reply | Telling:
        if isinstance(self.script, Reply | Telling):
            return self.script
        if isinstance(self.script, Sequence):
            return self.script[min(len(self.asked), len(self.script)) - 1]
        return self.script(asked)

    async def _send(self, reply: Reply, writer: asyncio.StreamWriter) -> None:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(reply.body))}
        lines = [f"{name}: {value}" for name, value in (headers | dict(reply.headers)).items()]
        if reply.hangs == "silent":
            await self.released.wait()
        writer.write("\r\n".join([f"HTTP/1.1 {reply.status} Scripted", *lines, "", ""]).encode())
        if reply.hangs == "headed":
            await writer.drain()
            await self.released.wait()
        writer.write(reply.body)
        await writer.drain()


async def _tell(telling: Telling, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"HTTP/1.1 200 Scripted\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    leaving = asyncio.ensure_future(_left(reader))
    try:
        piece: bytes | None = b""
        while piece is not None and not (piece or b"").startswith(b"0\r\n"):
            told = asyncio.ensure_future(telling.pieces.get())
            await asyncio.wait({leaving, told}, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                told.cancel()
                telling.gone_at = asyncio.get_running_loop().time()
                telling.gone.set()
                raise ConnectionResetError
            piece = told.result()
            writer.write(piece or b"")
            await writer.drain()
        if piece is None:
            writer.transport.abort()
            raise ConnectionResetError
    finally:
        leaving.cancel()


async def _left(reader: asyncio.StreamReader) -> None:
    """Until the other side has closed."""
    with suppress(ConnectionError):
        while not reader.at_eof() and not await reader.read(1):
            pass


async def _request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers["content-length"]))
    return Asked(head[0].split()[1], headers, msgspec.json.decode(body))


@asynccontextmanager
async def scripted_model(script: Script) -> AsyncIterator[ScriptedModel]:
    """A started server, stopped afterwards."""
    model = ScriptedModel(script)
    await model.start()
    try:
        yield model
    finally:
        await model.stop()
