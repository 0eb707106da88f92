"""What the rooms know of the database: plain functions over a `Reader` or a `Transaction`, run whole.

    rows = await storage.read(list_accounts, user_id)
    await storage.write(record_account, account)

runs `list_accounts(reader, user_id)` in one read transaction on a reader's thread, and
`record_account(tx, account)` whole, on the writer's thread, or not at all. There is no await inside, so
nothing can be cancelled half-way or interleave. A unit may be run again when a neighbour's failure took the
whole group's transaction with it: it changes nothing but the database, and speaks to the rest of the
program only through `publish`, `announce` and `after_commit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Concatenate, LiteralString, ParamSpec, Protocol, TypeVar

from zena_sse.contract.events import Event

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

Value = str | int | float | bytes | bool | None


class Reader(Protocol):
    """One consistent view of the database. SQL is the subset that SQLite and PostgreSQL share, `:named`."""

    @property
    def now(self) -> datetime:
        """When this transaction began, UTC, whole milliseconds."""

    def all(self, into: type[T], sql: LiteralString, **named: Value) -> list[T]:
        """Every row: as a Struct whose fields are named like the columns, or its first column as `into`."""

    def one(self, into: type[T], sql: LiteralString, **named: Value) -> T | None:
        """The first row, or None."""


class Transaction(Reader, Protocol):
    """One unit of work: what it writes and what it publishes are committed together or not at all."""

    def execute(self, sql: LiteralString, **named: Value) -> int:
        """Run one statement; the number of rows it changed."""

    def execute_many(self, sql: LiteralString, rows: Iterable[Mapping[str, Value]]) -> None:
        """Run one statement for each row."""

    def publish(self, user_id: str, *events: Event, command_id: str | None = None) -> int:
        """Append durable events to the user's log, offer them after the commit; returns the last offset."""

    def announce(
        self, user_id: str, event: Event, *, command_id: str | None = None, except_tab: str | None = None
    ) -> None:
        """Offer an ephemeral event after the commit; it is never logged."""

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call this on the event loop once the unit is durable and its events are offered."""


class Storage(Protocol):
    """The database as the rest of the program sees it."""

    async def read(self, query: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a query in one read transaction. Raises `StorageUnavailable`."""

    async def write(
        self, unit: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a unit of work. Raises `StorageUnavailable`, `StorageBusy`, or whatever the unit raised."""
