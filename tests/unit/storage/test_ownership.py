"""One process owns an embedded database: the second is told who has it, and a dead owner leaves nothing."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from zena_sse.errors import ConfigurationError, DataDirectoryInUse
from zena_sse.storage.migrate import migrate
from zena_sse.storage.sqlite import Ownership

OWNER = (
    "import sys; from pathlib import Path; from zena_sse.storage.sqlite import Ownership\n"
    "owned = Ownership(Path(sys.argv[1])); print('mine', flush=True); sys.stdin.read()"
)


@contextmanager
def another_process_owning(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A real process that owns the database until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "mine\n"
            yield process
        finally:
            process.kill()


def test_second_process_is_refused_with_one_line_that_names_the_first(tmp_path: Path) -> None:
    path = tmp_path / "zena.db"
    with another_process_owning(path) as owner:
        with pytest.raises(DataDirectoryInUse) as caught:
            Ownership(path)
        message = str(caught.value)
        assert str(path) in message
        assert str(owner.pid) in message
        assert "\n" not in message
        with pytest.raises(DataDirectoryInUse, match=str(owner.pid)):
            Ownership(path)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_owner_that_is_killed_leaves_the_database_to_the_next(tmp_path: Path, how: signal.Signals) -> None:
    path = tmp_path / "zena.db"
    with another_process_owning(path) as owner:
        owner.send_signal(how)
        owner.wait(10)
        Ownership(path).release()


def test_lock_file_that_was_left_behind_keeps_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "zena.db.lock").write_text("4194304 a longer text than a number")
    owned = Ownership(tmp_path / "zena.db")
    assert (tmp_path / "zena.db.lock").read_text() == str(os.getpid())
    owned.release()


def test_released_database_can_be_owned_again_and_not_twice(tmp_path: Path) -> None:
    path = tmp_path / "new" / "zena.db"
    owned = Ownership(path)
    with pytest.raises(DataDirectoryInUse, match=str(os.getpid())):
        Ownership(path)
    owned.release()
    Ownership(path).release()


def test_each_database_has_its_own_owner(tmp_path: Path) -> None:
    first, second = Ownership(tmp_path / "a.db"), Ownership(tmp_path / "b.db")
    first.release()
    second.release()


def test_program_that_an_owner_starts_does_not_own_it_too(tmp_path: Path) -> None:
    path = tmp_path / "zena.db"
    owned = Ownership(path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        owned.release()
        Ownership(path).release()
        child.kill()


def test_directory_that_cannot_be_made_is_one_line_that_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="ZENA_DATA_DIR") as caught:
        Ownership(tmp_path / "file" / "data" / "zena.db")
    assert "\n" not in str(caught.value)


def test_database_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "zena.db"
    ownership = Ownership(path)
    migrate(path)
    ownership.release()
    assert [stat.S_IMODE(found.stat().st_mode) for found in (path.parent, path)] == [0o700, 0o600]
