"""Migrating: a new file, an old one, a newer one, and what is no database at all."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.databases import Clock, epochs, running_storage, viewed
from zena_sse.errors import ConfigurationError
from zena_sse.storage import migrate as migrate_module
from zena_sse.storage.migrate import current_revision, migrate, migrations_directory, newest_revision


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {row[0] for row in rows}


@pytest.fixture
def revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Our migrations, in a directory where a test can add some."""
    copy = tmp_path / "migrations"
    shutil.copytree(migrations_directory(), copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrate_module, "migrations_directory", lambda: copy)
    return copy / "versions"


def add_revision(revisions: Path, body: str) -> None:
    """One more migration than there are."""
    last = newest_revision()
    number = f"{int(last) + 1:04}"
    (revisions / f"{number}_more.py").write_text(
        f"from alembic import op\nimport sqlalchemy as sa\nrevision, down_revision = {number!r}, {last!r}\n"
        f"def upgrade():\n    {body}\n"
    )


def test_new_file_gets_every_table_and_the_newest_revision(tmp_path: Path) -> None:
    path = tmp_path / "zena.db"
    assert migrate(path) is True
    assert current_revision(path) == newest_revision()
    assert {"streams", "events", "idempotency", "sessions"} <= tables(path)


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "zena.db"
    migrate(path)
    content = path.read_bytes()
    assert migrate(path) is False
    assert path.read_bytes() == content


def test_empty_file_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "zena.db"
    path.touch()
    assert current_revision(path) is None
    assert migrate(path) is True


async def test_older_database_is_brought_up_to_date_and_keeps_what_it_holds(
    database: Path, revisions: Path, clock: Clock
) -> None:
    async with running_storage(database, lambda _: None, clock, epochs()) as storage:
        await storage.write(lambda tx: tx.publish("jo", viewed("a")))
    add_revision(revisions, "op.add_column('events', sa.Column('extra', sa.Text))")
    assert migrate(database) is True
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute('SELECT user_id, "offset", extra FROM events').fetchall()
    assert rows == [("jo", 1, None)]


def test_newer_database_is_refused_in_one_line_and_left_alone(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    content = database.read_bytes()
    with pytest.raises(ConfigurationError) as caught:
        migrate(database)
    message = str(caught.value)
    assert str(database) in message
    assert "newer" in message
    assert "9999" in message
    assert "\n" not in message
    assert database.read_bytes() == content


@pytest.mark.parametrize("content", [b"Dear reader, this is no database.\n" * 100, b"\xff" * 8192])
def test_file_that_is_no_database_is_refused_in_one_line_and_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "zena.db"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        migrate(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_directory_in_place_of_the_file_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "zena.db"
    path.mkdir()
    with pytest.raises(ConfigurationError, match="zena"):
        migrate(path)


@pytest.mark.parametrize("name", ["with space", "a#b", "a?mode=memory", "50%41", "ü", "-"])
def test_any_path_is_a_path(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    directory.mkdir()
    path = directory / "zena.db"
    assert migrate(path) is True
    assert migrate(path) is False
    assert [entry.name for entry in directory.iterdir()] == ["zena.db"]


def test_migration_that_fails_half_way_leaves_nothing_and_can_be_run_again(
    database: Path, revisions: Path
) -> None:
    before = tables(database)
    add_revision(revisions, "op.create_table('half', sa.Column('a', sa.Text)); raise RuntimeError('killed')")
    with pytest.raises(RuntimeError, match="killed"):
        migrate(database)
    assert tables(database) == before
    next(revisions.glob("*_more.py")).unlink()
    add_revision(revisions, "op.create_table('half', sa.Column('a', sa.Text))")
    assert migrate(database) is True
    assert tables(database) == before | {"half"}


def test_migration_that_is_killed_leaves_a_file_that_the_next_start_can_use(
    tmp_path: Path, revisions: Path
) -> None:
    path = tmp_path / "zena.db"
    add_revision(
        revisions,
        "op.create_table('half', sa.Column('a', sa.Text)); "
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    )
    program = (
        "import sys; from pathlib import Path; from zena_sse.storage import migrate as m\n"
        "m.migrations_directory = lambda: Path(sys.argv[2]); m.migrate(Path(sys.argv[1]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path), str(revisions.parent)], check=False, timeout=30
    )
    assert ended.returncode == -9
    next(revisions.glob("*_more.py")).unlink()
    assert migrate(path) is True
    assert "half" not in tables(path)


def test_database_that_is_up_to_date_costs_no_alembic(database: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from zena_sse.storage.migrate import migrate\n"
        "assert migrate(Path(sys.argv[1])) is False\n"
        "assert 'alembic' not in sys.modules and 'sqlalchemy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, str(database)], check=True, timeout=30)
