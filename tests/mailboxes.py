"""Mailboxes of every kind, seen from the other side: where mail arrives and disappears."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol, TypeVar

from imapclient import IMAPClient

from tests.mailservers import PASSWORD, MailServer
from zena_sse.mail.connector import INBOX, Changes, Connector, FolderState
from zena_sse.mail.connectors.folder import FolderConnector
from zena_sse.mail.connectors.imap import ImapConnector, Login, Server
from zena_sse.mail.connectors.imapwire import Security
from zena_sse.mail.connectors.maildir import MaildirConnector

ConnectorType = TypeVar("ConnectorType", bound=Connector)


def letter(subject: str, received: datetime) -> bytes:
    """A message as it is stored."""
    head = f"Date: {format_datetime(received)}\r\nSubject: {subject}\r\n"
    return f"{head}\r\nKia ora, this is {subject}.\r\n".encode()


@contextmanager
def opened(connector: ConnectorType) -> Iterator[ConnectorType]:
    """A connector that is open, and closed in the end."""
    with closing(connector):
        connector.open()
        yield connector


def all_changes(
    connector: Connector, folder: str = INBOX, known: FolderState | None = None, held: str = ""
) -> Changes:
    """How a folder differs from what is held of it; it must differ."""
    changes = connector.changes(folder, known, lambda: set(held.split()), None)
    assert changes is not None
    return changes


def login(user: str = "anna", secret: str = PASSWORD) -> Login:
    """Who signs in to the servers of these tests."""
    return Login(user, lambda: secret)


def over_tls(server: MailServer, security: Security, trust: ssl.SSLContext, host: str) -> ImapConnector:
    """A connector to a test server that goes by this name."""
    port = server.tls_port if security == "tls" else server.port
    return ImapConnector(
        Server(host, port, security), login(), allow_private=True, tls=trust, resolve=lambda *_: ["127.0.0.1"]
    )


class Mailbox(Protocol):
    """A mailbox and what happens to it while nobody looks."""

    sent: str

    def connector(self) -> Connector:
        """A connector to it, not yet open."""

    def deliver(self, folder: str, subject: str, received: datetime) -> None:
        """A message arrives."""

    def remove(self, folder: str, subject: str) -> None:
        """A message goes."""


class FolderMailbox:
    """A folder of .eml files."""

    sent = "Sent"

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in (INBOX, self.sent, "Junk"):
            (root / name).mkdir()

    def connector(self) -> Connector:
        return FolderConnector(self.root)

    def deliver(self, folder: str, subject: str, received: datetime) -> None:
        draft = self.root / folder / f"{subject}.tmp"
        draft.write_bytes(letter(subject, received))
        draft.rename(draft.with_suffix(".eml"))

    def remove(self, folder: str, subject: str) -> None:
        (self.root / folder / f"{subject}.eml").unlink()


class MaildirMailbox:
    """A Maildir with subfolders."""

    sent = ".Sent"

    def __init__(self, root: Path) -> None:
        self.root = root
        self._numbers = itertools.count(1)
        for folder in (".", self.sent, ".Junk"):
            for name in ("tmp", "new", "cur"):
                (root / folder / name).mkdir(parents=True)

    def connector(self) -> Connector:
        return MaildirConnector(self.root)

    def deliver(self, folder: str, subject: str, received: datetime) -> None:
        draft = self.home(folder) / "tmp" / f"{next(self._numbers)}.{subject}.host"
        draft.write_bytes(letter(subject, received))
        draft.rename(self.home(folder) / "new" / draft.name)

    def remove(self, folder: str, subject: str) -> None:
        next(self.home(folder).glob(f"*/*.{subject}.host*")).unlink()

    def home(self, folder: str) -> Path:
        """Where a folder is."""
        return self.root if folder == INBOX else self.root / folder


class ImapMailbox:
    """A user's mailbox on a server, through another mail program of the same user."""

    sent = "Sent"

    def __init__(self, server: MailServer, user: str, client: IMAPClient) -> None:
        self.server = server
        self.user = user
        self.client = client

    def connector(self) -> ImapConnector:
        return ImapConnector(
            Server("127.0.0.1", self.server.port, "plain"),
            login(self.user),
            allow_private=True,
        )

    def deliver(self, folder: str, subject: str, received: datetime) -> None:
        self.client.append(folder, letter(subject, received), msg_time=received)

    def remove(self, folder: str, subject: str) -> None:
        self.client.select_folder(folder)
        self.client.delete_messages(self.client.search(["SUBJECT", subject]))
        self.client.expunge()

    def empty(self) -> None:
        """Leave nothing but an empty inbox and an empty folder of sent mail."""
        for *_, name in self.client.list_folders():
            self.client.select_folder(name)
            self.client.delete_messages(self.client.search())
            self.client.expunge()
            self.client.close_folder()
        if not self.client.folder_exists(self.sent):
            self.client.create_folder(self.sent)
