"""Subjects: what a subject is about once prefixes and tags are gone, and whether it says that it answers."""

from __future__ import annotations

import re
import unicodedata

# What mail programs put before the subject of an answer, and of a forwarded mail, in their languages.
REPLIES = "re|aw|sv|vs|antw|antwort|odp|ynt|rif|res|rv|回复|回覆|答复|答覆|返信|r"
FORWARDS = "fwd?|wg|vl|vb|tr|enc|pd|doorst|i|ilt|转发|轉寄|転送"
PREFIX = re.compile(rf"\s*(?:({REPLIES})|{FORWARDS})\s*(?:\[\d+\]|\(\d+\)|\^\d+)?\s*[:\uff1a]", re.IGNORECASE)
# Lists and mail gateways put tags in front: [External], [list-name].
TAG = re.compile(r"\s*\[[^\[\]]{1,40}\]\s*(?=\S)")
FORWARDED = re.compile(r"\s*\((?:fwd?|re)\)\s*$", re.IGNORECASE)

# Two mails with these subjects have nothing in common but haste.
GENERIC = frozenset(
    """
    hi|hello|hey|no subject|question|questions|quick question|enquiry|inquiry|update|meeting|thanks|thank you
    invoice|receipt|test|fyi|urgent|info|information|help|request|quote|document|documents|photo|photos|image
    tomorrow|today|tonight|reminder|call|address|attached|contract|offer|important|follow up|catch up
    """.replace("\n", "|")
    .replace("    ", "")
    .split("|")
)
# Shorter ones ("ok", "hm") say as little.
SHORTEST = 4


def base_subject(subject: str) -> str:
    """The subject without prefixes, tags, case and spacing; empty if nothing is left that says anything."""
    base = FORWARDED.sub("", _stripped(subject)[0])
    return " ".join(unicodedata.normalize("NFKC", base).casefold().split())


def is_reply(subject: str) -> bool:
    """Does the subject say that it answers something?"""
    return _stripped(subject)[1]


def telling_subject(subject: str) -> str:
    """The base subject if it is particular enough to hold two mails together, else nothing."""
    base = base_subject(subject)
    bare = base.strip(" .!?-*()")
    return base if len(bare) >= SHORTEST and bare not in GENERIC else ""


def _stripped(subject: str) -> tuple[str, bool]:
    """(what is left without prefixes and tags, was one of them a reply's)."""
    answered = False
    position = 0
    while match := PREFIX.match(subject, position) or TAG.match(subject, position):
        answered = answered or (match.re is PREFIX and match[1] is not None)
        position = match.end()
    return subject[position:], answered
