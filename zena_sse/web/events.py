"""`GET /events`: a small ASGI app in front of Quart. It admits a stream; `serving` carries it."""

from __future__ import annotations

from urllib.parse import parse_qsl

from zena_sse.contract.events import ClosingReason, read_tab, read_types
from zena_sse.errors import (
    InvalidQuery,
    MethodNotAllowed,
    Overloaded,
    StorageBusy,
    StorageUnavailable,
    ZenaError,
)
from zena_sse.serving.carry import STREAM_HEADERS, Header, carry, response_start
from zena_sse.serving.plain import Message, Receive, Send
from zena_sse.serving.stream import Admission, Streams, log
from zena_sse.web.body import send_problem
from zena_sse.web.identity import Identity, Scope, header
from zena_sse.web.limits import Limits
from zena_sse.web.origins import Asgi, cors_headers

PATH = "/events"

# A long poll that outlasts the proxies in front (55 s on Heroku) is cut by them.
POLL_SECONDS = (1.0, 50.0)


class EventsEndpoint:
    """Answers `/events`, and passes everything else on."""

    def __init__(self, app: Asgi, identity: Identity, streams: Streams, limits: Limits) -> None:
        self._app = app
        self._identity = identity
        self._streams = streams
        self._limits = limits

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        extra = cors_headers(self._identity.allowed_origin(scope))
        try:
            admission = await self._admit(scope)
        except (Overloaded, StorageUnavailable, StorageBusy):
            await _shed(self._streams, "overloaded", extra, send)
        except ZenaError as error:
            self._streams.metrics.streams_refused.count(error.code)
            if error.status == MethodNotAllowed.status:
                extra.append((b"allow", b"GET, HEAD, OPTIONS"))
            await send_problem(error, send, extra)
        except Exception:  # a bug of ours: the client may come back, the log says what it was
            log.exception("admission failed")
            await _shed(self._streams, "overloaded", extra, send)
        else:
            await self._open(admission, extra, scope, receive, send)

    async def _admit(self, scope: Scope) -> Admission:
        """Everything that is checked before a stream opens, what costs least first."""
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodNotAllowed("A stream is opened with GET.")
        address = self._identity.address(scope)
        if not self._streams.room.has_place(address):
            raise Overloaded
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        # Before the credential: a typing mistake should not cost a ticket.
        tab, types, poll = read_tab(query.get("tab")), read_types(query.get("types")), _poll(query)
        principal = await self._identity.principal(scope, query)
        self._limits.open_stream(principal.user_id)
        # After the credential: strangers must not use up what is there for users, and others may have come
        # while a session was read. From here to the open stream nothing is awaited on a connection of ours.
        self._limits.admit_stream()
        if not self._streams.room.has_place(address):
            raise Overloaded
        return Admission(
            user_id=principal.user_id,
            cursor=header(scope, b"last-event-id") or query.get("last_event_id") or None,
            expires_at=principal.expires_at,
            types=types,
            tab=tab,
            session=principal.session,
            poll=poll,
            address=address,
        )

    async def _open(
        self, admission: Admission, extra: list[Header], scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["method"] == "HEAD":
            await send(response_start([*STREAM_HEADERS, *extra]))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif self._streams.drain.begun:
            await _shed(self._streams, "draining", extra, send)
        else:
            await carry(self._streams, admission, extra, scope, receive, send)


async def _shed(streams: Streams, reason: ClosingReason, extra: list[Header], send: Send) -> None:
    """Turn a stream away so that it comes back: any status but 200 ends a native EventSource for good."""
    streams.metrics.streams_refused.count(reason)
    await send(response_start([*STREAM_HEADERS, *extra, (b"connection", b"close")]))
    await send({"type": "http.response.body", "body": streams.signals.closing(reason), "more_body": False})


def _poll(query: dict[str, str]) -> float | None:
    text = query.get("poll")
    if text is None:
        return None
    least, most = POLL_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not least <= seconds <= most:
        raise InvalidQuery(f"poll: seconds from {least:.0f} to {most:.0f}")
    return seconds
