"""Text of an answer as clients count it, in UTF-16 code units; made whole of pieces cut anywhere."""

from __future__ import annotations

from zena_sse.contract.events import ANSWER_LIMIT

ELLIPSIS = "…"

# C0 and C1 controls but the tab and the line break: nothing that is read has them, and terminals obey them.
_CONTROLS = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)))


def units(text: str) -> int:
    """How long a text is for JavaScript: what lies beyond the basic plane counts twice."""
    return len(text.encode("utf-16-le")) // 2


def first_units(text: str, most: int) -> str:
    """The longest beginning of a text that has so many units at most; no pair is split."""
    return text.encode("utf-16-le")[: 2 * most].decode("utf-16-le", "ignore")


def from_unit(text: str, offset: int) -> str:
    """What follows this offset, which lies between two characters."""
    return text.encode("utf-16-le")[2 * offset :].decode("utf-16-le")


class Text:
    """What was said so far; grows by pieces, never changes what it has, and has its limit.

    A piece may end in the middle of a character: a provider that cuts by UTF-16 sends its halves as lone
    surrogates in two pieces. The first half waits for the other.
    """

    def __init__(self, limit: int = ANSWER_LIMIT) -> None:
        self.said = ""
        self.size = 0
        self.left_out = 0  # units that came after the limit
        self._limit = limit
        self._half = ""

    def add(self, piece: str) -> None:
        """Take in the next piece."""
        piece = self._half + piece
        self._half = piece[-1:] if "\ud800" <= piece[-1:] <= "\udbff" else ""
        self._append(_mended(piece[: len(piece) - len(self._half)]))

    def end(self) -> None:
        """There is no more: a half character stays half."""
        half, self._half = self._half, ""
        self._append(_mended(half))

    def _append(self, text: str) -> None:
        size, room = units(text), self._limit - units(ELLIPSIS) - self.size
        if self.left_out:
            self.left_out += size
            return
        if size > room:
            self.left_out = size - room
            text = first_units(text, room) + ELLIPSIS
        self.said += text
        self.size += units(text)


def _mended(text: str) -> str:
    """Halves joined, halves without another marked as such, control characters dropped."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.translate(_CONTROLS)
