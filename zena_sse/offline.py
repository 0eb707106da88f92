"""Reads a mail folder as the server would, without one: in one run, into a database that goes with it."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress as Bar

from zena_sse.contract.events import Event, Provider, SyncProgress
from zena_sse.errors import MailboxMissing
from zena_sse.mail.accounts import FolderMailbox, MaildirMailbox, add_account, seal_mailbox
from zena_sse.mail.connectors.directory import DirectoryConnector
from zena_sse.mail.mailbox import OpenMailbox
from zena_sse.mail.progress import Progress
from zena_sse.mail.reading import Reading
from zena_sse.mail.runs import Run, claim_run, complete_run, request_sync
from zena_sse.settings import Settings
from zena_sse.storage.port import Reader
from zena_sse.wiring import Zena, new_id

USER = "reader"


class Folder(msgspec.Struct, frozen=True):
    """A mail folder that was read: where its messages are, and who knows what is made of them."""

    zena: Zena
    files: dict[tuple[str, str], str]  # folder and uid -> path relative to the mail folder


def _say_nothing(_user_id: str, _event: Event) -> None:
    """Nobody watches."""


@asynccontextmanager
async def read_folder(
    root: Path,
    addresses: Iterable[str],
    as_of: Callable[[], datetime],
    settings: Settings,
    tell: Callable[[str, Event], None] = _say_nothing,
) -> AsyncIterator[Folder]:
    """Read all of a mail folder and triage it; what was made of it goes with the context.

    `tell` hears of the progress. Raises `MailboxMissing` when there is no mail.
    """
    with tempfile.TemporaryDirectory(prefix="zena-mail-") as directory:
        zena = Zena(_alone(settings, Path(directory)), as_of, background=False)
        await zena.start()
        try:
            yield Folder(zena, await _read(zena, root, addresses, tell))
        finally:
            await zena.stop()


@contextmanager
def reading_bar() -> Iterator[Callable[[str, Event], None]]:
    """Shows how far the reading is, on a terminal only."""
    with Bar(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("Reading", total=None)

        def tell(_user_id: str, event: Event) -> None:
            if isinstance(event, SyncProgress):
                bar.update(task, completed=event.processed_threads, total=event.total_threads)

        yield tell


class _Held(msgspec.Struct):
    folder: str
    uid: str


def files_of(reader: Reader, folder: Folder, thread_id: str, key: str | None = None) -> list[str]:
    """Where the messages of a thread are, the oldest first; or only the message with this key."""
    held = reader.all(
        _Held,
        "SELECT copies.folder, copies.uid FROM messages CROSS JOIN copies"
        " WHERE messages.user_id = :user_id AND messages.thread_id = :thread_id"
        " AND messages.key = COALESCE(:key, messages.key)"
        " AND copies.user_id = messages.user_id AND copies.key = messages.key"
        " ORDER BY messages.at, messages.key, copies.folder, copies.uid",
        user_id=USER,
        thread_id=thread_id,
        key=key,
    )
    return [folder.files[copy.folder, copy.uid] for copy in held]


def _alone(settings: Settings, directory: Path) -> Settings:
    """The settings that say how mail is judged, and nothing of where a server has its data."""
    return msgspec.structs.replace(
        settings,
        data_dir=directory,
        database_url="",
        jwt_secret=secrets.token_hex(32),
        secret_keys="",
        llm_base_url="",
        llm_model="",
        mail_days=0,
    )


async def _read(
    zena: Zena, root: Path, addresses: Iterable[str], tell: Callable[[str, Event], None]
) -> dict[tuple[str, str], str]:
    """One run through the mailbox and what follows it; where its messages are."""
    opening = MaildirMailbox(str(root)) if (root / "cur").is_dir() else FolderMailbox(str(root))
    provider: Provider = "maildir" if isinstance(opening, MaildirMailbox) else "folder"
    connector = zena.open_connector(opening)
    if not isinstance(connector, DirectoryConnector):
        raise TypeError("a mailbox on the disk is read from the disk")
    sealed = seal_mailbox(zena.vault, opening)
    account = await zena.storage.write(add_account, new_id(), USER, provider, "mail", addresses, sealed)
    await zena.storage.write(request_sync, account, new_id())
    run = await zena.storage.write(claim_run, account.account_id)
    if run is None:
        raise RuntimeError("a run that was just asked for can begin")
    mailbox = OpenMailbox(connector, account.account_id)
    try:
        await mailbox.call(connector.open)
        files = await mailbox.call(_files, connector)
        if not files:
            raise MailboxMissing(f"There is no mail in {root}")
        await _take_in(zena, run, mailbox, tell)
    finally:
        await mailbox.close()
    return files


async def _take_in(zena: Zena, run: Run, mailbox: OpenMailbox, tell: Callable[[str, Event], None]) -> None:
    await Reading(zena.ports, run, mailbox, Progress(run, tell, time.monotonic)).read()
    await zena.watch.follow(run.user_id)
    await zena.storage.write(complete_run, run)


def _files(connector: DirectoryConnector) -> dict[tuple[str, str], str]:
    """Where the messages are; a name that is no text is shown as well as it can be."""
    return {
        (folder, uid): os.fsencode(path.relative_to(connector.root).as_posix()).decode(errors="replace")
        for folder in connector.folders()
        for uid, path in connector.files(folder).items()
    }
