"""Servers for end-to-end tests, each with a data directory of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.programs import Serving, standing

NewServer = Callable[..., Serving]


@pytest.fixture
def directory() -> Iterator[Path]:
    """An empty directory with a short name: the path of a Unix socket has 107 bytes at most."""
    path = Path(tempfile.mkdtemp(prefix="zena-e2e-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def new_server(directory: Path) -> Iterator[NewServer]:
    """Makes a server that is not started yet; settings as keywords, `ZENA_HEARTBEAT_SECONDS="1"`."""
    made: list[Serving] = []

    def make(**settings: str) -> Serving:
        made.append(Serving(directory, **settings))
        return made[-1]

    yield make
    for server in made:
        server.clean_up()


@pytest.fixture(scope="session")
def running() -> Iterator[Serving]:
    """A server that nobody stops; each test has a user of its own there."""
    with standing(ZENA_ALLOW_PRIVATE_MAIL_HOSTS="1") as serving:
        yield serving


@pytest.fixture
def server(new_server: NewServer) -> Iterator[Serving]:
    """A server that serves, and ends well."""
    serving = new_server()
    serving.start()
    yield serving
    if serving.process is not None:
        serving.stop()
