"""Words: what is one word though it is written differently, and what means the same."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zena_sse.ask.embedded.words import TABLE, empty_words, folded, senses, stem, words_of


def plain(text: str) -> list[str]:
    return [word.plain for word in words_of(text)]


@pytest.mark.parametrize(
    "family",
    [
        "charge charges charged charging",
        "copy copies copied",
        "match matches",
        "box boxes",
        "dress dresses",
        "address addresses addressed",
        "settle settles settled settling settlement",
        "plan planned planning",
        "value values valued",
        "inspection inspections",
        "price prices priced pricing",
        "tree trees",
        "fee fees",
        "key keys",
        "quick quickly",
        "valuation valuations",
        "18400 18,400",
    ],
)
def test_endings_that_grammar_gives_make_no_other_word(family: str) -> None:
    assert len({stem(word) for word in family.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lease", "less"),
        ("owner", "own"),
        ("bus", "bu"),
        ("status", "statu"),
        ("sold", "sole"),
        ("2.46", "246"),
        ("12", "123"),
        ("ring", "r"),
    ],
)
def test_words_that_only_look_alike_stay_apart(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@given(st.text(st.characters(categories=["Ll"]), min_size=1, max_size=14))
def test_something_is_left_of_every_word(word: str) -> None:
    assert stem(word)
    assert len(stem(word)) >= min(3, len(word)) or not word.isalpha()


def test_macrons_accents_and_capitals_make_no_other_word() -> None:
    assert plain("TŌTARA, Tōtara and totara") == ["totara", "totara", "and", "totara"]
    assert plain("Jörg Ünal, Zoë") == ["jorg", "unal", "zoe"]


@given(st.text(max_size=60))
def test_each_character_stays_where_it_was(text: str) -> None:
    assert len(folded(text)) == len(text)


@given(st.text(max_size=60))
def test_words_stand_where_they_say_in_their_order(text: str) -> None:
    end = 0
    for word in words_of(text):
        assert end <= word.start < word.end <= len(text)
        assert folded(text)[word.start : word.end] == word.plain
        end = word.end


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Otto's lease", ["otto", "lease"]),
        ("Otto\u2019s lease", ["otto", "lease"]),
        ("the buyers' lawyer", ["the", "buyer", "lawyer"]),
        ("it isn't here", ["it", "is", "here"]),
        ("it isn\u2019t here", ["it", "is", "here"]),
        ("2/14 or 27A", ["2", "14", "or", "27", "a"]),
        ("$1,250.50 at 2.30pm", ["1,250.50", "at", "2.30", "pm"]),
        ("snake_case, e-mail", ["snake", "case", "e", "mail"]),
        ("...!?", []),
    ],
)
def test_text_is_cut_into_words(text: str, words: list[str]) -> None:
    assert plain(text) == words


def groups(word: str) -> frozenset[str]:
    return senses().get(stem(word), frozenset())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("solicitor", "conveyancers"),
        ("seller", "vendors"),
        ("purchasers", "buyer"),
        ("quote", "estimated"),
        ("dog", "pets"),
        ("mortgage", "lender"),
        ("parking", "garages"),
        ("lapses", "expire"),
        ("leaking", "drip"),
    ],
)
def test_words_of_one_sense_share_a_group(one: str, other: str) -> None:
    assert groups(one) & groups(other)


@pytest.mark.parametrize(("one", "other"), [("vendor", "buyer"), ("dog", "lender"), ("roof", "lawyer")])
def test_words_of_other_senses_share_none(one: str, other: str) -> None:
    assert groups(one)
    assert groups(other)
    assert not groups(one) & groups(other)


def test_every_entry_of_the_table_is_found_as_the_mail_would_have_it() -> None:
    table = tomllib.loads(TABLE.read_text())["senses"]
    for group, members in table.items():
        for member in members:
            assert plain(member) == [member], f"{group}: {member} is not one folded word"
            assert group in groups(member)
        assert len({stem(member) for member in members}) > 1, f"{group} has nobody to answer for anybody"


def test_empty_words_are_written_as_words_are_compared() -> None:
    assert {"the", "please", "who"} <= empty_words()
    assert not {"price", "roof", "auction"} & empty_words()
    assert all(re.fullmatch(r"[a-z]+", word) for word in empty_words())
