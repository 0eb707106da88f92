"""Second opinions in the whole program: a model that hangs costs no sync a moment, a good one improves it."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.databases import NOON, Clock, new_database
from tests.memorymailbox import AGENT, mail
from tests.scriptedmodel import Reply, ScriptedModel, says, scripted_model, verdict
from zena_sse.app import create_app
from zena_sse.errors import ConfigurationError
from zena_sse.mail.accounts import FolderMailbox, add_account, seal_mailbox
from zena_sse.offline import read_folder
from zena_sse.settings import Settings
from zena_sse.storage.port import Reader
from zena_sse.wiring import Zena, new_id

USER = "anna"
# The worker process, too, has to be started.
PATIENCE_SECONDS = 30
QUESTION = (
    "Hi Anna, could you send us the contract for 12 High Street, Northside? We would like to buy it. Ben"
)


def settings_for(directory: Path, model: ScriptedModel | None = None, **more: Any) -> Settings:
    chosen = {} if model is None else {"llm_base_url": model.base_url, "llm_model": "scripted"}
    return Settings(data_dir=directory, jwt_secret=secrets.token_hex(32), **chosen | more)


def mailbox_in(directory: Path) -> Path:
    root = directory / "mailbox"
    for folder in ("INBOX", "Sent"):
        (root / folder).mkdir(parents=True)
    (root / "INBOX" / "1.eml").write_bytes(mail("12 High Street", body=QUESTION))
    return root


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Zena]:
    new_database(settings.data_dir)
    zena = Zena(settings, Clock(), background=True)
    await zena.start()
    try:
        yield zena
    finally:
        await zena.stop()


async def connect(zena: Zena, root: Path) -> None:
    sealed = seal_mailbox(zena.vault, FolderMailbox(str(root)))
    account = await zena.storage.write(add_account, new_id(), USER, "folder", "mine", (AGENT,), sealed)
    zena.engine.adopt(account.account_id)


async def log_of(zena: Zena) -> list[dict[str, Any]]:
    def read(reader: Reader) -> list[bytes]:
        return reader.all(bytes, 'SELECT data FROM events ORDER BY "offset"')

    return [msgspec.json.decode(data) for data in await zena.storage.read(read)]


async def logged(zena: Zena, type_: str, number: int = 1) -> list[dict[str, Any]]:
    """Wait until so many events of a type are logged; all that are."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            events = await log_of(zena)
            if sum(event["type"] == type_ for event in events) >= number:
                return events
            await asyncio.sleep(0.01)


async def test_a_sync_does_not_wait_for_a_model_that_hangs(tmp_path: Path) -> None:
    async with (
        scripted_model(Reply(hangs="silent")) as model,
        running(settings_for(tmp_path, model, llm_timeout_seconds=600.0)) as zena,
    ):
        await connect(zena, mailbox_in(tmp_path))
        events = await logged(zena, "sync.completed")
        assert "thread.updated" in [event["type"] for event in events], "the embedded result is there"
        assert not model.released.is_set()


async def test_a_good_answer_improves_a_thread_after_its_sync(tmp_path: Path) -> None:
    answer = says(verdict(classification="lawyer_broker", owing="other"))
    async with scripted_model(answer) as model, running(settings_for(tmp_path, model)) as zena:
        await connect(zena, mailbox_in(tmp_path))
        events = await logged(zena, "thread.updated", 2)
        await logged(zena, "sync.completed")
        first, second = [event["payload"] for event in events if event["type"] == "thread.updated"][:2]
        assert first["classification"] != "lawyer_broker"
        assert second["classification"] == "lawyer_broker"
        value = zena.metrics.registry.get_sample_value("zena_opinion_breaker")
        assert value == 0


async def test_reading_a_folder_offline_asks_nobody(tmp_path: Path) -> None:
    async with scripted_model(Reply(status=500)) as model:
        settings = settings_for(tmp_path, model)
        async with read_folder(mailbox_in(tmp_path), [AGENT], lambda: NOON, settings) as folder:
            assert folder.zena.model is None
        assert model.asked == []


def test_without_the_package_a_model_stops_the_start_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    settings = settings_for(tmp_path, llm_base_url="http://127.0.0.1:1/v1", llm_model="small")
    with pytest.raises(ConfigurationError) as caught:
        create_app(settings)
    assert "pip install 'zena-sse[llm]'" in str(caught.value)
    assert "\n" not in str(caught.value)
    create_app(settings_for(tmp_path)).extensions["zena"].ownership.release()
