"""Search: what is found by which words, and never by anybody else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, LiteralString, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.databases import NOON, new_database
from tests.memorymailbox import mail, parsed
from zena_sse.ask.embedded.search import Kind
from zena_sse.contract.moments import timestamp
from zena_sse.mail.content.message import Address, Attachment, Message
from zena_sse.storage.port import Reader, Transaction, Value
from zena_sse.storage.search import Fts5Search
from zena_sse.storage.sqlite import SqliteReader, SqliteStorage

T = TypeVar("T")

ANNA = "anna"
SEARCH = Fts5Search()


def message(text: str = "", **more: Any) -> Message:
    """A message that says this."""
    return msgspec.structs.replace(parsed(mail("Kia ora", body="x")), text=text, **more)


def put(tx: Transaction, key: str, data: bytes, user_id: str = ANNA) -> None:
    """Store a message as filing does."""
    tx.execute(
        "INSERT INTO messages (user_id, key, thread_id, base_subject, at, data)"
        " VALUES (:user_id, :key, 'th', '', :at, :data)",
        user_id=user_id,
        key=key,
        at=timestamp(NOON),
        data=data,
    )


def put_message(tx: Transaction, key: str, said: Message, user_id: str = ANNA) -> None:
    put(tx, key, msgspec.json.encode(said), user_id)


class Index:
    """A database with messages in it, and what is found there."""

    def __init__(self, storage: SqliteStorage) -> None:
        self.storage = storage

    async def put(self, key: str, said: Message | str, user_id: str = ANNA) -> None:
        """A message is stored."""
        made = message(said) if isinstance(said, str) else said
        await self.storage.write(put_message, key, made, user_id)

    async def found(self, *words: str, user_id: str = ANNA, kind: Kind = "message") -> list[str]:
        """What has all of these words; any of them finds that, too, and they are counted alike."""
        everything = await self.storage.read(SEARCH.all_of, user_id, words, kind, 100)
        anything = await self.storage.read(SEARCH.any_of, user_id, words, kind, 100)
        assert {hit.id for hit in everything} <= {hit.id for hit in anything}
        if len(words) == 1:
            assert everything == anything
            assert await self.storage.read(SEARCH.count, user_id, words[0], kind, 100) == len(everything)
        return [hit.id for hit in everything]


@pytest.fixture
def index(storage: SqliteStorage) -> Index:
    """An index with nothing in it."""
    return Index(storage)


# --- what is found ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("We met in Whangārei.", "whangarei"),
        ("We met in Whangarei.", "Whangārei"),
        ("Rangit\u0304oto and Ta\u0304ne", "Tāne"),
        ("Tāne", "Ta\u0304ne"),
        ("Café Müller", "CAFE"),
        ("two offers came in", "offer"),
        ("we offered", "offering"),
        ("the deposits", "Deposit"),
        ("at 14/3 High Street", "14/3"),
        ("call O'Brien", "O'Brien"),
        ("ana.smith@example.org wrote", "ana.smith@example.org"),
        ("it costs $1,250,000", "1,250,000"),
        ("snake_case", "snake_case"),
        ("u616e6e61q", "u616e6e61q"),
    ],
)
async def test_words_are_found_without_case_accents_and_endings(index: Index, text: str, word: str) -> None:
    await index.put("a", text)
    await index.put("b", "Something else")
    assert await index.found(word) == ["a"]


async def test_what_a_word_is_split_into_must_stand_together(index: Index) -> None:
    await index.put("a", "flat 14/3 is let")
    await index.put("b", "flat 3 is let on the 14th")
    await index.put("c", "flat 14 is let, 3 are not")
    assert await index.found("14/3") == ["a"]


async def test_all_parts_of_a_message_are_found_and_its_subject_counts_most(index: Index) -> None:
    said = message(
        "word",
        subject="headline",
        sender=Address("Sam Sender", "sam@from.example"),
        to=(Address("Tia To", "tia@to.example"), Address("", "tom@to.example")),
        cc=(Address("Cec Copy", "cec@copy.example"),),
        signature="Regards Sigrid",
        attachments=(
            Attachment("floorplan.pdf", "application/pdf", 1),
            Attachment("map.png", "image/png", 1),
        ),
    )
    await index.put("a", said)
    words = (
        "word",
        "headline",
        "Sam",
        "sam@from.example",
        "Tia",
        "tom@to.example",
        "Cec",
        "Sigrid",
        "map.png",
    )
    for word in (*words, "map.png", "floorplan"):
        assert await index.found(word) == ["a"], word
    await index.put("b", "headline again, in a text")
    assert await index.found("headline") == ["a", "b"]
    assert await index.found("headline", "Sigrid") == ["a"]


async def test_what_a_message_quotes_is_found_only_where_it_is_all_it_says_or_is_passed_on(
    index: Index,
) -> None:
    await index.put("answer", message("Yes", quoted="> the septic tank", subject="Re: House"))
    await index.put("bare", message("", quoted="> the septic tank", subject="Re: House"))
    await index.put("passed on", message("See below", quoted="the septic tank", subject="FW: House"))
    assert set(await index.found("septic")) == {"bare", "passed on"}


async def test_beginning_of_a_long_text_is_found_and_so_is_what_follows_it(index: Index) -> None:
    long = "begin " + "padding " * 5000 + "end"
    await index.put("a", message(long, signature="Regards Sigrid"))
    await index.put("b", message("padding " * 2499 + "wordthatiscut"))
    assert await index.found("begin") == ["a"]
    assert await index.found("end") == []
    assert await index.found("Sigrid") == ["a"]
    assert await index.found("wordthatiscut") == []


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b'{"text": null, "subject": "lonely", "to": null, "attachments": [{}]}',
        b'{"subject": "lonely"}',
    ],
)
async def test_message_that_lacks_much_is_stored_and_found_by_what_it_has(index: Index, data: bytes) -> None:
    await index.storage.write(put, "a", data)
    assert await index.found("lonely") == (["a"] if b"lonely" in data else [])


async def test_message_without_a_body_or_anybody_is_stored_and_found_by_its_subject(index: Index) -> None:
    await index.put("a", message("", sender=Address("", ""), to=(), cc=(), subject="Empty"))
    assert await index.found("empty") == ["a"]


async def test_best_come_first_and_no_more_than_asked_for(index: Index) -> None:
    for number in range(5):
        await index.put(f"m{number}", "roof " * (number + 1) + "wall " * (5 - number))
    hits = await index.storage.read(SEARCH.any_of, ANNA, ["roof"], "message", 3)
    assert [hit.id for hit in hits] == ["m4", "m3", "m2"]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert await index.storage.read(SEARCH.count, ANNA, "roof", "message", 3) == 3
    assert await index.storage.read(SEARCH.count, ANNA, "roof", "message", 100) == 5


async def test_nothing_is_found_by_no_words(index: Index) -> None:
    await index.put("a", "text")
    assert await index.found() == []


# --- whose it is ------------------------------------------------------------------------------------------

# Stems and beginnings of each other, case, what FTS5 and SQL take for their own, what is no letter at all.
USERS = [
    "anna", "ann", "an", "a", "Anna", "annas", "annaed", "anning", "anna ", "ānna", "anna'", 'anna"', "anna*",
    "anna@agency.example", "anna:b", "anna-b", "anna OR ben", "owner", "%", "_", "📮", "用户", "ß",
    "SS", "q", "0",
]  # fmt: skip


def name_in_the_index(user_id: str) -> str:
    return f"u{user_id.encode().hex()}q"


async def test_nobody_finds_what_is_anothers(index: Index) -> None:
    everybody = " ".join(map(name_in_the_index, USERS))
    for user in USERS:
        await index.put(f"of {user}", f"secret {everybody}", user)
    for user in USERS:
        assert await index.found("secret", user_id=user) == [f"of {user}"]
        for other in USERS:
            assert await index.found(name_in_the_index(other), user_id=user) == [f"of {user}"]


async def test_word_that_names_a_user_is_no_word_of_theirs(index: Index) -> None:
    await index.put("a", "text")
    await index.put("b", f"says {name_in_the_index(ANNA)}", "ben")
    assert await index.found(name_in_the_index(ANNA)) == []
    assert await index.found("text", name_in_the_index(ANNA)) == []


# --- words that are none ----------------------------------------------------------------------------------

OPERATORS = [
    '"', '""', "'", "*", "^", ":", "-", "+", "(", ")", "{", "}", ",", ".", "AND", "OR", "NOT", "NEAR",
    "NEAR(a b, 2)", "owner:", "title : x", "{owner} : x", "-owner:x", 'x" OR owner:"', "text*", "^text", "",
    " ", "\0", "te\0xt", "\ud800", "\n", "\u0301", "'; DROP TABLE search; --", "a" * 40_000, "\U0001f3e1",
]  # fmt: skip


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteReader]:
    """A database with a message of Anna's, and one of Ben's that says what FTS5 takes for its own."""
    path = new_database(tmp_path_factory.mktemp("index"))
    rows = [(ANNA, "mine", "text and near or not"), ("ben", "his", "text and " + " ".join(OPERATORS[:30]))]
    with closing(sqlite3.connect(path)) as database:
        database.executemany(
            "INSERT INTO messages VALUES (?, ?, 'th', '', '', ?, NULL, NULL)",
            [(user, key, msgspec.json.encode(message(text))) for user, key, text in rows],
        )
        database.commit()
    reader = SqliteReader(path)
    yield reader
    reader.close()


def find(reader: Reader, words: Sequence[str]) -> set[str]:
    """What has all, what has any, what has the first one."""
    hits = SEARCH.all_of(reader, ANNA, words, "message", 10)
    hits += SEARCH.any_of(reader, ANNA, words, "message", 10)
    assert SEARCH.count(reader, ANNA, words[0], "message", 10) <= 1
    return {hit.id for hit in hits}


@pytest.mark.parametrize("word", OPERATORS)
def test_word_that_is_an_operator_is_a_word(opened: SqliteReader, word: str) -> None:
    assert find_one(opened, word) <= {"mine"}
    assert find_one(opened, word, "text") == {"mine"}


@given(words=st.lists(st.text(max_size=12) | st.sampled_from(OPERATORS), min_size=1, max_size=6))
def test_any_words_at_all_find_only_what_is_ones_own(opened: SqliteReader, words: list[str]) -> None:
    assert find_one(opened, *words) <= {"mine"}


def find_one(opened: SqliteReader, *words: str) -> set[str]:
    return opened.run(find, NOON, words)


def test_thousands_of_words_are_no_fault(opened: SqliteReader) -> None:
    assert find_one(opened, *(f"word{number}" for number in range(3000)), "text") == {"mine"}


def test_words_are_looked_up_before_whose_they_are(opened: SqliteReader) -> None:
    """The other way round each document of a user costs a search: 480 ms for one word, in 3,600 messages."""
    plans = opened.run(plans_of_search, NOON)
    assert len(plans) == 3
    for plan in plans:
        first, second = [step for step in plan if " d " in step or " search " in step]
        assert first.startswith("SCAN search VIRTUAL TABLE"), plan
        assert second.startswith("SEARCH d USING INTEGER PRIMARY KEY"), plan


def plans_of_search(reader: Reader) -> list[list[str]]:
    """How SQLite goes about each kind of search."""
    explaining = Explaining(reader)
    SEARCH.all_of(explaining, ANNA, ["text"], "message", 10)
    SEARCH.any_of(explaining, ANNA, ["text"], "message", 10)
    SEARCH.count(explaining, ANNA, "text", "message", 10)
    return explaining.plans


class _Step(msgspec.Struct):
    detail: str


class Explaining:
    """A reader that has the plan of each query."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.now = reader.now
        self.plans: list[list[str]] = []

    def all(self, into: type[T], sql: LiteralString, **named: Value) -> list[T]:
        self._explain(sql, **named)
        return self._reader.all(into, sql, **named)

    def one(self, into: type[T], sql: LiteralString, **named: Value) -> T | None:
        self._explain(sql, **named)
        return self._reader.one(into, sql, **named)

    def _explain(self, sql: LiteralString, **named: Value) -> None:
        steps = self._reader.all(_Step, "EXPLAIN QUERY PLAN " + sql, **named)
        self.plans.append([step.detail for step in steps])
