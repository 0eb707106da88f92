"""How an answer puts things: names, days, quotations with the days they mean, phone numbers."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import phonenumbers

from zena_sse.ask.embedded.statements import Statement
from zena_sse.mail.content.message import cut
from zena_sse.triage.analysis.dates import Deadline, deadlines

# A quotation of more characters is a mail, not an answer.
QUOTED = 260
# Characters before a day in which "by" or "next" stands.
BEFORE = 8

# Words that mean a day only from the day of writing; "this week" means no day.
_RELATIVE = re.compile(
    r"\b(?:today|tomorrow|tmrw|tonight|arvo|morning)\b"
    r"|\b(?:this|next|by|until|till|before|coming|due) (?:\w+ )?"
    r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b|\b\d{1,2}(?:st|nd|rd|th)\b",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(r"\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b", re.IGNORECASE)
# "She came on Friday" means the last one, "she will come on Friday" the next.
_AHEAD = re.compile(
    r"\b(?:will|shall|going to|can|would (?:you|like)|please|lets?|due|closes?|settles?|booked)\b|'ll\b",
    re.IGNORECASE,
)
_MONTH = re.compile(r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|\d{1,2}[/.]\d{1,2}", re.IGNORECASE)


def day_of(day: date, today: date) -> str:
    """`26 November`, with the year if it is not this one."""
    year = "" if abs((day - today).days) < 300 else f" {day.year}"
    return f"{day.day} {day:%B}{year}"


def short_day(day: date) -> str:
    """`26 Nov`."""
    return f"{day.day} {day:%b}"


def who_said(one: Statement, agent: str = "You") -> str:
    """The name of whoever wrote it."""
    if one.own:
        return agent
    name = name_of(one.message.sender.name, one.message.sender.email)
    return f"{name} (automatic reply)" if one.automatic else name


def told_by(one: Statement) -> str:
    """The same inside a sentence."""
    return "you" if one.own else name_of(one.message.sender.name, one.message.sender.email)


def name_of(name: str, email: str) -> str:
    """A name, or else the address."""
    return " ".join(name.split()) or email


def first_name(name: str) -> str:
    """What somebody is called in a greeting; mail programs put a surname and a comma before it."""
    before, _, after = name.partition(",")
    words = after.split() if len(before.split()) == 1 and after.strip() else name.split()
    return (words or [name])[0].strip(",")


def quoted(one: Statement, today: date, width: int = QUOTED) -> str:
    """The words, with the day that "next Thursday" means beside it."""
    return cut(dated(one.text, one.sent, today), width)


def dated(text: str, sent: datetime, today: date) -> str:
    """A text in which each day that is named only from the day of writing is followed by its date."""
    parts: list[str] = []
    at = 0
    for found in deadlines(text, sent):
        words = text[found.start : found.end]
        if _MONTH.search(words) or found.end <= at or not _is_relative(text, found):
            continue
        parts += [text[at : found.end], f" [{day_of(found.day, today)}]"]
        at = found.end
    return "".join([*parts, text[at:]])


def _is_relative(text: str, found: Deadline) -> bool:
    """Whether a day is named from the day of writing, and which one is certain."""
    words = text[max(0, found.start - BEFORE) : found.end]
    return bool(_RELATIVE.search(words)) or (bool(_WEEKDAY.search(words)) and bool(_AHEAD.search(text)))


def phone_of(number: str | None) -> str | None:
    """A phone number as people of its country write it."""
    if number is None:
        return None
    try:
        read = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.NATIONAL)


def silence(since: datetime, now: datetime) -> str:
    """`13 days`, counted by the calendar where the agent is."""
    days = (now.date() - since.astimezone(now.tzinfo).date()).days
    return "today" if days <= 0 else "1 day" if days == 1 else f"{days} days"


def due_of(due: str | None, today: date) -> str:
    """When something is due, as one says it today."""
    if due is None:
        return ""
    day = date.fromisoformat(due[:10])
    if day == today:
        return "today"
    if day == today + timedelta(days=1):
        return "tomorrow"
    return f"{'was due ' if day < today else ''}{day_of(day, today)}"
