"""How SQLite finds asks: without walking all that were ever asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from tests.databases import NOON, new_database
from zena_sse.ask.reading import list_asks, read_inquiry, snapshot_asks
from zena_sse.ask.rows import Ask, any_open, claim_asks, owned_asks, request_ask
from zena_sse.ask.saying import end_orphans
from zena_sse.storage.port import Transaction, Value
from zena_sse.storage.sqlite import SqliteConnection
from zena_sse.storage.unit import Rows, Unit

ASK = Ask(ask_id="q", user_id="anna", conversation_id="v", question="?", command_id=None, asked_at=NOON)


class Explaining:
    """An engine that has the steps of each statement's plan."""

    def __init__(self, path: Path) -> None:
        self._connection = SqliteConnection(path, ())
        self.steps: list[str] = []

    def run(self, sql: str, named: Mapping[str, Value]) -> Rows:
        plan = self._connection.run(f"EXPLAIN QUERY PLAN {sql}", named)
        self.steps += [str(step[-1]) for step in plan.rows]
        return self._connection.run(sql, named)

    def run_many(self, sql: str, rows: Iterable[Mapping[str, Value]]) -> None:
        self._connection.run_many(sql, rows)

    def close(self) -> None:
        self._connection.close()


@pytest.mark.parametrize(
    ("look", "index"),
    [
        (any_open, "asks_open"),
        (lambda tx: owned_asks(tx, "server-1"), "asks_open"),
        (lambda tx: claim_asks(tx, "server-1", 2, 1), "asks_open"),
        (end_orphans, "asks_open"),
        (lambda tx: request_ask(tx, "anna", "q", "?", "v", "c"), "asks_open"),
        (lambda tx: snapshot_asks(tx, "anna"), "asks_user"),
        (lambda tx: list_asks(tx, "anna", None, 10), "asks_user"),
        (lambda tx: read_inquiry(tx, ASK), "asks_conversation"),
    ],
)
def test_asks_are_found_by_an_index(
    tmp_path: Path, look: Callable[[Transaction], object], index: str
) -> None:
    engine = Explaining(new_database(tmp_path))
    look(Unit(engine, NOON, lambda: "epoch"))
    engine.close()
    looks = [step for step in engine.steps if step.startswith(("SCAN", "SEARCH"))]
    assert any(f"INDEX {index}" in step for step in looks), looks
    for step in looks:
        assert "INDEX" in step or "PRIMARY KEY" in step, step
