"""The tests' own reader of streams: what it makes of bytes does not depend on where they are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.eventstream import read_events
from tests.web.tabs import EventStream, Message

pieces = st.sampled_from(
    [b"data", b"event", b"id", b"retry", b":", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"1", b"\xc3\xa9", b"\0"]
)


@given(st.lists(pieces), st.data())
def test_cuts_change_nothing_and_both_readers_agree(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    reader, found, position = EventStream(), list[tuple[str, str, str]](), 0
    while position < len(stream):
        end = data.draw(st.integers(position + 1, len(stream)))
        for message in reader.feed(stream[position:end]):
            found.append((message.event, message.data, message.id or ""))
        position = end
    assert [item[:2] for item in found] == [item[:2] for item in read_events(stream)]


def test_fields_that_a_browser_keeps_to_itself_are_told_apart() -> None:
    reader = EventStream()
    assert reader.feed(b"\xef\xbb\xbfretry: 250\nid: e-1\nevent: a\ndata: x\n\n") == [
        Message("a", "x", "e-1", 250)
    ]
    assert reader.feed(b": comment\ndata: y\ndata:  z\n\n") == [Message("message", "y\n z")]
