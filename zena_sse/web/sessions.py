"""Signing in and out of a browser, one-use tickets, and who one is."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

import msgspec
from quart import Blueprint, Response, request
from quart_schema import document_response, tag

from zena_sse.contract.moments import Moment
from zena_sse.errors import Unauthenticated
from zena_sse.security.principal import How, Principal, Role
from zena_sse.security.sessions import (
    SECRET_BYTES,
    clear_cookie_header,
    close_session,
    digest_of,
    open_session,
    set_cookie_header,
)
from zena_sse.security.tickets import Tickets
from zena_sse.storage.port import Storage, Transaction
from zena_sse.stream.hub import Hub
from zena_sse.web.identity import Identity
from zena_sse.web.json import reply
from zena_sse.web.limits import Limits

# Signs a browser in as this principal: 201, with the cookie.
SignIn = Callable[[Principal], Awaitable[Response]]


class Me(msgspec.Struct, frozen=True, rename="camel"):
    """The caller, as their credential says."""

    user_id: str
    role: Role
    expires_at: Moment
    how: How


class Ticket(msgspec.Struct, frozen=True, rename="camel"):
    """Opens one stream, once: `/events?ticket=...`."""

    ticket: str
    expires_at: Moment


def signing_in(
    identity: Identity,
    storage: Storage,
    hub: Hub,
    clock: Callable[[], datetime],
    new_secret: Callable[[int], str],
) -> SignIn:
    """What opens a session for a verified caller; it lasts as long as their credential."""

    async def sign_browser_in(principal: Principal) -> Response:
        secret = new_secret(SECRET_BYTES)
        await storage.write(sign_in, digest_of(secret), principal, hub)
        response = reply(_me(principal), 201)
        response.headers["Set-Cookie"] = set_cookie_header(
            secret,
            max_age=max(0, int((principal.expires_at - clock()).total_seconds())),
            secure=identity.is_secure(request.scope),
        )
        return response

    return sign_browser_in


def session_routes(
    identity: Identity, storage: Storage, tickets: Tickets, hub: Hub, limits: Limits, sign_browser_in: SignIn
) -> Blueprint:
    """The routes of sessions."""
    routes = Blueprint("sessions", __name__)

    @routes.get("/me")
    @tag(["sessions"])
    @document_response(Me)
    async def get_me() -> Response:
        """Who one is."""
        return reply(_me(await identity.principal(request.scope)))

    @routes.post("/session")
    @tag(["sessions"])
    @document_response(Me, 201)
    async def post_session() -> Response:
        """Sign a browser in: a bearer token comes in, a cookie goes out that lasts as long."""
        principal = await identity.principal(request.scope)
        if principal.how != "bearer":
            raise Unauthenticated("A session is opened with a bearer token.")
        return await sign_browser_in(principal)

    @routes.delete("/session")
    @tag(["sessions"])
    async def delete_session() -> Response:
        """Sign out: the session ends, and its streams. One that has ended already is fine."""
        with contextlib.suppress(Unauthenticated):
            principal = await identity.session(request.scope)
            if principal is not None:
                await storage.write(sign_out, principal, hub)
        response = Response(b"", status=204)
        response.headers["Set-Cookie"] = clear_cookie_header(secure=identity.is_secure(request.scope))
        return response

    @routes.post("/tickets")
    @tag(["sessions"])
    @document_response(Ticket, 201)
    async def post_ticket() -> Response:
        """A ticket for a client that can set neither header nor cookie; good for 30 s."""
        principal = await identity.principal(request.scope)
        limits.issue_ticket(principal.user_id)
        ticket, expires_at = tickets.issue(principal)
        return reply(Ticket(ticket, expires_at), 201)

    return routes


def sign_in(tx: Transaction, digest: str, principal: Principal, hub: Hub) -> None:
    """Open a session; if the oldest had to end for it, so do its streams once that is durable."""
    for ended in open_session(tx, digest, principal):
        tx.after_commit(partial(hub.close, principal.user_id, "revoked", session=ended))


def sign_out(tx: Transaction, principal: Principal, hub: Hub) -> None:
    """End a session and, once that is durable, its streams."""
    if principal.session is not None:
        close_session(tx, principal.session)
        tx.after_commit(partial(hub.close, principal.user_id, "revoked", session=principal.session))


def _me(principal: Principal) -> Me:
    return Me(principal.user_id, principal.role, principal.expires_at, principal.how)
