"""What is known of one user's threads, read from the database inside the unit that adds to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from zena_sse.contract.moments import timestamp
from zena_sse.mail.threading import Candidate, Thread
from zena_sse.storage.port import Reader

# Messages of one subject that are looked at, the newest: a web form sends thousands of the same.
NAMESAKES = 500


class _Found(msgspec.Struct):
    thread_id: str
    first_message_at: datetime
    last_message_at: datetime

    def thread(self) -> Thread:
        """As threading knows it."""
        return Thread(self.thread_id, self.first_message_at, self.last_message_at)


class _FoundBySubject(_Found):
    participants: str
    headless: bool

    def candidate(self) -> Candidate:
        """As threading knows it."""
        people = msgspec.json.decode(self.participants, type=frozenset[str])
        return Candidate(self.thread(), people, self.headless)


class StoredLinks:
    """`threading.Links` over the database."""

    def __init__(self, reader: Reader, user_id: str) -> None:
        self._reader = reader
        self._user_id = user_id

    def threads_of(self, ids: Sequence[str]) -> Sequence[Thread]:
        """The threads these ids are linked to, each once."""
        found = [row.thread() for message_id in ids if (row := self._linked(message_id)) is not None]
        return list(dict.fromkeys(found))

    def by_subject(self, subject: str, since: datetime, until: datetime) -> Sequence[Candidate]:
        """The threads with a message of this base subject that were alive between these moments."""
        rows = self._reader.all(
            _FoundBySubject,
            # CROSS: SQLite would begin with all threads of that time.
            "SELECT threads.thread_id, first_message_at, last_message_at, participants, headless"
            " FROM (SELECT DISTINCT thread_id FROM (SELECT thread_id FROM messages"
            " WHERE user_id = :user_id AND base_subject = :subject AND at <= :until"
            " ORDER BY at DESC LIMIT :most) AS newest) AS named CROSS JOIN threads"
            " WHERE threads.user_id = :user_id AND threads.thread_id = named.thread_id"
            " AND last_message_at >= :since AND first_message_at <= :until",
            user_id=self._user_id,
            subject=subject,
            since=timestamp(since),
            until=timestamp(until),
            most=NAMESAKES,
        )
        return [row.candidate() for row in rows]

    def _linked(self, message_id: str) -> _Found | None:
        return self._reader.one(
            _Found,
            "SELECT threads.thread_id, first_message_at, last_message_at FROM links JOIN threads"
            " ON threads.user_id = links.user_id AND threads.thread_id = links.thread_id"
            " WHERE links.user_id = :user_id AND links.message_id = :message_id",
            user_id=self._user_id,
            message_id=message_id,
        )
