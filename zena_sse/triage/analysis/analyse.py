"""A conversation read from end to end: the one way in to this room."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import get_args

import msgspec

from zena_sse.contract.events import Classification, Stage
from zena_sse.mail.content.message import Message, cut
from zena_sse.triage.analysis.asks import find_asks
from zena_sse.triage.analysis.circle import Circle, circle_of
from zena_sse.triage.analysis.conversation import Conversation, Turn, converse
from zena_sse.triage.analysis.cues import topics
from zena_sse.triage.analysis.explain import explain
from zena_sse.triage.analysis.features import (
    Features,
    clause_features,
    deal_features,
    ending_features,
    features,
    fold,
    grams,
    joined,
    mood_features,
    names_in,
    thread_features,
    tokens,
)
from zena_sse.triage.analysis.findings import Ask, Contact, Findings, Known, Mention, Owing, Role
from zena_sse.triage.analysis.linear import Models, likeliest, models
from zena_sse.triage.analysis.people import contacts
from zena_sse.triage.analysis.places import mentions
from zena_sse.triage.analysis.senders import domain_of, is_freemail
from zena_sse.triage.analysis.sentences import Span, clauses, sentences
from zena_sse.triage.analysis.teaching import identity, taught
from zena_sse.triage.analysis.tricks import from_office, giveaway, is_about_a_house

# Whose business has a deal; and who can be worried about one.
DEALING: tuple[Classification, ...] = ("buyer", "vendor", "lawyer_broker")
# What a deal is talked about with; a stranger's mail with fewer of them opens none.
DEAL_TOPICS = frozenset(
    (
        *("selling", "the-seller", "the-buyer", "through", "own-home", "list-it", "see-it", "offer-it"),
        *("our-client", "the-deal", "legal", "lending", "seller-says", "buyer-says"),
    )
)
FEWEST_TOPICS = 3
# How sure the two looks for a concern must be together; by leave-one-mailbox-out (docs/evaluation.md).
CONCERNED = 0.25
# Less likely noise is shown: a client in the waste costs more than an advertisement among the clients. That
# makes its precision 0.94 by leave-one-mailbox-out, and its recall 0.86.
SURELY_NOISE = 0.55
# A trick leaves no doubt, but nothing is certain.
CERTAIN = 0.99
# Offsets from UTC where the month is written first.
AMERICA = (timedelta(hours=-10), timedelta(hours=-3))
# The last turns, in which the beginning of a stage is looked for: each is a look at the whole conversation.
LOOKED_BACK = 3
# What told, as it is shown.
REASONS = 5
# A subject names the property more often than the text, the newest mail more often than the first.
SUBJECT_WEIGHT, NEWEST_WEIGHT = 3.0, 1.5
# Under a private mail stands where its sender lives, which may be for sale; companies sign with offices.
HOME_WEIGHT = 0.3


class _Case(msgspec.Struct, frozen=True):
    """A conversation, and what it is read with. `hidden` are names, which must tell nothing."""

    conversation: Conversation
    circle: Circle
    hidden: frozenset[str]
    weights: Models


def analyse_batch(batch: Sequence[tuple[Sequence[Message], Known]]) -> list[Findings]:
    """The findings for each; what is known is prepared once for all that share it."""
    circles = {id(known): circle_of(known) for known in {id(known): known for _, known in batch}.values()}
    return [_analyse(messages, circles[id(known)], models()) for messages, known in batch]


def analyse(messages: Sequence[Message], known: Known, weights: Models | None = None) -> Findings:
    """What can be told of a thread with at least one message."""
    return _analyse(messages, circle_of(known), weights or models())


def _analyse(messages: Sequence[Message], circle: Circle, weights: Models) -> Findings:
    conversation = converse(messages, circle.known.own)
    case = _Case(conversation, circle, names_in(conversation, circle), weights)
    findings = _whose_business(case)
    if findings.certain:
        return findings
    return _business(case, findings) if findings.classification != "noise" else _people(case, findings)


def _people(case: _Case, findings: Findings) -> Findings:
    """Who they are and what they last said."""
    return msgspec.structs.replace(
        findings,
        contacts=_contacts(case, findings.classification),
        summary=(case.conversation.others or case.conversation.turns)[-1].message.snippet,
    )


def _whose_business(case: _Case) -> Findings:
    """What a thread is, and what told; a correction counts more than a trick."""
    found = thread_features(case.conversation, case.circle, case.hidden)
    names = identity(case.conversation)
    lessons = taught(case.circle.known.taught, names)
    trick = None if lessons else giveaway(case.conversation, case.circle)
    model = case.weights.classification
    chances = model.probabilities(found, lessons)
    is_business = from_office(case.conversation, case.circle) or is_about_a_house(found.facts)
    if not lessons and (is_business or chances["noise"] < SURELY_NOISE):
        chances["noise"] = 0.0
    classification: Classification = (
        "noise" if trick else max(get_args(Classification), key=chances.__getitem__)
    )
    told = explain(model.telling(found, classification, 3 * REASONS))
    return Findings(
        classification=classification,
        confidence=round(CERTAIN if trick else chances[classification], 3),
        evidence=tuple([*filter(None, [trick]), *told][:REASONS]),
        owing="nobody",
        mentions=_mentions(case),
        certain=trick is not None,
        features=names,
    )


def _business(case: _Case, findings: Findings) -> Findings:
    """A thread that is somebody's business: who owes what, how far it is, how they feel."""
    dealing = findings.classification in DEALING
    reached = _stage(case, findings) if dealing else _Stage()
    owing: Owing = likeliest(
        case.weights.owing, ending_features(case.conversation, case.hidden), get_args(Owing)
    )
    return msgspec.structs.replace(
        _people(case, findings),
        owing=owing,
        stage=reached.stage,
        stage_at=reached.since,
        stage_reason=reached.reason,
        concern=_concern(case) if dealing else None,
        asks=_asks(case) if owing == "agent" else (),
    )


class _Stage(msgspec.Struct, frozen=True):
    stage: Stage | None = None
    since: datetime | None = None
    reason: str = ""


def _stage(case: _Case, findings: Findings) -> _Stage:
    """How far the deal is, since which message, in which words; nothing when there is no talk of one."""
    turns = case.conversation.turns
    said = topics(fold(joined(case.conversation.spoken)))
    known = any(turn.side == "agent" for turn in turns) or any(m.number for m in findings.mentions)
    if not known and len(DEAL_TOPICS.intersection(said)) < FEWEST_TOPICS:
        return _Stage()
    stage = _stage_of(case, findings, case.conversation)
    first = len(turns) - 1  # where the conversation came to this stage, as far as one looks back
    earliest = max(0, len(turns) - LOOKED_BACK)
    while first > earliest and _stage_of(case, findings, Conversation(turns[:first])) == stage:
        first -= 1
    return _Stage(stage, turns[first].message.date, _words_for(case, turns[first], stage))


def _stage_of(case: _Case, findings: Findings, conversation: Conversation) -> Stage:
    found = deal_features(conversation, findings.classification, case.hidden)
    return likeliest(case.weights.stage, found, get_args(Stage))


def _words_for(case: _Case, turn: Turn, stage: Stage) -> str:
    """The sentence of a turn that says most of a stage, verbatim."""
    spans = sentences(turn.text)
    column = case.weights.stage.labels.index(stage)
    weights = [
        case.weights.stage.scores(features((), grams("l:", tokens(span.of(turn.text), case.hidden))))[column]
        for span in spans
    ]
    return cut(" ".join(spans[weights.index(max(weights))].of(turn.text).split())) if spans else ""


def _concern(case: _Case) -> str | None:
    """What the other side worries about in what they said last, in their words; None if it does not."""
    mood = case.weights.mood.probabilities(mood_features(case.conversation, case.hidden))["concern"]
    voiced = [
        (case.weights.voiced.probabilities(found)["concern"], span.of(turn.text))
        for turn in case.conversation.latest
        for span, found in _clauses(turn, case)
    ]
    most, words = max(voiced, default=(0.0, ""))
    return cut(" ".join(words.split())) if math.sqrt(mood * most) >= CONCERNED else None


def _clauses(turn: Turn, case: _Case) -> Iterable[tuple[Span, Features]]:
    spans = clauses(turn.text)
    return zip(spans, clause_features(spans, turn.text, "o", case.hidden), strict=True)


def _asks(case: _Case) -> tuple[Ask, ...]:
    offset = case.conversation.turns[-1].sent.utcoffset() or timedelta()
    in_america = AMERICA[0] <= offset <= AMERICA[1]  # only there 5/6 is in May
    return find_asks(case.conversation, case.weights.ask, case.hidden, month_first=in_america)


def _mentions(case: _Case) -> tuple[Mention, ...]:
    turns = case.conversation.turns
    subjects = [
        (subject, SUBJECT_WEIGHT) for subject in dict.fromkeys(turn.message.subject for turn in turns)
    ]
    texts = [(turn.text, NEWEST_WEIGHT if turn is turns[-1] else 1.0) for turn in reversed(turns)]
    homes = [
        (turn.message.signature, HOME_WEIGHT)
        for turn in case.conversation.others
        if is_freemail(domain_of(turn.message.sender.email))
    ]
    return mentions([*subjects, *texts, *homes], known=case.circle.known.streets)


def _contacts(case: _Case, classification: Classification) -> tuple[Contact, ...]:
    roles: dict[Classification, Role] = {"buyer": "buyer", "vendor": "vendor", "market": "market"}
    found = contacts([turn.message for turn in case.conversation.turns], case.circle.known.own)
    role = roles.get(classification, "other")
    return tuple(msgspec.structs.replace(contact, role=role) for contact in found)
