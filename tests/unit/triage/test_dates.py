"""Days as people name them: each phrase with the day it means, counted by hand from 18 November 2026."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zena_sse.triage.analysis.datereading import BEHIND
from zena_sse.triage.analysis.dates import AHEAD, Deadline, deadlines

NZDT = timezone(timedelta(hours=13))
# A Wednesday, at ten in the morning.
SENT = datetime(2026, 11, 18, 10, 0, tzinfo=NZDT)


def days(text: str, sent: datetime = SENT, *, month_first: bool = False) -> list[str]:
    return [found.day.isoformat() for found in deadlines(text, sent, month_first=month_first)]


def only(text: str, sent: datetime = SENT) -> Deadline:
    found = deadlines(text, sent)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("phrase", "day"),
    [
        ("today please", "2026-11-18"),
        ("send it tonight", "2026-11-18"),
        ("ring me this arvo", "2026-11-18"),
        ("tomorrow", "2026-11-19"),
        ("need it tmrw", "2026-11-19"),
        ("by tomoz arvo", "2026-11-19"),
        ("tommorow if poss", "2026-11-19"),
        ("āpōpō", "2026-11-19"),
        ("the day after tomorrow", "2026-11-20"),
        ("first thing tomorrow", "2026-11-19"),
        ("can you call me first thing?", "2026-11-19"),
        ("Thursday arvo", "2026-11-19"),
        ("thurs", "2026-11-19"),
        ("by Tues at the latest", "2026-11-24"),
        ("THURSDAY BY NOON", "2026-11-19"),
        ("this Friday", "2026-11-20"),
        ("next Friday", "2026-11-27"),
        ("Friday next week", "2026-11-27"),
        ("next week Tuesday", "2026-11-24"),
        ("Friday week", "2026-11-27"),
        ("Monday week", "2026-11-30"),
        ("a week on Monday", "2026-11-30"),
        ("a fortnight today", "2026-12-02"),
        ("Wednesday fortnight", "2026-12-02"),
        ("on Wednesday", "2026-11-18"),
        ("i tēnei rā", "2026-11-18"),
        ("by the 25th", "2026-11-25"),
        ("the 9th, if that suits", "2026-12-09"),
        ("on the 25th inst.", "2026-11-25"),
        ("the 5th of next month", "2026-12-05"),
        ("Tuesday 24th", "2026-11-24"),
        ("Tuesday the 24th any time after 4", "2026-11-24"),
        ("Tue 24 - 8am", "2026-11-24"),
        ("Friday 25 November", "2026-11-25"),
        ("25 November", "2026-11-25"),
        ("25th of Nov", "2026-11-25"),
        ("by the first of December", "2026-12-01"),
        ("Nov 25th", "2026-11-25"),
        ("November 25, 2026", "2026-11-25"),
        ("Wednesday, Nov 25", "2026-11-25"),
        ("15 January", "2027-01-15"),
        ("on 25/11", "2026-11-25"),
        ("due 25/11/2026", "2026-11-25"),
        ("25/11/26", "2026-11-25"),
        ("COB Friday 27/11", "2026-11-27"),
        ("by 25.11", "2026-11-25"),
        ("25.11.2026", "2026-11-25"),
        ("2026-11-25", "2026-11-25"),
        ("11/25/2026", "2026-11-25"),
        ("by 11/25", "2026-11-25"),
        ("before the weekend", "2026-11-20"),
        ("b4 the wknd", "2026-11-20"),
        ("over the weekend", "2026-11-22"),
        ("this weekend", "2026-11-21"),
        ("next weekend", "2026-11-28"),
        ("after the weekend", "2026-11-23"),
        ("by the end of the week", "2026-11-20"),
        ("end of next week", "2026-11-27"),
        ("COB please", "2026-11-18"),
        ("EOD tomorrow", "2026-11-19"),
        ("close of business Friday", "2026-11-20"),
        ("by end of play", "2026-11-18"),
        ("by the end of the month", "2026-11-30"),
        ("by the end of January", "2027-01-31"),
        ("by mid December", "2026-12-15"),
        ("in two days", "2026-11-20"),
        ("in a couple of days' time", "2026-11-20"),
        ("in a week or two", "2026-12-02"),
        ("within 48 hours", "2026-11-20"),
        ("within 3 working days", "2026-11-23"),
        ("within the hour", "2026-11-18"),
        ("sometime next week", "2026-11-27"),
        ("the week after next", "2026-12-04"),
        ("early next week", "2026-11-24"),
        ("later this week", "2026-11-20"),
        ("by noon Monday", "2026-11-23"),
        ("by 5pm on Tuesday 24 November", "2026-11-24"),
        ("no later than midday, Thursday", "2026-11-19"),
        ("by lunchtime", "2026-11-18"),
        ("by 9am", "2026-11-19"),
        ("today or tomorrow", "2026-11-19"),
        ("Weds. or Thurs", "2026-11-19"),
        ("by Friday or Monday", "2026-11-23"),
        ("can i see it sat after 2", "2026-11-21"),
        ("tomorrow (Thursday 19th)", "2026-11-19"),
        ("before we come round on Saturday", "2026-11-21"),
    ],
)
def test_what_a_phrase_means(phrase: str, day: str) -> None:
    assert days(phrase) == [day]


@pytest.mark.parametrize(
    "phrase",
    [
        "last Friday",
        "on Friday we went to see it",
        "good to see you on Saturday",
        "yesterday",
        "Friday gone",
        "our conversation of the 9th",
        "your letter dated 3 November",
        "every Tuesday",
        "Monday to Friday, 9 to 5",
        "i work saturdays",
        "at 7/12 Smith St",
        "re 2/14 Larch Ave, and 3/4 acre on 5/6 Smith Rd",
        "4 May Street and 12 March Road",
        "the 2nd offer, the 3rd floor and 26th Street",
        "$1.25 million, 5.30pm, 021 555 0123, ref 25-11",
        "we sat at the table in the sun, wed love it, mon ami",
        "you may 2 of you",
        "24/7",
        "within 10 working days of settlement",
        "the first thing I saw",
        "31/31, 30/2, Feb 30, 31 June",
        "by 5pm on 17 July 2025",
    ],
)
def test_what_names_no_day_to_come(phrase: str) -> None:
    assert days(phrase) == []


@pytest.mark.parametrize(
    ("text", "is_deadline"),
    [
        ("We need it by Friday.", True),
        ("I need the report tomorrow", True),
        ("Please send it Friday", True),
        ("Could you let us know Monday?", True),
        ("I'll get you the figures on Tuesday", True),
        ("you have until Friday", True),
        ("no later than the 25th", True),
        ("Friday at the latest", True),
        ("within two days", True),
        ("Settlement is on Friday.", False),
        ("I am out of the office until Monday", False),
        ("The open home is on Saturday", False),
        ("Please do not ring before the 20th", False),
    ],
)
def test_a_limit_is_told_from_a_mention(text: str, *, is_deadline: bool) -> None:
    assert only(text).is_deadline is is_deadline


def test_the_phrase_is_shown_with_its_preposition_and_part_of_the_day() -> None:
    text = "Could you ring me by noon on Thursday? I'm off on Friday arvo."
    first, second = deadlines(text, SENT)
    assert text[first.start : first.end] == "by noon on Thursday"
    assert text[second.start : second.end] == "on Friday arvo"


def test_days_are_counted_where_the_sender_is() -> None:
    moment = datetime(2026, 11, 18, 12, 30, tzinfo=UTC)  # half past one on Thursday in Auckland
    assert days("tomorrow", moment) == ["2026-11-19"]
    assert days("tomorrow", moment.astimezone(NZDT)) == ["2026-11-20"]


def test_in_the_evening_the_same_weekday_is_the_next_one() -> None:
    evening = SENT.replace(hour=19)
    assert days("by Wednesday", SENT) == ["2026-11-18"]
    assert days("by Wednesday", evening) == ["2026-11-25"]
    assert days("Wednesday night", evening) == ["2026-11-18"]
    assert days("by lunchtime", evening) == ["2026-11-19"]


def test_on_a_sunday_the_week_to_come_is_the_next() -> None:
    sunday = SENT + timedelta(days=4)
    assert days("next week", sunday) == ["2026-11-27"]
    assert days("by the end of the week", sunday) == ["2026-11-27"]
    assert days("this weekend", sunday) == ["2026-11-22"]


def test_the_caller_says_where_months_come_first() -> None:
    assert days("on 12/1") == ["2027-01-12"]
    assert days("on 12/1", month_first=True) == ["2026-12-01"]
    assert days("on 25/11", month_first=True) == ["2026-11-25"]


def test_a_limit_months_ahead_is_read_in_the_other_order_if_that_is_near() -> None:
    in_may = datetime(2026, 5, 20, 10, tzinfo=NZDT)
    assert days("I need it by 6/1", in_may) == ["2026-06-01"]
    assert days("by 5/22", in_may) == ["2026-05-22"]
    assert days("we settle on 6/7", in_may) == ["2026-07-06"]


def test_the_month_after_a_short_one_is_found() -> None:
    assert days("on the 31st") == ["2026-12-31"]
    assert days("on the 30th", datetime(2027, 1, 31, 9, tzinfo=NZDT)) == ["2027-03-30"]
    assert days("by 29 February", datetime(2026, 5, 1, 9, tzinfo=NZDT)) == []
    assert days("by 29 February", datetime(2027, 12, 1, 9, tzinfo=NZDT)) == ["2028-02-29"]


TOKENS = (
    "by|before|on|the|at|to|or|of|in|next|this|last|end|week|weekend|month|day|days|hours|working|friday|"
    "sat|sun|tomorrow|"
    "tonight|25th|31|31/31|25/11|2/14|2026|11/25/2026|25.11|noon|5pm|cob|november|feb|may|within|two|"
    "couple|a|Smith|St|,|"
    ".|-|\u2013|(|)|/|'|\u2019|\n|first|thing|after|until|no|later|than|\u0130|2026-02-30|31st|9.30|close|"
    "business"
)
texts = st.lists(st.sampled_from(TOKENS.split("|")), max_size=40).map(" ".join) | st.text(max_size=200)
moments = st.datetimes(
    datetime(1990, 1, 1),  # noqa: DTZ001 - hypothesis wants bounds without a zone
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(NZDT) | st.just(UTC),
)


@settings(max_examples=400)
@given(texts, moments, st.booleans())
def test_whatever_is_written_the_days_are_near_and_the_words_in_the_text(
    text: str, sent: datetime, month_first: bool
) -> None:
    end = 0
    for found in deadlines(text, sent, month_first=month_first):
        assert 0 <= found.start < found.end <= len(text)
        assert found.start >= end
        assert sent.date() - BEHIND <= found.day <= sent.date() + AHEAD
        end = found.end


def test_a_year_at_the_end_of_the_calendar_raises_nothing() -> None:
    assert (
        deadlines("by the end of next month or 25/11, in 400 weeks", datetime.max.replace(tzinfo=UTC)) == []
    )
    assert deadlines("next week, Friday week, by 1pm yesterday", datetime.min.replace(tzinfo=UTC)) == []


@pytest.mark.parametrize(
    "piece",
    ["a 1 ", "1 ", "by ", "in the next ", "monday ", "25/11 ", "today or ", "12 the ", "5pm ", "- ", "0"],
)
def test_a_hostile_mail_is_read_in_no_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    began = time.process_time()
    deadlines(text, SENT)
    assert time.process_time() - began < 0.5  # 0.03 s where nothing else runs


def test_a_day_is_a_date() -> None:
    assert only("by Friday").day == date(2026, 11, 20)
