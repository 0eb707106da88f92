"""What only IMAP has: renumbered folders, batches, IDLE, servers that misbehave."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import pytest

from tests.mailboxes import ImapMailbox, all_changes, letter, login, opened, over_tls
from tests.mailservers import MailServer
from tests.scriptedimap import HANG_UP, connector_to, scripted
from zena_sse.errors import MailboxUnreachable
from zena_sse.mail.connector import INBOX, Remote
from zena_sse.mail.connectors.imap import ImapConnector, Server

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
needs_dovecot = pytest.mark.needs("dovecot")


# --- reading ------------------------------------------------------------------------------------


def test_a_renumbered_folder_is_stale_and_all_new(imap: ImapMailbox) -> None:
    imap.deliver("Sent", "first", MONDAY)
    with opened(imap.connector()) as connector:
        before = all_changes(connector, "Sent")
    imap.client.delete_folder("Sent")
    imap.client.create_folder("Sent")
    imap.deliver("Sent", "second", MONDAY)
    with opened(imap.connector()) as connector:
        after = all_changes(connector, "Sent", before.state, before.new[0].uid)
    assert after.stale
    assert after.gone == []
    assert len(after.new) == 1


def test_a_folder_renumbered_before_its_messages_are_fetched_is_read_again_later() -> None:
    other = "* 1 EXISTS\r\n* OK [UIDVALIDITY 8]\r\n* OK [UIDNEXT 5]\r\n{tag} OK [READ-ONLY]\r\n"
    first = "* 1 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 5]\r\n{tag} OK [READ-ONLY]\r\n"
    with scripted({"EXAMINE": [first, first, other]}) as server, opened(connector_to(server)) as connector:
        all_changes(connector)
        all_changes(connector, "Sent")
        with pytest.raises(MailboxUnreachable, match="renumbered"):
            list(connector.fetch(INBOX, [Remote(INBOX, "4", MONDAY, 1)]))


def test_reading_marks_nothing_as_read(imap: ImapMailbox) -> None:
    imap.deliver(INBOX, "first", MONDAY)
    with opened(imap.connector()) as connector:
        assert len(list(connector.fetch(INBOX, all_changes(connector).new))) == 1
    imap.client.select_folder(INBOX, readonly=True)
    assert imap.client.search(["UNSEEN"]) != []


def test_a_flag_is_no_change(imap: ImapMailbox) -> None:
    imap.deliver(INBOX, "first", MONDAY)
    with opened(imap.connector()) as connector:
        known = all_changes(connector).state
        imap.client.select_folder(INBOX)
        imap.client.add_flags(imap.client.search(), [b"\\Seen"])
        assert connector.changes(INBOX, known, set, None) is None


def test_of_many_messages_only_the_ten_that_came_are_listed(imap: ImapMailbox) -> None:
    for number in range(30):
        imap.deliver(INBOX, f"old {number}", MONDAY)
    with opened(imap.connector()) as connector:
        before = all_changes(connector)
        for number in range(10):
            imap.deliver(INBOX, f"new {number}", MONDAY)
        after = all_changes(connector, INBOX, before.state, " ".join(remote.uid for remote in before.new))
    assert (len(before.new), len(after.new)) == (30, 10)


def test_messages_are_fetched_in_batches_of_bounded_size(
    imap: ImapMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        imap.deliver(INBOX, f"letter {number}", MONDAY)
    size = len(letter("letter 0", MONDAY))
    monkeypatch.setattr("zena_sse.mail.connectors.imap.BATCH_BYTES", 2 * size)
    with opened(imap.connector()) as connector:
        changes = all_changes(connector)
        fetching = connector.fetch(INBOX, changes.new)
        first = next(fetching)
        imap.remove(INBOX, "letter 4")
        connector.close()
        connector.open()  # the batch at hand is still there, the next ones are asked for
        assert [first, next(fetching)][0][0] == changes.new[0]
        assert len(list(fetching)) == 2


@needs_dovecot
def test_messages_removed_while_they_are_fetched_do_not_stop_the_others(dovecot_mailbox: ImapMailbox) -> None:
    for name in "first", "second", "third":
        dovecot_mailbox.deliver(INBOX, name, MONDAY)
    with opened(dovecot_mailbox.connector()) as connector:
        changes = all_changes(connector)
        dovecot_mailbox.remove(INBOX, "second")
        fetched = [raw for _, raw in connector.fetch(INBOX, changes.new)]
    assert fetched == [letter("first", MONDAY), letter("third", MONDAY)]


def test_a_fetch_that_a_removed_message_spoils_is_tried_once_more() -> None:
    body = "* 1 FETCH (UID 4 BODY[] {2}\r\nhi)\r\n{tag} OK done\r\n"
    script = {"UID FETCH": ["{tag} NO [EXPUNGEISSUED] some are gone\r\n", body]}
    with scripted(script) as server, opened(connector_to(server)) as connector:
        remote = Remote(INBOX, "4", MONDAY, 2)
        assert list(connector.fetch(INBOX, [remote])) == [(remote, b"hi")]


def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zena_sse.mail.connectors.imapwire.ANSWER_LIMIT", 1_000_000)
    endless = "* 1 FETCH (UID 4 BODY[] {4000000}\r\n" + "x" * 2_000_000
    with scripted({"UID FETCH": endless}) as server, opened(connector_to(server)) as connector:
        fetching = connector.fetch(INBOX, [Remote(INBOX, "4", MONDAY, 2)])
        with pytest.raises(MailboxUnreachable, match="an answer of more than"):
            next(fetching)


def test_a_server_that_falls_silent_is_not_waited_for_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zena_sse.mail.connectors.imapwire.READ_TIMEOUT", 0.05)
    with (
        scripted({"EXAMINE": ""}) as server,
        opened(connector_to(server)) as connector,
        pytest.raises(MailboxUnreachable, match="timed out"),
    ):
        all_changes(connector)


def test_a_server_that_does_not_tell_uidnext_is_compared_every_time() -> None:
    examine = "* 1 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n{tag} OK [READ-ONLY]\r\n"
    with scripted({"EXAMINE": examine}) as server, opened(connector_to(server)) as connector:
        known = all_changes(connector).state
        changes = connector.changes(INBOX, known, lambda: {"3"}, None)
        assert changes is not None
        assert changes.gone == ["3"]


def test_a_search_that_finds_too_little_makes_nothing_gone() -> None:
    examine = "* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 5]\r\n{tag} OK [READ-ONLY] done\r\n"
    with scripted({"EXAMINE": examine}) as server, opened(connector_to(server)) as connector:
        assert all_changes(connector, held="2 3 4").gone == []


def test_mail_that_comes_while_we_look_is_left_to_the_next_round() -> None:
    found = {"UID SEARCH": "* SEARCH 4 5\r\n{tag} OK done\r\n"}
    with scripted(found) as server, opened(connector_to(server)) as connector:
        all_changes(connector)
    assert [line for line in server.received if "UID FETCH" in line and " 4 " in line]


def test_a_date_that_cannot_be_read_loses_no_message() -> None:
    script = {"UID FETCH": '* 1 FETCH (UID 4 INTERNALDATE "soon" RFC822.SIZE 9)\r\n{tag} OK done\r\n'}
    with scripted(script) as server, opened(connector_to(server)) as connector:
        changes = connector.changes(INBOX, None, set, MONDAY.date())
    assert changes is not None
    assert [remote.uid for remote in changes.new] == ["4"]


def test_gmail_says_which_conversation_a_message_belongs_to() -> None:
    described = '* 1 FETCH (UID 4 X-GM-THRID 1278455344230334865 INTERNALDATE "01-Jun-2026 09:00:00 +0000"'
    script = {
        "CAPABILITY": "* CAPABILITY IMAP4rev1 X-GM-EXT-1\r\n{tag} OK done\r\n",
        "UID FETCH": described + " RFC822.SIZE 9)\r\n{tag} OK done\r\n",
    }
    with scripted(script) as server, opened(connector_to(server)) as connector:
        changes = connector.changes(INBOX, None, set, None)
    assert changes is not None
    assert [remote.thread for remote in changes.new] == ["1278455344230334865"]
    assert any("X-GM-THRID" in line for line in server.received)


def test_other_servers_are_not_asked_for_what_only_gmail_has() -> None:
    with scripted({}) as server, opened(connector_to(server)) as connector:
        all_changes(connector)
    assert not any("X-GM-THRID" in line for line in server.received)


@pytest.mark.parametrize(
    "listed", ['(\\Sent) "/" Versendetes', '() "/" "Mail/Gesendet"', '() "." "INBOX.Sent"']
)
def test_sent_mail_is_found_by_its_mark_or_by_its_name(listed: str) -> None:
    listing = (
        f'* LIST () "/" INBOX\r\n* LIST (\\Junk) "/" Sent-Spam\r\n* LIST {listed}\r\n{{tag}} OK done\r\n'
    )
    with scripted({"LIST": listing}) as server, opened(connector_to(server)) as connector:
        assert connector.folders() == [INBOX, listed.rsplit(maxsplit=1)[-1].strip('"')]


def test_what_no_folder_can_be_is_not_read_as_sent_mail() -> None:
    listing = '* LIST () "/" INBOX\r\n* LIST (\\Noselect) "/" Sent\r\n{tag} OK done\r\n'
    with scripted({"LIST": listing}) as server, opened(connector_to(server)) as connector:
        assert connector.folders() == [INBOX]


@pytest.mark.parametrize(
    "answer", [HANG_UP, "{tag} NO no such folder\r\n", "* nonsense (((\r\n{tag} OK done\r\n"]
)
def test_a_folder_that_cannot_be_opened_is_tried_again(answer: str) -> None:
    with scripted({"EXAMINE": answer}) as server, opened(connector_to(server)) as connector:
        where = f"127.0.0.1:{server.port}"
        with pytest.raises(MailboxUnreachable, match=where):
            all_changes(connector)


# --- waiting ------------------------------------------------------------------------------------


def wait_until_idle(connector: ImapConnector) -> None:
    deadline = time.monotonic() + 10
    while connector._client.wire._idle_tag is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_idle_wakes_within_two_seconds_of_an_append(imap: ImapMailbox) -> None:
    with opened(imap.connector()) as connector, ThreadPoolExecutor(1) as owner:
        all_changes(connector)
        waiting = owner.submit(connector.wait, 20)
        wait_until_idle(connector)
        imap.deliver(INBOX, "first", MONDAY)
        began = time.monotonic()
        assert waiting.result(10)
        assert time.monotonic() - began < 2


@needs_dovecot
def test_idle_hears_mail_over_tls(dovecot: MailServer) -> None:
    connector = over_tls(dovecot, "tls", dovecot.trusting(), "localhost")
    with dovecot.sign_in("anna") as other, opened(connector), ThreadPoolExecutor(1) as owner:
        all_changes(connector)
        waiting = owner.submit(connector.wait, 20)
        wait_until_idle(connector)
        other.append(INBOX, letter("first", MONDAY))
        began = time.monotonic()
        assert waiting.result(10)
        assert time.monotonic() - began < 2


def test_idle_is_interrupted_at_once(imap: ImapMailbox) -> None:
    with opened(imap.connector()) as connector, ThreadPoolExecutor(1) as owner:
        waiting = owner.submit(connector.wait, 20)
        wait_until_idle(connector)
        began = time.monotonic()
        connector.interrupt()
        assert not waiting.result(10)
        assert time.monotonic() - began < 0.5
        assert connector.folders()[0] == INBOX  # and the connection still works


def test_idle_is_renewed_before_the_server_loses_patience() -> None:
    with scripted() as server, closing(connector_to(server)) as connector:
        connector._idle_seconds = 0.01
        connector.open()
        with ThreadPoolExecutor(1) as owner:
            waiting = owner.submit(connector.wait, 20)
            server.wait_for("IDLE", times=2)
            connector.interrupt()
            assert not waiting.result(10)
    assert server.count("DONE") == server.count("IDLE")


def test_news_in_the_same_packet_as_the_permission_to_idle_is_heard() -> None:
    more = "* 2 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 6]\r\n{tag} OK [READ-ONLY]\r\n"
    script = {
        "EXAMINE": [
            "* 1 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 5]\r\n{tag} OK [READ-ONLY]\r\n",
            more,
        ],
        "IDLE": "* 1 RECENT\r\n+ idling\r\n* 2 EXISTS\r\n",
    }
    with scripted(script) as server, opened(connector_to(server)) as connector:
        began = time.monotonic()
        assert connector.wait(20)
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("last_words", ["", "* BYE shutting down\r\n"])
def test_a_connection_that_is_lost_while_waiting_is_unreachable(last_words: str) -> None:
    with scripted() as server, opened(connector_to(server)) as connector, ThreadPoolExecutor(1) as owner:
        waiting = owner.submit(connector.wait, 20)
        server.wait_for("IDLE")
        server.say(last_words)
        server.hang_up()
        with pytest.raises(MailboxUnreachable, match=str(server.port)):
            waiting.result(10)


def test_a_talkative_server_does_not_keep_us_busy() -> None:
    chatter = {"IDLE": "+ idling\r\n* OK Still here\r\n"}
    with scripted(chatter) as server, opened(connector_to(server)) as connector:
        assert not connector.wait(0.3)
    assert server.count("IDLE") <= 2


def test_without_idle_the_mailbox_is_looked_at_from_time_to_time() -> None:
    numbers = ["* 1 EXISTS\r\n* OK [UIDNEXT 5]\r\n{tag} OK done\r\n"] * 3 + [
        "* 2 EXISTS\r\n* OK [UIDNEXT 6]\r\n{tag} OK done\r\n"
    ]
    script = {"CAPABILITY": "* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n", "EXAMINE": numbers}
    with scripted(script) as server:
        connector = ImapConnector(
            Server("127.0.0.1", server.port, "plain"),
            login(secret="x"),
            allow_private=True,
            poll_seconds=0.01,
        )
        with opened(connector):
            assert connector.wait(20)
    assert not server.count("IDLE")


def test_a_connector_that_is_not_open_says_so() -> None:
    connector = ImapConnector(Server("mail.example"), login())
    with pytest.raises(MailboxUnreachable, match=r"mail\.example:993: not connected"):
        connector.folders()
