"""Answers about how something stands, and who has to do with it: by thread, the telling sentence of each."""

from __future__ import annotations

import re
from collections.abc import Iterable

from zena_sse.ask.embedded.asked import found
from zena_sse.ask.embedded.awaiting import NOT_YET, last_word
from zena_sse.ask.embedded.choosing import SHORT, grouped, spread, with_last
from zena_sse.ask.embedded.composing import (
    NAMED,
    Composed,
    attributed,
    statement_source,
    thread_source,
    unique_sources,
    view_action,
)
from zena_sse.ask.embedded.facts import NOT_FOUND, compose_fact
from zena_sse.ask.embedded.finding import is_found
from zena_sse.ask.embedded.gathering import Material, Thread
from zena_sse.ask.embedded.phrasing import short_day
from zena_sse.ask.embedded.ranking import ranked
from zena_sse.ask.embedded.tricks import is_trick, warn
from zena_sse.ask.embedded.weighing import Scored
from zena_sse.ask.embedded.words import folded
from zena_sse.contract.events import Classification, Source
from zena_sse.mail.content.message import cut
from zena_sse.triage.analysis.conversation import converse

# Sentences of a status, and their characters.
MOST, ROOM = 9, 860
# People listed for one property.
PEOPLE = 10
# Characters of the sentence that goes with each.
GIST, PEOPLE_ROOM = 90, 840
# A thread that is not known to be about the property must be this likely to tell of it.
LIKELY = 0.02
INTEREST = re.compile(r"\b(?:enquir|inquir|interested in|keen on|looking to buy|buying)")
# What a stage is called.
STAGES = {
    "lead": "a lead",
    "nurture": "not ready yet",
    "qualified": "qualified",
    "viewing": "viewing",
    "offer": "at offer",
    "conditional": "under contract, conditional",
    "pre_settlement": "unconditional, before settlement",
    "sold": "sold",
    "lost": "lost",
}


def compose_status(material: Material) -> Composed:
    """How something stands: what triage says of it, then the sentences that tell most."""
    everything = ranked(material)
    if not everything or warn(material, everything) is not None:
        return compose_fact(material)
    trusted = [one for one in everything if not is_trick(material.threads[one.statement.thread])]
    if not (material.named.houses or material.named.people) and not is_found(material, trusted):
        return compose_fact(material)
    last = last_word(material, trusted)
    lines = [*([] if last is None else [NOT_YET]), *_headline(material)]
    chosen = spread(material, trusted, MOST, ROOM - sum(map(len, lines)))
    groups = grouped(chosen if last is None else with_last(chosen, last))
    lines += [attributed(material, group, SHORT) for group in groups]
    sources = unique_sources([statement_source(material, group[0]) for group in groups])
    pieces = tuple(f"{line}\n" if i < len(lines) - 1 else line for i, line in enumerate(lines))
    return Composed(pieces=pieces, found=True, sources=sources, actions=tuple(map(view_action, sources[:1])))


def _headline(material: Material) -> list[str]:
    """What triage says: the stage of its newest thread that has one, whose move it is by all of them."""
    house = next(iter(material.named.houses), None)
    about = [t for t in material.threads if house is not None and t.property_id == house.property_id]
    staged = [thread for thread in about if thread.stage]
    if not staged or house is None:
        return []
    latest = max(staged, key=lambda thread: thread.last_message_at)
    stage = STAGES.get(latest.stage or "", latest.stage or "")
    whose = "your move" if any(thread.category == "focus" for thread in about) else "waiting on others"
    return [f"{house.shown}: {stage}; {whose}."]


def compose_people(material: Material, classes: Iterable[Classification]) -> Composed:
    """Who has to do with a property, or writes of something, each with what they say of it."""
    wanted = set(classes)
    everything = ranked(material)
    best: dict[int, Scored] = {}
    for one in everything:
        best.setdefault(one.statement.thread, one)
    house_ids = {house.property_id for house in material.named.houses}
    chosen = [
        (number, thread)
        for number, thread in enumerate(material.threads)
        if number in best
        and (thread.classification in wanted or _is_interested(thread, material))
        and not _is_out(thread, material)
        and (_is_there(thread, house_ids) or (_may_be(thread, house_ids) and best[number].chance > LIKELY))
    ]
    if not chosen:
        return Composed(pieces=(NOT_FOUND, " Nobody writes of it."), found=False)
    entries: dict[str, tuple[int, Thread]] = {}
    for number, thread in sorted(chosen, key=lambda one: -best[one[0]].chance):
        entries.setdefault(thread.sender, (number, thread))
    shown = [*entries.values()][:PEOPLE]
    width = max(GIST, PEOPLE_ROOM // len(shown))
    lines = [_person_line(material, thread, width) for _, thread in shown]
    sources = [_best_source(thread, best[number]) for number, thread in shown]
    head = f"{len(lines)} {'person' if len(lines) == 1 else 'people'}:"
    return Composed(
        pieces=(head, *(f"\n{i}. {line}" for i, line in enumerate(lines, 1))),
        found=True,
        sources=unique_sources(sources),
        actions=tuple(map(view_action, sources[:1])),
    )


def _is_there(thread: Thread, house_ids: set[str]) -> bool:
    return bool(house_ids) and thread.property_id in house_ids


def _may_be(thread: Thread, house_ids: set[str]) -> bool:
    """Nothing says that it is about another property alone."""
    return not house_ids or thread.property_id is None or thread.of_house


def _is_interested(thread: Thread, material: Material) -> bool:
    """Whoever enquires, whatever triage takes them for."""
    theirs = [m for m in thread.messages if m.sender.email not in material.own]
    said = folded(" ".join([thread.subject, *(m.text[:400] for m in theirs[:1])]))
    return thread.classification not in ("noise", "lawyer_broker") and bool(INTEREST.search(said))


def _is_out(thread: Thread, material: Material) -> bool:
    """Whoever says that they are not in it any more."""
    theirs = [m for m in thread.messages if m.sender.email not in material.own]
    return thread.stage == "lost" or (bool(theirs) and "out" in found("claims", folded(theirs[-1].text)))


def _person_line(material: Material, thread: Thread, width: int) -> str:
    """Who it is, what they said last, and what the agent said to it, as far as there is room."""
    spoken = [turn for turn in converse(thread.messages, material.own).turns if not turn.automatic]
    theirs = [turn for turn in spoken if turn.side == "other"][-1:]
    answer = [turn for turn in spoken[-1:] if turn.side == "agent"]
    told = [(cut(thread.sender, NAMED), turn) for turn in theirs] + [("you", turn) for turn in answer]
    room = width // max(1, len(told)) - 30
    return "; ".join(
        f"{who} ({short_day(turn.sent.date())}): “{cut(' '.join(turn.text.split()), room)}”"
        for who, turn in told
    )


def _best_source(thread: Thread, best: Scored) -> Source:
    return thread_source(thread, best.statement.text, best.statement.message.key)
