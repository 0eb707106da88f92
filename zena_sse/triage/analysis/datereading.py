"""What each way of naming a day means, counted from the day a mail was sent where its sender was."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import msgspec

from zena_sse.triage.analysis.datewords import COUNTS, MONTHS, ORDINAL_WORDS, PART, PREFIX, WEEKDAYS

# A day back, for who writes from a later time zone.
BEHIND = timedelta(days=1)
# A date without a year that is this far past is meant to be past, not next year's.
PASSED = timedelta(days=150)
# What is asked for is due within weeks; a date months ahead is likelier one of the other order.
NEAR, DISTANT = timedelta(days=45), timedelta(days=100)
# From when on a Friday "Friday" is the next one.
EVENING = 18
# What is read before a day to see what it is for; a clause is rarely longer.
CLAUSE = 100
FRIDAY, SATURDAY, SUNDAY = 4, 5, 6

OVER = frozenset(("gone", "just gone", "past", "last", "ago"))
# "our conversation of the 9th" is over.
RECORDED = re.compile(
    r"\b(?:letter|e-?mail|mail|message|conversation|call|note|agreement|contract|meeting|report|memo|fax|"
    r"visit|offer|correspondence|invoice|notice)s?\s+(?:dated\s+)?(?:of|on|from|dated)\s+(?:the\s+)?$"
)
NIGHTLY = re.compile(r"\s+(?:night|nite|evening|evenin|eve|dinner|tea)")
# Short forms of weekdays that are words as well: what must stand on either side.
BEFORE_SHORT = re.compile(
    r"(?:\b(?:on|by|before|b4|this|next|until|till?|til|from|for|or|and|to|come|of|early|late|since|after|"
    r"thru|\d{1,2}(?::\d\d)?(?:am|pm)?|(?:mon|tue|wed|thu|fri|sat|sun)\w*)|[,/(&\u2013*-]|^|\n)\s*$"
)
AFTER_SHORT = re.compile(
    rf"\s*(?:$|[.,;:!?)/\n&\u2013-]|(?:{PART}|at|or|and|@|is|works?|suits?|would|only|\d|please|pls|for|"
    rf"if|week|"
    r"(?:mon|tue|wed|thu|fri|sat|sun)\w*)\b)"
)
EVIDENT_SHORT = re.compile(
    rf"\s+(?:{PART}|week|\d{{1,2}}/\d{{1,2}}|(?:at|after|before|around|about|from|til|till|between|by|"
    rf"@)\s?\d+|"
    r"\d{1,2}(?:[:.]\d\d)?\s?[ap]m)\b"
)
STREET = re.compile(
    r"\s*,?\s*(?:[\w'-]+\s+){0,3}(?:st|street|rd|road|ave|avenue|drive|dr|lane|ln|place|pl|close|court|ct|"
    r"crescent|cres|terrace|tce|way|grove|gardens|gdns|parade|pde|boulevard|blvd|highway|hwy|rise|square|"
    r"mews|quay|row|steps)\b(?!\s+the)"
)
STREET_NEXT = re.compile(
    r"\s+(?:st|street|rd|road|ave|avenue|lane|place|close|court|crescent|terrace|way|drive)\b"
)
BEFORE_NUMERIC = re.compile(
    r"(?:\b(?:on|by|before|b4|until|till?|from|since|due|than|the|dated?|to|and|or|between|after|(?:mon|"
    r"tue|wed|thu|fri|sat|sun)\w*))\s*$"
)
OPENING = re.compile(r"(?:[,(:\u2013-]|^|\n)\s*$")
FRACTION = re.compile(r"\s*(?:acre|hour|price|way|of|full|hr|an?)\b")
# What an ordinal counts when it is no day of a month.
COUNTED = re.compile(
    r"\s+(?:st|street|ave|avenue|floor|level|birthday|anniversary|century|party|hole|time|place|edition|"
    r"district|grade|year|month|week|one|home|bedroom|offer|viewing|century|person|row|attempt|half|"
    r"quarter|hand|generation)s?\b"
)
AFTER_ORDINAL = re.compile(
    r"\s*(?:$|[.,;:!?)\n\u2013-]|(?:at|in|on|is|or|and|if|so|to|for|but|as|because|when|then|will|please|"
    r"pls|works?|suits?|would|with|about|after|before|from|until|morning|arvo|afternoon|evening|@|\d+|next|"
    r"this|we|i|you|they|he|she|it|that|which|not|inst|instant)\b)"
)
FROM_ELSEWHERE = re.compile(
    r"\s+(?:of|after|following|before|prior)\b|\s+from\s+(?!now|today|receipt of this)"
)
# "in November 2 groups came", "you may 2 times".
NOT_A_MONTH = ("in ", "since ", " i ", " we ", " you ", " they ", " he ", " she ", " it ")


class Place(msgspec.Struct):
    """Where a way of naming a day was found: in a text in lower case, that was sent then."""

    text: str
    found: re.Match[str]
    sent: datetime
    month_first: bool

    @property
    def today(self) -> date:
        return self.sent.date()

    def __getitem__(self, group: str) -> str:
        return self.found[group] or ""

    @property
    def before(self) -> str:
        return self.text[max(0, self.found.start() - CLAUSE) : self.found.start()]

    def is_followed(self, pattern: re.Pattern[str]) -> bool:
        return pattern.match(self.text, self.found.end()) is not None


def _next(today: date, weekday: int) -> date:
    """The next such weekday, today included."""
    return today + timedelta(days=(weekday - today.weekday()) % 7)


def _in_week(today: date, weeks: int, weekday: int) -> date:
    """That weekday of the week `weeks` after this one; weeks begin on Monday."""
    return today + timedelta(days=7 * weeks + weekday - today.weekday())


def _weekday_number(name: str) -> int:
    return next(WEEKDAYS[name[:length]] for length in (4, 3, 2) if name[:length] in WEEKDAYS)


def _today(place: Place) -> date | None:
    return place.today


def _tomorrow(place: Place) -> date | None:
    days = 2 if place["tomorrow_after"] else 1
    later = {"week": 7, "fortnight": 14}.get(place["tomorrow_later"], 0)
    return place.today + timedelta(days=days + later)


def _weekday(place: Place) -> date | None:
    """ "Friday", "next Friday", "Friday week", "Friday the 27th", "Friday 27 November"."""
    is_over = place["weekday_later"] in OVER or place["weekday_s"] == "s"  # "Friday gone", "I work Fridays"
    if is_over or not _is_weekday(place, place["weekday_name"]):
        return None
    weekday = _weekday_number(place["weekday_name"])
    dated = place["weekday_day"] or place["weekday_day2"]
    return _weekday_of_month(place, weekday, int(dated)) if dated else _weekday_ahead(place, weekday)


def _weekday_ahead(place: Place, weekday: int) -> date:
    """The next one; the one after it where that is said, or where it is today and today is over."""
    later, which = place["weekday_later"], place["weekday_which"]
    upcoming = _next(place.today, weekday)
    if later in ("week", "fortnight"):
        return upcoming + timedelta(days=7 if later == "week" else 14)
    if later or which in ("next", "following"):
        return _in_week(place.today, 2 if later == "after next" else 1, weekday)
    is_over = upcoming == place.today and place.sent.hour >= EVENING and not place.is_followed(NIGHTLY)
    return upcoming + timedelta(days=7 * is_over)


def _is_weekday(place: Place, name: str) -> bool:
    """Is "sat", "sun", "wed" or "mon" the day?"""
    if name not in ("sat", "sun", "wed", "mon") or place["weekday_which"]:
        return True
    if place["weekday_th"] or place["weekday_month"] or place["weekday_month2"] or place["weekday_later"]:
        return True
    if place.is_followed(EVIDENT_SHORT):
        return name != "sun" or BEFORE_SHORT.search(place.before) is not None
    return place.is_followed(AFTER_SHORT) and BEFORE_SHORT.search(place.before) is not None


def _weekday_of_month(place: Place, weekday: int, day: int) -> date | None:
    """Where the two disagree the day of the month wins, unless the month before shows that it is past."""
    month = place["weekday_month"] or place["weekday_month2"]
    year = place["weekday_year"] or place["weekday_year2"]
    if month:
        return _dated(place.today, day, _month_number(month), year)
    upcoming = _next_monthly(place.today, day)
    if upcoming is None or upcoming.weekday() == weekday:
        return upcoming
    if not place["weekday_th"]:  # "Saturday 11": an hour as likely as a day
        return _next(place.today, weekday)
    recent = _monthly_before(place.today, day)
    return None if recent and recent.weekday() == weekday else upcoming


def _month_number(name: str) -> int:
    return MONTHS.index(name[:3]) + 1


def _day_of(year: int, month: int, day: int) -> date | None:
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    return date(year, month, day)


def _dated(today: date, day: int, month: int, year: str) -> date | None:
    """With a year that day; without one the next, unless the last one is so near that it must be meant."""
    if year:
        return _day_of(2000 + int(year.strip("'")[-2:]), month, day)
    candidates = [_day_of(today.year + years, month, day) for years in (-1, 0, 1)]
    if any(found and timedelta(0) < today - BEHIND - found <= PASSED for found in candidates):
        return None
    return next((found for found in candidates if found and found >= today - BEHIND), None)


def _next_monthly(today: date, day: int) -> date | None:
    months = (divmod(today.month - 1 + ahead, 12) for ahead in range(3))
    days = (_day_of(today.year + years, month + 1, day) for years, month in months)
    return next((found for found in days if found and found >= today), None)


def _monthly_before(today: date, day: int) -> date | None:
    years, month = divmod(today.month - 2, 12)
    this, last = _day_of(today.year, today.month, day), _day_of(today.year + years, month + 1, day)
    return this if this and this < today else last


def _iso(place: Place) -> date | None:
    return _day_of(int(place["iso_year"]), int(place["iso_month"]), int(place["iso_day"]))


def _numeric(place: Place) -> date | None:
    """25/11, 25.11.2026; not 7/12 Tarn Street, 1/2 acre, 24/7, or 5.30."""
    first, second, year = int(place["numeric_a"]), int(place["numeric_b"]), place["numeric_year"]
    if not year and not _is_dated(place, first, second):
        return None
    usual, other = (first, second), (second, first)
    if place.month_first and first <= 12:
        usual, other = other, usual
    meant = _dated(place.today, *usual, year)
    prefix = PREFIX.search(place.before)
    if not year and (prefix is None or prefix["due"] is None):
        return meant
    read_otherwise = _dated(place.today, *other, year)
    return read_otherwise if _is_likelier(place, read_otherwise, meant) else meant


def _is_likelier(place: Place, other: date | None, meant: date | None) -> bool:
    """A limit is near: who asks in May for something by 6/1 does not mean the next January."""
    if other is None or meant is None:
        return meant is None
    return meant - place.today > DISTANT and other - place.today <= NEAR


def _is_dated(place: Place, first: int, second: int) -> bool:
    between = place["numeric_between"]
    if between == "-" or (first, second) == (24, 7):
        return False
    is_plain = first > 12 or second > 12 or place["numeric_b"].startswith("0")
    if not (BEFORE_NUMERIC.search(place.before) or (is_plain and OPENING.search(place.before))):
        return False
    if between == ".":
        is_clock = first < 24 and len(place["numeric_b"]) == 2
        return not is_clock and len(place["numeric_b"]) == 2
    return not (place.is_followed(STREET) or place.is_followed(FRACTION))


def _daymonth(place: Place) -> date | None:
    if place.is_followed(STREET_NEXT):
        return None
    word = place["daymonth_word"]
    day = ORDINAL_WORDS.index(word) + 1 if word else int(place["daymonth_day"])
    return _dated(place.today, day, _month_number(place["daymonth_month"]), place["daymonth_year"])


def _monthday(place: Place) -> date | None:
    if place.is_followed(STREET_NEXT) or f" {place.before}".endswith(NOT_A_MONTH):
        return None
    return _dated(
        place.today,
        int(place["monthday_day"]),
        _month_number(place["monthday_month"]),
        place["monthday_year"],
    )


def _ordinal(place: Place) -> date | None:
    """ "the 25th"; not the 2nd offer, the 3rd floor, 26th Street, or our conversation of the 9th."""
    day, before = int(place["ordinal_day"]), place.before
    if place.is_followed(COUNTED) or RECORDED.search(before):
        return None
    prefix = PREFIX.search(before)
    has_prefix = prefix is not None and bool(prefix[0].strip())
    if not has_prefix or (day <= 12 and not place.is_followed(AFTER_ORDINAL)):
        return None
    if place["ordinal_which"] == "next":
        years, month = divmod(place.today.month, 12)
        return _day_of(place.today.year + years, month + 1, day)
    return _next_monthly(place.today, day)


def _span(place: Place) -> date | None:
    """ "in two days", "within 48 hours", "within 3 working days"; not "within 5 days of settlement"."""
    word, unit = place["span_count"], place["span_unit"]
    count = int(word) if word.isdigit() else COUNTS.get(word)
    if (not word and (place["span_how"] == "within" or place["span_or"])) or word in ("next", "the"):
        count = 1
    if count is None or place.is_followed(FROM_ELSEWHERE):
        return None
    count = max(count, {"two": 2, "three": 3}.get(place["span_or"] or place["span_or2"], 0))
    if unit == "day" and place["span_working"] and not place["span_working"].startswith(("cal", "clear")):
        return _working_days(place.today, min(count, 366))
    if unit in ("minute", "min"):
        return (place.sent + timedelta(minutes=count)).date()
    if unit in ("hour", "hr"):
        return (place.sent + timedelta(hours=count)).date()
    return place.today + timedelta(days=count * {"week": 7, "wk": 7, "fortnight": 14}.get(unit, 1))


def _working_days(today: date, count: int) -> date:
    day = today
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < SATURDAY
    return day


def _weekend(place: Place) -> date | None:
    """Before it is Friday, over it until Sunday, else Saturday."""
    how, which, today = place["weekend_how"], place["weekend_which"], place.today
    if place["weekend_s"]:
        return None
    if how in ("before", "b4", "by"):
        return _in_week(today, 1, FRIDAY) if which == "next" else _next(today, FRIDAY)
    if how == "after":
        return _next(today + timedelta(days=1), 0)
    weeks = 2 if place["weekend_later"] else 1 if which in ("next", "following") else 0
    if weeks == 0 and today.weekday() == SUNDAY:
        return today
    return _in_week(today, weeks, SUNDAY if how in ("over", "during") else SATURDAY)


# Which day of a week its parts mean; of a month, which day of it.
WEEK_PARTS = {"middle": 2, "mid": 2, "start": 0, "beginning": 0, "first thing": 0, "early": 1}
MONTH_PARTS = {"middle": 15, "mid": 15, "start": 1, "beginning": 1, "first thing": 1, "early": 7}


def _edge(place: Place) -> date | None:
    """ "the end of the week", "early next week", "end of November"."""
    part, which, unit = " ".join(place["edge_at"].split()), place["edge_which"], place["edge_unit"]
    today = place.today
    if unit in ("week", "wk"):
        if which in ("next", "following"):
            return _in_week(today, 1, WEEK_PARTS.get(part, FRIDAY))
        day = _next(today, WEEK_PARTS.get(part, FRIDAY))
        return day if part not in ("start", "beginning", "early", "first thing") else None
    if unit == "month":
        years, month = divmod(today.month - 1 + (which in ("next", "following")), 12)
        year, month = today.year + years, month + 1
    else:
        month = _month_number(unit)
        year = today.year + (month < today.month)
    return _day_of(year, month, MONTH_PARTS.get(part, calendar.monthrange(year, month)[1]))


def _week(place: Place) -> date | None:
    """A week as a limit ends on its Friday; "next week Tuesday" is a day of it."""
    weeks = 2 if place["week_later"] or not place["week_which"] else place["week_which"] != "this"
    if place["week_day"]:
        return _in_week(place.today, weeks, _weekday_number(place["week_day"]))
    return _in_week(place.today, weeks, FRIDAY) if weeks else _next(place.today, FRIDAY)


def _ahead(place: Place) -> date | None:
    """ "a week on Monday", "a fortnight today"."""
    word, start = place["ahead_count"], place["ahead_from"]
    count = int(word) if word.isdigit() else COUNTS[word]
    if start in ("today", "now"):
        day = place.today
    elif (start[:2] in WEEKDAYS and not start.startswith(("tom", "tm"))) or start[:3] in WEEKDAYS:
        day = _next(place.today, _weekday_number(start))
    else:
        day = place.today + timedelta(days=1)
    return day + timedelta(days=count * (7 if place["ahead_unit"] == "week" else 14))


READERS: dict[str, Callable[[Place], date | None]] = {
    "today": _today,
    "tomorrow": _tomorrow,
    "edge": _edge,
    "week": _week,
    "weekday": _weekday,
    "iso": _iso,
    "daymonth": _daymonth,
    "numeric": _numeric,
    "ordinal": _ordinal,
    "monthday": _monthday,
    "span": _span,
    "weekend": _weekend,
    "ahead": _ahead,
}
# A date says more than a weekday beside it; any of them more than "this week".
EXACT = frozenset(("iso", "daymonth", "numeric", "ordinal", "monthday"))
