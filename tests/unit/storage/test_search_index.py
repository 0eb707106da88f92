"""The search index is what the tables say: at every commit, after every way to get there."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.databases import new_database
from tests.dealroom import BEN, HIGH_STREET, VERA, Wish, open_deals
from tests.mailroom import ANNA
from tests.memorymailbox import mail, parsed
from tests.searchindex import Document, check_index, documents, forget, rebuilt
from zena_sse.storage.migrate import migrate, newest_revision
from zena_sse.storage.port import Transaction
from zena_sse.storage.sqlite import SqliteStorage

Row = dict[str, Any]

MOMENT = "2026-11-20T12:00:00.000Z"


def message_of(word: str) -> bytes:
    """A message that says this, stored as filing does."""
    said = msgspec.structs.replace(parsed(mail(f"Subject {word}")), text=f"{word} in a text")
    return msgspec.json.encode(said)


# A row of each table that says a word: the columns that are needed, the one that names the row first.
ROWS = {
    "messages": lambda key, word: {
        "key": key, "thread_id": "th", "base_subject": "", "at": MOMENT, "data": message_of(word),
    },
    "threads": lambda key, word: {
        "thread_id": key, "account_id": "a", "subject": word, "sender": "Ben", "participants": "[]",
        "headless": 0, "first_message_at": MOMENT, "last_message_at": MOMENT, "message_count": 1,
        "version": 1,
    },
    "deals": lambda key, word: {
        "deal_id": key, "party": "ben@example.org", "side": "buyer", "stage": "lead", "stage_at": MOMENT,
        "next_action_owner": "agent", "settled": 0, "summary": word, "last_message_at": MOMENT,
        "opened_at": MOMENT, "risk_level": "none", "risk_flags": "[]", "risk_reason": "",
        "announced_level": "none",
    },
    "tasks": lambda key, word: {
        "task_id": key, "label": word, "source": "email", "created_at": MOMENT,
    },
    "contacts": lambda key, word: {
        "contact_id": key, "email": f"{key}@example.org", "name": word, "written": 0,
    },
}  # fmt: skip

# Of each table a column whose words are found, one that may be null, and one that nobody searches for.
COLUMNS = {
    "messages": ("data", None, "thread_id"),
    "threads": ("subject", "concern", "last_message_at"),
    "deals": ("summary", "concern", "stage"),
    "tasks": ("label", "evidence", "due_date"),
    "contacts": ("name", "phone", "written"),
}


class Tables:
    """A migrated database that SQL is thrown at, as any room could."""

    def __init__(self, directory: Path) -> None:
        self.path = new_database(directory)
        self.connection = sqlite3.connect(self.path, isolation_level=None)

    def run(self, *statements: str) -> None:
        """These, one after the other."""
        for statement in statements:
            self.connection.execute(statement)

    def add(self, table: str, key: str, word: str, user: str = ANNA) -> None:
        """A row that says this; one of this name gives way."""
        row: Row = {"user_id": user, **ROWS[table](f"{user}-{key}", word)}
        self.remove(table, key, user)
        names = ", ".join(row)
        self.connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({', '.join(':' + name for name in row)})", row
        )

    def change(self, table: str, key: str, column: str | None, word: object, user: str = ANNA) -> None:
        """A column of a row says something else."""
        name = next(iter(ROWS[table]("", "")))
        if column is not None:
            value = message_of(str(word)) if column == "data" else word
            self.connection.execute(
                f"UPDATE {table} SET {column} = ? WHERE {name} = ?", (value, f"{user}-{key}")
            )

    def remove(self, table: str, key: str, user: str = ANNA) -> None:
        """A row goes."""
        name = next(iter(ROWS[table]("", "")))
        self.connection.execute(f"DELETE FROM {table} WHERE {name} = ?", (f"{user}-{key}",))


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path)


def said(found: list[Document]) -> list[str]:
    """What documents say, in one line each."""
    return [" ".join(f"{one.title} {one.people} {one.body}".split()) for one in found]


@pytest.mark.parametrize("table", ROWS)
def test_row_that_is_added_changed_and_removed_takes_its_document_along(tables: Tables, table: str) -> None:
    found, optional, other = COLUMNS[table]
    tables.add(table, "one", "first")
    (document,) = check_index(tables.path)
    assert (document.user_id, document.id) == (ANNA, "anna-one")
    assert table.startswith(document.kind)
    assert "first" in said([document])[0]

    tables.change(table, "one", found, "second")
    (changed,) = check_index(tables.path)
    assert "second" in said([changed])[0]
    assert "first" not in said([changed])[0]

    tables.change(table, "one", optional, "third")
    (more,) = check_index(tables.path)
    assert ("third" in said([more])[0]) == (optional is not None)
    tables.change(table, "one", optional, None)
    tables.change(table, "one", other, 1)
    assert check_index(tables.path) == [changed]

    tables.remove(table, "one")
    assert check_index(tables.path) == []


@pytest.mark.parametrize("table", ROWS)
def test_row_that_gets_another_name_or_user_is_found_by_that(tables: Tables, table: str) -> None:
    tables.add(table, "one", "first")
    name = next(iter(ROWS[table]("", "")))
    tables.connection.execute(f"UPDATE {table} SET user_id = 'ben', {name} = 'two'")
    (document,) = check_index(tables.path)
    assert (document.user_id, document.id) == ("ben", "two")


@pytest.mark.parametrize("table", ROWS)
def test_what_is_rolled_back_was_never_found(tables: Tables, table: str) -> None:
    tables.add(table, "one", "first")
    before = check_index(tables.path)
    for back in (["ROLLBACK"], ["ROLLBACK TO unit", "COMMIT"]):
        tables.run("BEGIN", "SAVEPOINT unit")
        tables.change(table, "one", COLUMNS[table][0], "second")
        tables.add(table, "two", "another")
        tables.remove(table, "one")
        tables.run(*back)
        assert check_index(tables.path) == before


async def test_unit_that_fails_leaves_the_index_as_it_was(storage: SqliteStorage, database: Path) -> None:
    def add(tx: Transaction, key: str) -> int:
        row = {"user_id": ANNA, **ROWS["tasks"](key, key)}
        return tx.execute(
            "INSERT INTO tasks (task_id, label, source, created_at, user_id)"
            " VALUES (:task_id, :label, :source, :created_at, :user_id)",
            **row,
        )

    def fail(tx: Transaction) -> None:
        add(tx, "lost")
        tx.execute("UPDATE tasks SET label = 'lost'")
        tx.execute("DELETE FROM tasks WHERE task_id = 'kept'")
        raise LookupError

    # What a unit counts are its rows, not those of the index.
    assert await storage.write(add, "kept") == 1
    with pytest.raises(LookupError):
        await storage.write(fail)
    assert await storage.write(add, "kept too") == 1
    assert [document.title for document in check_index(database)] == ["kept", "kept too"]
    assert await storage.write(lambda tx: tx.execute("DELETE FROM tasks")) == 2
    assert check_index(database) == []


# --- any way there ----------------------------------------------------------------------------------------

WORDS = st.sampled_from(["offer", "offers", "Tāne", "u616e6e61q", "", "AND"])
STEPS = st.tuples(
    st.sampled_from(["add", "change", "null", "remove", "begin", "commit", "rollback"]),
    st.sampled_from(list(ROWS)),
    st.sampled_from(["one", "two"]),
    st.sampled_from([ANNA, "ann"]),
    WORDS,
)


@settings(max_examples=25)
@given(steps=st.lists(STEPS, max_size=40))
def test_after_any_series_of_changes_the_index_is_the_one_that_would_be_made_anew(
    steps: list[tuple[str, str, str, str, str]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        tables = Tables(Path(directory))
        for step, table, key, user, word in steps:
            take(tables, step, table, key, user, word)
        if tables.connection.in_transaction:
            tables.connection.execute("COMMIT")
        check_index(tables.path)
        tables.connection.close()


def take(tables: Tables, step: str, table: str, key: str, user: str, word: str) -> None:
    """One step of a series."""
    if step == "add":
        tables.add(table, key, word, user)
    elif step == "change":
        tables.change(table, key, COLUMNS[table][0], word, user)
    elif step == "null":
        tables.change(table, key, COLUMNS[table][1], None, user)
    elif step == "remove":
        tables.remove(table, key, user)
    elif (step == "begin") != tables.connection.in_transaction:
        tables.connection.execute(step.upper())


# --- as the rooms do it -----------------------------------------------------------------------------------


async def test_index_follows_mail_through_triage_deals_and_their_end(tmp_path: Path) -> None:
    path = tmp_path / "zena.db"
    async with open_deals(tmp_path) as room:
        wish = Wish("Send the contract", "could you send the contract?")
        await room.write("Our house", 3, VERA, classification="vendor", mentions=(HIGH_STREET,))
        await room.write("Contract", 2, BEN, mentions=(HIGH_STREET,), asks=(wish,), concern="It is damp.")
        kinds = [document.kind for document in check_index(path)]
        assert set(kinds) == {"message", "thread", "deal", "task", "contact"}
        await room.find("Contract", concern="It is cold.", asks=())
        assert any("cold" in text for text in said(check_index(path)))
        assert not any("damp" in text for text in said(documents(path)))
        await room.delete("Contract")
        await room.delete("Our house")
        assert [one for one in check_index(path) if one.kind != "task"] == []


async def test_threads_that_become_one_leave_one_document(tmp_path: Path) -> None:
    path = tmp_path / "zena.db"
    async with open_deals(tmp_path) as room:
        account = await room.room.account()
        run = await room.room.run(account)
        await room.room.apply(run, mail("First", id="a"), mail("Second", id="b", sender=VERA))
        assert [one.title for one in documents(path) if one.kind == "thread"].count("First") == 1
        await room.room.apply(run, mail("Both", id="c", minutes=5, references=["a", "b"]))
        found = check_index(path)
        assert len([one for one in found if one.kind == "thread"]) == 1
        assert len([one for one in found if one.kind == "message"]) == 3


# --- migrating --------------------------------------------------------------------------------------------


def test_database_from_before_the_index_gets_the_one_that_triggers_would_have_made(tables: Tables) -> None:
    for user in (ANNA, "ben"):
        for table in ROWS:
            tables.add(table, "one", f"first of {table}", user)
            tables.add(table, "two", "", user)
    tables.change("threads", "one", "summary", "it is summed up")
    expected = documents(tables.path)
    assert len(expected) == 20
    forget(tables.connection)
    assert migrate(tables.path) is True
    assert documents(tables.path) == expected
    tables.change("threads", "one", "summary", "another sum")
    assert any("another sum" in text for text in said(check_index(tables.path)))
    with closing(sqlite3.connect(tables.path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (
            newest_revision(),
        )


def test_index_made_anew_is_not_compared_with_itself(tables: Tables) -> None:
    """What the tests above compare with would show what triggers missed."""
    tables.add("tasks", "one", "first")
    tables.connection.execute("DROP TRIGGER search_tasks_changed")
    tables.change("tasks", "one", "label", "second")
    assert said(documents(tables.path)) == ["first"]
    assert said(rebuilt(tables.path)) == ["second"]
    with pytest.raises(AssertionError):
        check_index(tables.path)


# --- as docs/operations.md has it -------------------------------------------------------------------------

STATEMENTS = re.findall(
    r"^    sqlite3 data/zena.db \"(.*)\"$",
    (Path(__file__).parents[3] / "docs" / "operations.md").read_text(),
    re.MULTILINE,
)


def test_damaged_index_is_told_apart_and_made_anew(tables: Tables) -> None:
    check, rebuild, _optimize, _vacuum = STATEMENTS
    for number in range(50):
        tables.add("tasks", str(number), f"word{number} offer")
    tables.run(check)
    tables.run("DELETE FROM search_data WHERE id > 10")
    with pytest.raises(sqlite3.DatabaseError):
        tables.run(check)
    tables.run(rebuild, check)
    check_index(tables.path)


def test_deleted_words_can_be_made_to_leave_the_file(tables: Tables) -> None:
    _check, _rebuild, optimize, vacuum = STATEMENTS
    tables.add("tasks", "kept", "ordinary")
    tables.add("tasks", "gone", "confidential")
    tables.remove("tasks", "gone")
    stem = b"confidenti"
    assert stem in tables.path.read_bytes()
    tables.run(optimize, vacuum)
    assert stem not in tables.path.read_bytes()
    assert len(check_index(tables.path)) == 1
