"""Full-text search in the embedded database: SQLite's FTS5 over what the triggers of migration 0004 keep."""

from __future__ import annotations

import re
from collections.abc import Sequence

from zena_sse.ask.embedded.search import Hit, Kind
from zena_sse.storage.port import Reader

# How much a word counts that stands in the owner, title, people, body of a document.
WEIGHTS = "0.0, 3.0, 2.0, 1.0"

# What would end a quoted word early, or cannot be handed to SQLite at all.
_UNQUOTABLE = re.compile('["\0\ud800-\udfff]')


class Fts5Search:
    """`Search` over FTS5.

    CROSS in its queries: FTS5 comes first, or SQLite may look up the words once for each document.
    """

    def all_of(self, reader: Reader, user_id: str, words: Sequence[str], kind: Kind, most: int) -> list[Hit]:
        """Documents that have all of these words, the best first."""
        return _find(reader, user_id, " AND ".join(map(_quoted, words)), kind, most) if words else []

    def any_of(self, reader: Reader, user_id: str, words: Sequence[str], kind: Kind, most: int) -> list[Hit]:
        """Documents that have any of these words, the best first."""
        return _find(reader, user_id, " OR ".join(map(_quoted, words)), kind, most) if words else []

    def count(self, reader: Reader, user_id: str, word: str, kind: Kind, most: int) -> int:
        """How many documents have this word; counting stops at `most`."""
        found = reader.one(
            int,
            "SELECT COUNT(*) FROM (SELECT 1 FROM search"
            " CROSS JOIN search_documents AS d ON d.document = search.rowid"
            " WHERE search MATCH :query AND d.user_id = :user_id AND d.kind = :kind LIMIT :most)",
            query=_owned(user_id, kind, _quoted(word)),
            user_id=user_id,
            kind=kind,
            most=most,
        )
        return found or 0


def _find(reader: Reader, user_id: str, query: str, kind: Kind, most: int) -> list[Hit]:
    return reader.all(
        Hit,
        f"SELECT d.kind, d.id, -bm25(search, {WEIGHTS}) AS score FROM search"  # noqa: S608
        " CROSS JOIN search_documents AS d ON d.document = search.rowid"
        " WHERE search MATCH :query AND d.user_id = :user_id AND d.kind = :kind"
        " ORDER BY score DESC, d.document LIMIT :most",
        query=_owned(user_id, kind, query),
        user_id=user_id,
        kind=kind,
        most=most,
    )


def _owned(user_id: str, kind: Kind, query: str) -> str:
    """A query for one user's documents: each has words that name its user and kind, see the migration.

    Most are messages: among them the kind narrows nothing, and would only be looked at.
    """
    narrowed = "" if kind == "message" else f" AND owner:{kind}"
    return f"owner:u{user_id.encode().hex()}q{narrowed} AND {{title people body}}: ({query})"


def _quoted(word: str) -> str:
    """A word that is none of FTS5's own: it is split as texts are, and several in it are a phrase."""
    return f'"{_UNQUOTABLE.sub(" ", word)}"'
