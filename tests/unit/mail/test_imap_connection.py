"""How a connection to an IMAP server comes about: addresses, TLS, signing in."""

from __future__ import annotations

import base64
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import jwt
import pytest
import trustme

from tests.mailboxes import ImapMailbox, login, opened, over_tls
from tests.mailservers import TOKEN_SECRET, MailServer, free_port
from tests.scriptedimap import HANG_UP, connector_to, scripted
from zena_sse.errors import HostNotAllowed, MailboxRefused, MailboxUnreachable
from zena_sse.mail.connector import INBOX
from zena_sse.mail.connectors.imap import ImapConnector, Login, Server
from zena_sse.mail.connectors.imapwire import Security

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
needs_dovecot = pytest.mark.needs("dovecot")


# --- the connection -----------------------------------------------------------------------------


@needs_dovecot
def test_tls_is_spoken_from_the_first_byte(dovecot: MailServer) -> None:
    with opened(over_tls(dovecot, "tls", dovecot.trusting(), "localhost")) as connector:
        assert connector.folders() == [INBOX, "Sent"]


def test_starttls_encrypts_before_the_password_is_sent(pymap: MailServer) -> None:
    with opened(over_tls(pymap, "starttls", pymap.trusting(), "localhost")) as connector:
        assert connector.folders()[0] == INBOX


@needs_dovecot
def test_starttls_is_spoken_with_dovecot(dovecot: MailServer) -> None:
    with opened(over_tls(dovecot, "starttls", dovecot.trusting(), "localhost")) as connector:
        assert connector.folders() == [INBOX, "Sent"]


@pytest.mark.parametrize("security", ["starttls", pytest.param("tls", marks=needs_dovecot)])
def test_a_certificate_of_another_host_is_refused(security: Security, request: pytest.FixtureRequest) -> None:
    server: MailServer = request.getfixturevalue("dovecot" if security == "tls" else "pymap")
    connector = over_tls(server, security, server.trusting(), "mail.example")
    with pytest.raises(MailboxUnreachable, match="certificate is not to be trusted: Hostname mismatch"):
        connector.open()


def test_a_certificate_of_an_unknown_authority_is_refused(pymap: MailServer) -> None:
    stranger = ssl.create_default_context()
    trustme.CA().configure_trust(stranger)
    with pytest.raises(MailboxUnreachable, match="certificate is not to be trusted"):
        over_tls(pymap, "starttls", stranger, "localhost").open()


def test_what_was_slipped_in_before_tls_is_not_believed() -> None:
    script = {
        "CAPABILITY": "* CAPABILITY IMAP4rev1 STARTTLS\r\n{tag} OK done\r\n",
        "STARTTLS": "{tag} OK done\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n",
    }
    with scripted(script) as server:
        connector = ImapConnector(Server("127.0.0.1", server.port, "starttls"), login(), allow_private=True)
        with pytest.raises(MailboxUnreachable, match="more than STARTTLS allows"):
            connector.open()
        assert not server.count("LOGIN")


def test_a_server_without_starttls_never_sees_the_password() -> None:
    with scripted() as server:
        connector = ImapConnector(Server("127.0.0.1", server.port, "starttls"), login(), allow_private=True)
        with pytest.raises(MailboxUnreachable, match="STARTTLS"):
            connector.open()
        assert not server.count("LOGIN")


def test_a_host_on_a_private_address_is_refused_before_anything_is_sent() -> None:
    with scripted() as server:
        connector = ImapConnector(Server("localhost", server.port, "plain"), login())
        with pytest.raises(HostNotAllowed, match="private address"):
            connector.open()
        assert server.received == []


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    asked = []

    def answer_once(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    with scripted() as server:
        where = Server("mail.example", server.port, "plain")
        with opened(ImapConnector(where, login(secret="x"), allow_private=True, resolve=answer_once)):
            assert asked == [("mail.example", server.port)]


def test_a_second_address_is_tried_when_the_first_does_not_answer() -> None:
    with scripted() as server:
        where = Server("mail.example", server.port, "plain")
        found = ["::1", "127.0.0.1"]
        with opened(ImapConnector(where, login(secret="x"), allow_private=True, resolve=lambda *_: found)):
            server.wait_for("LOGIN")


def test_a_port_where_nobody_listens_is_unreachable() -> None:
    port = free_port()
    connector = ImapConnector(Server("127.0.0.1", port, "plain"), login(), allow_private=True)
    with pytest.raises(MailboxUnreachable, match=f"127.0.0.1:{port}: Connection refused"):
        connector.open()


@pytest.mark.parametrize("greeting", ["* BYE too busy\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "\0\1\2\r\n"])
def test_what_is_no_imap_server_is_unreachable(greeting: str) -> None:
    with scripted(greeting=greeting) as server, pytest.raises(MailboxUnreachable):
        connector_to(server).open()


# --- signing in ---------------------------------------------------------------------------------


def test_a_wrong_password_is_refused(imap: ImapMailbox) -> None:
    where = Server("127.0.0.1", imap.server.port, "plain")
    connector = ImapConnector(where, login(imap.user, "wrong-password"), allow_private=True)
    with pytest.raises(MailboxRefused, match=imap.user) as refusal:
        connector.open()
    assert "wrong-password" not in str(refusal.value)


def test_a_server_that_repeats_the_password_does_not_give_it_away() -> None:
    script = {"LOGIN": '{tag} BAD what is LOGIN anna "hunter2" to mean\r\n'}
    with scripted(script) as server, pytest.raises(MailboxRefused, match="what is LOGIN") as refusal:
        connector_to(server).open()
    assert "hunter2" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "answer",
    [
        "{tag} NO [UNAVAILABLE] Temporary authentication failure\r\n",
        "{tag} NO [ALERT] Too many simultaneous connections\r\n",
        "* BYE shutting down\r\n",
        HANG_UP,
    ],
)
def test_a_server_that_cannot_tell_now_is_tried_again(answer: str) -> None:
    with scripted({"LOGIN": [answer, HANG_UP], "LOGOUT": HANG_UP}) as server, ThreadPoolExecutor(1) as owner:
        opening = owner.submit(connector_to(server).open)
        server.wait_for("LOGIN")
        if answer.startswith("* BYE"):
            server.hang_up()
        with pytest.raises(MailboxUnreachable) as failure:
            opening.result(10)
    assert failure.value.retryable


@pytest.mark.parametrize("secret", ["one\r\ntwo", "one\0two", "one\1two"])
def test_a_password_cannot_smuggle_a_command(secret: str) -> None:
    with scripted() as server:
        with pytest.raises(MailboxRefused, match="control character"):
            connector_to(server, login(secret=secret)).open()
        assert not server.count("LOGIN")


def test_a_password_that_is_not_ascii_is_sent_as_utf8_or_refused() -> None:
    script = {"AUTHENTICATE": "+ \r\n", "...": "{tag} NO [AUTHENTICATIONFAILED] no such password\r\n"}
    with scripted(script) as server, pytest.raises(MailboxRefused, match="no such password"):
        connector_to(server, login(secret="schön")).open()
    assert base64.b64encode("\0anna\0schön".encode()).decode() in server.received


def token(secret: str) -> str:
    now = int(time.time())
    return jwt.encode({"sub": "tokenuser", "iat": now, "exp": now + 600}, secret)


@needs_dovecot
def test_a_token_signs_in(dovecot: MailServer) -> None:
    where = Server("127.0.0.1", dovecot.port, "plain")
    who = Login("tokenuser", lambda: token(TOKEN_SECRET), "xoauth2")
    with opened(ImapConnector(where, who, allow_private=True)) as connector:
        assert connector.folders() == [INBOX, "Sent"]


@needs_dovecot
def test_a_token_that_somebody_else_signed_is_refused(dovecot: MailServer) -> None:
    where = Server("127.0.0.1", dovecot.port, "plain")
    who = Login("tokenuser", lambda: token("another secret of at least 32 bytes!"), "xoauth2")
    with pytest.raises(MailboxRefused):
        ImapConnector(where, who, allow_private=True).open()


def test_the_error_that_follows_a_refused_token_is_answered_with_nothing() -> None:
    error = base64.b64encode(b'{"status":"400"}').decode()
    script = {"AUTHENTICATE": "+ \r\n", "...": [f"+ {error}\r\n", "{tag} NO [AUTHENTICATIONFAILED] bad\r\n"]}
    with scripted(script) as server:
        connector = connector_to(server, Login("anna", lambda: "t0ken", "xoauth2"))
        with pytest.raises(MailboxRefused, match="AUTHENTICATIONFAILED"):
            connector.open()
    said = server.received[server.received.index(next(s for s in server.received if "XOAUTH2" in s)) + 1 :]
    assert base64.b64decode(said[0]) == b"user=anna\1auth=Bearer t0ken\1\1"
    assert said[1] == ""
