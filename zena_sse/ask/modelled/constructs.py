"""What in a model's text leads out of it: links, images, addresses, tags; and what becomes of each.

Every step is decided by what stands there, never by where the text was cut: as long as more text could change
the decision there is none (`None`), unless the text is `final`.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec

from zena_sse.ask.modelled.citations import Citations

# The text of a link, or what else stands in brackets: longer ones are plain text.
LABEL_CHARACTERS = 120
# A tag with its attributes: a longer one is plain text.
TAG_CHARACTERS = 300

STARTS = re.compile(r"[\[\]!<hfwm]", re.IGNORECASE)
_LABEL = re.compile(rf"\[(?P<label>[^\[\]\n]{{0,{LABEL_CHARACTERS}}})(?P<end>.?)(?P<after>.?)", re.DOTALL)
_TAG = re.compile(rf"<([a-z/!?|][^<>]{{0,{TAG_CHARACTERS}}})(.?)", re.IGNORECASE | re.DOTALL)
_MAILBOX = re.compile(r"[^\s@:/]+@[^\s@:/]+")
_THOUGHT = re.compile(r"think(ing)?\b", re.IGNORECASE)
_ADDRESSES = ("http://", "https://", "ftp://", "www.", "mailto:")

# Ends of what is left out: of an address (the end of a sentence is no part of it), of a link's target, of
# what a model thinks aloud.
END_OF_ADDRESS = re.compile(r"(?=[.,;:!?]{0,3}[\s<>()\[\]{}\"'`|])")
END_OF_TARGET = re.compile(r"\)|(?=\n)")
END_OF_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
LONGEST_END = len("</thinking>")


class Step(msgspec.Struct, frozen=True):
    """What is shown, and where the text goes on; from there it is left out `until` this.

    `gap`: something was taken out, and the space before it goes, too.
    """

    end: int
    shown: str = ""
    until: re.Pattern[str] | None = None
    gap: bool = False


Decision: TypeAlias = Step | None


def step(text: str, at: int, citations: Citations, *, final: bool) -> Decision:
    """What to make of what begins here, at one of `STARTS`."""
    sign = text[at]
    if sign == "[":
        return _bracket(text, at, citations, final=final)
    if sign == "]":
        return _bracket_end(text, at, final=final)
    if sign == "!":
        return _image(text, at, final=final)
    if sign == "<":
        return _tag(text, at, final=final)
    return _address(text, at, final=final)


def _plain(text: str, at: int) -> Step:
    return Step(at + 1, text[at])


def _is_open(label: re.Match[str], *, final: bool) -> bool:
    """Whether it depends on what comes how these brackets end, or what they belong to."""
    return not final and (not label["end"] or (label["end"] == "]" and not label["after"]))


def _bracket(text: str, at: int, citations: Citations, *, final: bool) -> Decision:
    found = _LABEL.match(text, at)
    if found is None or _is_open(found, final=final):
        return None
    if found["end"] != "]":
        return _plain(text, at)
    linked = found["after"] == "("
    shown = citations.read(found["label"])
    if shown is not None:
        return Step(found.end("end") + linked, shown, END_OF_TARGET if linked else None, gap=not shown)
    # Of a link the text is shown, as what it is: it may have addresses and tags of its own.
    return Step(at + 1) if linked else _plain(text, at)


def _bracket_end(text: str, at: int, *, final: bool) -> Decision:
    after = text[at + 1 : at + 2]
    if not after and not final:
        return None
    return Step(at + 2, until=END_OF_TARGET) if after == "(" else _plain(text, at)


def _image(text: str, at: int, *, final: bool) -> Decision:
    found = _LABEL.match(text, at + 1)
    if found is None:
        return None if at + 1 == len(text) and not final else _plain(text, at)
    if _is_open(found, final=final):
        return None
    if found["end"] + found["after"] == "](":
        return Step(found.end(), until=END_OF_TARGET, gap=True)
    return _plain(text, at)


def _tag(text: str, at: int, *, final: bool) -> Decision:
    found = _TAG.match(text, at)
    if found is None:
        return None if at + 1 == len(text) and not final else _plain(text, at)
    inside, end = found.groups()
    if not end and not final:
        return None
    if end != ">":
        return _plain(text, at)
    if _MAILBOX.fullmatch(inside):
        return Step(found.end(), inside)
    return Step(found.end(), until=END_OF_THOUGHT if _THOUGHT.match(inside) else None)


def _address(text: str, at: int, *, final: bool) -> Decision:
    start = text[at : at + len("https://")].lower()
    for begun in _ADDRESSES:
        if start.startswith(begun):
            if begun == "mailto:":  # whom it is about may be shown
                return Step(at + len(begun))
            return Step(at + len(begun), until=END_OF_ADDRESS, gap=True)
        if not final and at + len(start) == len(text) and begun.startswith(start):
            return None
    return _plain(text, at)
