"""A mail room whose threads are triaged as in production, and what is looked at for questions about them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from tests.databases import Clock
from tests.mailroom import ANNA, open_room
from tests.memorymailbox import AGENT, mail
from tests.triageroom import TriageRoom
from zena_sse.ask.embedded.asked import Asked
from zena_sse.ask.embedded.gathering import Material, gather, understand
from zena_sse.ask.embedded.naming import Named
from zena_sse.ask.embedded.ranking import ranked
from zena_sse.ask.embedded.weighing import Scored
from zena_sse.storage.port import Reader, Transaction
from zena_sse.storage.search import Fts5Search
from zena_sse.triage.analysis.findings import Findings
from zena_sse.triage.judging import Case, Unjudged, judge_batch

MINUTES_A_DAY = 24 * 60
SEARCH = Fts5Search()


class ReadingRoom(TriageRoom):
    """Mail of several users, and questions about it."""

    async def hold(self, *mails: bytes, user_id: str = ANNA) -> None:
        """A user gets these mails, and they are triaged."""
        run = await self.room.run(await self.account(user_id=user_id))
        await self.room.apply(run, *mails)
        await self.room.storage.write(_end, run.sync_id)
        await self.triage.run(user_id)

    async def understand(
        self, question: str, *before: str, user_id: str = ANNA
    ) -> tuple[Asked, Named, datetime]:
        """What a question asks for, whom and what it names, and when that is for the agent."""
        return await self.room.storage.read(
            understand, SEARCH, user_id, question, before, self.room.clock.now
        )

    async def look(self, question: str, *before: str, user_id: str = ANNA) -> Material:
        """All that a question is answered from."""

        def look(reader: Reader) -> Material:
            understood = understand(reader, SEARCH, user_id, question, before, self.room.clock.now)
            return gather(reader, SEARCH, user_id, *understood)

        return await self.room.storage.read(look)

    async def rank(self, question: str) -> list[Scored]:
        """The statements that could answer a question, the likeliest first."""
        return ranked(await self.look(question))

    async def _analyse(self, batch: Sequence[Case]) -> list[Findings | Unjudged]:
        return judge_batch(batch)


def letter(
    subject: str, body: str, *, days: float = -1, sender: str = "Ben Buyer <ben@example.org>", first: str = ""
) -> bytes:
    """A mail to the agent, so many days from noon; its thread began with the subject `first`."""
    return mail(
        f"Re: {first}" if first else subject,
        minutes=days * MINUTES_A_DAY,
        sender=sender,
        id=_id(subject),
        replies_to=_id(first) if first else None,
        body=body,
    )


def answer(first: str, body: str, *, days: float = -0.5, to: str = "Ben Buyer <ben@example.org>") -> bytes:
    """What the agent answers in the thread that began with this subject."""
    return mail(
        f"Re: {first}",
        minutes=days * MINUTES_A_DAY,
        sender=f"Anna <{AGENT}>",
        to=to,
        id=_id(f"{first}{days}"),
        replies_to=_id(first),
        body=body,
    )


def _id(subject: str) -> str:
    return "".join(letter for letter in subject.lower() if letter.isalnum())


def subjects(material: Material) -> list[str]:
    """What the threads are called that are looked at, the likeliest first."""
    return [thread.subject for thread in material.threads]


def texts(statements: Sequence[Scored]) -> list[str]:
    """What they say."""
    return [one.statement.text for one in statements]


@asynccontextmanager
async def open_reading(directory: Path, clock: Clock | None = None) -> AsyncIterator[ReadingRoom]:
    """A reading room in a fresh directory, which is made if need be."""
    async with open_room(_made(directory), clock) as room:
        yield ReadingRoom(room)


def _made(directory: Path) -> Path:
    directory.mkdir(exist_ok=True)
    return directory


def _end(tx: Transaction, sync_id: str) -> None:
    tx.execute("UPDATE sync_runs SET state = 'completed' WHERE sync_id = :sync_id", sync_id=sync_id)
