"""The bytes of one Server-Sent Event (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import re

# What the specification calls a line's end; `splitlines` knows more of them (U+2028, U+0085), which are data.
_LINE_END = re.compile(rb"\r\n|\r|\n")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def encode_frame(event: str, data: bytes, *, event_id: str | None = None, retry: int | None = None) -> bytes:
    """One event, its blank line included; `retry` is in milliseconds.

    Raises `ValueError` for an id or a type that would break out of its line: a receiver could then be made to
    see an event that nobody sent.
    """
    if _CONTROL.search(event) or (event_id is not None and _CONTROL.search(event_id)):
        raise ValueError("an id or event type with control characters")
    lines = []
    if retry is not None:
        lines.append(b"retry: %d\n" % retry)
    if event_id is not None:
        lines.append(b"id: %s\n" % event_id.encode())
    lines.append(b"event: %s\n" % event.encode())
    lines.extend(b"data: %s\n" % line for line in _LINE_END.split(data))
    lines.append(b"\n")
    return b"".join(lines)


def encode_record(epoch: str, offset: int, event: str, data: bytes) -> bytes:
    """The frame of a logged event: trusted parts, and JSON, which has no line ends."""
    return b"id: %s-%d\nevent: %s\ndata: %s\n\n" % (epoch.encode(), offset, event.encode(), data)
