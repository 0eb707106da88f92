"""What told, in words a person can check."""

from __future__ import annotations

from collections.abc import Iterable

_FACTS = {
    "from:machine": "the address of a program",
    "from:own": "from your own office",
    "from:freemail": "a private address",
    "from:company": "a company's address",
    "from:known": "somebody you have written to",
    "from:impostor": "an address that looks like another",
    "trade:legal": "a law firm's address",
    "trade:money": "a lender's or broker's address",
    "trade:estate": "an agency's address",
    "trade:trade": "a trade's address",
    "trade:crowd": "an address that mails many",
    "agent:wrote": "you have answered",
    "agent:silent": "you have never answered",
    "greets:agent": "greets you by name",
    "to:nobody": "not addressed to you",
    "header:list-unsubscribe": "can be unsubscribed from",
    "header:list-id": "sent to a list",
    "header:precedence": "sent in bulk",
    "header:generated": "written by a program",
    "header:unverified": "the sender could not be verified",
    "header:answers-elsewhere": "answers go elsewhere",
    "has:money": "names a sum",
    "has:address": "names an address",
}
_SIDES = {"w:": "", "a:": "you: ", "s:": "subject: ", "g:": "signature: "}


def explain(telling: Iterable[str]) -> list[str]:
    """The features of a thread that can be put in words, in their order."""
    found = (_in_words(feature) for feature in telling)
    return list(dict.fromkeys(words for words in found if words is not None))


def _in_words(feature: str) -> str | None:
    if feature in _FACTS:
        return _FACTS[feature]
    side, words = feature[:2], feature[2:]
    if side in _SIDES and any(character.isalpha() for character in words):
        return f"{_SIDES[side]}\u201c{words}\u201d"
    kind, _, topic = feature.partition(":")
    if kind in ("c", "sc", "gc", "ac"):
        return f"about {topic.replace('-', ' ')}"
    return None
