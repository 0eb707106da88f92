"""What a question asks for, told from how it is put. The questions are about nobody of any mailbox."""

from __future__ import annotations

import re
import tomllib
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zena_sse.ask.embedded.asked import LISTS, TABLE, Asked, Intent, Window, found, read_question
from zena_sse.ask.embedded.kinds import TYPED
from zena_sse.contract.events import Classification

WEDNESDAY = date(2026, 11, 18)
YESTERDAY = WEDNESDAY - timedelta(days=1)
SUNDAY = date(2026, 11, 22)

INTENTS: list[tuple[Intent, str]] = [
    ("draft", "Draft a reply to Otto Brandt."),
    ("draft", "Please write to Lena about the fence"),
    ("draft", "can you reply to otto"),
    ("draft", "Could you draft something for the Fisks?"),
    ("draft", "I need to write a note to Lena about the keys"),
    ("draft", "Zena, draft a reply to Otto: the survey is booked"),
    ("fact", "Has any reply come from Otto?"),
    ("fact", "What answer did Otto give?"),
    ("fact", "Reply came from Otto when?"),
    ("interested", "Who is interested in 31 Pukeko Drive?"),
    ("interested", "Which buyers are still keen on Marram Lane?"),
    ("interested", "who've I got for Marram Lane"),
    ("interested", "How many buyers are interested in Pukeko Drive?"),
    ("fact", "Who wants me to call?"),
    ("promised", "What have I promised anyone?"),
    ("promised", "Did I promise anybody a key?"),
    ("promised", "Which things did I say I'd send?"),
    ("fact", "What did Lena promise Otto?"),
    ("due", "What's due today?"),
    ("due", "Is anything overdue?"),
    ("due", "What is on my plate this week?"),
    ("due", "What has to go out tomorrow?"),
    ("due", "What did I let slip?"),
    ("fact", "When is the survey?"),
    ("worried", "Which vendors are worried?"),
    ("worried", "Who sounds unhappy?"),
    ("worried", "Are any sellers getting cold feet?"),
    ("fact", "Is Lena worried about the fence?"),
    ("risk", "Which deals are at risk?"),
    ("risk", "What is going cold?"),
    ("fact", "Is Pukeko Drive at risk?"),
    ("waiting", "Who am I waiting for?"),
    ("waiting", "Which lawyers haven't replied?"),
    ("waiting", "Who hasn\u2019t come back to me?"),
    ("fact", "Has Otto got back to me?"),
    ("owed", "What do I owe people?"),
    ("owed", "Who needs an answer from me?"),
    ("owed", "Who should I call back?"),
    ("heard", "Have the solicitors said anything?"),
    ("heard", "Any word from the bank?"),
    ("status", "How is the Marram Lane sale going?"),
    ("status", "Will we settle on time?"),
    ("status", "What's the latest on the fence?"),
    ("status", "Bring me up to speed on Marram Lane"),
    ("fact", "How much is the survey?"),
    ("fact", "Where is the spare key?"),
    ("fact", "   ?  "),
]  # fmt: skip


def ask(question: str, today: date = WEDNESDAY) -> Asked:
    return read_question(question, today)


@pytest.mark.parametrize(("intent", "question"), INTENTS)
def test_intent_is_told_from_how_the_question_is_put(intent: Intent, question: str) -> None:
    assert ask(question).intent == intent


def test_where_we_are_at_is_a_status() -> None:
    assert ask("Where are we at with Pukeko Drive?").intent == "status"


@pytest.mark.parametrize(
    "question", ["WHO IS INTERESTED IN MARRAM LANE", "who  is\ninterested in Marram Lane?!"]
)
def test_case_spaces_and_marks_change_no_intent(question: str) -> None:
    assert ask(question).intent == "interested"


@pytest.mark.parametrize(
    ("classes", "question"),
    [
        ({"buyer"}, "Which purchasers are waiting for me?"),
        ({"vendor"}, "Which sellers are worried?"),
        ({"vendor", "buyer"}, "Which of my owners and bidders are unhappy?"),
        ({"lawyer_broker"}, "What did the bank say?"),
        ({"market"}, "Which tradies owe me a quote?"),
        (set(), "Who is worried?"),
    ],
)
def test_classes_of_people_are_those_named(classes: set[Classification], question: str) -> None:
    assert ask(question).classes == classes


@pytest.mark.parametrize(
    ("wants", "question"),
    [
        ({"money"}, "How much is the survey?"),
        ({"money"}, "What did the survey cost?"),
        ({"date", "time"}, "When is the survey?"),
        ({"time"}, "What time is the survey?"),
        ({"date"}, "Which day suits Lena?"),
        ({"phone"}, "What is Otto's mobile?"),
        ({"email"}, "What's Lena's email address?"),
        ({"percent"}, "What commission did Otto agree to?"),
        ({"number"}, "How many bedrooms has the house?"),
        ({"person"}, "Who does the roof?"),
        ({"person"}, "Which plumber fixed the tap?"),
        ({"place"}, "Where is the spare key?"),
        ({"reason"}, "Why did Lena withdraw?"),
        ({"yesno"}, "Did Otto sign?"),
        ({"trust", "yesno"}, "Is this mail genuine?"),
        (set(), "Tell me about Otto"),
    ],
)
def test_wants_are_the_kinds_of_answer_that_are_asked_for(wants: set[str], question: str) -> None:
    # An address may be of mail or of a house.
    assert ask(question).wants - {"place"} == wants - {"place"}
    assert ("place" in wants) <= ("place" in ask(question).wants)


@pytest.mark.parametrize(
    ("first", "last", "question"),
    [
        (WEDNESDAY, WEDNESDAY, "What is due today?"),
        (WEDNESDAY, WEDNESDAY, "What must be done tonight?"),
        (WEDNESDAY + timedelta(days=1), WEDNESDAY + timedelta(days=1), "What has to go out tomorrow?"),
        (WEDNESDAY, SUNDAY, "What is due this week?"),
        (date(2026, 11, 23), date(2026, 11, 29), "What is due next week?"),
    ],
)
def test_window_is_the_days_that_are_asked_about(first: date, last: date, question: str) -> None:
    assert ask(question).window == Window(first, last)


@pytest.mark.parametrize(
    "question", ["What is overdue?", "What did I let slip?", "What should have gone out?"]
)
def test_overdue_is_every_day_before_this_one(question: str) -> None:
    window = ask(question).window
    assert window is not None
    assert window.overdue
    assert window.first < date(1900, 1, 1)
    assert window.last == YESTERDAY


def test_no_day_no_window() -> None:
    assert ask("What do I have to do?").window is None


@given(st.dates(date(1990, 1, 1), date(2090, 12, 31)))
def test_weeks_end_on_sunday_and_follow_each_other(today: date) -> None:
    this, following = ask("What is due this week?", today).window, ask("What is due next week?", today).window
    assert this is not None
    assert following is not None
    assert this.first == today
    assert this.last.isoweekday() == following.last.isoweekday() == 7
    assert following.first == this.last + timedelta(days=1)
    assert following.last == following.first + timedelta(days=6)


@pytest.mark.parametrize(
    "question", ["And when is it?", "What about the fence?", "What did she say?", "Is that so?"]
)
def test_question_that_points_at_something_follows_another(question: str) -> None:
    assert ask(question).follows


@pytest.mark.parametrize("question", ["How much is the survey?", "Who is interested in Marram Lane?"])
def test_question_that_names_what_it_is_about_stands_alone(question: str) -> None:
    assert not ask(question).follows


def test_this_week_is_nothing_that_was_named_before() -> None:
    assert not ask("What is due this week?").follows


@pytest.mark.parametrize(
    "question",
    ["Did Otto sign?", "Has the survey been done?", "Hasn\u2019t Otto signed?", "Are the papers signed?"],
)
def test_question_whether_something_has_happened_is_known(question: str) -> None:
    assert "happened" in ask(question).cues


def test_terms_are_the_telling_words_each_once_with_their_senses() -> None:
    terms = ask("What does the survey, the second survey, of the roof cost?").terms
    assert sorted(term.plain for term in terms) == ["cost", "roof", "second", "survey"]
    assert all(("price" in term.groups) == (term.plain == "cost") for term in terms)
    assert ask("And what about it, please?").terms == ()


CUES = tomllib.loads(TABLE.read_text())


@pytest.mark.parametrize("kind", ["intents", "people", "wants", "cues", "claims"])
def test_every_cue_is_an_expression_in_lower_case_without_accents(kind: str) -> None:
    for name, cues in CUES[kind].items():
        for cue in cues:
            re.compile(cue)
            literal = re.sub(r"\\.", "", cue)
            assert literal == literal.lower(), f"{name}: no folded text has a capital of {cue}"
            assert literal.isascii(), f"{name}: no folded text has an accent of {cue}"


def test_cues_are_told_by_names_that_the_code_knows() -> None:
    assert set(CUES["wants"]) - {"yesno", "choice", "trust"} == TYPED
    assert set(CUES["intents"]) >= LISTS


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("out", "we have bought elsewhere"),
        ("coming", "the survey is booked for monday"),
        ("done", "the deposit has been paid"),
        ("open", "we are still waiting for the report"),
        ("private", "please don't tell the other side"),
        ("sensitive", "they dropped the price"),
    ],
)
def test_claims_are_told_from_what_a_sentence_says(claim: str, text: str) -> None:
    assert claim in found("claims", text)
    assert claim not in found("claims", "the gate is green")
