"""Frames, judged by a reader that was written from the WHATWG's words alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.eventstream import Received, read_events
from zena_sse.stream.frame import encode_frame, encode_record

LINE_ENDS = re.compile("\r\n|\r|\n")
NAMES = st.text(st.characters(exclude_characters="\x7f", min_codepoint=0x20, exclude_categories=["Cs"]))
# Text of what is awkward, and of anything else that UTF-8 can carry.
DATA = st.text(st.sampled_from("\r\n \u2028\x85\ufeff:a\0\t")) | st.text(
    st.characters(exclude_categories=["Cs"])
)


def as_received(data: str) -> str:
    """A receiver joins the lines with LF, however they ended."""
    return LINE_ENDS.sub("\n", data)


@given(NAMES.filter(bool), DATA, NAMES)
@example("thread.new", "", "e-1")
@example("thread.new", "\n", "e-1")
@example("thread.new", "\r\r\n\n", "e-1")
@example("thread.new", " two  spaces", " e-1")
@example("thread.new", "id: forged\n\nevent: forged\ndata: x\n\n", "e-1")
@example("thread.new", "a\u2028b\x85c", "e-1")
def test_any_event_is_received_as_it_was_sent(event: str, data: str, event_id: str) -> None:
    frame = encode_frame(event, data.encode(), event_id=event_id)
    # A BOM begins a stream, not an event: put the frame behind something else.
    [received] = read_events(b": here\n" + frame)
    assert received == Received(event, as_received(data), event_id)


@given(st.lists(st.tuples(DATA, st.booleans())))
def test_frames_in_a_row_are_received_in_a_row(events: list[tuple[str, bool]]) -> None:
    stream = b"".join(
        encode_frame("x", data.encode(), event_id=str(number) if has_id else None)
        for number, (data, has_id) in enumerate(events)
    )
    received = read_events(stream)
    assert [r.data for r in received] == [as_received(data) for data, _ in events]
    last = ""
    for number, (_, has_id) in enumerate(events):
        last = str(number) if has_id else last  # an id sticks to later events that have none
        assert received[number].last_event_id == last


@given(st.text(), st.sampled_from([chr(c) for c in [*range(0x20), 0x7F]]), st.text())
def test_control_character_in_an_id_or_a_type_is_refused(before: str, control: str, after: str) -> None:
    text = f"{before}{control}{after}"
    with pytest.raises(ValueError, match="control"):
        encode_frame(text, b"{}")
    with pytest.raises(ValueError, match="control"):
        encode_frame("x", b"{}", event_id=text)


def test_retry_and_id_are_written_only_when_they_are_given() -> None:
    assert encode_frame("x", b"{}") == b"event: x\ndata: {}\n\n"
    assert encode_frame("x", b"{}", event_id="e-1", retry=0) == b"retry: 0\nid: e-1\nevent: x\ndata: {}\n\n"


@given(st.from_regex(r"[A-Za-z0-9]{1,45}", fullmatch=True), st.integers(1, 10**18 - 1))
def test_record_has_the_frame_that_any_event_has(epoch: str, offset: int) -> None:
    data = '{"type":"thread.new","text":"\u2028é"}'.encode()
    assert encode_record(epoch, offset, "thread.new", data) == encode_frame(
        "thread.new", data, event_id=f"{epoch}-{offset}"
    )
