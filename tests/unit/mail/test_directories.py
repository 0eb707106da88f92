"""What only mailboxes on this machine's disk have: files half written, renamed, with odd names and dates."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.mailboxes import FolderMailbox, MaildirMailbox, all_changes, letter, opened
from zena_sse.errors import MailboxMissing, MailboxUnreachable
from zena_sse.mail.connector import INBOX, Connector
from zena_sse.mail.connectors.directory import date_received
from zena_sse.mail.connectors.folder import FolderConnector
from zena_sse.mail.connectors.maildir import MaildirConnector

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> FolderMailbox:
    return FolderMailbox(tmp_path)


@pytest.fixture
def maildir(tmp_path: Path) -> MaildirMailbox:
    return MaildirMailbox(tmp_path)


def uids(connector: Connector) -> list[str]:
    return [remote.uid for remote in all_changes(connector).new]


@pytest.mark.parametrize("kind", [FolderConnector, MaildirConnector])
@pytest.mark.parametrize("place", ["nowhere", "file", "empty"])
def test_a_path_without_a_mailbox_is_missing(
    kind: type[FolderConnector | MaildirConnector], place: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(MailboxMissing, match=f"There is no mailbox at .*/{place}"):
        kind(tmp_path / place).open()


def test_a_mailbox_that_disappears_is_missing_and_not_empty(folder: FolderMailbox) -> None:
    folder.deliver(INBOX, "first", MONDAY)
    with opened(folder.connector()) as connector:
        known = all_changes(connector).state
        (folder.root / INBOX).rename(folder.root / "elsewhere")
        with pytest.raises(MailboxMissing):
            connector.changes(INBOX, known, lambda: {"first.eml"}, None)


def test_an_unmounted_maildir_is_missing_and_not_empty(maildir: MaildirMailbox) -> None:
    with opened(maildir.connector()) as connector:
        known = all_changes(connector).state
        maildir.root.rename(maildir.root.with_name("elsewhere"))
        with pytest.raises(MailboxMissing):
            connector.changes(INBOX, known, lambda: {"1.first.host"}, None)


def test_a_file_that_cannot_be_read_is_named(folder: FolderMailbox) -> None:
    path = folder.root / INBOX / "first.eml"
    path.symlink_to(path)
    with pytest.raises(MailboxUnreachable, match=r"first\.eml: Too many levels of symbolic links"):
        folder.connector().open()


@pytest.mark.parametrize("name", [".0001.eml", "0001.eml.tmp", "notes.txt", ".DS_Store"])
def test_a_file_that_is_no_message_or_not_yet_is_left_alone(folder: FolderMailbox, name: str) -> None:
    (folder.root / INBOX / name).write_bytes(letter("draft", MONDAY))
    (folder.root / INBOX / "directory.eml").mkdir()
    with opened(folder.connector()) as connector:
        assert uids(connector) == []


def test_a_folder_without_sent_mail_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / INBOX).mkdir()
    with opened(FolderConnector(tmp_path)) as connector:
        assert connector.folders() == [INBOX]


def test_a_sent_folder_that_appears_later_ends_the_waiting(tmp_path: Path) -> None:
    (tmp_path / INBOX).mkdir()
    with opened(FolderConnector(tmp_path)) as connector:
        assert not connector.wait(0)
        (tmp_path / "Sent").mkdir()
        assert connector.wait(0)


def test_a_name_that_is_not_utf8_becomes_a_uid_that_is(folder: FolderMailbox) -> None:
    name = os.fsencode(folder.root / INBOX) + b"/caf\xe9.eml"
    Path(os.fsdecode(name)).write_bytes(letter("coffee", MONDAY))
    with opened(folder.connector()) as connector:
        changes = all_changes(connector)
        assert [remote.uid for remote in changes.new] == ["caf\\xe9.eml"]
        assert [raw for _, raw in connector.fetch(INBOX, changes.new)] == [letter("coffee", MONDAY)]


def test_mail_that_is_seen_and_flagged_is_no_change(maildir: MaildirMailbox) -> None:
    maildir.deliver(INBOX, "first", MONDAY)
    with opened(maildir.connector()) as connector:
        changes = all_changes(connector)
        (new,) = (maildir.root / "new").iterdir()
        seen = new.rename(maildir.root / "cur" / f"{new.name}:2,S")
        assert connector.changes(INBOX, changes.state, set, None) is None
        assert not connector.wait(0)
        seen.rename(maildir.root / "cur" / f"{new.name}:2,RS")
        assert connector.changes(INBOX, changes.state, set, None) is None
        assert [raw for _, raw in connector.fetch(INBOX, changes.new)] == [letter("first", MONDAY)]


def test_mail_that_is_renamed_between_listing_and_reading_is_still_found(maildir: MaildirMailbox) -> None:
    for name in "first", "second":
        maildir.deliver(INBOX, name, MONDAY)
    with opened(maildir.connector()) as connector:
        fetching = connector.fetch(INBOX, all_changes(connector).new)
        next(fetching)
        for new in (maildir.root / "new").iterdir():
            new.rename(maildir.root / "cur" / f"{new.name}:2,S")
        assert next(fetching)[1] == letter("second", MONDAY)


def test_a_maildir_whose_new_directory_is_not_there_is_read(maildir: MaildirMailbox) -> None:
    (maildir.root / "new").rmdir()
    (maildir.root / "cur" / "1.host:2,S").write_bytes(letter("first", MONDAY))
    with opened(maildir.connector()) as connector:
        assert uids(connector) == ["1.host"]


def test_a_file_that_arrives_while_the_directory_clock_stands_still_is_noticed(folder: FolderMailbox) -> None:
    folder.deliver(INBOX, "first", MONDAY)
    inbox = folder.root / INBOX
    with opened(folder.connector()) as connector:
        all_changes(connector)
        assert not connector.wait(0)
        stamp = inbox.stat().st_mtime_ns
        folder.deliver(INBOX, "second", MONDAY)
        os.utime(inbox, ns=(stamp, stamp))
        assert connector.wait(0)


def test_a_directory_that_has_been_quiet_is_not_listed_again(
    folder: FolderMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.deliver(INBOX, "first", MONDAY)
    for name in INBOX, "Sent":
        os.utime(folder.root / name, (0, 0))
    with opened(folder.connector()) as connector:
        assert not connector.wait(0)
        monkeypatch.setattr(os, "scandir", lambda _: pytest.fail("listed"))
        assert not connector.wait(0)


def test_waiting_notices_a_file_within_two_looks(
    folder: FolderMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zena_sse.mail.connectors.directory.POLL", 0.01)
    with opened(folder.connector()) as connector, ThreadPoolExecutor(1) as owner:
        waiting = owner.submit(connector.wait, 20)
        folder.deliver(INBOX, "first", MONDAY)
        assert waiting.result(10)


def test_a_date_is_read_once_while_its_message_stays_outside_the_window(
    folder: FolderMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.deliver(INBOX, "first", MONDAY)
    with opened(folder.connector()) as connector:
        known = connector.changes(INBOX, None, set, datetime(2027, 1, 1, tzinfo=UTC).date())
        assert known is not None
        assert known.new == []
        (folder.root / INBOX / "first.eml").write_bytes(letter("first", datetime(2027, 2, 1, tzinfo=UTC)))
        again = connector.changes(INBOX, known.state, set, datetime(2027, 1, 2, tzinfo=UTC).date())
        assert again is not None
        assert again.new == []


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"Date: Mon, 16 Nov 2026 22:00:00 +1300\r\n\r\n", MONDAY),
        (b"DATE:\n Mon, 16 Nov 2026 22:00:00\n +1300\n\n", MONDAY),
        (b"Date: Mon, 16 Nov 2026 09:00:00\n\n", MONDAY),
        (
            b"Received: by b;\n\tMon, 16 Nov 2026 09:00:00 +0000\nDate: Thu, 1 Jan 1998 00:00:00 +0000\n\n",
            MONDAY,
        ),
        (b"Received: by nobody; at some time\nDate: Mon, 16 Nov 2026 09:00:00 +0000\n\n", MONDAY),
        (b"Subject: none\n\nDate: Mon, 16 Nov 2026 09:00:00 +0000\n", None),
        (b"Date: yesterday\n\n", None),
        (b"Date: Mon, 99 Nov 99999 09:00:00 +9999\n\n", None),
        (b"Date: \xff\xfe, \n\n", None),
        (b"", None),
    ],
)
def test_a_message_counts_from_when_it_was_received_or_else_written(
    head: bytes, expected: datetime | None
) -> None:
    assert date_received(head) == expected


def test_a_message_without_a_date_counts_from_when_its_file_was_written(folder: FolderMailbox) -> None:
    path = folder.root / INBOX / "first.eml"
    path.write_bytes(b"Subject: no date\r\n\r\n")
    os.utime(path, (MONDAY.timestamp(), MONDAY.timestamp()))
    with opened(folder.connector()) as connector:
        assert all_changes(connector).new[0].received == MONDAY


@pytest.mark.parametrize("layout", ["INBOX", "cur"])
def test_mailbox_that_vanished_is_missing_and_not_empty(tmp_path: Path, layout: str) -> None:
    root = tmp_path / "mailbox"
    (root / layout).mkdir(parents=True)
    connector = FolderConnector(root) if layout == "INBOX" else MaildirConnector(root)
    connector.open()
    root.rename(tmp_path / "gone")
    with pytest.raises(MailboxMissing, match=f"it needs a directory {layout}"):
        connector.folders()
