"""Apps on fresh databases; behind a real server where the stream is concerned."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.databases import new_database
from tests.web.carriers import CARRIERS
from tests.web.sites import LiveSite, Site
from zena_sse.app import create_app
from zena_sse.settings import Settings

TIMEOUT_SECONDS = 60


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that the product runs on: its transports are not asyncio's."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """uvloop sleeps through the alarm that ends other tests that hang."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS, method="thread"))


@pytest.fixture
def changes() -> dict[str, Any]:
    """Settings that differ from the usual; a test says its own by parametrising `changes`."""
    return {}


@pytest.fixture
def settings(tmp_path: Path, changes: dict[str, Any]) -> Settings:
    """A data directory with an empty database."""
    new_database(tmp_path)
    usual: dict[str, Any] = {
        "data_dir": tmp_path,
        "jwt_secret": secrets.token_hex(32),
        "heartbeat_seconds": 1.0,
    }
    return Settings(**usual | changes)


@pytest.fixture
def background() -> bool:
    """Whether the app does more than it is asked for: reads mailboxes, keeps house."""
    return False


@pytest.fixture
async def site(settings: Settings, background: bool) -> AsyncIterator[Site]:
    """A started app without a server."""
    app = create_app(settings, background=background)
    await app.startup()
    try:
        yield Site(app, settings)
    finally:
        await app.shutdown()


@pytest.fixture(params=list(CARRIERS))
def carrier(request: pytest.FixtureRequest) -> str:
    """The server that carries the streams."""
    name: str = request.param
    return name


@pytest.fixture
async def live(settings: Settings, carrier: str) -> AsyncIterator[LiveSite]:
    """An app behind each kind of server in turn."""
    app = create_app(settings, background=False)
    async with CARRIERS[carrier](app, settings) as server:
        site = LiveSite(app, settings, server)
        try:
            yield site
        finally:
            for tab in site.tabs:
                await tab.leave()
