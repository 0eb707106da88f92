"""`/accounts`: which mailboxes are connected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from quart import Blueprint, Response, request
from quart_schema import document_request, document_response, tag

from zena_sse.contract.decoding import decode_json
from zena_sse.contract.events import Provider
from zena_sse.errors import Forbidden, InvalidPayload
from zena_sse.mail.accounts import (
    AccountItem,
    FolderMailbox,
    ImapMailbox,
    Mailbox,
    MaildirMailbox,
    list_accounts,
    seal_mailbox,
)
from zena_sse.mail.connector import PROVIDER_HOSTS, Connector
from zena_sse.mail.engine import Engine
from zena_sse.security.principal import Principal
from zena_sse.security.vault import Vault
from zena_sse.storage.port import Storage
from zena_sse.web.identity import Identity
from zena_sse.web.json import read_body, reply

ON_DISK: frozenset[Provider] = frozenset({"folder", "maildir"})
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class AccountRequest(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A mailbox to connect: `host` for imap, a user name and a password or access token for all providers.

    `path` is for mailboxes on the server's own disk, which are connected from the command line only.
    `addresses` are the agent's own; the user name counts as one when it looks like one.
    """

    provider: Provider
    host: Text | None = None
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 993
    security: Literal["tls", "starttls", "plain"] = "tls"
    username: Text | None = None
    password: Text | None = None
    access_token: Annotated[str, msgspec.Meta(min_length=1, max_length=8192)] | None = None
    path: Text | None = None
    addresses: Annotated[list[Text], msgspec.Meta(max_length=20)] = []


class AccountList(msgspec.Struct, frozen=True):
    """A user's mailboxes, the oldest first."""

    accounts: list[AccountItem]


def account_routes(
    identity: Identity,
    storage: Storage,
    vault: Vault,
    engine: Engine,
    open_connector: Callable[[Mailbox], Connector],
    new_id: Callable[[], str],
) -> Blueprint:
    """The routes of accounts."""
    routes = Blueprint("accounts", __name__)

    @routes.get("/accounts")
    @tag(["accounts"])
    @document_response(AccountList)
    async def get_accounts() -> Response:
        """The user's mailboxes."""
        principal = await identity.principal(request.scope)
        accounts = await storage.read(list_accounts, principal.user_id)
        return reply(AccountList([AccountItem.of(account) for account in accounts]))

    @routes.post("/accounts")
    @tag(["accounts"])
    @document_request(AccountRequest)
    @document_response(AccountItem, 201)
    async def post_account() -> Response:
        """Connect a mailbox: it is opened once to see that it can be, then read from now on."""
        principal = await identity.principal(request.scope)
        asked = decode_json(await read_body(), AccountRequest)
        mailbox, name = _mailbox(asked, principal)
        await asyncio.to_thread(_try, open_connector(mailbox))
        account = await storage.write(
            engine.connect,
            new_id(),
            principal.user_id,
            asked.provider,
            name,
            _addresses(asked),
            seal_mailbox(vault, mailbox),
        )
        return reply(AccountItem.of(account), 201)

    @routes.delete("/accounts/<account_id>")
    @tag(["accounts"])
    async def delete_account(account_id: str) -> Response:
        """Disconnect a mailbox and remove everything that was read from it."""
        principal = await identity.principal(request.scope)
        await storage.write(engine.disconnect, principal.user_id, account_id)
        return Response(b"", status=204)

    return routes


def _mailbox(asked: AccountRequest, principal: Principal) -> tuple[Mailbox, str]:
    """How to open what is asked for, and what to call it."""
    if asked.provider in ON_DISK:
        if principal.how != "socket":
            raise Forbidden(
                f"A {asked.provider} is on the server's disk: connect it with zena-sse account add."
            )
        path = _needed(asked.path, "path")
        return FolderMailbox(path) if asked.provider == "folder" else MaildirMailbox(path), path
    known = PROVIDER_HOSTS.get(asked.provider)
    if known is not None and (asked.host, asked.port, asked.security) != (None, 993, "tls"):
        raise InvalidPayload(f"Where {asked.provider} is, is known: leave out host, port and security.")
    host = known or _needed(asked.host, "host")
    username = _needed(asked.username, "username")
    if (asked.password is None) == (asked.access_token is None):
        raise InvalidPayload("Exactly one of password and accessToken is needed.")
    mailbox = ImapMailbox(host, asked.port, username, asked.password, asked.access_token, asked.security)
    return mailbox, f"{username} at {host}"


def _needed(value: str | None, field: str) -> str:
    if value is None:
        raise InvalidPayload(f"{field} is needed.")
    return value


def _addresses(asked: AccountRequest) -> list[str]:
    username = [asked.username] if asked.username and "@" in asked.username else []
    return [*asked.addresses, *username]


def _try(connector: Connector) -> None:
    """Raises whatever keeps the mailbox from being opened."""
    connector.open()
    connector.close()
