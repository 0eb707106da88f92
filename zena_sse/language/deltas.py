"""A streamed chat completion: from the bytes of an event stream to what is said in it. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec

from zena_sse.language.model import InvalidAnswer, ModelTrouble, Refused, Unavailable, Usage

# An event holds a word or two and their surroundings, some 300 bytes; some servers add the odds of each word.
EVENT_BYTES = 64 * 1024
_DONE = b"[DONE]"
# Reasons to finish that leave an answer unfinished; the others are its end.
_ENDINGS: Mapping[str, Callable[[], ModelTrouble]] = {
    "length": partial(InvalidAnswer, "cut off at its length"),
    "content_filter": partial(Refused, "content filter"),
}


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: Usage | None = None
    error: Any = None


class Deltas:
    """Takes a stream's bytes, however they are cut; gives what is said.

    `finished`: nothing more will be said; `usage` may still come.
    """

    def __init__(self) -> None:
        self.finished = False
        self.usage: Usage | None = None
        self._trouble: ModelTrouble | None = None
        self._events = _Events()
        self._halves = _Halves()

    def feed(self, data: bytes) -> str:
        """What these bytes add. Trouble is for `end` to tell: what was said before it counts."""
        said = ""
        try:
            for event in self._events.feed(data):
                said += self._read(event)
        except ModelTrouble as trouble:
            if not self.finished:  # else the answer is whole, and this is nobody's concern
                self.finished, self._trouble = True, trouble
        return said

    def end(self) -> None:
        """There are no more bytes. Raises `Unavailable`, `Refused`, `InvalidAnswer` if it went wrong."""
        if self._trouble is not None:
            raise self._trouble
        if not self.finished:
            raise Unavailable("an answer that breaks off")

    def _read(self, event: bytes) -> str:
        if event == _DONE:
            return self._finish(None)
        chunk = _chunk(event)
        if chunk.error is not None:  # its text may quote key and mail
            raise Unavailable("an error in the answer")
        self.usage = chunk.usage or self.usage
        if self.finished or not chunk.choices:
            return ""
        choice = chunk.choices[0]
        text = self._halves.feed(choice.delta.content or "")
        if choice.finish_reason is None:
            return text
        ending = _ENDINGS.get(choice.finish_reason)
        return text + self._finish(None if ending is None else ending())

    def _finish(self, trouble: ModelTrouble | None) -> str:
        if not self.finished:
            self.finished, self._trouble = True, trouble
        return self._halves.end()


class _Events:
    """The data of each event of an event stream, as far as it matters here."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The events that these bytes complete. Raises `Unavailable` for one that is too long."""
        lines = (self._rest + data).splitlines(keepends=True)
        # A carriage return at the end may be half of a line's end.
        self._rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            if (event := self._line(line.rstrip(b"\r\n"))) is not None:
                yield event
        if self._size + len(self._rest) > EVENT_BYTES:
            raise Unavailable("an event that is too long")

    def _line(self, line: bytes) -> bytes | None:
        """The event that this line completes."""
        if not line:
            event = b"\n".join(self._data)
            self._data, self._size = [], 0
            return event or None
        if line.startswith(b"data:"):
            self._data.append(line.removeprefix(b"data:").removeprefix(b" "))
            self._size += len(line)
        return None


class _Halves:
    """Joins surrogate pairs that were cut in two; half of one that is alone becomes U+FFFD."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """What is whole by now."""
        text = self._half + text
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return _whole(text.removesuffix(self._half))

    def end(self) -> str:
        """What is left."""
        left, self._half = self._half, ""
        return _whole(left)


def _whole(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _chunk(event: bytes) -> _Chunk:
    """Raises `Unavailable`."""
    try:
        # The standard library's decoder lets half a surrogate pair pass.
        return msgspec.convert(json.loads(event.decode(errors="replace")), type=_Chunk)
    except (ValueError, RecursionError):  # the message would quote the answer
        raise Unavailable("an answer that is no chat completion") from None
