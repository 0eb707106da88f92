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
    "title:legal": "signs as a lawyer",
    "title:money": "signs as a lender or broker",
    "title:agent": "signs as an agent",
    "title:trade": "signs as a trade",
    "title:press": "signs for the press, a school, a council",
    "title:books": "signs as an accountant or assistant",
}
_TOPICS = {
    "buying": "talks of buying",
    "buyer-says": "speaks as a buyer does",
    "told-buyer": "is answered as a buyer is",
    "see-it": "wants to see or know a property",
    "offer-it": "talks of an offer",
    "selling": "talks of selling",
    "seller-says": "speaks as an owner does",
    "told-seller": "is told as an owner is",
    "list-it": "talks of listing",
    "own-home": "talks of their own home",
    "leaving": "talks of moving out",
    "the-seller": "names the seller",
    "the-buyer": "names the buyers",
    "my-buyer": "has a buyer",
    "through": "talks of who came through",
    "our-client": "acts for a client",
    "legal": "lawyers' words",
    "lending": "lenders' words",
    "the-deal": "talks of conditions and settlement",
    "job": "talks of a job",
    "trade": "talks of trade",
    "peer": "colleagues' words",
    "community": "neighbours, schools, the press",
    "pitch": "wants to sell you something",
    "machine": "a program's words",
    "scam": "words of a fraud",
    "order-to-machine": "speaks to a machine",
    "private": "private matters",
    "intimate": "family and friends",
}
# Shorter words tell a model something, and a person nothing.
TELLING_CHARACTERS = 5
_SIDES = {"w:": "", "a:": "you: ", "s:": "subject: ", "g:": "signature: "}


def explain(telling: Iterable[str]) -> list[str]:
    """The features of a thread that can be put in words, in their order."""
    found = (_in_words(feature) for feature in telling)
    return list(dict.fromkeys(words for words in found if words is not None))


def _in_words(feature: str) -> str | None:
    if feature in _FACTS:
        return _FACTS[feature]
    side, words = feature[:2], feature[2:]
    if side in _SIDES and len(words) >= TELLING_CHARACTERS and words[0].isalpha():
        return f"{_SIDES[side]}\u201c{words}\u201d"
    kind, _, topic = feature.partition(":")
    if kind in ("c", "sc", "gc", "ac") and topic in _TOPICS:
        return _TOPICS[topic]
    return None
