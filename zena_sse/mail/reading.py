"""One reading of a mailbox from the first look to the last message, oldest first, a batch at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import blake2b

import msgspec
import structlog

from zena_sse.errors import StorageUnavailable, ZenaError
from zena_sse.mail.connector import Changes, Connector, Held, Remote, batches
from zena_sse.mail.content.message import Address, Message
from zena_sse.mail.mailbox import OpenMailbox
from zena_sse.mail.ports import Ports
from zena_sse.mail.progress import Progress
from zena_sse.mail.removal import COPIES_A_UNIT, apply_gone, drop_stale
from zena_sse.mail.runs import Run
from zena_sse.mail.store import Applied, Copy, apply_batch, find_folder, held_uids, record_folder

# A unit of work takes at most 20 ms, and of each mailbox two batches of raw mail are in memory.
BATCH_MESSAGES = 32
BATCH_BYTES = 4 * 1024 * 1024

# Seconds that the mailbox's thread waits for the database to tell what is held.
HELD_SECONDS = 60.0

Raw = tuple[Remote, bytes]

log = structlog.get_logger("zena.mail")


class Reading:
    """What a run does with an open mailbox. Raises what the connector and the database raise."""

    def __init__(self, ports: Ports, run: Run, mailbox: OpenMailbox, progress: Progress) -> None:
        self._ports = ports
        self._run = run
        self._mailbox = mailbox
        self._progress = progress
        self._validity: dict[str, str] = {}
        self.messages = 0

    async def read(self) -> None:
        """Take in what is new, then let go of what is gone.

        A message that moved to another folder is found there before it is missed in the first.
        """
        changed = await self._survey()
        remotes = [remote for changes in changed for remote in changes.new]
        remotes.sort(key=lambda remote: (remote.received, remote.folder, remote.uid))
        self._progress.expect(len(remotes))
        await self._take_in(remotes)
        for changes in changed:
            await self._finish(changes)

    async def _survey(self) -> list[Changes]:
        """Every folder that changed, and how."""
        connector = self._mailbox.connector
        found = [await self._changes(folder) for folder in await self._mailbox.call(connector.folders)]
        changed = [changes for changes in found if changes is not None]
        self._validity = {changes.state.name: changes.state.validity for changes in changed}
        return changed

    async def _changes(self, folder: str) -> Changes | None:
        storage, account_id = self._ports.storage, self._run.account_id
        known = await storage.read(find_folder, account_id, folder)
        held = self._held(folder, known.validity if known is not None else "")
        window = self._ports.window()
        changes = await self._mailbox.call(self._mailbox.connector.changes, folder, known, held, window)
        if changes is None or not changes.stale:
            return changes
        # An earlier run may have got some way with the new numbering.
        anew = await storage.read(held_uids, account_id, folder, changes.state.validity)
        return msgspec.structs.replace(changes, new=[r for r in changes.new if r.uid not in anew])

    def _held(self, folder: str, validity: str) -> Held:
        """Asks the database from the mailbox's thread, only if the connector wants to know."""
        loop, read = asyncio.get_running_loop(), self._ports.storage.read

        def held() -> frozenset[str]:
            asked = read(held_uids, self._run.account_id, folder, validity)
            try:
                return asyncio.run_coroutine_threadsafe(asked, loop).result(HELD_SECONDS)
            except TimeoutError:
                raise StorageUnavailable from None

        return held

    async def _take_in(self, remotes: Sequence[Remote]) -> None:
        """Fetch, parse and apply; the next batch is fetched while this one is parsed and applied."""
        upcoming = batches(remotes, BATCH_MESSAGES, BATCH_BYTES)
        batch = next(upcoming, [])
        fetching = self._fetch(batch)
        try:
            while batch:
                fetched = await fetching
                size, batch = len(batch), next(upcoming, [])
                fetching = self._fetch(batch)
                threads = await self._apply(fetched)
                self.messages += len(fetched)
                self._progress.advance(size, threads)
        finally:
            self._mailbox.abandon(fetching)

    def _fetch(self, batch: Sequence[Remote]) -> asyncio.Future[list[Raw]]:
        return self._mailbox.call(fetch, self._mailbox.connector, batch)

    async def _apply(self, fetched: Sequence[Raw]) -> frozenset[str]:
        """Parse a batch and store it; the threads it touched."""
        if not fetched:
            return frozenset()
        messages = await self._ports.compute([(raw, remote.received) for remote, raw in fetched])
        copies = [
            Copy(remote, self._validity[remote.folder], message)
            for (remote, _), message in zip(fetched, messages, strict=True)
        ]
        applied = await self._store(copies, fetched)
        for one in applied:
            self._count(one)
        return frozenset().union(*(one.threads for one in applied))

    async def _store(self, copies: Sequence[Copy], fetched: Sequence[Raw]) -> list[Applied]:
        """Apply a batch; one that our own code fails on is applied message by message."""
        try:
            return [await self._write(copies)]
        except ZenaError:
            raise
        except Exception:
            log.exception("batch failed", sync_id=self._run.sync_id, messages=len(copies))
        pairs = zip(copies, fetched, strict=True)
        return [await self._store_one(copy, raw) for copy, (_, raw) in pairs]

    async def _store_one(self, copy: Copy, raw: bytes) -> Applied:
        """A message that cannot be filed as it is, is filed as bytes: it neither stops a sync nor is lost."""
        try:
            return await self._write([copy])
        except ZenaError:
            raise
        except Exception as error:
            log.exception("message failed", sync_id=self._run.sync_id, key=copy.message.key)
            bare = bare_message(copy.remote, raw, f"not storable: {type(error).__name__}")
            return await self._write([msgspec.structs.replace(copy, message=bare)])

    async def _write(self, copies: Sequence[Copy]) -> Applied:
        threads, followers = self._progress.threads, self._ports.followers
        return await self._ports.storage.write(apply_batch, self._run, copies, threads, followers)

    def _count(self, applied: Applied) -> None:
        messages = self._ports.metrics.messages
        messages.labels("new").inc(applied.new - applied.defective)
        messages.labels("defective").inc(applied.defective)
        messages.labels("known").inc(applied.known)

    async def _finish(self, changes: Changes) -> None:
        """Everything new is held: what is gone goes, and the state is what the next run builds on."""
        write, account_id, state = self._ports.storage.write, self._run.account_id, changes.state
        followers = self._ports.followers
        for start in range(0, len(changes.gone), COPIES_A_UNIT):
            await write(apply_gone, account_id, state, changes.gone[start : start + COPIES_A_UNIT], followers)
        while await write(drop_stale, account_id, state, followers):
            pass
        await write(record_folder, account_id, state)


def fetch(connector: Connector, batch: Sequence[Remote]) -> list[Raw]:
    """The messages of a batch, in its order; those that have vanished are left out."""
    found: dict[Remote, bytes] = {}
    for folder in dict.fromkeys(remote.folder for remote in batch):
        found.update(connector.fetch(folder, [remote for remote in batch if remote.folder == folder]))
    return [(remote, found[remote]) for remote in batch if remote in found]


def bare_message(remote: Remote, raw: bytes, defect: str) -> Message:
    """A message of which nothing is told but that it is there."""
    return Message(
        key=blake2b(raw, digest_size=16).hexdigest(),
        message_id=None,
        references=(),
        subject="",
        sender=Address("", ""),
        to=(),
        cc=(),
        date=remote.received,
        text="",
        quoted="",
        signature="",
        html=None,
        attachments=(),
        headers={},
        defect=defect,
        raw=raw,
    )
