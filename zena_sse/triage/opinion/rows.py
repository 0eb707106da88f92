"""Which threads are due an opinion, and opinions as they are stored: nothing else remembers either."""

from __future__ import annotations

import msgspec

from zena_sse.mail.accounts import own_addresses
from zena_sse.mail.threads import newest_messages
from zena_sse.storage.port import Reader, Transaction
from zena_sse.triage.opinion.merging import Opinion
from zena_sse.triage.opinion.prompt import MESSAGES, Shown, show
from zena_sse.triage.pending import bounded


class Due(msgspec.Struct, frozen=True):
    """A thread that a model has not been asked about at this version."""

    user_id: str
    thread_id: str
    version: int


class Question(msgspec.Struct, frozen=True):
    """What a model is to be asked about: a thread as it stands."""

    subject: str
    messages: tuple[Shown, ...]


def read_due(reader: Reader, most: int) -> list[Due]:
    """Threads of all users that are due an opinion, the newest first: those are looked at.

    None that gives itself away, that could not be judged at all, or whose mailbox is being removed.
    """
    return reader.all(
        Due,
        "SELECT user_id, thread_id, version FROM threads WHERE opinion_version < triaged_version"
        " AND triaged_version = version AND certain = FALSE AND classification IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.account_id = threads.account_id"
        " AND accounts.state = 'removed') ORDER BY last_message_at DESC, thread_id LIMIT :most",
        most=most,
    )


def read_question(reader: Reader, due: Due) -> Question | None:
    """The thread as it stands, made ready on this thread and not on the loop; None if it has changed."""
    subject = reader.one(
        str,
        "SELECT subject FROM threads WHERE user_id = :user_id AND thread_id = :thread_id"
        " AND version = :version AND triaged_version = :version AND opinion_version < :version",
        user_id=due.user_id,
        thread_id=due.thread_id,
        version=due.version,
    )
    if subject is None:
        return None
    messages = newest_messages(reader, due.user_id, due.thread_id, MESSAGES)
    own = own_addresses(reader, due.user_id)
    return Question(subject, tuple(show([bounded(message) for message in messages], own)))


def record_opinion(tx: Transaction, due: Due, opinion: Opinion | None) -> bool:
    """Keep an opinion, None: the model has none. False if the thread has changed since it was asked about.

    The thread is pending triage again, which makes the opinion count.
    """
    recorded = tx.execute(
        "UPDATE threads SET opinion = :opinion, opinion_version = :version, triaged_version = CASE"
        " WHEN COALESCE(opinion, :opinion) IS NULL THEN triaged_version ELSE 0 END"
        " WHERE user_id = :user_id AND thread_id = :thread_id AND version = :version"
        " AND triaged_version = :version AND opinion_version < :version",
        user_id=due.user_id,
        thread_id=due.thread_id,
        version=due.version,
        opinion=None if opinion is None else msgspec.json.encode(opinion).decode(),
    )
    return recorded > 0
