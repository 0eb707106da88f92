"""Brings the database up to date. Alembic is loaded only when there is something to do: it costs 300 ms."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import zena_sse
from zena_sse.errors import ConfigurationError


def migrations_directory() -> Path:
    """In an installed wheel the migrations are inside the package, in a checkout beside it."""
    package = Path(zena_sse.__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def newest_revision() -> str:
    """The revision this program needs: the number that the newest file's name begins with."""
    return max(path.name[:4] for path in (migrations_directory() / "versions").glob("[0-9]*.py"))


def current_revision(path: Path) -> str | None:
    """The revision of a database file; None when it is new."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            has_version = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
            if connection.execute(has_version).fetchone() is None:
                return None
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(f"{path} is not a database of ours: {error}") from None
    return row[0] if row else None


def migrate(path: Path) -> bool:
    """Migrate the file, which this process owns; whether there was anything to do."""
    current, newest = current_revision(path), newest_revision()
    if current == newest:
        return False
    if current is not None and current > newest:
        raise ConfigurationError(
            f"{path} was written by a newer zena-sse (revision {current}, this one knows {newest})"
        )
    _upgrade(path)
    return True


def _upgrade(path: Path) -> None:
    from alembic import command  # noqa: PLC0415  # see the module docstring
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import URL, NullPool, create_engine  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(migrations_directory()).replace("%", "%%"))
    # Autocommit, and a transaction of our own around it all: Python's driver opens none for a CREATE, and a
    # kill in between would leave half a schema.
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.exec_driver_sql("COMMIT")
