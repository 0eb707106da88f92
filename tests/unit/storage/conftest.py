"""A real database, migrated, in a directory of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.databases import Clock, epochs, new_database, running_storage
from zena_sse.storage.sqlite import SqliteStorage
from zena_sse.storage.unit import Offer


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The file of a migrated, empty database."""
    return new_database(tmp_path)


@pytest.fixture
def clock() -> Clock:
    """Time as the test has it."""
    return Clock()


@pytest.fixture
def offers() -> list[Offer]:
    """What the storage has offered."""
    return []


@pytest.fixture
async def storage(database: Path, offers: list[Offer], clock: Clock) -> AsyncIterator[SqliteStorage]:
    """A started storage; what it offers is in `offers`."""
    async with running_storage(database, offers.append, clock, epochs()) as running:
        yield running
