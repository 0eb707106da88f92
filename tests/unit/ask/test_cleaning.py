"""Cleaning what a model says: what goes, what stays, however the text is cut."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zena_sse.ask.modelled.cleaning import HELD_CHARACTERS, Cleaning

RETRIEVED = range(1, 4)

# Whatever a page might take for a link, an image or a tag.
LEADS_OUT = re.compile(
    r"<[a-z/!?|]|//|\]\(|!\[|\]:|www\.|(mailto|javascript|https?|ftp|data|file):\S", re.IGNORECASE
)


def cleaned(*deltas: str) -> str:
    cleaning = Cleaning(RETRIEVED)
    return "".join([*map(cleaning.feed, deltas), cleaning.end()])


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("The viewing is on Friday [1].", "The viewing is on Friday [1]."),
        ("Both say so [1, 9] and [2][9].", "Both say so [1] and [2]."),
        ("All do [1-3]; nobody does [7-9].", "All do [1, 2, 3]; nobody does."),
        ("It was Ben [99].", "It was Ben."),
        ("It was Ben [passage 2], and Carl [n: 3].", "It was Ben [2], and Carl [3]."),
        ("The clause [sic] stays, a[0] does not.", "The clause [sic] stays, a does not."),
        ("Great![1]", "Great! [1]"),
        ("See [the plan](https://evil.example/a?b) now.", "See the plan now."),
        ("See [2](https://evil.example) now.", "See [2] now."),
        ("See [https://evil.example](https://evil.example) now.", "See now."),
        ("Look: ![pixel](https://evil.example/p.png) here", "Look: here"),
        ("Look: [![pixel](https://a.example)](https://b.example) here", "Look: [ here"),
        ("Go to https://evil.example/x?y=1. Then rest.", "Go to. Then rest."),
        ("Go to HTTPS://EVIL.EXAMPLE, or (www.evil.example).", "Go to, or ()."),
        ("Write to mailto:ben@example.org.", "Write to ben@example.org."),
        ("Write to Ben <ben@example.org>.", "Write to Ben ben@example.org."),
        ("A <b>bold</b> word<br/>and <img src=x onerror='a()'> more", "A bold wordand  more"),
        ("Is 3 < 4 and 5 > 4?", "Is 3 < 4 and 5 > 4?"),
        ("<think>First, [1] says\nno.</think>\n\nYes [2].", "Yes [2]."),
        ("[none] I can't find that.", "I can't find that."),
        ("I can't find that. [NONE]\n", "I can't find that."),
        ("  \n Tīrama, 😀 and half an [open bracket", "Tīrama, 😀 and half an [open bracket"),
        ("ht<b>tp://evil.example", "http: / /evil.example"),
        ("ma<b>ilto:x@evil.example", "mailto: x@evil.example"),
        ("[a] (https://evil.example) [b]: /c", "[a] () [b] : /c"),
        ("javascript:alert(1) key data: none", "javascript: alert(1) key data: none"),
        ("he\u200bllo \u202eworld\x07", "hello world"),
        ("<|im_end|>So", "So"),
        ("an unfinished <img src='https://evil.example", "an unfinished < img src='"),
        ("![" + "x" * 200 + "](https://evil.example)", "! [" + "x" * 200),
        ("lost [to the end](of the line\nand on", "lost to the end\nand on"),
    ],
)
def test_what_leads_out_goes_and_the_rest_stays(said: str, shown: str) -> None:
    assert cleaned(said) == shown
    assert cleaned(*said) == shown, "letter by letter"


def test_what_was_cited_is_known_in_the_order_of_first_citation() -> None:
    cleaning = Cleaning(RETRIEVED)
    cleaning.feed("One [3, 8], two [1], three [3][2].")
    assert cleaning.citations.cited == [3, 1, 2]
    assert not cleaning.citations.nothing_found


def test_plain_text_is_not_held_back() -> None:
    cleaning = Cleaning(RETRIEVED)
    assert cleaning.feed("The viewing is on") == "The viewing is on"
    assert cleaning.feed(" Friday [1]") == " Friday"
    assert cleaning.feed(".") == " [1]."


# Texts made of what matters, in any order; and anything at all.
_SIGNS = [*"[]()!<>/: \n.hwa1,-", "www.", "http", "https://x.y", "mailto:", "javascript:", "\u200b"]
_WHOLE = ["[1]", "[9]", "[none]", "![a](b)", "<think>", "</think>", "<b>", "x" * 119, "y" * 299]
_PIECES = st.sampled_from(_SIGNS + _WHOLE)
TEXTS = st.lists(_PIECES, max_size=30).map("".join) | st.text(max_size=60)


def cut(text: str, places: Sequence[int]) -> list[str]:
    bounds = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(bounds)]


@given(TEXTS, st.lists(st.integers(0, 10_000), max_size=20))
def test_how_the_text_is_cut_changes_nothing(text: str, places: list[int]) -> None:
    assert cleaned(*cut(text, places)) == cleaned(text)


@given(TEXTS)
def test_nothing_that_is_shown_leads_anywhere_however_it_was_put_together(text: str) -> None:
    assert LEADS_OUT.search(cleaned(*text)) is None


@given(TEXTS)
def test_only_so_much_is_ever_held_back(text: str) -> None:
    cleaning = Cleaning(RETRIEVED)
    for letter in text:
        cleaning.feed(letter)
        assert cleaning.held <= HELD_CHARACTERS


@given(st.text(st.characters(categories=["L", "N"], include_characters=" .,;?()'€%-"), max_size=80))
def test_plain_words_are_shown_as_they_are(text: str) -> None:
    assert cleaned(text.replace("www.", "")) == re.sub(" $", "", text.replace("www.", "").lstrip())


@pytest.mark.parametrize(
    "hostile",
    [
        "[",
        "![",
        "<a",
        "[a",
        "](",
        "http",
        "https://",
        "www",
        "<think>",
        "[1",
        "[1]",
        "/",
        "![a](",
        "\u200b",
        "<!",
    ],
)
def test_hostile_text_takes_no_longer_than_any_other(hostile: str) -> None:
    text = hostile * (200_000 // len(hostile))
    started = time.process_time()
    cleaned(text)
    cleaned(*text[:20_000])
    assert time.process_time() - started < 4.0
