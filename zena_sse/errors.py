"""Every error zena-sse can answer with: a code, an HTTP status, whether trying again can help.

The docstring of an error is its message, unless it is raised with a better one. `title` is what
RFC 9457 calls the short summary that stays the same from one occurrence to the next.
"""

from __future__ import annotations

import inspect
from typing import ClassVar


class ZenaError(Exception):
    """Something went wrong on our side."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    retry_after: float = 1.0  # seconds after which trying again makes sense; writers catch up within one

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.title())

    @classmethod
    def title(cls) -> str:
        """The class docstring, on one line."""
        return " ".join((inspect.getdoc(cls) or "").split())


# --- the caller's fault -------------------------------------------------------------------------


class Unauthenticated(ZenaError):
    """A valid credential is needed: a bearer token, a session cookie or a ticket."""

    code, status = "unauthenticated", 401


class Forbidden(ZenaError):
    """This credential may not do that."""

    code, status = "forbidden", 403


class NotFound(ZenaError):
    """There is nothing here."""

    code, status = "not_found", 404


class MethodNotAllowed(ZenaError):
    """This address does not take that method."""

    code, status = "method_not_allowed", 405


class MalformedBody(ZenaError):
    """The body is not valid JSON."""

    code, status = "malformed_body", 400


class InvalidPayload(ZenaError):
    """The payload does not fit its declaration."""

    code, status = "invalid_payload", 422


class InvalidQuery(ZenaError):
    """A query parameter or header is not valid."""

    code, status = "invalid_query", 400


class BodyNotAllowed(ZenaError):
    """This method takes no body."""

    code, status = "body_not_allowed", 400


class BodyTooLarge(ZenaError):
    """The body is larger than this server takes."""

    code, status = "body_too_large", 413


class BodyTooSlow(ZenaError):
    """The body did not arrive in time."""

    code, status, retryable = "body_too_slow", 408, True


class UnknownCommand(ZenaError):
    """There is no such command."""

    code, status = "unknown_command", 404


class UnknownEvent(ZenaError):
    """There is no such event, or it cannot be published from outside."""

    code, status = "unknown_event", 422


class IdempotencyConflict(ZenaError):
    """This idempotency key was used with another body."""

    code, status = "idempotency_conflict", 422


class EventTooLarge(ZenaError):
    """An event may have at most 64 KiB."""

    code, status = "event_too_large", 422


class AccountExists(ZenaError):
    """This mailbox is already connected."""

    code, status = "account_exists", 409


class TooManyRequests(ZenaError):
    """Too many requests; slow down."""

    code, status, retryable = "too_many_requests", 429, True

    def __init__(self, detail: str | None = None, *, retry_after: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class TooManyAsks(ZenaError):
    """So many questions wait for their answers already; let one end, or cancel it."""

    code, status, retryable = "too_many_asks", 429, True


class TooManyAccounts(ZenaError):
    """So many mailboxes cannot be connected; disconnect one first."""

    code, status = "too_many_accounts", 409


class Overloaded(ZenaError):
    """This server has all the streams that it can take; come back in a moment."""

    code, status, retryable = "overloaded", 503, True


# --- our fault, or the machine's ----------------------------------------------------------------


class StorageUnavailable(ZenaError):
    """The database could not take this; nothing was changed. Try again."""

    code, status, retryable = "storage_unavailable", 503, True


class StorageBusy(ZenaError):
    """Too much is waiting to be written; nothing was changed. Try again."""

    code, status, retryable = "storage_busy", 503, True


# --- mailboxes ----------------------------------------------------------------------------------


class MailboxUnreachable(ZenaError):
    """The mailbox could not be reached."""

    code, status, retryable = "mailbox_unreachable", 502, True


class MailboxRefused(ZenaError):
    """The mail server refused the user name or the password."""

    code, status = "mailbox_refused", 422


class MailboxMissing(ZenaError):
    """There is no mailbox at this path."""

    code, status = "mailbox_missing", 422


class HostNotAllowed(ZenaError):
    """Mail servers on private addresses are not allowed here."""

    code, status = "host_not_allowed", 422


# --- the operator's: one line on stderr, no HTTP ------------------------------------------------


class ConfigurationError(ZenaError):
    """A setting is wrong."""

    code = "configuration"


class DataDirectoryInUse(ZenaError):
    """Another zena-sse process owns this data directory."""

    code, status = "data_directory_in_use", 409
