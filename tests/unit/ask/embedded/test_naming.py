"""Whom and which property a question names."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zena_sse.ask.embedded.naming import House, Named, Person, find_named
from zena_sse.ask.embedded.words import words_of

HOUSES = [
    House("pukeko", "31", "Pukeko Drive", "Selwood"),
    House("marram", "8", "Marram Lane", None),
    House("unit", "2/14", "Tōtara Rise", "Selwood"),
    House("other unit", "3/14", "Tōtara Rise", "Selwood"),
    House("fern", "12", "Fern Street", None),
    House("second fern", "20", "Fern Street", None),
    House("open", "5", "Open Road", None),
    House("strand", "7", "The Strand", None),
    House("beach", "40", "Long Beach Road", None),
]
PEOPLE = [
    Person("otto", "Otto Brandt", "otto@survey.example", "+64215550177", None),
    Person("lena", "Lena Fisk", "lena@post.example", None, None),
    Person("other lena", "Lena Marsh", "marsh@post.example", None, None),
    Person("mark", "Mark Fisk", "mark@post.example", None, None),
    Person("will", "Will Price", "will@post.example", None, None),
    Person("ingrid", "Dr Ingrid O'Dowd", "ingrid@post.example", None, None),
    Person("jorg", "Müller, Jörg", "jorg@post.example", None, None),
    Person("james", "James Hollis", "james@post.example", None, None),
    Person("nameless", "", "x@post.example", None, None),
]


def name(question: str, houses: Sequence[House] = HOUSES, people: Sequence[Person] = PEOPLE) -> Named:
    return find_named(words_of(question), question, houses, people)


def houses(question: str) -> set[str]:
    return {house.property_id for house in name(question).houses}


def people(question: str) -> set[str]:
    return {person.contact_id for person in name(question).people}


@pytest.mark.parametrize(
    ("question", "ids"),
    [
        ("How much is 31 Pukeko Drive?", {"pukeko"}),
        ("how much is 31 PUKEKO DR", {"pukeko"}),
        ("Who rents 31 Pukeko?", {"pukeko"}),
        ("What about the Pukeko sale?", {"pukeko"}),
        ("Marram's fence", {"marram"}),
        ("Who rents 2/14 Totara Rise?", {"unit"}),
        ("Who rents 3/14 tōtara?", {"other unit"}),
        ("Who rents Tōtara Rise?", {"unit", "other unit"}),
        ("Who rents 20 Fern Street?", {"second fern"}),
        ("Who rents Fern Street?", {"fern", "second fern"}),
        ("Is 31 Pukeko Drive dearer than 8 Marram Lane?", {"pukeko", "marram"}),
        ("Who rents the Strand?", {"strand"}),
        ("What about Long Beach?", {"beach"}),
        ("How long is the beach?", set()),
        ("Who rents in Selwood?", {"pukeko", "unit", "other unit"}),
        ("Who rents 9 Karaka Road?", set()),
    ],
)
def test_house_is_named_by_number_and_street_with_kind_or_without(question: str, ids: set[str]) -> None:
    assert houses(question) == ids


def test_street_whose_name_is_a_word_needs_its_kind() -> None:
    assert houses("When is the open home?") == set()
    assert houses("Who rents in Open Road?") == {"open"}
    assert houses("Who rents 5 Open Road?") == {"open"}


def test_house_of_this_number_goes_before_streets_that_are_only_named() -> None:
    assert houses("Is 20 Fern Street on the way from Pukeko?") == {"second fern"}
    assert houses("Is Fern Street on the way from Pukeko?") == {"fern", "second fern", "pukeko"}


def test_street_goes_before_its_suburb() -> None:
    assert houses("Who rents Pukeko Drive in Selwood?") == {"pukeko"}


@pytest.mark.parametrize(
    ("question", "ids"),
    [
        ("What did Otto say?", {"otto"}),
        ("what did otto brandt say", {"otto"}),
        ("What did Lena say?", {"lena", "other lena"}),
        ("What did Lena Fisk say?", {"lena"}),
        ("What did Mrs Fisk say?", {"lena", "mark"}),
        ("What did the Fisks say?", {"lena", "mark"}),
        ("What did Fisk\u2019s lawyer say?", {"lena", "mark"}),
        ("Otto's survey", {"otto"}),
        ("James' keys", {"james"}),
        ("James's keys", {"james"}),
        ("What did Dr Ingrid want?", {"ingrid"}),
        ("What did O\u2019Dowd want?", {"ingrid"}),
        ("What did Jorg Muller want?", {"jorg"}),
        ("What did JÖRG want?", {"jorg"}),
        ("Otto and Lena Marsh", {"otto", "other lena"}),
        ("What did Karla want?", set()),
    ],
)
def test_person_is_named_by_any_part_of_the_name_and_most_of_it_wins(question: str, ids: set[str]) -> None:
    assert people(question) == ids


@pytest.mark.parametrize(
    ("question", "ids"),
    [
        ("Will the price drop?", set()),
        ("will price drop", set()),
        ("Did Will call?", {"will"}),
        ("did will call", set()),
        ("What did Will Price say?", {"will"}),
    ],
)
def test_name_that_is_a_word_needs_its_capital_inside_the_question(question: str, ids: set[str]) -> None:
    assert people(question) == ids


def test_who_is_named_first_comes_first() -> None:
    assert [person.contact_id for person in name("Tell Otto what Mark said").people] == ["otto", "mark"]
    assert [person.contact_id for person in name("Tell Mark what Otto said").people] == ["mark", "otto"]


def test_word_of_a_street_names_nobody() -> None:
    pukeko = Person("ann", "Ann Pukeko", "ann@post.example", None, None)
    assert name("Who rents 31 Pukeko Drive?", people=[pukeko]).people == ()
    assert name("What did Ann Pukeko say?", houses=[], people=[pukeko]).people == (pukeko,)


def test_words_that_name_something_are_spent_and_others_are_not() -> None:
    question = "What does Otto Brandt want for the survey of 31 Pukeko Drive?"
    spent = name(question).spent
    words = [word.plain for word in words_of(question)]
    assert {"otto", "brandt", "31", "pukeko", "drive"} <= {words[i] for i in spent}
    assert "survey" not in {words[i] for i in spent}


@given(st.text(max_size=50), st.sampled_from([house.shown for house in HOUSES]), st.text(max_size=50))
def test_house_is_found_wherever_it_stands(before: str, shown: str, after: str) -> None:
    assert shown in {house.shown for house in name(f"{before} of {shown} {after}", people=[]).houses}


def test_nothing_is_named_where_nothing_is_known() -> None:
    assert name("What did Otto say of 31 Pukeko Drive?", [], []) == Named()


@pytest.mark.parametrize("question", ["Survey 31 Pukeko Drive", "31 Pukeko Drive survey"])
def test_word_beside_a_number_is_not_spent_with_it(question: str) -> None:
    words = words_of(question)
    assert "survey" not in {words[i].plain for i in name(question).spent}


def test_letter_of_a_number_is_part_of_it() -> None:
    both = [House("plain", "12", "Fern Street", None), House("letter", "12B", "Fern Street", None)]
    assert [house.property_id for house in name("Who rents 12B Fern Street?", both).houses] == ["letter"]


def test_comma_after_the_number_of_a_unit_is_no_part_of_it() -> None:
    assert houses("Who rents unit 2, 14 Tōtara Rise?") == {"unit"}


def test_streets_of_one_name_are_told_apart_by_their_kind() -> None:
    both = [House("drive", "31", "Pukeko Drive", None), House("lane", "31", "Pukeko Lane", None)]
    assert [house.property_id for house in name("Who rents 31 Pukeko Lane?", both).houses] == ["lane"]
