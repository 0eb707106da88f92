"""What every connector does alike: one suite, run against each kind of mailbox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.mailboxes import Mailbox, letter
from zena_sse.mail.connector import INBOX, Changes, Connector, FolderState, Remote

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = MONDAY + timedelta(days=2)


@pytest.fixture
def connector(mailbox: Mailbox) -> Iterator[Connector]:
    with closing(mailbox.connector()) as opened:
        opened.open()
        yield opened


class Reading:
    """What somebody who reads a folder holds of it, and remembers."""

    def __init__(self, connector: Connector, folder: str = INBOX, since: date | None = None) -> None:
        self.connector = connector
        self.folder = folder
        self.since = since
        self.known: FolderState | None = None
        self.held: dict[str, str] = {}

    def changes(self) -> Changes | None:
        return self.connector.changes(self.folder, self.known, self.held.keys, self.since)

    def round(self) -> list[str]:
        """One round, the way the engine goes; the subjects that are new."""
        changes = self.changes()
        if changes is None:
            return []
        for uid in changes.gone:
            del self.held[uid]
        fetched = list(self.connector.fetch(self.folder, changes.new))
        self.held |= {remote.uid: subject(raw) for remote, raw in fetched}
        self.known = changes.state
        return [subject(raw) for _, raw in fetched]


def subject(raw: bytes) -> str:
    return raw.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode()


def test_the_inbox_and_the_sent_mail_are_read_and_nothing_else(
    mailbox: Mailbox, connector: Connector
) -> None:
    assert connector.folders() == [INBOX, mailbox.sent]


def test_at_first_everything_is_new_oldest_first(mailbox: Mailbox, connector: Connector) -> None:
    mailbox.deliver(INBOX, "second", TUESDAY)
    mailbox.deliver(INBOX, "third", WEDNESDAY)
    mailbox.deliver(INBOX, "first", MONDAY)
    changes = Reading(connector).changes()
    assert changes is not None
    assert [remote.received for remote in changes.new] == [MONDAY, TUESDAY, WEDNESDAY]
    assert (changes.gone, changes.stale) == ([], False)


def test_messages_come_whole_and_in_the_order_asked_for(mailbox: Mailbox, connector: Connector) -> None:
    for name, day in ("second", TUESDAY), ("first", MONDAY):
        mailbox.deliver(INBOX, name, day)
    changes = Reading(connector).changes()
    assert changes is not None
    fetched = list(connector.fetch(INBOX, changes.new))
    assert fetched == list(
        zip(changes.new, [letter("first", MONDAY), letter("second", TUESDAY)], strict=True)
    )
    assert [remote.size for remote in changes.new] == [len(raw) for _, raw in fetched]


def test_an_unchanged_folder_is_told_without_asking_what_is_held(
    mailbox: Mailbox, connector: Connector
) -> None:
    mailbox.deliver(INBOX, "first", MONDAY)
    reading = Reading(connector)
    reading.round()

    def fail() -> set[str]:
        raise AssertionError("nothing has changed")

    assert connector.changes(INBOX, reading.known, fail, None) is None


def test_the_next_round_reads_only_what_came_since(mailbox: Mailbox, connector: Connector) -> None:
    reading = Reading(connector)
    mailbox.deliver(INBOX, "first", MONDAY)
    assert reading.round() == ["first"]
    mailbox.deliver(INBOX, "second", TUESDAY)
    assert reading.round() == ["second"]
    assert reading.round() == []


def test_what_was_removed_is_gone(mailbox: Mailbox, connector: Connector) -> None:
    reading = Reading(connector)
    for name in "first", "second":
        mailbox.deliver(INBOX, name, MONDAY)
    reading.round()
    mailbox.remove(INBOX, "first")
    assert reading.round() == []
    assert list(reading.held.values()) == ["second"]


def test_one_that_went_is_noticed_although_another_came(mailbox: Mailbox, connector: Connector) -> None:
    reading = Reading(connector)
    mailbox.deliver(INBOX, "first", MONDAY)
    reading.round()
    mailbox.remove(INBOX, "first")
    mailbox.deliver(INBOX, "second", TUESDAY)
    assert reading.round() == ["second"]
    assert list(reading.held.values()) == ["second"]


def test_mail_from_before_the_window_is_not_new(mailbox: Mailbox, connector: Connector) -> None:
    midnight = datetime(2026, 11, 17, tzinfo=UTC)
    mailbox.deliver(INBOX, "too old", midnight - timedelta(seconds=1))
    mailbox.deliver(INBOX, "just inside", midnight)
    assert Reading(connector, since=midnight.date()).round() == ["just inside"]


def test_old_mail_that_arrives_late_stays_outside_the_window(mailbox: Mailbox, connector: Connector) -> None:
    reading = Reading(connector, since=TUESDAY.date())
    mailbox.deliver(INBOX, "inside", WEDNESDAY)
    reading.round()
    mailbox.deliver(INBOX, "imported", MONDAY)
    assert reading.round() == []
    mailbox.deliver(INBOX, "also inside", TUESDAY)
    assert reading.round() == ["also inside"]


def test_mail_that_falls_out_of_the_window_is_not_gone(mailbox: Mailbox, connector: Connector) -> None:
    reading = Reading(connector, since=MONDAY.date())
    mailbox.deliver(INBOX, "first", MONDAY)
    reading.round()
    mailbox.deliver(INBOX, "second", WEDNESDAY)
    reading.since = TUESDAY.date()
    assert reading.round() == ["second"]
    assert list(reading.held.values()) == ["first", "second"]


def test_a_wider_window_brings_older_mail(mailbox: Mailbox, connector: Connector) -> None:
    reading = Reading(connector, since=TUESDAY.date())
    mailbox.deliver(INBOX, "first", MONDAY)
    assert reading.round() == []
    reading.since = MONDAY.date()
    assert reading.round() == ["first"]


def test_a_round_that_broke_off_goes_on_with_what_is_not_held(mailbox: Mailbox, connector: Connector) -> None:
    reading = Reading(connector)
    for name in "first", "second":
        mailbox.deliver(INBOX, name, MONDAY)
    changes = reading.changes()
    assert changes is not None
    reading.held[changes.new[0].uid] = "first"
    assert reading.round() == ["second"]


def test_a_message_that_vanished_before_it_was_fetched_is_left_out(
    mailbox: Mailbox, connector: Connector
) -> None:
    for name, day in ("first", MONDAY), ("second", TUESDAY), ("third", WEDNESDAY):
        mailbox.deliver(INBOX, name, day)
    changes = Reading(connector).changes()
    assert changes is not None
    mailbox.remove(INBOX, "second")
    connector.close()  # within one connection a server may go on showing what has been removed
    connector.open()
    assert [subject(raw) for _, raw in connector.fetch(INBOX, changes.new)] == ["first", "third"]


def test_folders_are_numbered_and_remembered_apart(mailbox: Mailbox, connector: Connector) -> None:
    inbox, sent = Reading(connector), Reading(connector, mailbox.sent)
    mailbox.deliver(INBOX, "received", MONDAY)
    mailbox.deliver(mailbox.sent, "sent", TUESDAY)
    assert (inbox.round(), sent.round()) == (["received"], ["sent"])
    mailbox.deliver(mailbox.sent, "sent too", WEDNESDAY)
    assert (inbox.round(), sent.round()) == ([], ["sent too"])


def test_a_folder_is_fetched_also_after_another_was_looked_at(mailbox: Mailbox, connector: Connector) -> None:
    mailbox.deliver(INBOX, "received", MONDAY)
    mailbox.deliver(mailbox.sent, "sent", TUESDAY)
    changes = [Reading(connector, folder).changes() for folder in (INBOX, mailbox.sent)]
    new = [remote for change in changes if change for remote in change.new]
    assert [subject(raw) for one in new for _, raw in connector.fetch(one.folder, [one])] == [
        "received",
        "sent",
    ]


def test_of_a_huge_message_the_beginning_is_read(
    mailbox: Mailbox, connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zena_sse.mail.connectors.imap.BATCH_BYTES", 100)
    for adapter in "imap", "directory":
        monkeypatch.setattr(f"zena_sse.mail.connectors.{adapter}.WHOLE_LIMIT", 200)
        monkeypatch.setattr(f"zena_sse.mail.connectors.{adapter}.CUT_AFTER", 80)
    huge = "huge" * 50
    mailbox.deliver(INBOX, huge, MONDAY)
    mailbox.deliver(INBOX, "small", TUESDAY)
    changes = Reading(connector).changes()
    assert changes is not None
    raws = [raw for _, raw in connector.fetch(INBOX, changes.new)]
    assert raws == [letter(huge, MONDAY)[:80], letter("small", TUESDAY)]


def test_a_connector_can_be_opened_again(mailbox: Mailbox, connector: Connector) -> None:
    reading = Reading(connector)
    mailbox.deliver(INBOX, "first", MONDAY)
    reading.round()
    connector.close()
    mailbox.deliver(INBOX, "second", TUESDAY)
    connector.open()
    assert reading.round() == ["second"]


def test_waiting_ends_when_mail_comes(mailbox: Mailbox, connector: Connector) -> None:
    Reading(connector).round()
    with ThreadPoolExecutor(1) as owner:
        waiting = owner.submit(connector.wait, 20)
        mailbox.deliver(INBOX, "first", MONDAY)
        began = time.monotonic()
        assert waiting.result(10)
        assert time.monotonic() - began < 2


def test_waiting_ends_at_once_when_mail_came_after_the_last_look(
    mailbox: Mailbox, connector: Connector
) -> None:
    Reading(connector).round()
    mailbox.deliver(INBOX, "first", MONDAY)
    assert connector.wait(0)


def test_waiting_in_vain_ends_in_time(mailbox: Mailbox, connector: Connector) -> None:
    mailbox.deliver(INBOX, "first", MONDAY)
    Reading(connector).round()
    assert not connector.wait(0.05)


def test_waiting_can_be_interrupted_also_before_it_begins(mailbox: Mailbox, connector: Connector) -> None:
    Reading(connector).round()
    began = time.monotonic()
    connector.interrupt()
    assert not connector.wait(20)
    with ThreadPoolExecutor(1) as owner:
        waiting = owner.submit(connector.wait, 20)
        connector.interrupt()
        assert not waiting.result(10)
    assert time.monotonic() - began < 2


def test_nothing_happens_when_a_closed_connector_is_closed_or_interrupted(
    mailbox: Mailbox, connector: Connector
) -> None:
    connector.close()
    connector.interrupt()
    connector.close()


def test_a_remote_names_its_folder(mailbox: Mailbox, connector: Connector) -> None:
    mailbox.deliver(mailbox.sent, "sent", MONDAY)
    changes = Reading(connector, mailbox.sent).changes()
    assert changes is not None
    (remote,) = changes.new
    assert remote == Remote(mailbox.sent, remote.uid, MONDAY, len(letter("sent", MONDAY)))
