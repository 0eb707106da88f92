"""What is looked at for an answer: the threads that could hold it, found by words, people and places."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone

import msgspec

from zena_sse.ask.embedded.asked import Asked, Term, read_question
from zena_sse.ask.embedded.naming import House, Named, Person, find_named, may_name, words_plain
from zena_sse.ask.embedded.search import Hit, Search
from zena_sse.contract.events import Category, Classification, Stage
from zena_sse.mail.accounts import own_addresses
from zena_sse.mail.content.message import Message
from zena_sse.mail.threads import newest_messages
from zena_sse.storage.port import Reader
from zena_sse.triage.pending import bounded

# Threads whose mail is looked through: the answer is in the first few, or is not found by more.
THREADS = 10
# Messages of each; what is older has been said again, or is over.
MESSAGES = 8
# Threads taken of one property or person, the newest.
OF_ONE = 24
# Documents taken from the index by all words, and by any.
HITS_ALL, HITS_ANY = 20, 40
# Words sought by any of them: the rarest. A common one finds everything.
RAREST = 8
# Documents counted for how common a word is; beyond that it is common.
COUNTED = 400
COMMON = math.log(1 + COUNTED / (1 + COUNTED))
# Properties and people compared with a question.
HOUSES, PEOPLE = 1_000, 60


class _Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What triage says of a thread."""

    thread_id: str
    subject: str
    sender: str
    classification: Classification | None
    category: Category | None
    settled: bool
    stage: Stage | None
    concern: str | None
    property_id: str | None
    property: str | None
    last_message_at: datetime


class Thread(_Judged, frozen=True, kw_only=True):
    """A thread as it is looked at: what triage says of it, why it is here, its newest messages."""

    evidence: list[str] = []
    of_house: bool = False
    of_person: bool = False
    score: float = 0.0
    messages: tuple[Message, ...] = ()


class _Row(_Judged, frozen=True, kw_only=True):
    told: str

    def thread(self) -> Thread:
        fields = msgspec.structs.asdict(self)
        return Thread(evidence=msgspec.json.decode(fields.pop("told"), type=list[str]), **fields)


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """A question and all that it is answered from. `now` is in the agent's own offset."""

    asked: Asked
    named: Named
    own: frozenset[str]
    now: datetime
    threads: tuple[Thread, ...]
    people: tuple[Person, ...]
    rarity: dict[str, float]


def understand(
    reader: Reader, search: Search, user_id: str, question: str, before: Sequence[str], as_of: datetime
) -> tuple[Asked, Named, datetime]:
    """A question with whom and what it names, and now where the agent is.

    One that names nobody and speaks of "it" or "her" is about what the questions before it named.
    """
    now = as_of.astimezone(home_of(reader, user_id) or as_of.tzinfo)
    asked = read_question(question, now.date())
    houses = read_houses(reader, user_id)
    named = _named(reader, search, user_id, asked, houses)
    for earlier in reversed(before):
        if named.houses or named.people or not asked.follows:
            break
        former = _named(reader, search, user_id, read_question(earlier, now.date()), houses)
        named = Named(former.houses, former.people, named.spent)
    return asked, named, now


def gather(
    reader: Reader, search: Search, user_id: str, asked: Asked, named: Named, now: datetime
) -> Material:
    """The threads that could answer, with their mail."""
    own = own_addresses(reader, user_id)
    terms = open_terms(asked, named)
    rarity = {term.stem: _rarity(reader, search, user_id, term.plain) for term in terms}
    scores = _found_by_words(reader, search, user_id, terms, rarity, asked, named)
    of_houses = _threads_of_houses(reader, user_id, named.houses)
    of_people = _threads_of_people(reader, search, user_id, named.people)
    for rank, thread_id in enumerate(of_houses):
        scores[thread_id] = scores.get(thread_id, 0.0) + 3.0 / (1 + 0.1 * rank)
    for rank, thread_id in enumerate(of_people):
        scores[thread_id] = scores.get(thread_id, 0.0) + 2.5 / (1 + 0.1 * rank)
    best = sorted(scores, key=lambda one: (-scores[one], one))[:THREADS]
    rows = [row for row in (find_thread(reader, user_id, one) for one in best) if row is not None]
    threads = tuple(
        msgspec.structs.replace(
            row,
            of_house=row.thread_id in of_houses,
            of_person=row.thread_id in of_people,
            score=scores[row.thread_id],
            messages=tuple(map(bounded, newest_messages(reader, user_id, row.thread_id, MESSAGES))),
        )
        for row in rows
    )
    people = _people_of(reader, user_id, [thread.thread_id for thread in threads])
    return Material(
        asked=asked,
        named=named,
        own=own,
        now=now,
        threads=threads,
        people=people,
        rarity=rarity,
    )


def open_terms(asked: Asked, named: Named) -> tuple[Term, ...]:
    """The telling words that do not name anybody or anything."""
    spent = {asked.words[i].stem for i in named.spent}
    return tuple(term for term in asked.terms if term.stem not in spent)


def home_of(reader: Reader, user_id: str) -> timezone | None:
    """The offset that the agent's own newest mail states: "today" is theirs, not the server's."""
    own = own_addresses(reader, user_id)
    newest = reader.all(
        bytes,
        "SELECT data FROM messages WHERE user_id = :user_id ORDER BY at DESC LIMIT 60",
        user_id=user_id,
    )
    stated = (msgspec.json.decode(data, type=_Stated) for data in newest)
    mine = next((one for one in stated if one.sender.email in own and one.utc_offset is not None), None)
    return None if mine is None else timezone(timedelta(minutes=mine.utc_offset or 0))


class _Sender(msgspec.Struct):
    email: str


class _Stated(msgspec.Struct):
    sender: _Sender
    utc_offset: int | None = None


def read_houses(reader: Reader, user_id: str) -> list[House]:
    """The properties of this user."""
    return reader.all(
        House,
        "SELECT property_id, number, street, suburb FROM properties WHERE user_id = :user_id"
        " ORDER BY property_id LIMIT :most",
        user_id=user_id,
        most=HOUSES,
    )


def find_thread(reader: Reader, user_id: str, thread_id: str) -> Thread | None:
    """A thread without its mail."""
    row = reader.one(
        _Row,
        "SELECT t.thread_id, t.subject, COALESCE((SELECT NULLIF(c.name, '') FROM thread_contacts AS w"
        " JOIN contacts AS c ON c.contact_id = w.contact_id WHERE w.user_id = t.user_id"
        " AND w.thread_id = t.thread_id AND w.rank = 0), t.sender) AS sender, t.classification, t.category,"
        " COALESCE(t.settled, FALSE) AS settled, t.stage, t.concern, t.property_id,"
        " p.number || ' ' || p.street AS property, t.last_message_at,"
        " COALESCE(t.evidence, '[]') AS told FROM threads AS t"
        " LEFT JOIN properties AS p ON p.property_id = t.property_id"
        " WHERE t.user_id = :user_id AND t.thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )
    return None if row is None else row.thread()


def _named(reader: Reader, search: Search, user_id: str, asked: Asked, houses: Iterable[House]) -> Named:
    words = [asked.words[i].plain for i in may_name(asked.words, asked.text)]
    hits = search.any_of(reader, user_id, words, "contact", PEOPLE)
    people = [_person(reader, user_id, hit.id) for hit in hits]
    return find_named(asked.words, asked.text, houses, [person for person in people if person is not None])


def _person(reader: Reader, user_id: str, contact_id: str) -> Person | None:
    return reader.one(
        Person,
        "SELECT contact_id, name, email, phone, role FROM contacts"
        " WHERE user_id = :user_id AND contact_id = :contact_id",
        user_id=user_id,
        contact_id=contact_id,
    )


def _rarity(reader: Reader, search: Search, user_id: str, word: str) -> float:
    """How much it tells that a message has this word: much if few have it."""
    count = search.count(reader, user_id, word, "message", COUNTED)
    return math.log(1 + COUNTED / (1 + count))


def _found_by_words(
    reader: Reader,
    search: Search,
    user_id: str,
    terms: Sequence[Term],
    rarity: dict[str, float],
    asked: Asked,
    named: Named,
) -> dict[str, float]:
    """Threads by their messages that have all words, or any; the best of a thread counts."""
    names = [asked.words[i].plain for i in sorted(named.spent)]
    rarest = sorted(terms, key=lambda term: -rarity[term.stem])[:RAREST]
    sought = [term.plain for term in rarest] + names[: 2 * RAREST]
    hits = search.all_of(reader, user_id, sought, "message", HITS_ALL)
    known = {term.plain: rarity[term.stem] for term in terms}
    told = {word: known.get(word) or _rarity(reader, search, user_id, word) for word in sought}
    hits += search.any_of(reader, user_id, _telling(told), "message", HITS_ANY)
    scores = _threads_of(reader, user_id, hits)
    most = max(scores.values(), default=1.0) or 1.0
    return {thread_id: 4.0 * score / most for thread_id, score in scores.items()}


def _telling(told: dict[str, float]) -> list[str]:
    """Those that few messages have: to weigh all that have a common one takes longer than it tells."""
    rare = [word for word, rarity in told.items() if rarity > COMMON]
    return rare or sorted(told, key=lambda word: -told[word])[:1]


def _threads_of_houses(reader: Reader, user_id: str, houses: Sequence[House]) -> list[str]:
    """The threads about these houses, then those that mention them, the newest first."""
    found: dict[str, None] = {}
    for house in houses[:6]:
        about = reader.all(
            str,
            "SELECT thread_id FROM threads WHERE user_id = :user_id AND property_id = :property_id"
            " ORDER BY last_message_at DESC LIMIT :most",
            user_id=user_id,
            property_id=house.property_id,
            most=OF_ONE,
        )
        found.update(dict.fromkeys(about))
    for house in houses[:6]:
        mention = reader.all(
            str,
            "SELECT DISTINCT m.thread_id FROM mentions AS m JOIN properties AS p ON p.user_id = m.user_id"
            " AND p.street_key = m.street_key WHERE p.user_id = :user_id AND p.property_id = :property_id"
            " AND (m.number IS NULL OR p.key LIKE m.number || ' %') LIMIT :most",
            user_id=user_id,
            property_id=house.property_id,
            most=OF_ONE,
        )
        found.update(dict.fromkeys(mention))
    return list(found)


def _threads_of_people(reader: Reader, search: Search, user_id: str, people: Sequence[Person]) -> list[str]:
    """The threads that they are in, then those that tell of them by their full name, the newest first."""
    found: dict[str, None] = {}
    for person in people[:6]:
        theirs = reader.all(
            str,
            "SELECT t.thread_id FROM thread_contacts AS c JOIN threads AS t ON t.user_id = c.user_id"
            " AND t.thread_id = c.thread_id WHERE c.user_id = :user_id AND c.contact_id = :contact_id"
            " ORDER BY t.last_message_at DESC LIMIT :most",
            user_id=user_id,
            contact_id=person.contact_id,
            most=OF_ONE,
        )
        found.update(dict.fromkeys(theirs))
    for person in people[:6]:
        name = words_plain(person.name)
        if len(name) > 1:
            hits = search.all_of(reader, user_id, name, "message", HITS_ALL)
            found.update(dict.fromkeys(_threads_of(reader, user_id, hits)))
    return list(found)


def _threads_of(reader: Reader, user_id: str, hits: Sequence[Hit]) -> dict[str, float]:
    """The threads of messages that were found, each with the score of its best."""
    scores: dict[str, float] = {}
    for hit in hits:
        thread_id = reader.one(
            str,
            "SELECT thread_id FROM messages WHERE user_id = :user_id AND key = :key",
            user_id=user_id,
            key=hit.id,
        )
        if thread_id is not None:
            scores[thread_id] = max(scores.get(thread_id, 0.0), hit.score)
    return scores


def _people_of(reader: Reader, user_id: str, thread_ids: Sequence[str]) -> tuple[Person, ...]:
    """Everybody outside who is in these threads."""
    found: dict[str, Person] = {}
    for thread_id in thread_ids:
        for person in reader.all(
            Person,
            "SELECT c.contact_id, c.name, c.email, c.phone, c.role FROM thread_contacts AS t"
            " CROSS JOIN contacts AS c WHERE t.user_id = :user_id AND t.thread_id = :thread_id"
            " AND c.contact_id = t.contact_id",
            user_id=user_id,
            thread_id=thread_id,
        ):
            found.setdefault(person.contact_id, person)
    return tuple(found.values())
