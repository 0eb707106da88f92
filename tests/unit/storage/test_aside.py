"""Queries in the process beside ours: what they give, see and raise is what they would here."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.databases import viewed
from zena_sse.errors import NotFound, StorageUnavailable
from zena_sse.settings import Settings
from zena_sse.storage.aside import ReadingAside
from zena_sse.storage.log import find_position
from zena_sse.storage.port import Reader
from zena_sse.storage.sqlite import SqliteStorage
from zena_sse.wiring import Zena, now
from zena_sse.workers import Workers


class Row(msgspec.Struct):
    """An event, as a query has it."""

    offset: int
    type: str


def events(reader: Reader, user_id: str, *, most: int = 10) -> list[Row]:
    return reader.all(
        Row,
        'SELECT "offset", type FROM events WHERE user_id = :user_id ORDER BY "offset" LIMIT :most',
        user_id=user_id,
        most=most,
    )


def process_of(_reader: Reader) -> int:
    return os.getpid()


def moment(reader: Reader) -> datetime:
    return reader.now


def fail(_reader: Reader, error: Exception) -> None:
    raise error


def ask_for_what_is_not_there(reader: Reader) -> list[int]:
    return reader.all(int, "SELECT nothing FROM nowhere")


def write(reader: Reader) -> list[int]:
    return reader.all(int, "DELETE FROM events RETURNING 1")


def die(_reader: Reader) -> None:
    os._exit(1)


def content(directory: Path) -> dict[str, bytes]:
    """The files of a database that hold something for good; not what connections share in memory."""
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.suffix != ".db-shm"}


def copied(database: Path, directory: Path) -> Path:
    """The database as it lies there, as a power cut would leave it; nobody has the copy open."""
    directory.mkdir()
    for name, data in content(database.parent).items():
        (directory / name).write_bytes(data)
    return directory / database.name


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    found = Workers()
    yield found
    await found.stop()


@pytest.fixture
def aside(database: Path, workers: Workers) -> ReadingAside:
    return ReadingAside(database, workers.map)


async def test_result_is_the_same_as_here_and_comes_from_elsewhere(
    storage: SqliteStorage, aside: ReadingAside
) -> None:
    await storage.write(lambda tx: tx.publish("jo", *map(viewed, "abc")))
    for most in (2, 10):
        here = await storage.read(events, "jo", most=most)
        assert await aside.read(events, "jo", most=most) == here
        assert len(here) == min(most, 3)
    assert await aside.read(find_position, "jo") == await storage.read(find_position, "jo")
    assert await aside.read(process_of) != os.getpid()


async def test_what_was_committed_just_before_is_seen(storage: SqliteStorage, aside: ReadingAside) -> None:
    for number in range(1, 30):
        head = await storage.write(lambda tx: tx.publish("jo", viewed("a")))
        assert head == number
        assert len(await aside.read(events, "jo", most=100)) == number


async def test_its_time_is_the_real_one(storage: SqliteStorage, aside: ReadingAside) -> None:
    await storage.read(moment)
    before = datetime.now(UTC)
    assert before <= await aside.read(moment) <= datetime.now(UTC)


@pytest.mark.parametrize("error", [NotFound("no such thing"), KeyError("x"), StorageUnavailable("so")])
async def test_error_of_a_query_comes_as_it_is_and_the_next_query_works(
    storage: SqliteStorage, aside: ReadingAside, error: Exception
) -> None:
    await storage.write(lambda tx: tx.publish("jo", viewed("a")))
    with pytest.raises(type(error)) as caught:
        await aside.read(fail, error)
    assert caught.value.args == error.args
    assert len(await aside.read(events, "jo")) == 1


async def test_query_that_the_database_refuses_is_told_so(
    storage: SqliteStorage, aside: ReadingAside
) -> None:
    await storage.write(lambda tx: tx.publish("jo", viewed("a")))
    for query in (ask_for_what_is_not_there, write):
        with pytest.raises(StorageUnavailable):
            await aside.read(query)
    assert len(await aside.read(events, "jo")) == 1
    assert len(await storage.read(events, "jo")) == 1


async def test_query_that_kills_the_process_is_told_so_and_the_next_has_another(
    storage: SqliteStorage, aside: ReadingAside
) -> None:
    await storage.write(lambda tx: tx.publish("jo", viewed("a")))
    first = await aside.read(process_of)
    with pytest.raises(StorageUnavailable):
        await aside.read(die)
    assert await aside.read(process_of) != first
    assert len(await aside.read(events, "jo")) == 1


async def test_database_that_is_gone_is_not_made_anew_and_is_read_once_it_is_back(
    database: Path, workers: Workers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("copy") / "gone"
    aside = ReadingAside(elsewhere / database.name, workers.map)
    with pytest.raises(StorageUnavailable):
        await aside.warm()
    elsewhere.mkdir()
    with pytest.raises(StorageUnavailable):
        await aside.warm()
    assert content(elsewhere) == {}
    elsewhere.rmdir()
    copied(database, elsewhere)
    assert await aside.read(events, "jo") == []


async def test_reader_that_closes_last_leaves_the_log_to_the_writer(
    database: Path, storage: SqliteStorage, workers: Workers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await storage.write(lambda tx: tx.publish("jo", viewed("a")))
    copy = copied(database, tmp_path_factory.mktemp("copy") / "data")
    before = content(copy.parent)
    assert before["zena.db-wal"]
    assert len(await ReadingAside(copy, workers.map).read(events, "jo")) == 1
    await workers.stop()
    assert content(copy.parent) == before


async def test_server_that_stops_leaves_one_file_with_everything(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, jwt_secret="s" * 32)
    zena = Zena(settings, now, background=False)
    await zena.start()
    await zena.storage.write(lambda tx: tx.publish("jo", viewed("a")))
    assert len(await zena.aside.read(events, "jo")) == 1
    assert await zena.aside.read(process_of) != os.getpid()
    assert "zena.db-wal" in content(tmp_path)
    await zena.stop()
    assert "zena.db-wal" not in content(tmp_path)
