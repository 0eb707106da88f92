"""Threading into dicts: what tests compare the real thing with, and threads a whole mailbox at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from zena_sse.mail.content.message import Message
from zena_sse.mail.threading import Candidate, Placement, Thread, participants, place

Partition = set[frozenset[str]]


class Mailbox:
    """Everything threaded so far, in dicts."""

    def __init__(self, own: Iterable[str] = ()) -> None:
        self.own = frozenset(own)
        self.linked: dict[str, str] = {}
        self.threads: dict[str, list[tuple[Message, Placement]]] = {}
        self.calls = 0

    def threads_of(self, ids: Sequence[str]) -> list[Thread]:
        self.calls += 1
        return [self._thread(name) for name in {self.linked[i] for i in ids if i in self.linked}]

    def by_subject(self, subject: str, since: datetime, until: datetime) -> list[Candidate]:
        self.calls += 1
        return [
            self._candidate(name)
            for name, placed in self.threads.items()
            if any(placement.base_subject == subject for _, placement in placed)
            and self._thread(name).last_at >= since
            and self._thread(name).first_at <= until
        ]

    def _thread(self, name: str) -> Thread:
        dates = [message.date for message, _ in self.threads[name]]
        return Thread(name, min(dates), max(dates))

    def _candidate(self, name: str) -> Candidate:
        placed = self.threads[name]
        first = min(placed, key=lambda pair: pair[0].date)
        people = frozenset[str]().union(*(participants(message) for message, _ in placed))
        return Candidate(self._thread(name), people, first[1].headless)

    def add(self, message: Message, hint: str | None = None) -> str:
        """Thread a message; the name of its thread."""
        placement = place(message, self, self.own, hint)
        name = placement.thread_id or f"thread-{len(self.threads)}-{message.key}"
        placed = self.threads.setdefault(name, [])
        for other in placement.merged:
            placed += self.threads.pop(other)
        placed.append((message, placement))
        self.linked = {i: name if n in placement.merged else n for i, n in self.linked.items()}
        self.linked.update(dict.fromkeys(placement.links, name))
        return name


def partition(messages: Iterable[Message], own: Iterable[str] = ()) -> Partition:
    """The keys of each conversation; a copy of a message is not threaded twice."""
    mailbox, seen = Mailbox(own), set()
    for message in messages:
        if message.key not in seen:
            seen.add(message.key)
            mailbox.add(message)
    return {frozenset(message.key for message, _ in placed) for placed in mailbox.threads.values()}
