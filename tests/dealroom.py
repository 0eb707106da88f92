"""Deals and tasks on a real database, fed by the real triage; what it finds is for the test to say."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tests.mailroom import ANNA, Room, open_room
from tests.memorymailbox import AGENT, mail
from zena_sse.deals.assessing import assess_deals
from zena_sse.deals.following import follow_deal
from zena_sse.deals.reading import DealDetail, DealItem, get_deal, list_deals
from zena_sse.mail.accounts import Account
from zena_sse.mail.connector import FolderState
from zena_sse.mail.content.message import Message
from zena_sse.mail.followers import Followers
from zena_sse.mail.removal import apply_gone
from zena_sse.mail.store import apply_batch
from zena_sse.mail.threads import get_thread, list_threads
from zena_sse.settings import Settings
from zena_sse.storage.port import Transaction
from zena_sse.tasks.following import deal_gone, follow_tasks, suggest_follow_up
from zena_sse.tasks.reading import Status, TaskItem, list_tasks
from zena_sse.triage.analysis.findings import Ask, Contact, Findings, Known, Mention, Role
from zena_sse.triage.applying import Applying
from zena_sse.triage.judging import Case, Unjudged
from zena_sse.triage.passes import Triage
from zena_sse.wiring import drop_thread, merge_threads

BEN = "Ben Buyer <ben@example.org>"
VERA = "Vera Vendor <vera@example.org>"
LEX = "Lex Lawyer <lex@law.example>"
HIGH_STREET = Mention("High Street", "12")
LOW_ROAD = Mention("Low Road", "3")
MINUTES_A_DAY = 24 * 60


class Wish(NamedTuple):
    """Something asked of the agent, in the message of the thread that has this place."""

    label: str
    evidence: str = ""
    due: date | None = None
    message: int = -1


class DealRoom:
    """A mail room with triage, deals and tasks."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.thresholds = Settings().risk_thresholds
        self.found: dict[str, dict[str, Any]] = {}  # by subject
        applying = Applying(
            thresholds=self.thresholds,
            follow_deal=partial(follow_deal, gone=deal_gone),
            follow_tasks=follow_tasks,
        )
        self._triage = Triage(room.storage, self._analyse, applying, room.clock)
        self._followers = Followers(dropped=drop_thread, merged=merge_threads)
        self._numbers = itertools.count(1)
        self._ids: dict[str, list[str]] = {}
        self._account: Account | None = None

    async def write(self, subject: str, days: float = 0, sender: str = BEN, **found: Any) -> None:
        """A mail of a thread, written so many days before noon, is filed and triaged; what is found stays."""
        self.found[subject] = self.found.get(subject, {}) | found
        await self.file(subject, days, sender)
        await self.triage()

    async def file(
        self, subject: str, days: float = 0, sender: str = BEN, to: str = f"Anna <{AGENT}>", id_: str = ""
    ) -> None:
        """A mail is filed, and nothing made of it yet."""
        if self._account is None:
            self._account = await self.room.account()
        name = id_ or f"m{next(self._numbers)}"
        before = self._ids.setdefault(subject, [])
        raw = mail(subject, minutes=-days * MINUTES_A_DAY, sender=sender, to=to, id=name, references=before)
        before.append(name)
        run = await self.room.run(self._account)
        copies = self.room.copies(raw, uids=[name])

        def apply(tx: Transaction) -> None:
            apply_batch(tx, run, copies, followers=self._followers)
            tx.execute("UPDATE sync_runs SET state = 'completed'")

        await self.room.storage.write(apply)

    async def reply(self, subject: str, days: float = 0, **found: Any) -> None:
        """The agent writes in a thread."""
        await self.write(subject, days, f"Anna <{AGENT}>", **found)

    async def find(self, subject: str, **found: Any) -> None:
        """Triage finds something else in a thread that has not changed."""
        self.found[subject] |= found
        await self.room.storage.write(
            lambda tx: tx.execute("UPDATE threads SET triaged_version = 0 WHERE subject = :s", s=subject)
        )
        await self.triage()

    async def triage(self) -> None:
        """A pass over what is pending."""
        await self._triage.run(ANNA)

    async def assess(self, days: float = 0) -> None:
        """So much time passes, then the deals are looked at."""
        self.room.clock.advance(days=days)
        look = partial(assess_deals, suggest=suggest_follow_up, gone=deal_gone)
        while await self.room.storage.write(look, ANNA, self.room.clock(), self.thresholds):
            pass

    async def delete(self, subject: str) -> None:
        """All mail of a thread vanishes."""
        assert self._account is not None
        state = FolderState("INBOX", "1", "")
        await self.room.storage.write(
            apply_gone, self._account.account_id, state, self._ids.pop(subject), self._followers
        )

    async def deals(self) -> list[DealItem]:
        """The open deals."""
        return (await self.room.storage.read(list_deals, ANNA, 200)).deals

    async def deal(self) -> DealDetail:
        """The only deal there is, open or closed."""
        (deal_id,) = await self.room.query(str, "SELECT deal_id FROM deals")
        return await self.room.storage.read(get_deal, ANNA, deal_id)

    async def tasks(self, status: Status = "open") -> list[TaskItem]:
        """The tasks of a status."""
        page = await self.room.storage.read(list_tasks, ANNA, status, self.room.clock(), 200)
        return page.tasks

    async def thread_id(self, subject: str) -> str:
        """The thread of this subject."""
        page = await self.room.storage.read(list_threads, ANNA, "all", 1000)
        (found,) = [thread.thread_id for thread in page.threads if thread.subject == subject]
        return found

    async def deal_of(self, subject: str) -> str | None:
        """The deal that a thread says it is in."""
        thread = await self.room.storage.read(get_thread, ANNA, await self.thread_id(subject))
        return thread.deal_id

    async def _analyse(self, batch: Sequence[Case]) -> list[Findings | Unjudged]:
        return [self._judge(case[0], case[1]) for case in batch]

    def _judge(self, messages: Sequence[Message], known: Known) -> Findings | Unjudged:
        found: dict[str, Any] = {
            "classification": "buyer",
            "confidence": 0.9,
            "evidence": (),
            "owing": "other",
        }
        found |= self.found.get(messages[0].subject, {})
        if found.pop("fails", False):
            return Unjudged("no idea")
        side = found["classification"]
        role: Role = side if side in {"buyer", "vendor"} else "other"
        people = [person for m in messages for person in (m.sender, *m.to, *m.cc)]
        names = {person.email: person.name for person in people if person.email not in known.own}
        found.setdefault("contacts", [Contact(name, email, role=role) for email, name in names.items()])
        wishes: Sequence[Wish] = found.pop("asks", ())
        asks = [Ask(w.label, w.evidence or w.label, messages[w.message].key, w.due) for w in wishes]
        return Findings(**found, asks=tuple(asks))


@asynccontextmanager
async def open_deals(directory: Path) -> AsyncIterator[DealRoom]:
    """The rooms in a directory; opened again, they find what was left there."""
    async with open_room(directory) as room:
        yield DealRoom(room)
