"""Which conversation a message belongs to: after Jamie Zawinski's algorithm, one message at a time.

Every id that a message carries, its own and those it refers to, is linked to its thread. So a reply that
comes before its parent is found by the parent, in any order of arrival, and a message that knows two
threads makes them one. What is linked in the end depends on the headers only, never on the order.

The subject is the last resort, for replies whose headers name nobody. It must be careful, because two
conversations once merged cannot be told apart again: see `_by_subject`.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from zena_sse.mail.content.message import Message
from zena_sse.mail.content.subjects import is_reply, telling_subject

# An answer without headers comes from a phone or a web form, within days; after weeks it is a new matter.
WINDOW = timedelta(days=28)


class Thread(NamedTuple):
    """What threading must know of a thread: since when it is, and until when."""

    thread_id: str
    first_at: datetime
    last_at: datetime


class Candidate(NamedTuple):
    """A thread that has a message with the base subject asked for.

    `participants` are all its addresses, lower case. `headless` is that of its earliest message, see
    `Placement`: such a thread may have a beginning elsewhere.
    """

    thread: Thread
    participants: frozenset[str]
    headless: bool


class Links(Protocol):
    """What is known so far of one user's threads, in all accounts; at most one call of each for a message."""

    def threads_of(self, ids: Sequence[str]) -> Sequence[Thread]:
        """The threads these ids are linked to, each once."""

    def by_subject(self, subject: str, since: datetime, until: datetime) -> Sequence[Candidate]:
        """The threads with a message of this base subject that were alive between these moments."""


class Placement(NamedTuple):
    """Where a message belongs.

    `thread_id` is None for a new thread. `merged` are threads that turned out to be part of it. All `links`
    are to be linked to the thread. `base_subject` is what `Links.by_subject` finds it by: empty if that
    must hold nothing together. `headless`: it answers something that its headers do not name.
    """

    thread_id: str | None
    merged: tuple[str, ...]
    links: tuple[str, ...]
    base_subject: str
    headless: bool


def place(message: Message, links: Links, own: AbstractSet[str], hint: str | None = None) -> Placement:
    """Find the thread of a message. `own` are the user's addresses; `hint` is the provider's thread id."""
    ids = _ids(message, hint)
    subject = "" if is_bulk(message) else telling_subject(message.subject)
    answers = is_reply(message.subject)
    headless = bool(subject) and answers and not message.references
    found = set(links.threads_of(ids)) if ids else set()
    outside = participants(message) - own
    if subject and outside and (headless or not answers):
        near = links.by_subject(subject, message.date - WINDOW, message.date + WINDOW)
        found |= _by_subject(message.date, headless, outside, near)
    oldest_first = sorted(found, key=lambda thread: (thread.first_at, thread.thread_id))
    names = [thread.thread_id for thread in oldest_first]
    return Placement(names[0] if names else None, tuple(names[1:]), ids, subject, headless)


def _by_subject(
    date: datetime, headless: bool, outside: AbstractSet[str], candidates: Sequence[Candidate]
) -> set[Thread]:
    """The threads that this message shares more with than the subject.

    One side must be an answer without references, later than the other, and somebody other than the user must
    be on both sides. An answer joins the one nearest thread, not several; a message that begins something
    takes in the answers that wait for it.
    """
    shared = [candidate for candidate in candidates if candidate.participants & outside]
    waiting = {c.thread for c in shared if c.headless and c.thread.first_at >= date}
    if not headless:
        return waiting
    before = [c.thread for c in shared if c.thread.first_at <= date]
    if before:
        return {max(before, key=lambda thread: (min(thread.last_at, date), thread.thread_id))}
    return {min(waiting, key=lambda thread: (thread.first_at, thread.thread_id))} if waiting else set()


def _ids(message: Message, hint: str | None) -> tuple[str, ...]:
    """What links a message; a provider's thread id is one id more, and never looks like a Message-ID."""
    own = (message.message_id,) if message.message_id else ()
    return (*message.references, *own, *((f"<thread {hint}>",) if hint else ()))


def participants(message: Message) -> frozenset[str]:
    """Everybody a message is from or to."""
    return frozenset(a.email for a in (message.sender, *message.to, *message.cc) if a.email)


def is_bulk(message: Message) -> bool:
    """Was it sent by a program, or to a list? Such mail repeats its subjects."""
    headers = message.headers
    return (
        "list-id" in headers
        or "list-unsubscribe" in headers
        or headers.get("precedence", "").lower() in ("bulk", "list", "junk")
        or headers.get("auto-submitted", "no").lower() != "no"
    )
