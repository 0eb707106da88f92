"""A reader of `text/event-stream`, written from the WHATWG's words alone (HTML, section 9.2.6)."""

from __future__ import annotations

from typing import NamedTuple


class Received(NamedTuple):
    """What a client's listener gets."""

    event: str
    data: str
    last_event_id: str


def _lines(text: str) -> list[str]:
    """Each line that was ended, by CRLF, LF or CR; what follows the last end is not a line yet."""
    lines, line, position = [], "", 0
    while position < len(text):
        character = text[position]
        position += 1
        if character in "\r\n":
            if text[position - 1 : position + 1] == "\r\n":
                position += 1
            lines.append(line)
            line = ""
        else:
            line += character
    return lines


def read_events(stream: bytes) -> list[Received]:
    """The events that a browser would dispatch, in order."""
    received: list[Received] = []
    event, last_event_id = "", ""
    data: list[str] = []
    for line in _lines(stream.decode().removeprefix("\ufeff")):
        if not line:
            if data:
                received.append(Received(event or "message", "\n".join(data), last_event_id))
            event, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            event = value
        elif field == "data":
            data.append(value)
        elif field == "id" and "\0" not in value:
            last_event_id = value
    return received
