"""How SQLite goes about what the writer asks: the threads of a deal without walking all of the user's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path

import pytest

from tests.databases import NOON
from tests.dealroom import HIGH_STREET, VERA, open_deals
from tests.mailroom import ANNA
from zena_sse.deals.course import gather
from zena_sse.deals.membership import recount, threads_of
from zena_sse.deals.rows import DealRow, find_deal
from zena_sse.storage.port import Transaction, Value
from zena_sse.storage.sqlite import SqliteConnection
from zena_sse.storage.unit import Rows, Unit
from zena_sse.triage.subjects import ask_those_who_name


class Explaining:
    """An engine that has each statement's plan, of those that look into threads."""

    def __init__(self, path: Path) -> None:
        self._connection = SqliteConnection(path, ())
        self.plans: list[str] = []

    def run(self, sql: str, named: Mapping[str, Value]) -> Rows:
        if "FROM threads" in sql and sql.startswith("SELECT"):
            steps = self._connection.run(f"EXPLAIN QUERY PLAN {sql}", named).rows
            self.plans.append(" | ".join(str(step[-1]) for step in steps))
        return self._connection.run(sql, named)

    def run_many(self, sql: str, rows: Iterable[Mapping[str, Value]]) -> None:
        self._connection.run_many(sql, rows)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
async def deal_id(tmp_path: Path) -> AsyncIterator[str]:
    """A deal with a thread, in a database in this directory."""
    async with open_deals(tmp_path) as room:
        await room.write("Our house", 1, VERA, classification="vendor", mentions=(HIGH_STREET,))
        yield (await room.deal()).deal_id


def _gather(tx: Transaction, row: DealRow) -> None:
    gather(tx, row, None)


@pytest.mark.parametrize(
    ("look", "index"),
    [
        (recount, "threads_deal"),
        (lambda tx, row: threads_of(tx, ANNA, row.deal_id), "threads_deal"),
        (_gather, "threads_property"),
        (lambda tx, _row: ask_those_who_name(tx, ANNA, "3", "low road"), "threads_property"),
    ],
)
def test_threads_are_found_by_their_deal_or_property(
    tmp_path: Path, deal_id: str, look: Callable[[Transaction, DealRow], object], index: str
) -> None:
    engine = Explaining(tmp_path / "zena.db")
    tx = Unit(engine, NOON, lambda: "epoch")
    row = find_deal(tx, ANNA, deal_id)
    assert row is not None
    look(tx, row)
    engine.close()
    assert engine.plans
    for plan in engine.plans:
        assert f"INDEX {index} " in plan or "thread_id=?" in plan, plan
