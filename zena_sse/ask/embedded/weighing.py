"""What can be said of each statement with regard to a question: named numbers, most from 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from zena_sse.ask.embedded.coverage import Coverage
from zena_sse.ask.embedded.gathering import Material, Thread
from zena_sse.ask.embedded.kinds import TYPED, claims_of, kinds_of, names_of
from zena_sse.ask.embedded.naming import words_plain
from zena_sse.ask.embedded.statements import COURTESY, Statement
from zena_sse.ask.embedded.words import folded

Facts = dict[str, float]

# What it counts for a statement to be about the question that whom it names has said it.
SAID_BY = 0.7


class Scored(msgspec.Struct, frozen=True):
    """A statement, how likely it is part of the answer, and what that was told by."""

    statement: Statement
    chance: float
    facts: Facts


def facts_of(material: Material) -> tuple[list[Statement], list[Facts]]:
    """Every statement of the material, and its facts."""
    weighing = Weighing(material)
    return weighing.cover.statements, [weighing.facts(i) for i in range(len(weighing.cover.statements))]


class Weighing:
    """Weighs the statements of some material."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.cover = Coverage(material)
        named = material.named
        self.wants = material.asked.wants
        self.wanted = material.asked.wants & TYPED
        self.asked_words = {word.plain for word in material.asked.words}
        self.people = {word for person in named.people for word in words_plain(person.name)}
        self.emails = {person.email for person in named.people}
        self.streets = {word for house in named.houses for word in words_plain(house.street)[:1]}
        self.houses = {house.property_id for house in named.houses}
        self.best_thread = max((thread.score for thread in material.threads), default=1.0) or 1.0
        statements = self.cover.statements
        dates = sorted({one.message.date for one in statements}, reverse=True)
        self.age_rank = {date: rank / max(1, len(dates)) for rank, date in enumerate(dates)}
        self.kinds = [self._kinds(one) for one in statements]
        self.put = {thread: self._put(group) for thread, group in self.cover.by_thread.items()}

    def facts(self, i: int) -> Facts:
        """All that is said of one statement."""
        one = self.cover.statements[i]
        thread = self.material.threads[one.thread]
        facts = self._words(i, thread) | self._names(i, one, thread) | self._kind(i)
        facts |= self._speech(i, one) | self._place(one, thread) | self._answering(one)
        return facts | self._together(facts)

    def _kinds(self, one: Statement) -> frozenset[str]:
        """The kinds of answer in a sentence; a name only if the question has not said it."""
        named = names_of(one.text) - self.asked_words
        return kinds_of(one.text) | ({"person"} if named else set())

    def _words(self, i: int, thread: Thread) -> Facts:
        cover = self.cover
        return {
            "here": cover.here[i],
            "around": cover.around[i],
            "message": cover.message[i],
            "thread": cover.thread[i],
            "exact": cover.exact[i],
            "key": cover.key[i],
            "key_around": cover.key_around[i],
            "rank": thread.score / self.best_thread,
        }

    def _names(self, i: int, one: Statement, thread: Thread) -> Facts:
        stems = self.cover.seen[i].stems
        return {
            "said_by": float(one.message.sender.email in self.emails),
            "names": float(bool(self.people & stems)),
            "of_person": float(thread.of_person),
            "person_missing": float(bool(self.people) and not thread.of_person),
            "in_house": float(bool(self.houses) and thread.property_id in self.houses),
            "street": float(bool(self.streets & stems)),
            "house_missing": float(bool(self.houses) and not thread.of_house),
        }

    def _kind(self, i: int) -> Facts:
        near = frozenset(kind for j in self.cover.near[i] for kind in self.kinds[j])
        wanted = self.wanted
        return {
            "typed": len(wanted & self.kinds[i]) / len(wanted) if wanted else 0.0,
            "typed_near": len(wanted & near) / len(wanted) if wanted else 0.0,
            "untyped": float(bool(wanted) and not wanted & self.kinds[i]),
        } | {f"want_{kind}": float(kind in self.kinds[i]) for kind in wanted}

    def _speech(self, i: int, one: Statement) -> Facts:
        claims = claims_of(one.text)
        length = len(self.cover.seen[i].stems)
        return {
            "asks": float(one.asks),
            "own": float(one.own),
            "automatic": float(one.automatic),
            "coming": float("coming" in claims),
            "open": float("open" in claims),
            "firm": float(not one.asks and not claims & {"coming", "open"}),
            "short": float(length < 5),
            "long": min(1.0, length / 40),
            "first": float(one.number == 0),
            "courtesy": float(bool(COURTESY.match(folded(one.text)))),
        }

    def _place(self, one: Statement, thread: Thread) -> Facts:
        """Where it stands in the mailbox and in time."""
        last = self.cover.statements[self.cover.by_thread[one.thread][-1]]
        age = max(0.0, (self.material.now - one.message.date).total_seconds() / 86_400)
        noise = thread.classification == "noise"
        return {
            "noise": float(noise),
            "noise_plain": float(noise and "trust" not in self.wants),
            "settled": float(thread.settled),
            "focus": float(thread.category == "focus"),
            "old": min(1.0, math.log1p(age) / 5.0),
            "late": 1.0 - self.age_rank[one.message.date],
            "last": float(one.message.key == last.message.key),
        }

    def _put(self, group: Sequence[int]) -> list[tuple[Statement, float]]:
        """What is asked in a thread, and how much it is like the question."""
        cover = self.cover
        asks = [(i, cover.statements[i]) for i in group if cover.statements[i].asks]
        return [(one, max(cover.here[i], 0.7 * cover.around[i])) for i, one in asks]

    def _answering(self, one: Statement) -> Facts:
        """Whether the other side had asked for this, and whether it is asked for and not answered."""
        end = self.cover.statements[self.cover.by_thread[one.thread][-1]].message.date
        asks = self.put[one.thread]
        before = [s for other, s in asks if other.message.date < one.message.date and other.own != one.own]
        pending = [s for other, s in asks if other.message.date == end]
        return {"answers": max(before, default=0.0), "pending": max(pending, default=0.0)}

    def _together(self, facts: Facts) -> Facts:
        """What counts only together."""
        here, typed, answers = facts["here"], facts["typed"], facts["answers"]
        about = max(facts["key_around"], facts["around"], facts["said_by"] * SAID_BY)
        status = self.material.asked.intent == "status"
        yesno = "yesno" in self.wants
        return {
            "solid": facts["firm"] * about * (typed if self.wanted else 1.0),
            "typed_here": typed * here,
            "typed_around": typed * facts["around"],
            "typed_key": typed * facts["key_around"],
            "typed_house": typed * facts["in_house"],
            "typed_rank": typed * facts["rank"],
            "asks_typed": typed * facts["asks"],
            "answers_here": answers * here,
            "answers_typed": answers * typed,
            "said_here": facts["firm"] * here,
            "said_typed": facts["firm"] * typed * facts["around"],
            "said_by_here": facts["said_by"] * here,
            "said_by_typed": facts["said_by"] * typed,
            "names_here": facts["names"] * here,
            "around_rank": facts["around"] * facts["rank"],
            "message_here": facts["message"] * here,
            "yesno_here": yesno * here,
            "yesno_late": yesno * facts["late"],
            "status_late": status * facts["late"],
            "status_last": status * facts["last"],
            "status_here": status * here,
            "status_house": status * facts["in_house"],
        }
