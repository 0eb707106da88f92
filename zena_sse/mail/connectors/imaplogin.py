"""Signing in to an IMAP server, with a password or an access token; part of the IMAP connector."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Callable
from typing import Literal

from imapclient.exceptions import LoginError
from msgspec import Struct

from zena_sse.errors import MailboxRefused, MailboxUnreachable
from zena_sse.mail.connectors.imapwire import CONTROL, Client, reason_of

# Refusals that another day may lift (RFC 5530 and what providers write).
NOT_NOW = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|THROTTLED)\]|too many|try again", re.IGNORECASE)


class Login(Struct, frozen=True):
    """Who signs in; `secret` gives the password or the access token when it is needed and not before."""

    username: str
    secret: Callable[[], str]
    method: Literal["password", "xoauth2"] = "password"


def sign_in(client: Client, login: Login, where: str) -> None:
    """Raises `MailboxRefused`, or `MailboxUnreachable` when the server cannot tell now."""
    secret = login.secret()
    if CONTROL.search(login.username + secret):  # would end the line, or the field, and begin another
        raise MailboxRefused(f"{where}: the user name or the password contains a control character")
    try:
        if login.method == "xoauth2":
            client.sasl_login("XOAUTH2", _xoauth2(login.username, secret))
        elif client.has_capability("AUTH=PLAIN") or not (login.username + secret).isascii():
            client.plain_login(login.username, secret)
        else:  # which takes ASCII only
            client.login(login.username, secret)
    except LoginError as error:
        reason = reason_of(error, hiding=secret)
        if isinstance(error.__context__, imaplib.IMAP4.abort) or NOT_NOW.search(reason):
            raise MailboxUnreachable(f"{where}: {reason}") from None
        raise MailboxRefused(f"{where} refused to sign in {login.username}: {reason}") from None


def _xoauth2(username: str, token: str) -> Callable[[bytes], str]:
    """Answers the first challenge; a second one is an error in JSON that wants an empty answer."""
    answers = iter([f"user={username}\1auth=Bearer {token}\1\1"])
    return lambda _challenge: next(answers, "")
