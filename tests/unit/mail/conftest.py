"""Real mail servers, and a mailbox of each kind."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from imapclient import IMAPClient

from tests.mailboxes import FolderMailbox, ImapMailbox, Mailbox, MaildirMailbox
from tests.mailservers import PYMAP_USER, MailServer, running_dovecot, running_pymap

USER_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def pymap() -> Iterator[MailServer]:
    """pymap, an IMAP server in Python."""
    with running_pymap() as server:
        yield server


@pytest.fixture(scope="session")
def dovecot() -> Iterator[MailServer]:
    """Dovecot, the IMAP server that most mailboxes are on."""
    with running_dovecot() as server:
        yield server


@pytest.fixture(scope="session")
def pymap_client(pymap: MailServer) -> Iterator[IMAPClient]:
    """One for all tests: pymap takes its time over a password."""
    with pymap.sign_in(PYMAP_USER) as client:
        yield client


@pytest.fixture
def pymap_mailbox(pymap: MailServer, pymap_client: IMAPClient) -> ImapMailbox:
    """The mailbox on pymap, emptied."""
    mailbox = ImapMailbox(pymap, PYMAP_USER, pymap_client)
    mailbox.empty()
    return mailbox


@pytest.fixture
def dovecot_mailbox(dovecot: MailServer) -> Iterator[ImapMailbox]:
    """An empty mailbox on Dovecot."""
    user = f"user{next(USER_NUMBERS)}"
    with dovecot.sign_in(user) as client:
        yield ImapMailbox(dovecot, user, client)


@pytest.fixture(params=["pymap", pytest.param("dovecot", marks=pytest.mark.needs("dovecot"))])
def imap(request: pytest.FixtureRequest) -> ImapMailbox:
    """An empty mailbox on each server."""
    mailbox: ImapMailbox = request.getfixturevalue(f"{request.param}_mailbox")
    return mailbox


@pytest.fixture(
    params=["folder", "maildir", "pymap", pytest.param("dovecot", marks=pytest.mark.needs("dovecot"))]
)
def mailbox(request: pytest.FixtureRequest, tmp_path: Path) -> Mailbox:
    """An empty mailbox of each kind."""
    if request.param == "folder":
        return FolderMailbox(tmp_path)
    if request.param == "maildir":
        return MaildirMailbox(tmp_path)
    found: Mailbox = request.getfixturevalue(f"{request.param}_mailbox")
    return found
