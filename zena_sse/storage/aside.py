"""Queries that compute more than they read, in a process beside ours: in ours they would starve streams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from zena_sse.errors import StorageUnavailable
from zena_sse.storage.port import Reader
from zena_sse.storage.sqlite import SqliteReader

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Compute(Protocol):
    """Runs a plain function over a batch in another process; see `Workers.map`."""

    async def __call__(
        self, function: Callable[[Sequence[T]], list[Any]], batch: Sequence[T], fallback: Callable[[T], Any]
    ) -> list[Any]:
        """`function(batch)`; an item that kills the process gets `fallback` instead."""


class ReadingAside:
    """Reads the embedded database as `SqliteStorage.read` does; one query at a time, the others wait."""

    def __init__(self, path: Path, compute: Compute) -> None:
        self._path = path
        self._compute = compute

    async def read(self, query: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a query in one read transaction. Raises `StorageUnavailable`.

        The query can be imported by name; arguments and result can be pickled.
        """
        call = (self._path, query, args, kwargs)
        (result,) = await self._compute(_run, [call], lambda _call: _Died())
        if isinstance(result, _Died):
            raise StorageUnavailable("The process that reads died on it")
        return cast("R", result)

    async def warm(self) -> None:
        """Start the process now: the first to ask need not wait for it."""
        await self.read(_nothing)


class _Died:
    """In the place of a result."""


def _nothing(_reader: Reader) -> None:
    """Opens the file, and that is all."""


def _run(calls: Sequence[tuple[Path, Callable[..., Any], tuple[Any, ...], dict[str, Any]]]) -> list[Any]:
    """What the queries give; runs in the other process."""
    return [
        _reader(path).run(query, datetime.now(UTC), *args, **kwargs) for path, query, args, kwargs in calls
    ]


@cache
def _reader(path: Path) -> SqliteReader:
    """The other process's connection."""
    return SqliteReader(path)
