"""Text cut anywhere is the same text, counted as JavaScript counts."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from zena_sse.ask.text import Text, first_units, from_unit, units

# What a provider may send: characters of both planes, halves of pairs, controls.
LETTERS = st.sampled_from(
    ["a", "ā", "\u2028", "\n", "\t", "\r", "\0", "\x85", "😀", "🏡", "\ud83d", "\ude00"]
)
SENT = st.lists(LETTERS, max_size=40).map("".join)


def halved(text: str) -> str:
    """The same with every pair as two lone surrogates, as it looks when cut by UTF-16 units."""
    raw = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(int.from_bytes(raw[i : i + 2], "little")) for i in range(0, len(raw), 2))


def pieced(text: str, cuts: list[int]) -> list[str]:
    """The text cut at these places."""
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[begin:end] for begin, end in pairwise(places)]


def taken(pieces: list[str], limit: int = 1000) -> Text:
    text = Text(limit)
    for piece in pieces:
        before = text.said
        text.add(piece)
        assert text.said.startswith(before), "what was said has changed"
        assert text.size == units(text.said)
    text.end()
    return text


@given(SENT, st.lists(st.integers(0, 200)), st.sampled_from([3, 8, 1000]))
def test_pieces_cut_anywhere_give_the_same_text(sent: str, cuts: list[int], limit: int) -> None:
    whole, cut = taken([sent], limit), taken(pieced(halved(sent), cuts), limit)
    assert (cut.said, cut.size) == (whole.said, whole.size)
    assert cut.size <= limit
    cut.said.encode()  # no half is left


@given(st.text(st.sampled_from("aā\n\t😀🏡"), max_size=40), st.lists(st.integers(0, 200)))
def test_what_can_be_read_is_kept_as_it_is(sent: str, cuts: list[int]) -> None:
    assert taken(pieced(halved(sent), cuts)).said == sent


@given(st.text(st.sampled_from("aā😀"), max_size=20), st.integers(1, 50))
def test_a_text_is_the_chunks_that_it_is_cut_into(text: str, most: int) -> None:
    position, rest = 0, text
    while rest:
        chunk = first_units(rest, max(2, most))
        assert 0 < units(chunk) <= max(2, most)
        position += units(chunk)
        rest = from_unit(text, position)
    assert position == units(text)


def test_half_a_character_waits_for_the_other_half() -> None:
    text = Text()
    text.add("ab\ud83d")
    assert text.said == "ab"
    text.add("\ude00c")
    assert (text.said, text.size) == ("ab😀c", 5)


def test_half_a_character_that_stays_alone_is_marked() -> None:
    assert taken(["a\ud83d", "b\ude00", "\ud83d"]).said == "a\ufffdb\ufffd\ufffd"


def test_controls_are_dropped_but_for_lines_and_tabs() -> None:
    assert taken(["a\r\nb\x00\x1b[31m\tc\x7f\x85"]).said == "a\nb[31m\tc"


def test_a_text_that_is_too_long_ends_in_an_ellipsis() -> None:
    text = taken(["12345", "678", "9"], 8)
    assert (text.said, text.left_out) == ("1234567…", 2)
    assert taken(["123456😀"], 8).said == "123456…"
    assert taken(["1234567"], 8).said == "1234567"
