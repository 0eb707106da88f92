"""Which of the ranked statements are said: enough of them for an answer, and no more."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from zena_sse.ask.embedded.gathering import Material
from zena_sse.ask.embedded.kinds import kinds_of
from zena_sse.ask.embedded.naming import words_plain
from zena_sse.ask.embedded.phrasing import QUOTED
from zena_sse.ask.embedded.statements import COURTESY, Statement
from zena_sse.ask.embedded.weighing import Scored
from zena_sse.ask.embedded.words import folded

# Characters of quotations in an answer, and how many there are at most: who reads it stands at a traffic
# light.
ROOM, MOST = 640, 6
# A statement less likely than this part of the best is left out.
NEAR = 0.04
# Sentences on either side of the best that finish it.
BESIDE = 2
# Words that a heading may have beside its subject.
HEADING = 1
# Statements looked at for a spread, and what another of the same thread is worth.
LOOKED_AT, AGAIN = 60, 0.4
# The likeliest are said in any case.
SURE = 2
# What it counts that a sentence names a day, that nothing was said since, that somebody worries, that it has
# hardly a word, and that nobody owes anything in its thread.
DATED, LAST, WORRY, BRIEF, SETTLED = 4.0, 1.5, 10.0, 0.1, 0.3
# Characters by which a concern is known in its mail.
CONCERN = 40
# Characters of each.
SHORT = 200


def choose(everything: Sequence[Scored], most: int = MOST, room: int = ROOM) -> list[Statement]:
    """The statements that are said: the best, those nearly as good, and what stands beside the best."""
    chosen: list[Statement] = []
    used = 0
    for one in [*_near(everything), *_beside(everything)] if everything else ():
        size = min(len(one.text), QUOTED) + 30
        if len(chosen) == most or (chosen and used + size > room):
            continue
        if not any(_same(one, other) for other in chosen):
            chosen.append(one)
            used += size
    return chosen


def with_last(chosen: Sequence[Statement], last: Statement) -> list[Statement]:
    """The last word first: it says how far a thing is. For it the least of the others is left out."""
    others = [one for one in chosen if one.message.key != last.message.key or one.number != last.number]
    return [last, *others[: MOST - 1]]


def _near(everything: Sequence[Scored]) -> list[Statement]:
    return [one.statement for one in everything if one.chance >= NEAR * everything[0].chance]


def _beside(everything: Sequence[Scored]) -> list[Statement]:
    """The sentences around the best one, as they stand: half an answer is often finished by its neighbour."""
    best = everything[0].statement
    near = [
        one.statement
        for one in everything
        if one.statement.message is best.message
        and 0 < abs(one.statement.number - best.number) <= BESIDE
        and not COURTESY.match(folded(one.statement.text))
    ]
    return sorted(near, key=lambda one: (abs(one.number - best.number), -one.number))


def spread(material: Material, everything: Sequence[Scored], most: int, room: int) -> list[Statement]:
    """What many threads tell: the likeliest, and others, of which each makes its thread less worth saying."""
    chosen, used = list[Statement](), 0
    left = [one for one in everything[:LOOKED_AT] if not _is_heading(material, one.statement)]
    worries = _worries(material, everything)
    news = {id(one): _news(one, worries) for one in left}
    for one in left[:SURE]:
        news[id(one)] = math.inf
    said: Counter[int] = Counter()
    while left and len(chosen) < most:
        best = max(left, key=lambda one: news[id(one)] * AGAIN ** said[one.statement.thread])
        left.remove(best)
        size = min(len(best.statement.text), SHORT) + 30
        thread = material.threads[best.statement.thread]
        is_about = thread.of_house or thread.of_person
        if (not is_about and best.chance < NEAR * everything[0].chance) or used + size > room:
            continue
        if not COURTESY.match(folded(best.statement.text)) and not any(
            _same(best.statement, one) for one in chosen
        ):
            chosen.append(best.statement)
            said[best.statement.thread] += 1
            used += size
    return chosen


def _is_heading(material: Material, one: Statement) -> bool:
    """It only says again what the thread is called."""
    subject = set(words_plain(material.threads[one.thread].subject))
    return len(set(words_plain(one.text)) - subject) <= HEADING


def _news(one: Scored, worries: AbstractSet[tuple[str, int]]) -> float:
    """How much a statement tells of how things stand: the last word does, and what worries somebody."""
    worried = (one.statement.message.key, one.statement.number) in worries
    told = LAST if one.facts["last"] else 1.0
    length = BRIEF if one.facts["short"] else 1.0
    open_end = SETTLED if one.facts["settled"] else 1.0
    day = DATED if "date" in kinds_of(one.statement.text) else 1.0
    return one.chance * told * length * open_end * day * (WORRY if worried else 1.0)


def _worries(material: Material, everything: Sequence[Scored]) -> AbstractSet[tuple[str, int]]:
    """Where the concerns stand that triage has found, each with the sentence that explains it."""
    found: set[tuple[str, int]] = set()
    for one in (scored.statement for scored in everything):
        concern = material.threads[one.thread].concern
        if concern is not None and " ".join(concern.split()).casefold()[:CONCERN] in one.text.casefold():
            found |= {(one.message.key, one.number), (one.message.key, one.number + 1)}
    return found


def _same(one: Statement, other: Statement) -> bool:
    return one.text.casefold() == other.text.casefold()


def grouped(chosen: Sequence[Statement]) -> list[list[Statement]]:
    """Statements of one message together, in the order in which it says them."""
    groups: dict[str, list[Statement]] = {}
    for one in chosen:
        groups.setdefault(one.message.key, []).append(one)
    return [sorted(group, key=lambda one: one.number) for group in groups.values()]
