"""What the linear models look at: a conversation, its end, a clause; facts and words, each by name."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

import msgspec

from zena_sse.triage.analysis.circle import Circle
from zena_sse.triage.analysis.conversation import Conversation, Turn
from zena_sse.triage.analysis.cues import acts, tallied, titles, topics
from zena_sse.triage.analysis.senders import domain_of, header_facts, is_freemail, is_machine, site_of
from zena_sse.triage.analysis.sentences import Span, sentences

# Words read of each side; who has not said what it is about by then never will.
WORDS = 500
# Sentences of the closing turns that are read for acts, the last ones.
ACTS_READ = 40

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d[\d,.:/]*|[?!$\u00a3\u20ac]")
_ACCENT = re.compile(r"[\u0300-\u036f]+")
_URL = re.compile(r"https?://\S+|www\.\S+")
_MONEY = re.compile(r"[$\u00a3\u20ac]\s?\d|\b\d+(?:\.\d+)?\s?(?:k|m|mil)\b")
_STREET = re.compile(
    r"\b\d+[a-z]?(?:/\d+[a-z]?)?\s+\w+(?:\s\w+)?\s+(?:st|street|rd|road|ave|avenue|dr|drive|tce|terrace|pl|place|cres"
    r"|crescent|ct|court|ln|lane|pde|parade|close|grove|gr|way|gardens|gdns|rise|hill|row|square|sq|mews|blvd)\b"
)
_TRADES = {
    "legal": re.compile(r"law|legal|solicit|convey|barrist|attorney|notar|llp|chambers|title|settlement"),
    "money": re.compile(r"mortgage|loan|lend|bank|financ|credit|broker|capital|building ?society"),
    "estate": re.compile(r"realt|estate|propert|homes?\b|residential|agency|letting|buyers"),
    "trade": re.compile(
        r"photo|studio|plumb|electric|build|paint|clean|sign|inspect|survey|valu|stag|styl|strata|body ?corp"
        r"|roof|garden|pest|media"
    ),
    "crowd": re.compile(r"mail|news|alert|market|promo|leads?\b|offers?|deals?\b|crm|\bapp|data|insight"),
}
# What makes a sentence one that wants something of its reader.
_ASKING = frozenset(("you-could", "please", "tell-me", "send-me", "call-me", "choose", "wonder", "?"))
_NEGATIVE = ("worry", "doubt", "annoyed")


class Features(msgspec.Struct, frozen=True):
    """`facts` count in full; `words` are many, so they count by the square root of how many there are."""

    facts: tuple[str, ...]
    words: tuple[str, ...]


def features(facts: Iterable[str], words: Iterable[str]) -> Features:
    """Each once."""
    return Features(tuple(dict.fromkeys(facts)), tuple(dict.fromkeys(words)))


def fold(text: str) -> str:
    """Lower case, without accents, with plain apostrophes."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.replace("\u2019", "'"))
    return _ACCENT.sub("", decomposed).lower()


def tokens(text: str, hidden: AbstractSet[str] = frozenset()) -> list[str]:
    """The words of a text, without those that are somebody's name; numbers are all alike."""
    found = _WORD.findall(_URL.sub(" url ", fold(text)))
    return ["0" if word[0].isdigit() else word for word in found if word not in hidden]


def grams(prefix: str, words: Sequence[str]) -> Iterator[str]:
    """The words, and each two in a row."""
    for word in words:
        yield f"{prefix}{word}"
    for first, second in pairwise(words):
        yield f"{prefix}{first} {second}"


def names_in(conversation: Conversation, circle: Circle) -> frozenset[str]:
    """Everybody's names: a model must not learn who somebody is."""
    people = [a for t in conversation.turns for a in (t.message.sender, *t.message.to, *t.message.cc)]
    texts = [person.name for person in people] + [person.email.partition("@")[0] for person in people]
    texts += [address.partition("@")[0] for address in circle.known.own]
    return frozenset(word for text in texts for word in re.findall(r"[a-z]{2,}", fold(text)))


# --- whose business -------------------------------------------------------------------------------


def thread_features(conversation: Conversation, circle: Circle, hidden: AbstractSet[str]) -> Features:
    """What tells whose business a thread is."""
    theirs = [turn for turn in conversation.others if not turn.automatic] or list(conversation.others)
    said = joined(theirs)
    answered = joined([turn for turn in conversation.turns if turn.side == "agent"])
    signed = "\n".join(turn.message.signature[:600] for turn in theirs[-2:])
    subject = conversation.turns[0].message.subject[:200]
    facts = [
        *_topic_facts("c", said),
        *_topic_facts("ac", answered),
        *(f"sc:{name}" for name in topics(fold(subject))),
        *(f"gc:{name}" for name in topics(fold(signed))),
        *(f"title:{name}" for name in titles(fold(f"{signed}\n{_ends(theirs)}"))),
        *_sender_facts(conversation, circle),
        *_shape_facts(conversation, circle, said),
    ]
    words = [
        *grams("w:", tokens(said, hidden)[:WORDS]),
        *grams("a:", tokens(answered, hidden)[:WORDS]),
        *grams("s:", tokens(subject, hidden)[:30]),
        *(f"g:{word}" for word in tokens(signed, hidden)[:60]),
    ]
    return features(facts, words)


def _ends(turns: Sequence[Turn]) -> str:
    """The last lines of what was said last: a name and a title that nobody took for a signature."""
    return "\n".join(turns[-1].text.rstrip().splitlines()[-3:])[-300:] if turns else ""


# Pairs of topics between which a text leans, and what each side of the pair adds up.
_LEANINGS = {
    "deal": (
        ("seller-says", "told-seller", "own-home", "list-it"),
        ("buyer-says", "told-buyer", "see-it", "the-seller"),
    ),
    "firm": (("our-client", "legal", "lending"), ("job", "trade", "peer")),
}


def _topic_facts(mark: str, text: str) -> Iterator[str]:
    """What a text is about, what it is about again and again, and which way it leans."""
    counts = tallied(fold(text))
    for name, count in counts.items():
        yield f"{mark}:{name}"
        if count > 2:
            yield f"{mark}3:{name}"
    for name, (one, other) in _LEANINGS.items():
        difference = sum(counts.get(t, 0) for t in one) - sum(counts.get(t, 0) for t in other)
        yield f"{mark}:{name}:{max(-3, min(3, difference))}"


def _sender_facts(conversation: Conversation, circle: Circle) -> Iterator[str]:
    """Who writes from where."""
    others = conversation.others
    for turn in others[:1]:
        yield from header_facts(turn.message)
    for turn in others[-3:]:
        address = turn.message.sender.email
        domain = domain_of(address)
        yield "from:machine" if is_machine(address) else "from:person"
        if domain in circle.own_domains:
            yield "from:own"
        elif is_freemail(domain):
            yield "from:freemail"
        else:
            yield "from:company"
            yield from (f"trade:{name}" for name, known in _TRADES.items() if known.search(site_of(domain)))
        if address in circle.known.correspondents:
            yield "from:known"
        if circle.impersonated(domain):
            yield "from:impostor"
    names = fold(" ".join(turn.message.sender.name for turn in others))
    if circle.first_names & set(names.split()) and not circle.own_domains & {
        domain_of(t.message.sender.email) for t in others
    }:
        yield "from:namesake"
    yield from (f"named:{name}" for name, known in _TRADES.items() if known.search(names))


def _shape_facts(conversation: Conversation, circle: Circle, said: str) -> Iterator[str]:
    """How the conversation looks from afar."""
    folded = fold(said)
    yield "agent:wrote" if any(turn.side == "agent" for turn in conversation.turns) else "agent:silent"
    yield f"began:{conversation.turns[0].side}"
    yield f"turns:{min(len(conversation.turns), 4)}"
    yield f"links:{min(len(_URL.findall(said)), 2)}"
    yield f"length:{min(len(said) // 300, 4)}"
    if _STREET.search(folded):
        yield "has:address"
    if _MONEY.search(folded):
        yield "has:money"
    if circle.first_names & set(re.findall(r"[a-z]+", folded[:80])):
        yield "greets:agent"
    addressed = {a.email for turn in conversation.others for a in (*turn.message.to, *turn.message.cc)}
    if conversation.others and not addressed & circle.known.own:
        yield "to:nobody"
    for attachment in conversation.turns[0].message.attachments[:3]:
        yield f"file:{attachment.name.rpartition('.')[2].lower()[:5]}"


def deal_features(conversation: Conversation, classification: str, hidden: AbstractSet[str]) -> Features:
    """What tells how far a deal is: all that was said, the end most of all."""
    said = joined(conversation.spoken)
    last = joined(conversation.spoken[-2:])
    subject = conversation.turns[0].message.subject[:200]
    facts = [
        f"class:{classification}",
        f"turns:{min(len(conversation.turns), 4)}",
        *(f"c:{name}" for name in topics(fold(said))),
        *(f"lc:{name}" for name in topics(fold(last))),
        *(f"sc:{name}" for name in topics(fold(subject))),
    ]
    words = [*grams("w:", tokens(said, hidden)[: 2 * WORDS]), *grams("l:", tokens(last, hidden)[:WORDS])]
    return features(facts, words)


# --- whose move -----------------------------------------------------------------------------------


def ending_features(conversation: Conversation, hidden: AbstractSet[str]) -> Features:
    """What tells who owes the next move: who spoke last and what their sentences do."""
    closing = conversation.closing
    mark = "m" if closing[-1].side == "agent" else "o"
    text = joined(closing)
    spans = sentences(text)
    done = [(act, span.sentence) for span in spans[-ACTS_READ:] for act in _acts_of(span, text)]
    last = max((sentence for _, sentence in done), default=0)
    length = len(text.split())
    facts = [
        f"last:{closing[-1].side}",
        f"{mark}:turns:{min(len(conversation.turns), 4)}",
        f"{mark}:sum:{_summary(done)}",
        f"{mark}:length:{sum(length >= limit for limit in (12, 40, 120))}",
        f"{mark}:questions:{min(sum(span.asks for span in spans), 3)}",
        *(f"{mark}c:{act}" for act, _ in done),
        *(f"{mark}e:{act}" for act, sentence in done if sentence >= last - 1),
        *_requests(done, mark),
    ]
    if conversation.turns[-1].automatic and len(conversation.turns) > 1:
        facts.append("last:automatic")
    if any(turn.message.attachments for turn in closing):
        facts.append(f"{mark}:file")
    for turn in [turn for turn in conversation.spoken if turn not in closing][-1:]:
        facts += [f"{mark}p:{name}" for name in acts(fold(turn.text))]
        facts += [f"{mark}p:?"] if "?" in turn.text else []
    return features(facts, grams(f"{mark}:", tokens(text, hidden)[:WORDS]))


def _acts_of(span: Span, text: str) -> list[str]:
    """What a sentence does; an act in a question is another act."""
    names = acts(fold(span.of(text)))
    if span.asks:
        return ["?", *names, *(f"{name}?" for name in names)]
    return [*names] or ["-"]


def _requests(done: Sequence[tuple[str, int]], mark: str) -> Iterator[str]:
    """What wants something of its reader together with what else that sentence does."""
    by_sentence: dict[int, list[str]] = {}
    for act, sentence in done:
        by_sentence.setdefault(sentence, []).append(act)
    for names in by_sentence.values():
        asking = [name for name in names if name in _ASKING]
        yield from (f"{mark}r:{one}+{other}" for one in asking for other in names if one != other)


def _summary(done: Sequence[tuple[str, int]]) -> str:
    """Does this side ask, promise, close, or nothing of it?"""
    named = {act for act, _ in done}
    kinds = {"a": named & _ASKING, "p": named & {"promise", "leave-it", "later"}, "d": named & {"done"}}
    return "".join(mark for mark, holds in kinds.items() if holds) or "-"


# --- what is asked, what worries ------------------------------------------------------------------


def clause_features(spans: Sequence[Span], text: str, mark: str, hidden: AbstractSet[str]) -> list[Features]:
    """What tells of each clause that it asks the agent for something, or voices a concern.

    Those around it help. `mark` is "m" for the agent's own words, "o" for others'.
    """
    named = [acts(fold(span.of(text))) for span in spans]
    return [
        features(
            [*_clause_facts(spans, i, named[i], mark), *_near_facts(spans, i, named)],
            _clause_words(spans[i].of(text), mark, hidden),
        )
        for i in range(len(spans))
    ]


def _clause_words(text: str, mark: str, hidden: AbstractSet[str]) -> Iterator[str]:
    words = tokens(text, hidden)[:40]
    yield from grams(f"{mark}:", words)
    yield from (f"{mark}^:{' '.join(words[:n])}" for n in (1, 2) if words)


def _clause_facts(spans: Sequence[Span], index: int, names: Sequence[str], mark: str) -> Iterator[str]:
    span = spans[index]
    yield f"{mark}:length:{min((span.end - span.start) // 30, 4)}"
    yield f"{mark}:place:{'first' if index == 0 else 'last' if index >= len(spans) - 2 else 'within'}"
    yield from (f"{mark}c:{name}" for name in names)
    yield from (f"{mark}cc:{a}+{b}" for i, a in enumerate(names[:6]) for b in names[i + 1 : 6])
    if span.asks:
        yield f"{mark}:?"
        yield from (f"{mark}c:{name}?" for name in names)


def _near_facts(spans: Sequence[Span], index: int, named: Sequence[Sequence[str]]) -> Iterator[str]:
    """What is said right before and after, in the same sentence or another."""
    for near, label in ((index - 1, "before"), (index + 1, "after")):
        if 0 <= near < len(spans):
            same = "s" if spans[near].sentence == spans[index].sentence else "n"
            yield from (f"{label}{same}:{name}" for name in named[near])
            if spans[near].asks:
                yield f"{label}{same}:?"


def mood_features(conversation: Conversation, hidden: AbstractSet[str]) -> Features:
    """What tells that the other side is worried, in what they said last; and how the agent took it."""
    text = joined(conversation.latest)
    counts = Counter(name for span in sentences(text) for name in acts(fold(span.of(text))))
    facts = [
        *(f"oc:{name}" for name in counts),
        *(f"oc2:{name}" for name, times in counts.items() if times > 1),
        f"negative:{min(sum(counts[name] for name in _NEGATIVE), 4)}",
    ]
    if conversation.closing[-1].side == "agent":
        facts += [f"mc:{name}" for name in acts(fold(joined(conversation.closing)))]
    return features(facts, grams("o:", tokens(text, hidden)[:WORDS]))


def joined(turns: Sequence[Turn]) -> str:
    """What was said in some turns."""
    return "\n".join(turn.text for turn in turns)
