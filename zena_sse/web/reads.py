"""`/snapshot` and `/threads`: what a client shows before its stream tells it more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from quart import Blueprint, Response, request
from quart_schema import document_querystring, document_response, tag

from zena_sse.ask.reading import AskItem, snapshot_asks
from zena_sse.contract.moments import Moment
from zena_sse.deals.reading import DealItem, snapshot_deals
from zena_sse.errors import NotFound
from zena_sse.mail.accounts import AccountItem, list_accounts
from zena_sse.mail.runs import SyncItem, snapshot_syncs
from zena_sse.mail.threads import (
    ThreadDetail,
    ThreadItem,
    ThreadPage,
    get_thread,
    list_threads,
    snapshot_threads,
)
from zena_sse.storage.log import find_position
from zena_sse.storage.port import Reader, Storage
from zena_sse.stream.log import EventLog, Want
from zena_sse.tasks.reading import TaskItem, snapshot_tasks
from zena_sse.web.identity import Identity
from zena_sse.web.json import read_query, reply


class Snapshot(msgspec.Struct, frozen=True, rename="camel"):
    """Everything a page shows first, and the cursor that belongs to it: the stream from there has no gap.

    `asOf` is the moment by which all this is judged, what is overdue above all; a page counts from there.
    An offset other than `Z` says by whose days.
    """

    cursor: str
    as_of: Moment
    threads: list[ThreadItem]
    deals: list[DealItem]
    tasks: list[TaskItem]
    asks: list[AskItem]
    syncs: list[SyncItem]
    accounts: list[AccountItem]


class ThreadQuery(msgspec.Struct, frozen=True):
    """Which threads: `list`, how many, and where the last page ended."""

    list: Literal["focus", "waiting", "all"] = "all"
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    after: Annotated[str, msgspec.Meta(max_length=200)] | None = None


def read_snapshot(reader: Reader, user_id: str, as_of: datetime) -> Snapshot:
    """State and cursor in one read transaction."""
    position = find_position(reader, user_id)
    if position is None:
        raise NotFound("There is nothing for this user yet.")
    return Snapshot(
        cursor=position.cursor,
        as_of=as_of,
        threads=snapshot_threads(reader, user_id),
        deals=snapshot_deals(reader, user_id),
        tasks=snapshot_tasks(reader, user_id, as_of),
        asks=snapshot_asks(reader, user_id),
        syncs=snapshot_syncs(reader, user_id),
        accounts=[AccountItem.of(account) for account in list_accounts(reader, user_id)],
    )


def read_routes(
    identity: Identity, storage: Storage, log: EventLog, domain_clock: Callable[[], datetime]
) -> Blueprint:
    """The routes of reads; what is overdue is judged by the domain's clock."""
    routes = Blueprint("reads", __name__)

    @routes.get("/snapshot")
    @tag(["reads"])
    @document_response(Snapshot)
    async def get_snapshot() -> Response:
        """One consistent read and its cursor: hold a stream's events, fetch this, apply what is newer."""
        principal = await identity.principal(request.scope)
        await log.pages([Want(principal.user_id, None, is_new=True)])
        return reply(await storage.read(read_snapshot, principal.user_id, domain_clock()))

    @routes.get("/threads")
    @tag(["reads"])
    @document_querystring(ThreadQuery)
    @document_response(ThreadPage)
    async def get_threads() -> Response:
        """Threads, the newest first; of `focus` ten at most, the most pressing first, and no `after`."""
        principal = await identity.principal(request.scope)
        query = read_query(ThreadQuery)
        return reply(
            await storage.read(list_threads, principal.user_id, query.list, query.limit, query.after)
        )

    @routes.get("/threads/<thread_id>")
    @tag(["reads"])
    @document_response(ThreadDetail)
    async def get_one_thread(thread_id: str) -> Response:
        """One thread with its messages, the oldest first."""
        principal = await identity.principal(request.scope)
        return reply(await storage.read(get_thread, principal.user_id, thread_id))

    return routes
