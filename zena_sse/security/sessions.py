"""Cookie sessions: a random secret in the browser, its digest in the database.

Whoever reads the database, or a copy of it, finds nothing there to sign in with.
"""

from __future__ import annotations

import hashlib
import re

from zena_sse.contract.moments import timestamp
from zena_sse.security.principal import Principal
from zena_sse.storage.port import Reader, Transaction

# 32 random bytes: guessing one of a million sessions takes 2^236 attempts.
SECRET_BYTES = 32
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")  # what 32 bytes are in base64url, without padding

# A person has a few browsers; each sign-in makes a session, and few people sign out.
SESSIONS_PER_USER = 50

# Browsers keep a site's cookies below this; a longer header is not searched.
MAXIMUM_COOKIE_HEADER = 16_384


# --- in the database ----------------------------------------------------------------------------


def digest_of(secret: str) -> str:
    """What is stored instead of a session's secret. Plain SHA-256: 32 random bytes need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def open_session(tx: Transaction, digest: str, principal: Principal) -> list[str]:
    """Remember who signed in; the session ends when their credential would have.

    The oldest of too many ends now: the digests of those that did.
    """
    tx.execute(
        "INSERT INTO sessions (digest, user_id, role, expires_at, created_at)"
        " VALUES (:digest, :user_id, :role, :expires_at, :now)",
        digest=digest,
        user_id=principal.user_id,
        role=principal.role,
        expires_at=timestamp(principal.expires_at),
        now=timestamp(tx.now),
    )
    ended = tx.all(
        str,
        "SELECT digest FROM sessions WHERE user_id = :user_id"
        " ORDER BY created_at DESC, digest LIMIT 1000 OFFSET :most",
        user_id=principal.user_id,
        most=SESSIONS_PER_USER,
    )
    for old in ended:
        close_session(tx, old)
    return ended


def find_session(reader: Reader, digest: str) -> Principal | None:
    """Who this session belongs to; None if it is unknown, signed out or expired."""
    return reader.one(
        Principal,
        "SELECT user_id, role, expires_at, digest AS session, 'cookie' AS how"
        " FROM sessions WHERE digest = :digest AND expires_at > :now",
        digest=digest,
        now=timestamp(reader.now),
    )


def close_session(tx: Transaction, digest: str) -> bool:
    """Sign out; whether there was such a session."""
    return tx.execute("DELETE FROM sessions WHERE digest = :digest", digest=digest) > 0


def close_sessions_of(tx: Transaction, user_id: str) -> None:
    """End all of a user's sessions."""
    tx.execute("DELETE FROM sessions WHERE user_id = :user_id", user_id=user_id)


def drop_expired_sessions(tx: Transaction) -> int:
    """Forget the sessions that are over; how many they were."""
    return tx.execute("DELETE FROM sessions WHERE expires_at <= :now", now=timestamp(tx.now))


# --- in the browser -----------------------------------------------------------------------------


def cookie_name(*, secure: bool) -> str:
    """The cookie's name. `__Host-` keeps a neighbouring subdomain from planting one (RFC 6265bis, 4.1.3)."""
    return "__Host-zena_session" if secure else "zena_session"


def set_cookie_header(secret: str, *, max_age: int, secure: bool) -> str:
    """The `Set-Cookie` that signs a browser in for `max_age` seconds."""
    attributes = f"Path=/; Max-Age={max_age}; HttpOnly; SameSite=Strict"
    return f"{cookie_name(secure=secure)}={secret}; {attributes}{'; Secure' if secure else ''}"


def clear_cookie_header(*, secure: bool) -> str:
    """The `Set-Cookie` that signs a browser out."""
    return set_cookie_header("", max_age=0, secure=secure)


def read_cookie(header: str, *, secure: bool) -> str | None:
    """The session's secret in a `Cookie` header; None if there is none under the name this scheme has."""
    if len(header) > MAXIMUM_COOKIE_HEADER:
        return None
    for pair in header.split(";"):
        name, _, value = pair.strip(" \t").partition("=")
        if name == cookie_name(secure=secure) and _SECRET.fullmatch(value):
            return value
    return None
