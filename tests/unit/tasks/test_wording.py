"""Whether two requests are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zena_sse.tasks.wording import alike, words_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Send the LIM report to Anna", "Send Anna the LIM report"),
        ("Please send us the contract", "send the draft contract"),
        ("Ring the café about Mātai", "ring the cafe about matai"),
    ],
)
def test_nearly_the_same_words_are_the_same_request(one: str, other: str) -> None:
    assert alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Send the contract to Ben", "Send the LIM to Ben"),
        ("Send the building report", "Send the LIM report"),
        ("Send the contract for 12 High Street", "Call about 12 High Street"),
    ],
)
def test_the_same_verb_person_and_place_are_not_yet_the_same_request(one: str, other: str) -> None:
    assert not alike(one, other, frozenset(words_of("Ben 12 High Street")))


def test_what_consists_of_familiar_words_alone_is_compared_by_them() -> None:
    assert alike("Ben", "Ben", frozenset({"ben"}))
    assert not alike("to the", "of a")
    assert not alike("", "")


@given(st.text(max_size=50), st.text(max_size=50))
def test_being_the_same_is_mutual_and_case_does_not_matter(one: str, other: str) -> None:
    assert alike(one, other) == alike(other, one)
    assert alike(one, one) == bool(words_of(one))
