"""Drafts: a reply to somebody, made of what they asked and of what the mail says to it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from zena_sse.ask.embedded.asked import found, terms_of
from zena_sse.ask.embedded.composing import (
    Composed,
    statement_source,
    thread_source,
    unique_sources,
    view_action,
)
from zena_sse.ask.embedded.facts import NOT_FOUND
from zena_sse.ask.embedded.gathering import Material, Thread, gather, understand
from zena_sse.ask.embedded.kinds import kinds_of
from zena_sse.ask.embedded.naming import words_plain
from zena_sse.ask.embedded.phrasing import first_name, quoted
from zena_sse.ask.embedded.ranking import ranked
from zena_sse.ask.embedded.search import Search
from zena_sse.ask.embedded.statements import COURTESY, Statement, statements_of
from zena_sse.ask.embedded.tricks import is_trick
from zena_sse.ask.embedded.weighing import Scored
from zena_sse.ask.embedded.words import folded, words_of
from zena_sse.contract.events import Source
from zena_sse.mail.content.message import Address, cut
from zena_sse.storage.port import Reader

# Requests answered in one draft: a mail that answers more is a letter.
REQUESTS = 4
# Characters of a request as it is repeated.
REPEATED = 80
# Statements that go into an answer to one request, and how likely they must be beside the best.
FACTS, NEAR_ASKED = 3, 0.05
# A sentence must have so much of what the words of the request tell, or be what they ask for.
HERE, TYPED_KEY = 0.45, 0.9
# A reminder that the agent set says less of what is asked than mail does, and counts all the same.
REMINDED = 0.2
# Messages looked through, the newest, for one that the agent has signed.
OWN_NAME = 200
# Such mail is a program's, yet the agent asked for it: reminders, bookings.
REMINDERS = ("sent by a program",)

_ASKING = re.compile(
    r"^(?:(?:could|can|would|will|may|do|did) (?:you|i|we) (?:please |pls |kindly |just )?"
    r"(?:let (?:me|us) know|tell (?:me|us)|confirm|have)?|please|pls|also|and|but|so|or)\b[\s,]*",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"\b(?:(?:can|could|would|will) (?:you|u|i|we)|please|pls|plz|kindly|let (?:me|us) know"
    r"|need (?:a|an|the|you|it))\b"
)
_ENCLOSED = re.compile(
    r"\b(?:send|forward|email|copy|attach|provide|share|flick|let (?:me|us) have|have a copy)\b"
)
_PROMISED = re.compile(r"\b(?:i'?ll|i will|i can|i'?m going to|let me|will)\b")
# Where what is to be written falls into parts, and how a part begins that is only a hint at what to say.
_PARTS = re.compile(r"[:;!?]|\.(?=\s|$)|,|\band\b|\bbut\b", re.IGNORECASE)
_LEAD = re.compile(
    r"^\s*(?:(?:about|on|re|regarding|with|that|to|for|then|also|please|just|so|saying|say(?!s)|tell(?:ing)?|let(?:ting)?"
    r"|explain(?:ing)?|ask(?:ing)?|her|him|them|it'?s|know|what|i(?=\s|$)|promised|owe|said i'?d do)\b\s*)+",
    re.IGNORECASE,
)
_HINT = re.compile(
    r"\s*(?:(?:and|to|for|his|her|their|the|a|an|asking|letting|telling) )*?"
    r"(?:about|on|re|regarding|with|know|what|when|where|how|why|who|which|whether|the|his|her|their|my)\b",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"^.*?\b(?:draft|write|reply|answer|respond|note|email|line|lines|letter|message|update|something)\b",
    re.IGNORECASE,
)
# How others greet the agent, which is nothing to pass on.
_SALUTATION = re.compile(
    r"^(?:hi|hiya|hello|hey|dear|kia ora|good (?:morning|afternoon|evening)|morning|afternoon)"
    r"(?: [^\s,!.?\d]+){0,2}[,!]\s*(?=\S)",
    re.IGNORECASE,
)
# What a lead ends with where it is the agent who does it.
_MYSELF = re.compile(r"\bi\s+$", re.IGNORECASE)
# How a sentence begins that the agent says themselves.
_OURS = re.compile(r"(?:i['\u2019]|we\b)", re.IGNORECASE)
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "professor", "sir", "dame"})


class Request(msgspec.Struct, frozen=True):
    """Something a draft deals with: words of theirs or the agent's own wish, and the mail about it."""

    words: str
    asked: Statement | None
    material: Material


def draft(reader: Reader, search: Search, user_id: str, material: Material) -> Composed:
    """A draft to whom the question names, with what the mail says to what they asked."""
    chosen = addressee(material)
    if chosen is None:
        return Composed(pieces=(NOT_FOUND, " Whom should I write to?"), found=False)
    number, to = chosen
    wishes, requests = wishes_of(material), []
    for words, asked in [*wishes, *_asks(material, number, wishes)][:REQUESTS]:
        about = f"{words} of {to.property}" if to.property else words
        understood = understand(reader, search, user_id, about, [], material.now)
        requests.append(Request(words, asked, gather(reader, search, user_id, *understood)))
    return compose_draft(material, to, requests, agent_name(reader, user_id, material.own))


def _asks(material: Material, number: int, wishes: Sequence[tuple[str, None]]) -> list[tuple[str, Statement]]:
    """What they asked; if the agent has said what it is to be about, only what is about that."""
    wished = {group for words, _ in wishes for group in _meant(words)}
    asks = requests_of(material, number)
    return [(one.text, one) for one in asks if not wishes or wished & _meant(one.text)]


def _meant(text: str) -> set[str]:
    """The stems and senses of the telling words of a text."""
    return {name for term in terms_of(tuple(words_of(text))) for name in (term.stem, *term.groups)}


class _Sent(msgspec.Struct):
    sender: Address


def agent_name(reader: Reader, user_id: str, own: frozenset[str]) -> str | None:
    """What the agent calls themselves in their newest mail."""
    newest = reader.all(
        bytes,
        "SELECT data FROM messages WHERE user_id = :user_id ORDER BY at DESC LIMIT :most",
        user_id=user_id,
        most=OWN_NAME,
    )
    senders = (msgspec.json.decode(data, type=_Sent).sender for data in newest)
    return next((one.name for one in senders if one.email in own and one.name), None)


def wishes_of(material: Material) -> list[tuple[str, None]]:
    """What the agent says shall be in it, part by part."""
    asked = material.asked
    names = {word for person in material.named.people for word in words_plain(person.name)}
    begin = 0
    for word in asked.words:
        gap = asked.text[begin : word.start].strip(" .,&")
        if word.plain in names and (begin == 0 or gap in ("", "and")):
            begin = word.end
    rest = asked.text[begin:] if begin else _COMMAND.sub("", asked.text)
    parts = [part.strip() for part in _PARTS.split(rest)]
    return [(part, None) for part in parts if terms_of(tuple(words_of(_LEAD.sub("", part))))]


def addressee(material: Material) -> tuple[int, Thread] | None:
    """The thread that a draft answers: of whom is named first, the one that waits, or else the likeliest."""
    numbered = [
        (number, thread)
        for number, thread in enumerate(material.threads)
        if thread.messages and thread.classification != "noise"
    ]
    first = material.named.people[:1]
    theirs = [one for one in numbered if first and _is_with(one[1], first[0].email)]
    waiting = [one for one in theirs if one[1].category == "focus"]
    pool = waiting or theirs or numbered
    return max(pool, key=lambda one: (one[1].score, one[1].last_message_at), default=None)


def _is_with(thread: Thread, email: str) -> bool:
    return any(m.sender.email == email or any(a.email == email for a in m.to) for m in thread.messages)


def requests_of(material: Material, number: int) -> list[Statement]:
    """What the other side's last mail of a thread asks for, or what the agent promised in a later one."""
    statements = [
        one
        for one in statements_of(material)
        if one.thread == number and not one.automatic and not COURTESY.match(folded(one.text))
    ]
    if not statements:
        return []
    last = [one for one in statements if one.message is statements[-1].message]
    if last[0].own:
        return [one for one in last if _PROMISED.search(folded(one.text))][:REQUESTS]
    return [one for one in last if one.asks or _REQUEST.search(folded(one.text))][:REQUESTS]


def compose_draft(
    material: Material, to: Thread, requests: Sequence[Request], name: str | None = None
) -> Composed:
    """A draft in which each request stands with what the mail says to it, or a gap to fill in."""
    said: set[str] = set()
    paragraphs: list[str] = []
    sources: list[Source] = [thread_source(to, to.messages[-1].snippet, to.messages[-1].key)]
    for request in requests:
        known = () if _is_said(request) else _facts_for(request, to)
        facts = [one for one in known if one.text not in said]
        said |= {one.text for one in facts}
        sources += [statement_source(request.material, one) for one in facts]
        paragraphs.append(_paragraph(material, request, facts))
    greeting = f"Hi {_called(_name(material, to))},\n"
    closing = f"\n\nKind regards,\n{first_name(name or '')}".rstrip()
    chosen = unique_sources(sources)
    pieces = (greeting, *(paragraphs or ["\n[to be filled in]"]), closing)
    return Composed(pieces=pieces, found=True, sources=chosen, actions=(view_action(chosen[0]),))


def _name(material: Material, to: Thread) -> str:
    first = material.named.people[:1]
    if first and first[0].name:
        return first[0].name
    theirs = [message.sender for message in to.messages if message.sender.email not in material.own]
    return (theirs[-1].name or theirs[-1].email) if theirs else to.sender


def _called(name: str) -> str:
    """The first name; with a title the surname."""
    parts = name.split()
    return name if parts and parts[0].strip(".").casefold() in _TITLES else first_name(name)


def _facts_for(request: Request, to: Thread) -> list[Statement]:
    """What the mail says to a request and may be passed on, in the order in which it was said."""
    everything = [one for one in ranked(request.material, 0.0) if _may_be_passed_on(request, one, to)]
    if not everything:
        return []
    best = everything[0].chance
    typed = any(one.facts["typed"] for one in everything)
    near = [
        one.statement
        for one in everything
        if one.chance >= NEAR_ASKED * best and (one.facts["typed"] or not typed)
    ]
    return sorted(near[:FACTS], key=lambda one: (one.sent, one.number))


def _may_be_passed_on(request: Request, one: Scored, to: Thread) -> bool:
    """Whether a sentence may stand in the agent's letter: to the point, of the same house, no secret."""
    thread, said = request.material.threads[one.statement.thread], folded(one.statement.text)
    facts = one.facts
    if max(facts["here"], facts["typed_around"], TYPED_KEY * facts["typed_key"]) < HERE or facts["asks"]:
        return False
    if is_trick(thread) or COURTESY.match(said) or _REQUEST.search(said):
        return False
    if facts["noise"] and not (
        facts["around"] >= REMINDED and any(reason.startswith(REMINDERS) for reason in thread.evidence)
    ):
        return False
    if thread.thread_id == to.thread_id:
        return one.statement.own and one.statement.message.key != to.messages[-1].key
    if not (thread.of_house or (to.property_id is not None and thread.property_id == to.property_id)):
        return False
    priced = "money" in kinds_of(one.statement.text) and "money" not in request.material.asked.wants
    return not priced and not found("claims", said) & {"private", "sensitive"}


def _paragraph(material: Material, request: Request, facts: Sequence[Statement]) -> str:
    today = material.now.date()
    words = _capital(" ".join(_SALUTATION.sub("", quoted(fact, today)) for fact in facts))
    lead = _LEAD if request.asked is None else _ASKING
    topic = cut(lead.sub("", _SALUTATION.sub("", request.words)).strip("'?!., "), REPEATED)
    if words:
        return f"\nOn “{topic}”: {words}"
    if request.asked is None and not _HINT.match(request.words):
        return f"\nI {topic}." if _lost_i(request.words) else f"\n{_capital(topic)}."
    if request.asked is not None and _ENCLOSED.search(folded(request.words)):
        return f"\n“{topic}”: please find it attached. [attach it]"
    return f"\nOn “{topic}”: [to be filled in]"


def _is_said(request: Request) -> bool:
    """The agent says it in so many words: nothing in the mail says it better."""
    wish = request.words
    is_own = request.asked is None and not _HINT.match(wish)
    return is_own and (_lost_i(wish) or _OURS.match(_LEAD.sub("", wish)) is not None)


def _lost_i(wish: str) -> bool:
    """A lead that ends with "I" goes without it, and "accept" would be an order."""
    lead = _LEAD.match(wish)
    return lead is not None and _MYSELF.search(lead[0]) is not None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
