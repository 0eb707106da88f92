"""One unit of work or one query, over whatever engine runs the SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple, Protocol, TypeVar

import msgspec

from zena_sse.contract.events import Event, encode_event
from zena_sse.contract.moments import timestamp
from zena_sse.storage.port import Value
from zena_sse.stream.frame import encode_frame, encode_record
from zena_sse.stream.log import Record

T = TypeVar("T")


class Rows(NamedTuple):
    """What a statement gave: the columns' names, the rows, how many rows it changed."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    changed: int


class Engine(Protocol):
    """A connection that runs one statement."""

    def run(self, sql: str, named: Mapping[str, Value]) -> Rows:
        """Run it and take all it gives."""

    def run_many(self, sql: str, rows: Iterable[Mapping[str, Value]]) -> None:
        """Run it once for each row of values."""


class Offer(msgspec.Struct, frozen=True, gc=False):
    """A record on its way to the hub."""

    user_id: str
    record: Record
    except_tab: str | None = None


class View:
    """A `Reader` over an engine."""

    def __init__(self, engine: Engine, now: datetime) -> None:
        self._engine = engine
        self.now = now

    def all(self, into: type[T], sql: LiteralString, **named: Value) -> list[T]:
        """Every row, see `port.Reader`."""
        found = self._engine.run(sql, named)
        return [_convert(found.columns, row, into) for row in found.rows]

    def one(self, into: type[T], sql: LiteralString, **named: Value) -> T | None:
        """The first row, or None."""
        found = self._engine.run(sql, named)
        return _convert(found.columns, found.rows[0], into) if found.rows else None


def ephemeral_record(event: Event, now: datetime, command_id: str | None = None) -> Record:
    """An event that has no place in the log."""
    data = encode_event(event, timestamp(now), command_id)
    return Record("", 0, event.type, encode_frame(event.type, data), event.kind)


class _Place(msgspec.Struct):
    epoch: str
    head: int


class Unit(View):
    """A `Transaction` over an engine; remembers what is to be offered once it is durable."""

    def __init__(self, engine: Engine, now: datetime, new_epoch: Callable[[], str]) -> None:
        super().__init__(engine, now)
        self._new_epoch = new_epoch
        self.offers: list[Offer] = []
        self.callbacks: list[Callable[[], None]] = []

    def execute(self, sql: LiteralString, **named: Value) -> int:
        """Run one statement; the number of rows it changed."""
        return self._engine.run(sql, named).changed

    def execute_many(self, sql: LiteralString, rows: Iterable[Mapping[str, Value]]) -> None:
        """Run one statement for each row."""
        self._engine.run_many(sql, rows)

    def publish(self, user_id: str, *events: Event, command_id: str | None = None) -> int:
        """Append to the user's log; the row lock on `streams` makes commit order offset order."""
        if not events:
            raise ValueError("there is nothing to publish")
        at = timestamp(self.now)
        found = [(event.type, _encode_durable(event, at, command_id)) for event in events]
        place = self._advance(user_id, len(found))
        placed = list(enumerate(found, place.head - len(found) + 1))
        self.execute_many(
            'INSERT INTO events (user_id, "offset", type, data, at) '
            "VALUES (:user_id, :offset, :type, :data, :at)",
            [
                {"user_id": user_id, "offset": offset, "type": name, "data": data, "at": at}
                for offset, (name, data) in placed
            ],
        )
        self.offers += [
            Offer(user_id, Record(place.epoch, offset, name, encode_record(place.epoch, offset, name, data)))
            for offset, (name, data) in placed
        ]
        return place.head

    def _advance(self, user_id: str, by: int) -> _Place:
        """Move the head of the user's log, which comes into being with its first event."""
        place = self.one(
            _Place,
            "INSERT INTO streams (user_id, epoch, head, floor) VALUES (:user_id, :epoch, :by, 1) "
            "ON CONFLICT (user_id) DO UPDATE SET head = streams.head + :by RETURNING epoch, head",
            user_id=user_id,
            epoch=self._new_epoch(),
            by=by,
        )
        if place is None:
            raise RuntimeError("RETURNING returned nothing")
        return place

    def announce(
        self, user_id: str, event: Event, *, command_id: str | None = None, except_tab: str | None = None
    ) -> None:
        """Offer an ephemeral event after the commit."""
        self.offers.append(Offer(user_id, ephemeral_record(event, self.now, command_id), except_tab))

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call this on the event loop once the unit is durable."""
        self.callbacks.append(callback)


def _encode_durable(event: Event, at: str, command_id: str | None) -> bytes:
    if event.kept != "log":
        raise ValueError(f"{event.type} is ephemeral: announce it")
    return encode_event(event, at, command_id)


def _convert(columns: Sequence[str], row: Sequence[object], into: type[T]) -> T:
    if issubclass(into, msgspec.Struct):
        return msgspec.convert(dict(zip(columns, row, strict=True)), into, strict=False)
    return msgspec.convert(row[0], into, strict=False)
