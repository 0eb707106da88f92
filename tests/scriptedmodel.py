"""An OpenAI-compatible server on loopback that answers as a test wants: well, wrongly, slowly or never."""

from __future__ import annotations

import asyncio
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


Script = Reply | Callable[[Asked], Reply] | Sequence[Reply]


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
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    await self._answer(await _request(reader), writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        self.asked.append(asked)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await self._send(self._reply(asked), writer)
        finally:
            self.open -= 1

    def _reply(self, asked: Asked) -> Reply:
        if isinstance(self.script, Reply):
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
