"""How answers put names, days, numbers and silences."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from tests.memorymailbox import AGENT, mail, parsed
from zena_sse.ask.embedded.phrasing import (
    QUOTED,
    dated,
    day_of,
    due_of,
    first_name,
    name_of,
    phone_of,
    quoted,
    short_day,
    silence,
    told_by,
    who_said,
)
from zena_sse.ask.embedded.statements import Statement

HOME = timezone(timedelta(hours=13))
# A Monday morning, and the Wednesday after it.
SENT = datetime(2026, 11, 16, 9, 0, tzinfo=HOME)
TODAY = date(2026, 11, 18)


def said(
    text: str, *, sender: str = "Otto Brandt <otto@survey.example>", automatic: bool = False
) -> Statement:
    message = parsed(mail("Survey", sender=sender, body=text))
    own = message.sender.email == AGENT
    return Statement(0, message, own, automatic, SENT, 0, text, asks=False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Please send it by Friday.", "by Friday. [20 November]"),
        ("It closes next Tuesday.", "next Tuesday. [24 November]"),
        ("See you tomorrow, Anna.", "tomorrow [17 November], Anna."),
        ("See you on the 20th.", "the 20th [20 November]."),
        ("I will come on Thursday.", "on Thursday. [19 November]"),
    ],
)
def test_day_named_from_the_day_of_writing_is_said_beside_it(text: str, shown: str) -> None:
    assert shown in dated(text, SENT, TODAY)


@pytest.mark.parametrize(
    "text",
    [
        "Settlement is on 27 November.",
        "on 27/11",
        "Please pay by Friday 27 November.",
        "Let's meet this week.",
        "Seven people came on Sunday.",
        "None",
    ],
)
def test_day_that_is_clear_or_uncertain_stays_as_it_was_written(text: str) -> None:
    assert dated(text, SENT, TODAY) == text


def test_words_stay_as_they_are_but_for_the_days_beside_them() -> None:
    text = "It closes next Tuesday at 4pm, and I will send it tomorrow, please."
    shown = dated(text, SENT, TODAY)
    assert shown.count("[") == 2
    assert "".join(part.partition("]")[2] for part in f"]{shown}".split(" [")) == text


def test_long_words_are_cut() -> None:
    shown = quoted(said("The fence " * 60), TODAY)
    assert len(shown) == QUOTED
    assert shown.endswith("…")
    assert quoted(said("The fence is shared."), TODAY) == "The fence is shared."
    assert len(quoted(said("The fence " * 60), TODAY, 40)) <= 40


def test_day_has_its_year_only_if_it_is_far() -> None:
    assert day_of(date(2026, 11, 26), TODAY) == "26 November"
    assert day_of(date(2027, 2, 1), TODAY) == "1 February"
    assert day_of(date(2027, 12, 1), TODAY) == "1 December 2027"
    assert day_of(date(2025, 11, 18), TODAY) == "18 November 2025"
    assert short_day(date(2026, 3, 1)) == "1 Mar"


@pytest.mark.parametrize(
    ("due", "shown"),
    [
        (None, ""),
        ("2026-11-18", "today"),
        ("2026-11-19", "tomorrow"),
        ("2026-11-20", "20 November"),
        ("2026-11-17", "was due 17 November"),
        ("2026-11-18T10:00:00+13:00", "today"),
    ],
)
def test_due_day_is_said_as_one_says_it_today(due: str | None, shown: str) -> None:
    assert due_of(due, TODAY) == shown


@pytest.mark.parametrize(
    ("since", "shown"),
    [
        (datetime(2026, 11, 17, 11, 0, tzinfo=UTC), "today"),  # midnight where the agent is
        (datetime(2026, 11, 17, 10, 59, tzinfo=UTC), "1 day"),
        (datetime(2026, 11, 4, 23, 0, tzinfo=HOME), "14 days"),
        (datetime(2026, 11, 19, 1, 0, tzinfo=HOME), "today"),  # a clock that goes ahead
    ],
)
def test_silence_is_counted_by_the_calendar_where_the_agent_is(since: datetime, shown: str) -> None:
    assert silence(since, datetime(2026, 11, 18, 0, 30, tzinfo=HOME)) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+64 21 555 0177", "021 555 0177"),
        ("+442079460000", "020 7946 0000"),
        ("021 555", "021 555"),
        ("none", "none"),
        ("", ""),
        (None, None),
    ],
)
def test_phone_number_is_written_as_its_country_does(number: str | None, shown: str | None) -> None:
    assert phone_of(number) == shown


def test_who_said_it_is_told_by_name_or_address() -> None:
    assert who_said(said("Yes")) == "Otto Brandt"
    assert who_said(said("Away", automatic=True)) == "Otto Brandt (automatic reply)"
    assert told_by(said("Away", automatic=True)) == "Otto Brandt"
    assert who_said(said("Yes", sender="otto@survey.example")) == "otto@survey.example"


def test_agent_is_you() -> None:
    mine = said("Yes", sender=f"Anna <{AGENT}>")
    assert who_said(mine) == "You"
    assert told_by(mine) == "you"
    assert who_said(mine, agent="Anna") == "Anna"


def test_names_are_said_without_what_mail_programs_add() -> None:
    assert name_of("  Otto \t Brandt ", "otto@survey.example") == "Otto Brandt"
    assert name_of("  ", "otto@survey.example") == "otto@survey.example"
    assert first_name("Otto Brandt") == "Otto"
    assert first_name("Brandt, Otto") == "Otto"
    assert first_name("Otto Brandt, Surveyor") == "Otto"
    assert first_name("Otto,") == "Otto"
    assert first_name("") == ""
