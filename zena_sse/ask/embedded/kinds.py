"""What kind of answer a sentence could be: an amount, a day, a number to ring."""

from __future__ import annotations

import re
from functools import lru_cache

from zena_sse.ask.embedded.asked import found
from zena_sse.ask.embedded.words import folded

# The kinds that a question can ask for and a sentence can have.
TYPED = frozenset(
    {"money", "date", "time", "phone", "email", "percent", "number", "person", "place", "reason"}
)

# Sentences that are remembered as they were read: whoever asks asks again, of the same threads.
REMEMBERED = 16_384

_DAYS = r"\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?s?\b"
_MONTHS = (
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b"
)
_KINDS = {
    "money": re.compile(
        r"[$\u00a3\u20ac]\s?\d|\b\d[\d,.]*\s?(?:k|m|mil|million|grand|thousand|bucks|quid|dollars|pounds|euro)\b"
        r"|\b\d{1,3}(?:,\d{3})+\b|\b\d{5,}\b|\b\d\.\d{1,3}\b"
        r"|\b\d{3,4} ?(?:incl?|all up|plus gst|\+ ?gst|ex gst|(?:a|per|each) (?:week|month|year)|pw|pcm)\b"
        r"|\b(?:quoted?|charged?|paid|pay|costs?|price|offer|bid|worth|rent) (?:is |of |at |for )?\d{3,4}\b"
    ),
    "date": re.compile(
        rf"{_DAYS}|{_MONTHS}|\b(?:today|tomorrow|tonight|weekend|fortnight|week|month|yesterday)\b"
        r"|\b\d{1,2}(?:st|nd|rd|th)\b|\b\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?\b"
    ),
    "time": re.compile(
        r"\b\d{1,2}(?:[.:]\d{2})?\s?(?:am|pm|a\.m|p\.m)\b|\b\d{1,2}[.:]\d{2}\b"
        r"|\b(?:noon|midday|midnight|lunch(?:time)?|morning|afternoon|arvo|evening|tonight|o'?clock|cob"
        r"|close of business|first thing)\b"
    ),
    "phone": re.compile(r"(?<![\d,.])\+?\(?\d(?:[\s().-]{0,2}\d){6,13}(?![\d,])"),
    "email": re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+"),
    "percent": re.compile(r"\d\s?(?:%|per ?cent|percent)|\b\d{1,2}/\d{1,2}\b|\b[1-9]\.\d+\b"),
    "number": re.compile(
        r"\b\d+\b|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty"
        r"|sixty|ninety|dozen|couple|half)\b"
    ),
    "place": re.compile(
        r"\b(?:at|in|on site|on-site|onsite|from|to|under|behind|next to|rooms?|office|street|road|avenue)\b"
    ),
    "reason": re.compile(r"\b(?:because|since|as|so that|so|reason|due to|cos|too|worried|needs?|only)\b"),
}
# A capital that does not begin the sentence.
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][a-z\u0100-\u017f'\u2019]+\b")
_CALENDAR = re.compile(f"{_DAYS}|{_MONTHS}")


@lru_cache(maxsize=REMEMBERED)
def kinds_of(text: str) -> frozenset[str]:
    """The kinds of answer that a sentence has, names aside."""
    plain = folded(text)
    return frozenset(kind for kind, pattern in _KINDS.items() if pattern.search(plain))


@lru_cache(maxsize=REMEMBERED)
def names_of(text: str) -> frozenset[str]:
    """The folded words of a sentence that look like names of somebody or something."""
    words = (folded(found[0]) for found in _NAME.finditer(text))
    return frozenset(word for word in words if not _CALENDAR.fullmatch(word))


@lru_cache(maxsize=REMEMBERED)
def claims_of(text: str) -> frozenset[str]:
    """What a sentence claims: that something is to come, is open, done, private."""
    return found("claims", folded(text))
