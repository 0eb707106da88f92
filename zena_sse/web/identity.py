"""Who is asking, and from which page: the first credential that is present counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from zena_sse.errors import Forbidden, Unauthenticated
from zena_sse.security.addresses import caller_of
from zena_sse.security.principal import Principal, is_user_id
from zena_sse.security.sessions import digest_of, find_session, read_cookie
from zena_sse.security.tickets import Tickets
from zena_sse.security.tokens import Tokens
from zena_sse.serving.takeover import OPERATOR
from zena_sse.settings import Settings
from zena_sse.storage.port import Storage
from zena_sse.web.limits import Limits

Scope = Mapping[str, Any]  # as ASGI has it

# The operator's socket has no credential that could expire; a stream over it is renewed once a day.
SOCKET_LIFETIME = timedelta(days=1)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Identity:
    """Verifies credentials and origins."""

    def __init__(
        self,
        tokens: Tokens,
        tickets: Tickets,
        storage: Storage,
        settings: Settings,
        clock: Callable[[], datetime],
        limits: Limits,
    ) -> None:
        self._limits = limits
        self._tokens = tokens
        self._tickets = tickets
        self._storage = storage
        self._settings = settings
        self._origins = settings.origins
        self._clock = clock

    async def principal(self, scope: Scope, query: dict[str, str] | None = None) -> Principal:
        """The caller. `query` is given where a ticket or token in the address counts: for the stream.

        Raises `Unauthenticated`, `TooManyRequests`, or `Forbidden` for a cookie that another site's page made
        the browser send.
        """
        if is_operator(scope):
            return self._from_socket(scope)
        try:
            principal = await self._verified(scope, query)
        except Unauthenticated:
            self._limits.bad_credential(self.address(scope))
            raise
        if scope["method"] not in SAFE_METHODS and principal.role == "agent":
            self._limits.request(principal.user_id)
        return principal

    async def _verified(self, scope: Scope, query: dict[str, str] | None) -> Principal:
        if (authorization := header(scope, b"authorization")) is not None:
            kind, _, token = authorization.partition(" ")
            if kind.lower() != "bearer":
                raise Unauthenticated("Only bearer tokens are taken: `Authorization: Bearer <JWT>`.")
            return self._tokens.verify(token.strip())
        return await self.session(scope) or self._from_query(query or {})

    async def session(self, scope: Scope) -> Principal | None:
        """The cookie session of a request, whatever other credential it carries."""
        secret = read_cookie(header(scope, b"cookie") or "", secure=self.is_secure(scope))
        return None if secret is None else await self._from_cookie(scope, secret)

    def verify_anew(self) -> None:
        """Something was revoked: trust nothing that was verified before."""
        self._tokens.forget()

    def is_secure(self, scope: Scope) -> bool:
        """Whether the caller came over HTTPS, to us or to a proxy that we trust."""
        if self._settings.trusted_hops:
            return self._forwarded(scope, b"x-forwarded-proto") == "https"
        return bool(scope.get("scheme") == "https")

    def address(self, scope: Scope) -> str | None:
        """Where the caller comes from, as far as we can know, see `caller_of`."""
        address: str | None = (scope.get("client") or (None,))[0]
        if self._settings.trusted_hops:
            address = self._forwarded(scope, b"x-forwarded-for") or address
        return None if address is None else caller_of(address)

    def _forwarded(self, scope: Scope, name: bytes) -> str:
        """What the outermost proxy that we trust has said; several lines are one list (RFC 9110, 5.3)."""
        lines = [bytes(value).decode("latin-1") for key, value in scope["headers"] if key == name]
        parts = ",".join(lines).split(",")
        return parts[-min(self._settings.trusted_hops, len(parts))].strip()

    def allowed_origin(self, scope: Scope) -> str | None:
        """The page's origin, when it is another one than ours and may call."""
        origin = header(scope, b"origin")
        return origin if origin is not None and origin in self._origins else None

    def _from_socket(self, scope: Scope) -> Principal:
        user_id = header(scope, b"zena-user") or "operator"
        if not is_user_id(user_id):
            raise Unauthenticated("Zena-User is not a user's id.")
        expires_at = self._clock() + SOCKET_LIFETIME
        return Principal(user_id=user_id, expires_at=expires_at, role="operator", how="socket")

    async def _from_cookie(self, scope: Scope, secret: str) -> Principal:
        principal = await self._storage.read(find_session, digest_of(secret))
        if principal is None:
            raise Unauthenticated("This session has ended; sign in again.")
        if scope["method"] not in SAFE_METHODS and not self._is_same_site(scope):
            raise Forbidden("A page of another origin sent this cookie.")
        return principal

    def _is_same_site(self, scope: Scope) -> bool:
        """SameSite=Strict does not stop a page on another host of our own site; its Origin tells."""
        origin = header(scope, b"origin")
        if origin is None or origin in self._origins:
            return True
        host = header(scope, b"host")
        return origin in (f"https://{host}", f"http://{host}")

    def _from_query(self, query: dict[str, str]) -> Principal:
        if (ticket := query.get("ticket")) is not None:
            return self._tickets.redeem(ticket)
        if (token := query.get("token")) is not None:
            if not self._settings.allow_url_token:
                raise Unauthenticated("?token= is not taken here; ask POST /tickets for a ticket.")
            return self._tokens.verify(token)
        raise Unauthenticated


def may_publish(principal: Principal) -> bool:
    """Another back-end service, or the operator by their socket; no token makes an operator."""
    return principal.role == "publisher" or principal.how == "socket"


def is_operator(scope: Scope) -> bool:
    """Whether the caller came through the operator's socket."""
    return OPERATOR in scope.get("extensions", {})


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of this (lower-case) name."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value).decode("latin-1")
    return None
