"""What the web-platform tests expect of an EventSource, by Chromium's and by our fetch reader alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import msgspec
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.scripted import Answer, Script, ScriptedServer, scripted_server

Kind: TypeAlias = Literal["native", "fetch"]
Message: TypeAlias = tuple[str, str, str]  # type, data, lastEventId

CONNECTING, CLOSED = 0, 2

# Opens a source of either kind, and tells what it heard until so many errors.
LISTEN = """
async ([kind, url, errors]) => {
  const { FetchEventSource } = await import("/client/fetchsource.js");
  const source = kind === "native" ? new EventSource(url) : new FetchEventSource(new URL(url, location).href);
  const told = { messages: [], opened: 0, states: [] };
  await new Promise((resolve) => {
    for (const type of ["message", "test"]) {
      source.addEventListener(type, ({ data, lastEventId }) => told.messages.push([type, data, lastEventId]));
    }
    source.addEventListener("open", () => (told.opened += 1));
    source.addEventListener("error", () => {
      told.states.push(source.readyState);
      if (told.states.length === errors || source.readyState === 2) resolve();
    });
  });
  source.close();
  return told;
}
"""


class Told(msgspec.Struct):
    """What a source told: messages, how often it opened, its `readyState` at each error."""

    messages: list[Message]
    opened: int
    states: list[int]


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture(scope="module")
def page(browser: Browser, server: ScriptedServer) -> Iterator[Page]:
    with browser.new_context() as context:
        opened = context.new_page()
        opened.goto(server.url)
        yield opened


@pytest.fixture(params=["native", "fetch"])
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


def listen(page: Page, kind: Kind, path: str, errors: int = 1) -> Told:
    told: Any = page.evaluate(LISTEN, [kind, path, errors])
    return msgspec.convert(told, Told)


def said(*messages: str) -> list[Message]:
    """Messages without a type or an id."""
    return [("message", data, "") for data in messages]


# name of the web-platform test (or what it is about): the body, what is heard.
FORMATS: dict[str, tuple[list[bytes], list[Message]]] = {
    "format-bom": (["\ufeffdata:1\n\n\ufeffdata:2\n\ndata:3\n\n".encode()], said("1", "3")),
    "format-bom-2": (["\ufeff\ufeffdata:1\n\ndata:2\n\ndata:3\n\n".encode()], said("2", "3")),
    "a byte order mark that comes in pieces": ([b"\xef", b"\xbb", b"\xbfdata:1\n\n"], said("1")),
    "format-comments": (
        [
            b"data:1\r:\0\n:\r\ndata:2\n:" + b"x" * 2048 + b"\rdata:3\n:data:fail\r:" + b"x" * 2048,
            b"\ndata:4\n\n",
        ],
        said("1\n2\n3\n4"),
    ),
    "format-data-before-final-empty-line": ([b"data:test1\n\nid:test\ndata:test2"], said("test1")),
    "format-field-data": ([b"data:\n\ndata\ndata\n\ndata:test"], said("", "\n")),
    "format-field-event": ([b"event:test\ndata:x\n\ndata:x\n\n"], [("test", "x", ""), *said("x")]),
    "format-field-event-empty": ([b"event: \ndata:data\n\n"], said("data")),
    "an event without data is none, and its type is forgotten": (
        [b"event:test\n\ndata:x\n\n"],
        said("x"),
    ),
    "the last of several types counts": ([b"event:a\nevent:test\ndata:x\n\n"], [("test", "x", "")]),
    "format-field-id": (
        [b"id: test\ndata:1\n\ndata:2\n\n"],
        [("message", "1", "test"), ("message", "2", "test")],
    ),
    "format-field-id-2": (
        [b"id:1\ndata:a\n\nid\ndata:b\n\nid:2\ndata:c\n\nid:\ndata:d\n\n"],
        [
            ("message", "a", "1"),
            ("message", "b", ""),
            ("message", "c", "2"),
            ("message", "d", ""),
        ],
    ),
    "format-field-id-3": (["id:…\ndata:1\n\n".encode()], [("message", "1", "…")]),
    **{
        f"format-field-id-null {value!r}": (
            [b"id:" + value + b"\ndata:hello\n\n"],
            said("hello"),
        )
        for value in (b"\0\0", b"x\0", b"\0x", b"x\0x", b" \0")
    },
    "an id without data counts for what follows": ([b"id:7\n\ndata:x\n\n"], [("message", "x", "7")]),
    "format-field-parsing": (
        [
            b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\r",
            b"data_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
        ],
        said("\0\n 2\n1\n3\n\n4"),
    ),
    "format-field-retry-empty": ([b"retry\ndata:test\n\n"], said("test")),
    "format-field-unknown": (
        [b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n"],
        said("test\n\ntest"),
    ),
    "format-leading-space": ([b"data:\ttest\rdata: \ndata:test\n\n"], said("\ttest\n\ntest")),
    "format-newlines": ([b"data:test\r\ndata\ndata:test\r\n\r\n"], said("test\n\ntest")),
    "format-null-character": ([b"data:\0\n\n\n\n"], said("\0")),
    "format-utf-8": (["data:ok…\n\n".encode()], said("ok…")),
    "what is not UTF-8 is replaced": ([b"data:ok\xff\n\n"], said("ok\ufffd")),
    "a line ends nowhere else": (
        ["data:a\u2028b\u2029c\u0085d\x0be\x0cf\n\n".encode()],
        said("a\u2028b\u2029c\u0085d\x0be\x0cf"),
    ),
    "a CRLF that comes in two pieces is one end": (
        [b"data:1\r", b"\ndata:2\r", b"\n\r", b"\n"],
        said("1\n2"),
    ),
    "a lone CR ends an event at once": ([b"data:1\r\r", b"data:2\r\r"], said("1", "2")),
    "a character that comes in pieces": ([b"data:\xe2", b"\x80", b"\xa6\n\n"], said("…")),
    "an event that comes byte by byte": (
        [bytes([byte]) for byte in b"id:1\ndata:x\n\n"],
        [("message", "x", "1")],
    ),
    "an event of 64 KiB": ([b"data:" + b"x" * 30_000, b"x" * 35_000 + b"\n\n"], said("x" * 65_000)),
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_read_alike(page: Page, server: ScriptedServer, kind: Kind, name: str) -> None:
    body, expected = FORMATS[name]
    path, _ = server.plays(Answer(body))
    assert listen(page, kind, path) == Told(expected, 1, [CONNECTING])


@pytest.mark.parametrize(
    "content_type",
    ["text/event-stream;", "text/event-stream;charset=UTF-8", "text/event-stream ; x=y", "TEXT/Event-Stream"],
)
def test_parameters_of_the_type_do_not_matter(
    page: Page, server: ScriptedServer, kind: Kind, content_type: str
) -> None:
    path, _ = server.plays(Answer(["data:ok…\n\n".encode()], content_type=content_type))
    assert listen(page, kind, path) == Told(said("ok…"), 1, [CONNECTING])


def test_another_charset_is_where_chromium_leaves_the_standard(
    page: Page, server: ScriptedServer, kind: Kind
) -> None:
    """format-mime-valid-bogus: it is UTF-8 whatever it says. Chromium refuses it, and fails that test."""
    path, _ = server.plays(
        Answer(["data:ok…\n\n".encode()], content_type="text/event-stream;charset=windows-1251")
    )
    expected = Told([], 0, [CLOSED]) if kind == "native" else Told(said("ok…"), 1, [CONNECTING])
    assert listen(page, kind, path) == expected


@pytest.mark.parametrize("content_type", ["text/x-bogus", "text/event-streams", "x bogus", None])
def test_another_type_closes_it_for_good(
    page: Page, server: ScriptedServer, kind: Kind, content_type: str | None
) -> None:
    path, _ = server.plays(Answer([b"data:x\n\n"], content_type=content_type))
    assert listen(page, kind, path) == Told([], 0, [CLOSED])


@pytest.mark.parametrize("status", [204, 205, 210, 299, 401, 404, 410, 429, 500, 503])
def test_any_status_but_200_closes_it_for_good(
    page: Page, server: ScriptedServer, kind: Kind, status: int
) -> None:
    body = () if status in (204, 205) else (b"data:x\n\n",)
    path, script = server.plays(Answer(body, status=status))
    assert listen(page, kind, path, errors=2) == Told([], 0, [CLOSED])
    assert len(script.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(page: Page, server: ScriptedServer, kind: Kind, status: int) -> None:
    target, _ = server.plays(Answer([b"data:x\n\n"]))
    path, _ = server.plays(Answer(status=status, location=target))
    assert listen(page, kind, path) == Told(said("x"), 1, [CONNECTING])


def test_request_asks_for_a_stream_and_for_no_cache(page: Page, server: ScriptedServer, kind: Kind) -> None:
    path, script = server.plays(Answer())
    listen(page, kind, path)
    [asked] = script.asked
    assert asked.headers["accept"] == "text/event-stream"
    assert asked.headers["cache-control"] == "no-cache"
    assert "last-event-id" not in asked.headers


def test_it_comes_back_until_it_is_told_not_to(page: Page, server: ScriptedServer, kind: Kind) -> None:
    answer = Answer([b"retry:10\ndata:x\n\n"])
    path, script = server.plays(answer, answer, Answer(status=204))
    assert listen(page, kind, path, errors=9) == Told(said("x", "x"), 2, [CONNECTING, CONNECTING, CLOSED])
    assert len(script.asked) == 3


def test_a_cut_in_the_middle_of_an_event_is_an_end_like_others(
    page: Page, server: ScriptedServer, kind: Kind
) -> None:
    path, _ = server.plays(Answer([b"retry:10\nid:1\ndata:x\n\nid:2\ndata:y"]))
    assert listen(page, kind, path) == Told([("message", "x", "1")], 1, [CONNECTING])


IDS = {
    "of the last event": (b"id:1\ndata:x\n\nid:2\ndata:y\n\n", "2"),
    "of an event without data": (b"id:3\n\n", "3"),
    "not of an event that did not end": (b"id:1\ndata:x\n\nid:2\ndata:y", "1"),
    "none after an empty one": (b"id:1\ndata:x\n\nid\ndata:y\n\n", None),
    "in UTF-8": ("id:…\ndata:x\n\n".encode(), "…"),
}


@pytest.mark.parametrize("name", IDS)
def test_the_id_that_is_sent_back_is_the_one(
    page: Page, server: ScriptedServer, kind: Kind, name: str
) -> None:
    body, expected = IDS[name]
    path, script = server.plays(Answer([b"retry:10\n" + body]), Answer(status=204))
    listen(page, kind, path, errors=2)
    sent = script.asked[1].headers.get("last-event-id")
    assert (sent and sent.encode("latin-1").decode()) == expected


def test_the_id_stays_over_a_connection_that_says_none(
    page: Page, server: ScriptedServer, kind: Kind
) -> None:
    first, second = Answer([b"retry:10\nid:1\ndata:x\n\n"]), Answer([b"data:y\n\n"])
    path, script = server.plays(first, second, Answer(status=204))
    told = listen(page, kind, path, errors=3)
    assert told.messages == [("message", "x", "1"), ("message", "y", "1")]
    assert script.asked[2].headers["last-event-id"] == "1"


RETRIES = {
    "format-field-retry": b"retry:400\n",
    "format-field-retry-bogus": b"retry:400\nretry:20000x\n",
    "with a sign": b"retry:400\nretry:-20000\nretry:+20000\n",
    "with a fraction": b"retry:400\nretry:20000.0\n",
    "the last one counts": b"retry:20000\nretry:400\n",
    "one space may lead": b"retry: 400\nretry:  20000\n",
}


def waited(script: Script) -> float:
    """Seconds from the end of the first response to the second request."""
    return script.asked[1].at - script.ended[0]


@pytest.mark.parametrize("name", RETRIES)
def test_it_waits_as_long_as_it_was_told_to(
    page: Page, server: ScriptedServer, kind: Kind, name: str
) -> None:
    path, script = server.plays(Answer([RETRIES[name] + b"data:x\n\n"]), Answer(status=204))
    listen(page, kind, path, errors=2)
    assert 0.35 <= waited(script) < 3


def test_an_empty_retry_is_the_usual_one_again(page: Page, server: ScriptedServer, kind: Kind) -> None:
    path, script = server.plays(Answer([b"retry:10\nretry\ndata:x\n\n"]), Answer(status=204))
    listen(page, kind, path, errors=2)
    assert 2.9 <= waited(script) < 6
