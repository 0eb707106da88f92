"""A cursor has one spelling, and what becomes of one is arithmetic."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zena_sse.stream.cursor import Cursor, Opening, open_at, parse_cursor
from zena_sse.stream.log import Position

EPOCHS = st.from_regex(r"[A-Za-z0-9]{1,45}", fullmatch=True)
OFFSETS = st.integers(0, 10**18 - 1)
CURSORS = st.builds(Cursor, EPOCHS, OFFSETS)


@given(CURSORS)
def test_cursor_reads_back_as_itself_and_fits_its_64_bytes(cursor: Cursor) -> None:
    assert parse_cursor(str(cursor)) == cursor
    assert re.fullmatch(r"[A-Za-z0-9-]{1,64}", str(cursor))


@given(st.text() | st.from_regex(r"\s?[\w-]{0,50}-[+-]?\d{0,20}\s?", fullmatch=True))
@example("a-1\n")
@example("a-\u0661")
@example("é-1")
@example("a-1_0")
def test_any_text_spells_a_cursor_exactly_or_none_at_all(text: str) -> None:
    cursor = parse_cursor(text)
    assert cursor is None or str(cursor) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "a",
        "a-",
        "-1",
        "a--1",
        "a-+1",
        "a-01",
        "a-00",
        "a-1 ",
        " a-1",
        "a-1\n",
        "a-1\0",
        "a-b-1",
        "a_b-1",
        "a-1.0",
        "a-1e3",
        "a-\u0661",
        "a-" + "9" * 19,
        "x" * 46 + "-1",
    ],
)
def test_malformed_text_is_no_cursor(text: str) -> None:
    assert parse_cursor(text) is None
    assert open_at(text, Position("a", 1, 5)) == Opening("reset", Cursor("a", 5), "malformed")


def test_without_a_cursor_a_stream_starts_live_at_the_head() -> None:
    assert open_at(None, Position("a", 3, 7)) == Opening("live", Cursor("a", 7))


@pytest.mark.parametrize(
    ("text", "floor", "head", "expected"),
    [
        ("a-7", 3, 7, Opening("resumed", Cursor("a", 7))),
        ("a-3", 3, 7, Opening("resumed", Cursor("a", 3))),
        ("a-2", 3, 7, Opening("resumed", Cursor("a", 2))),  # the next one it needs is the floor
        ("a-1", 3, 7, Opening("reset", Cursor("a", 7), "expired")),
        ("a-0", 3, 7, Opening("reset", Cursor("a", 7), "expired")),
        ("a-8", 3, 7, Opening("reset", Cursor("a", 7), "ahead")),
        ("a-0", 1, 7, Opening("resumed", Cursor("a", 0))),  # the beginning, nothing trimmed yet
        ("a-0", 1, 0, Opening("resumed", Cursor("a", 0))),
        ("a-1", 1, 0, Opening("reset", Cursor("a", 0), "ahead")),
        ("a-7", 8, 7, Opening("resumed", Cursor("a", 7))),  # everything is trimmed, and it had everything
        ("a-6", 8, 7, Opening("reset", Cursor("a", 7), "expired")),
        ("b-5", 3, 7, Opening("reset", Cursor("a", 7), "unknown_epoch")),
        ("A-5", 3, 7, Opening("reset", Cursor("a", 7), "unknown_epoch")),
        ("b-99", 3, 7, Opening("reset", Cursor("a", 7), "unknown_epoch")),
    ],
)
def test_cursor_at_the_edges_of_the_log(text: str, floor: int, head: int, expected: Opening) -> None:
    assert open_at(text, Position("a", floor, head)) == expected


@given(
    written=st.integers(0, 12),
    trimmed=st.integers(0, 12),
    epoch=st.sampled_from("ab"),
    offset=st.integers(0, 15),
)
def test_cursor_is_resumed_exactly_when_nothing_after_it_is_missing(
    written: int, trimmed: int, epoch: str, offset: int
) -> None:
    """The model is the log itself: a list, of which the oldest were dropped."""
    log = list(range(1, written + 1))[trimmed:]
    position = Position("a", log[0] if log else written + 1, written)
    opening = open_at(f"{epoch}-{offset}", position)
    all_after = list(range(offset + 1, written + 1))
    servable = epoch == "a" and offset <= written and all_after == [n for n in log if n > offset]
    assert (opening.mode == "resumed") == servable
    assert opening.cursor == (Cursor("a", offset) if servable else Cursor("a", written))
    assert (opening.reason is None) == servable
