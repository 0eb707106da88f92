"""The triage room on a real database. Its analysis is scripted: mail says in its text what is found in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import msgspec

from tests.mailroom import ANNA, Room, open_room
from tests.memorymailbox import AGENT, mail
from zena_sse.contract.events import Classification, Stage
from zena_sse.mail.accounts import Account
from zena_sse.mail.connector import FolderState
from zena_sse.mail.content.message import Message
from zena_sse.mail.followers import Followers
from zena_sse.mail.removal import apply_gone, purge_account, remove_account
from zena_sse.mail.store import apply_batch
from zena_sse.mail.threads import ThreadItem, get_item, list_threads
from zena_sse.settings import Settings
from zena_sse.storage.port import Transaction
from zena_sse.triage.analysis.findings import Contact, Findings, Known, Mention
from zena_sse.triage.applying import Applying, drop_triage, merge_triage
from zena_sse.triage.corrections import ThreadCorrection
from zena_sse.triage.judging import Case, Unjudged
from zena_sse.triage.passes import Triage
from zena_sse.triage.triaged import Triaged


def scripted(messages: Sequence[Message], known: Known) -> Findings:
    """What the newest message says is found: `class: buyer`, `owing: agent`, `at: 12 High Street, Suburb`."""
    told: dict[str, str] = {}
    mentions: list[Mention] = []
    for line in messages[-1].text.splitlines():
        name, colon, value = (part.strip() for part in line.partition(":"))
        if colon and name == "at":
            mentions.append(mention(value))
        elif colon:
            told[name] = value
    if "fails" in told:
        raise RuntimeError(told["fails"])
    classification = told.get("class", "buyer")
    assert classification in get_args(Classification)
    stage = told.get("stage")
    assert stage is None or stage in get_args(Stage)
    learnt = dict(known.taught).get((told.get("like", ""),))
    return Findings(
        classification=learnt or classification,  # type: ignore[arg-type]  # asserted above
        confidence=0.75,
        evidence=(f"{messages[-1].sender.email} wrote",),
        owing=told.get("owing", "agent"),  # type: ignore[arg-type]  # the test's own
        stage=stage,  # type: ignore[arg-type]  # asserted above
        concern=told.get("concern"),
        mentions=tuple(mentions),
        contacts=tuple(
            Contact(m.sender.name, m.sender.email, told.get("phone"), "buyer")
            for m in messages
            if m.sender.email not in known.own
        ),
        features=(told["like"],) if "like" in told else (),
    )


def mention(text: str) -> Mention:
    """`12 High Street, Suburb`; number and suburb may be missing."""
    place, _, suburb = (part.strip() for part in text.partition(","))
    number, _, street = place.partition(" ")
    if not number[:1].isdigit():
        number, street = "", place
    return Mention(street, number or None, suburb or None)


class TriageRoom:
    """A mail room whose threads are triaged; what deals and tasks are told is noted."""

    def __init__(self, room: Room, **settings: Any) -> None:
        self.room = room
        self.batches: list[list[Case]] = []
        self.deal: str | None = None
        self.deals: list[Triaged] = []
        self.tasks: list[Triaged] = []
        self.followers = Followers(dropped=drop_triage, merged=merge_triage)
        self.thresholds = Settings(**settings).risk_thresholds
        applying = Applying(
            thresholds=self.thresholds, follow_deal=self._follow_deal, follow_tasks=self._follow_tasks
        )
        self.triage = Triage(room.storage, self._analyse, applying, room.clock)
        self._accounts: dict[str, Account] = {}

    async def account(self, name: str = "mine", user_id: str = ANNA) -> Account:
        """A mailbox, connected when it is first asked for."""
        if f"{user_id}-{name}" not in self._accounts:
            self._accounts[f"{user_id}-{name}"] = await self.room.account(name, user_id=user_id)
        return self._accounts[f"{user_id}-{name}"]

    async def receive(self, *mails: bytes, name: str = "mine", uids: Sequence[str] = ()) -> None:
        """Mail is filed, and nothing made of it yet."""
        run = await self.room.run(await self.account(name))
        copies = self.room.copies(*mails, uids=uids)

        def apply(tx: Transaction) -> None:
            apply_batch(tx, run, copies, followers=self.followers)

        await self.room.storage.write(apply)
        await self.room.storage.write(_end, run.sync_id)

    async def take(self, *mails: bytes, name: str = "mine", uids: Sequence[str] = ()) -> None:
        """Mail is filed, then triaged."""
        await self.receive(*mails, name=name, uids=uids)
        await self.triage.run(ANNA)

    async def item(self, subject: str, user_id: str = ANNA) -> ThreadItem:
        """The thread of this subject, as lists show it."""
        page = await self.room.storage.read(list_threads, user_id, "all", 1000)
        (thread_id,) = [thread.thread_id for thread in page.threads if thread.subject == subject]
        return await self.room.storage.read(get_item, user_id, thread_id)

    async def correct(self, subject: str, **said: Any) -> ThreadItem:
        """The user corrects a thread."""
        thread_id = (await self.item(subject)).thread_id
        await self.triage.correct(ANNA, thread_id, msgspec.convert(said, ThreadCorrection))
        return await self.item(subject)

    async def delete(self, *uids: str, name: str = "mine") -> None:
        """Messages vanish from the inbox."""
        account = await self.account(name)
        state = FolderState("INBOX", "1", "")
        await self.room.storage.write(apply_gone, account.account_id, state, uids, self.followers)

    async def disconnect(self, name: str = "mine") -> None:
        """The account is removed with its data."""
        account_id = (await self.account(name)).account_id
        await self.room.storage.write(remove_account, ANNA, account_id)
        while await self.room.storage.write(purge_account, account_id, self.followers):
            pass

    async def _analyse(self, batch: Sequence[Case]) -> list[Findings | Unjudged]:
        self.batches.append(list(batch))
        return [_judge(case) for case in batch]

    def _follow_deal(self, _tx: Transaction, triaged: Triaged, _as_of: datetime) -> str | None:
        self.deals.append(triaged)
        if triaged.subject == "Breaks the deal":
            raise RuntimeError("a bug")
        return self.deal

    def _follow_tasks(self, _tx: Transaction, triaged: Triaged) -> None:
        self.tasks.append(triaged)


def _judge(case: Case) -> Findings | Unjudged:
    try:
        return scripted(*case)
    except RuntimeError as error:
        return Unjudged(repr(error))


def _end(tx: Transaction, sync_id: str) -> None:
    tx.execute("UPDATE sync_runs SET state = 'completed' WHERE sync_id = :sync_id", sync_id=sync_id)


def sent(subject: str, to: str, **more: Any) -> bytes:
    """A mail that the user wrote."""
    return mail(subject, sender=f"Anna <{AGENT}>", to=to, **more)


@asynccontextmanager
async def open_triage(directory: Path, **settings: Any) -> AsyncIterator[TriageRoom]:
    """A triage room in a fresh directory."""
    async with open_room(directory) as room:
        yield TriageRoom(room, **settings)
