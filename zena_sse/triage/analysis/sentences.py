"""Cuts what somebody wrote into sentences and clauses: spans of the text, so that evidence stays verbatim."""

from __future__ import annotations

import re
from typing import NamedTuple

# A mail is read this far: what somebody wants of a person stands before that.
READ_CHARACTERS = 12_000
# Lines this long were broken by a program: the sentence goes on in the next.
WRAPPED = 60

# A full stop that ends nothing: titles, abbreviations, initials, "3.5", "e.g.".
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|st|rd|ave|no|vs|etc|approx|incl|ph|tel|ltd|pty|co|inc|jr|sr|jan|feb|mar|apr|jun|jul"
    r"|aug|sept?|oct|nov|dec|mon|tues?|wed|thurs?|fri|sat|sun|p\.?a|e\.?g|i\.?e|a\.?m|p\.?m)|\b[A-Z])\.$",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?\u2026]+[\"')\]\u2019\u201d]*(?=\s|$)|\n")
_BULLET = re.compile(r"[ \t>]*(?:[-*\u2022\u2013\u2014+]|\(?\w{1,2}[.)])\s+")
_SPACE = re.compile(r"\s*")
# Where a clause may end: before a word that begins another thought.
_CLAUSE = re.compile(
    r"[;:]\s|\s[-\u2013\u2014]+\s|\.\.+\s*|"
    r",?\s+(?=(?:because|cos|coz|since|so that|so we|so i|so my|so he|so she|so they|otherwise|although"
    r"|though|whereas|while|which|and (?:i|we|he|she|they|then|also|if|could|can|please|would|let)"
    r"|but|or else|as (?:i|we|he|she|they|it|the|my|our))\b)"
    r"|,\s+(?=(?:i|we|he|she|they|it|if|can|could|please|would|so|just|not|then|before|otherwise|my|our)\b)",
    re.IGNORECASE,
)


class Span(NamedTuple):
    """A piece of a text; `sentence` numbers the sentence it is in, `asks` says that this ends with "?"."""

    start: int
    end: int
    sentence: int
    asks: bool

    def of(self, text: str) -> str:
        """The words themselves."""
        return text[self.start : self.end]


def sentences(text: str) -> list[Span]:
    """The sentences of a text; each line of a list is one."""
    text = text[:READ_CHARACTERS]
    found: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        if not _ends(text, match):
            continue
        _keep(text, start, match.end(), found)
        start = match.end()
    _keep(text, start, len(text), found)
    return found


def clauses(text: str) -> list[Span]:
    """The clauses of a text; a sentence of one thought is one clause."""
    found: list[Span] = []
    for sentence in sentences(text):
        start = sentence.start
        for match in _CLAUSE.finditer(text, sentence.start, sentence.end):
            if match.start() - start < 12 or sentence.end - match.end() < 8:  # "So, ..." is no thought
                continue
            found.append(sentence._replace(start=start, end=match.start()))
            start = match.end()
        found.append(sentence._replace(start=start))
    return found


def _ends(text: str, match: re.Match[str]) -> bool:
    if match[0] != "\n":
        return not _ABBREVIATION.search(text, max(0, match.start() - 8), match.start() + 1)
    after = text[match.end() : match.end() + 60]
    line = match.start() - (text.rfind("\n", 0, match.start()) + 1)
    is_wrapped = line >= WRAPPED and after[:1].strip() != "" and not _BULLET.match(after)
    return not is_wrapped


def _keep(text: str, start: int, end: int, found: list[Span]) -> None:
    if bullet := _BULLET.match(text, start, end):
        start = bullet.end()
    start = _SPACE.match(text, start, end).end()  # type: ignore[union-attr]  # it matches nothing, too
    words = text[start:end].rstrip()
    if any(character.isalnum() for character in words):
        asks = "?" in words[-4:]
        found.append(Span(start, start + len(words), len(found), asks))
