"""The search index as it stands, and as it would be if it were made anew from the tables."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from zena_sse.storage.migrate import migrate

# The revision before there was an index.
BEFORE = "0003"


class Document(NamedTuple):
    """What can be found: of whom, which row it stands for, what is in it."""

    user_id: str
    kind: str
    id: str
    owner: str
    title: str
    people: str
    body: str


def documents(path: Path) -> list[Document]:
    """All of the index, in the order of the rows they stand for."""
    with closing(sqlite3.connect(path)) as connection:
        assert _count(connection, "search") == _count(connection, "search_documents")
        rows = connection.execute(
            "SELECT d.user_id, d.kind, d.id, s.owner, s.title, s.people, s.body"
            " FROM search_documents AS d JOIN search AS s ON s.rowid = d.document ORDER BY 1, 2, 3"
        ).fetchall()
    return [Document(*row) for row in rows]


def forget(connection: sqlite3.Connection) -> None:
    """Bring a database back to where it was before it had an index."""
    triggers = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'search%'"
    )
    for (trigger,) in triggers.fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")
    connection.execute("DROP TABLE search")
    connection.execute("DROP TABLE search_documents")
    connection.execute("DROP INDEX messages_newest")
    connection.execute("UPDATE alembic_version SET version_num = ?", (BEFORE,))
    connection.commit()


def rebuilt(path: Path) -> list[Document]:
    """The index that the migration makes of the rows that are there now; the database is left alone."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "copy.db"
        with closing(sqlite3.connect(path)) as connection, closing(sqlite3.connect(copy)) as other:
            connection.backup(other)
            forget(other)
        migrate(copy)
        return documents(copy)


def check_index(path: Path) -> list[Document]:
    """The index says what the tables say, and its words are those of its documents; all documents."""
    found = documents(path)
    assert found == rebuilt(path)
    with closing(sqlite3.connect(path)) as connection:  # raises if a word leads nowhere, or is missing
        connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")
        connection.commit()
    return found


def _count(connection: sqlite3.Connection, table: str) -> int:
    (found,) = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
    return int(found)
