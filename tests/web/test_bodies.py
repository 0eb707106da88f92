"""Requests that are too much, on the wire: refused early, and never held in memory whole."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.databases import PATIENCE_SECONDS
from tests.web.sites import MIA, LiveSite
from zena_sse.security.principal import Role


async def answer_to(live: LiveSite, head: str, chunk: bytes = b"", most: int = 0) -> tuple[bytes, int]:
    """What the server says to a POST with this head and endless chunks, and how much of it it took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", live.server.port)
    writer.write(f"POST /commands/typing.start HTTP/1.1\r\nHost: zena.test\r\n{head}\r\n\r\n".encode())
    answer = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
    taken = 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not answer.done() and taken < most:
            writer.write(chunk)
            await writer.drain()
            taken += len(chunk)
            await asyncio.sleep(0)
        received = await answer
        length = int(received.lower().partition(b"content-length: ")[2].split()[0])
        received += await reader.readexactly(length)
    writer.transport.abort()
    return received, taken


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(live: LiveSite) -> None:
    answer, _ = await answer_to(live, "Content-Length: 99999999999")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer
    assert b'"body_too_large"' in answer


async def test_a_body_that_never_ends_is_refused_at_the_limit(live: LiveSite) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer, taken = await answer_to(live, "Transfer-Encoding: chunked", chunk, 64 * 1024 * 1024)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"body_too_large"' in answer
    assert taken < 24 * 1024 * 1024


@pytest.mark.parametrize(
    ("role", "status", "code"),
    [("publisher", 422, "invalid_payload"), ("agent", 413, "body_too_large"), (None, 401, "unauthenticated")],
)
@pytest.mark.parametrize("coding", ["length", "chunked"])
async def test_only_who_may_publish_may_send_more_than_a_mebibyte(
    live: LiveSite, role: Role | None, status: int, code: str, coding: str
) -> None:
    body = b"[" + b" " * 2 * 1024 * 1024 + b"]"
    head = [f"POST /users/{MIA}/events HTTP/1.1", "Host: zena.test"]
    if role is not None:
        head.append(f"Authorization: {live.bearer('service', role)['Authorization']}")
    if coding == "chunked":
        head.append("Transfer-Encoding: chunked")
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    else:
        head.append(f"Content-Length: {len(body)}")
    reader, writer = await asyncio.open_connection("127.0.0.1", live.server.port)
    writer.write("\r\n".join([*head, "\r\n"]).encode() + body)
    async with asyncio.timeout(PATIENCE_SECONDS):
        answer = await reader.readuntil(b"\r\n\r\n")
        answer += await reader.readexactly(int(answer.lower().partition(b"content-length: ")[2].split()[0]))
    writer.transport.abort()
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert f'"code":"{code}"'.encode() in answer


@pytest.mark.parametrize("carrier", ["taken", "hypercorn"])  # uvicorn as it comes knows no limit
@pytest.mark.parametrize(
    "start",
    [
        "GET /healthz HTTP/1.1\r\nHost: zena.test\r\n",
        "GET /healthz HTTP/1.1\r\nHost: zena.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        "POST /tickets HTTP/1.1\r\nHost: zena.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
    ],
    ids=["header", "trailer of a request without body", "trailer"],
)
async def test_a_header_that_never_ends_is_cut_off(live: LiveSite, start: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", live.server.port)
    writer.write(f"{start}X-Endless: ".encode())
    closed, sent = asyncio.ensure_future(reader.read()), 0
    while not closed.done() and sent < 8 * 1024 * 1024:
        writer.write(b"x" * 65536)
        sent += 65536
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        await asyncio.sleep(0)
    writer.transport.abort()
    await asyncio.gather(closed, return_exceptions=True)
    assert sent < 8 * 1024 * 1024


async def test_many_requests_on_one_connection_are_not_added_up(live: LiveSite) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", live.server.port)
    padding = "x" * 40_000
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in range(4):
            writer.write(f"GET /nowhere HTTP/1.1\r\nHost: z\r\nX-Padding: {padding}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 404 ")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("carrier", ["taken", "hypercorn"])  # uvicorn as it comes waits for ever
@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: z"])
async def test_a_caller_who_does_not_say_what_they_want_is_cut_off(
    live: LiveSite, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr("zena_sse.serving.takeover.HEADER_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", live.server.port)
    writer.write(sent)
    async with asyncio.timeout(PATIENCE_SECONDS):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()


async def test_half_a_request_behind_a_stream_does_not_end_it(
    live: LiveSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zena_sse.serving.takeover.HEADER_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", live.server.port)
    bearer = live.bearer()["Authorization"]
    head = f"GET /events HTTP/1.1\r\nHost: z\r\nAuthorization: {bearer}\r\n\r\n"
    writer.write(head.encode() + b"GET /healthz HTTP/1.1\r\nHo")
    async with asyncio.timeout(PATIENCE_SECONDS):
        await reader.readuntil(b"stream.ready")
        with pytest.raises(TimeoutError):  # it is still there when the patience would have ended
            async with asyncio.timeout(0.5):
                await reader.readuntil(b"stream.closing")
    writer.transport.abort()
