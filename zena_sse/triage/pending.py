"""What is still to be triaged, and what an analysis must know of its user."""

from __future__ import annotations

import msgspec

from zena_sse.mail.accounts import own_addresses
from zena_sse.mail.content.message import Message
from zena_sse.mail.threads import newest_messages
from zena_sse.storage.port import Reader
from zena_sse.triage.analysis.findings import Known
from zena_sse.triage.contacts import read_correspondents
from zena_sse.triage.corrections import read_taught
from zena_sse.triage.places import read_streets

# What is said last decides what a thread is and who owes what; a thread of more messages has said the rest.
MESSAGES = 30
# Of each message: what a person wants of another stands before that, and the worker takes mail by the batch.
CHARACTERS = 20_000
# Copied to the worker of each list of addresses; a mail to a whole town tells no more by the rest of it.
ADDRESSES = 100


class Work(msgspec.Struct, frozen=True):
    """A thread as it was read: at this version, with these messages, the oldest first."""

    thread_id: str
    version: int
    messages: tuple[Message, ...]


class _Pending(msgspec.Struct):
    thread_id: str
    version: int


def read_known(reader: Reader, user_id: str) -> Known:
    """What is known of the user: their addresses, whom they have written to, what they corrected."""
    return Known(
        own=own_addresses(reader, user_id),
        correspondents=read_correspondents(reader, user_id),
        streets=read_streets(reader, user_id),
        taught=read_taught(reader, user_id),
    )


def read_pending(reader: Reader, user_id: str, most: int) -> list[Work]:
    """Threads that changed since they were triaged, the ones that began first before the others."""
    pending = reader.all(
        _Pending,
        "SELECT thread_id, version FROM threads WHERE user_id = :user_id AND triaged_version < version"
        " ORDER BY first_message_at, thread_id LIMIT :most",
        user_id=user_id,
        most=most,
    )
    return [_work(reader, user_id, one) for one in pending]


def read_one_pending(reader: Reader, user_id: str, thread_id: str) -> list[Work]:
    """This thread, if it is to be triaged."""
    pending = reader.all(
        _Pending,
        "SELECT thread_id, version FROM threads WHERE user_id = :user_id AND thread_id = :thread_id"
        " AND triaged_version < version",
        user_id=user_id,
        thread_id=thread_id,
    )
    return [_work(reader, user_id, one) for one in pending]


def _work(reader: Reader, user_id: str, pending: _Pending) -> Work:
    messages = newest_messages(reader, user_id, pending.thread_id, MESSAGES)
    return Work(pending.thread_id, pending.version, tuple(bounded(message) for message in messages))


def bounded(message: Message) -> Message:
    """As much of a message as an analysis looks at. What can be read of the HTML is in the text."""
    return msgspec.structs.replace(
        message,
        text=message.text[:CHARACTERS],
        quoted=message.quoted[:CHARACTERS],
        signature=message.signature[:CHARACTERS],
        html=None,
        to=message.to[:ADDRESSES],
        cc=message.cc[:ADDRESSES],
    )
