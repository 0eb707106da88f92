"""`DELETE /me`: nothing of the user is left, and nothing of anybody else is touched."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from quart.typing import TestClientProtocol as Client

from tests.searchindex import check_index
from zena_sse.app import create_app
from zena_sse.ask.reading import snapshot_asks
from zena_sse.mail.accounts import FolderMailbox, add_account, seal_mailbox
from zena_sse.settings import Settings
from zena_sse.storage.log import find_position
from zena_sse.storage.port import Reader
from zena_sse.wiring import Zena, new_id

MAIL = b"From: Ana <ana@x.example>\r\nTo: me@x.example\r\nSubject: hello\r\nMessage-ID: <1@x>\r\n\r\nHi\r\n"


def mailbox_at(path: Path) -> FolderMailbox:
    (path / "INBOX").mkdir(parents=True)
    (path / "INBOX" / "1.eml").write_bytes(MAIL)
    return FolderMailbox(str(path))


async def synced(zena: Zena, user: str, path: Path) -> None:
    """A user with a mailbox that was read once."""
    sealed = seal_mailbox(zena.vault, mailbox_at(path))
    account = await zena.storage.write(
        add_account, new_id(), user, "folder", str(path), ["me@x.example"], sealed
    )
    done = len(await completed(zena))
    zena.engine.adopt(account.account_id)
    while len(await completed(zena)) == done:
        await zena.storage.read(find_position, user)


async def completed(zena: Zena) -> list[str]:
    def query(reader: Reader) -> list[str]:
        return reader.all(str, "SELECT user_id FROM events WHERE type = 'sync.completed'")

    return await zena.storage.read(query)


async def answered(zena: Zena, user: str) -> None:
    """Wait until no answer of this user is being made."""
    while any(ask.state != "completed" for ask in await zena.storage.read(snapshot_asks, user)):
        pass


def bearer(zena: Zena, user: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {zena.tokens.sign(user, 'agent', timedelta(hours=1))}"}


async def cursor(client: Client, headers: dict[str, str]) -> str:
    answer = await (await client.get("/snapshot", headers=headers)).get_json()
    found: str = answer["cursor"]
    return found


async def test_erasing_a_user_leaves_no_row_of_theirs_and_all_of_everybody_elses(
    tmp_path: Path,
) -> None:
    erased = "anna"
    settings = Settings(data_dir=tmp_path / "data", jwt_secret="s" * 32, mail_days=0)
    app = create_app(settings)
    zena: Zena = app.extensions["zena"]
    async with app.test_app() as running:
        client = running.test_client()
        for user in (erased, "bert"):
            await synced(zena, user, tmp_path / user)
            await client.post("/session", headers=bearer(zena, user))
            await client.post(
                "/commands/typing.start",
                json={"where": "x"},
                headers=bearer(zena, user) | {"Idempotency-Key": "k"},
            )
            asked = await client.post(
                "/commands/ask.request", json={"question": "Who waits?"}, headers=bearer(zena, user)
            )
            assert asked.status_code == 202
        await answered(zena, "bert")
        before = await cursor(client, bearer(zena, erased)), await cursor(client, bearer(zena, "bert"))
        assert (await client.delete("/me", headers=bearer(zena, erased))).status_code == 204
        assert rows_by_user(settings.database_path, erased) == {}
        assert rows_by_user(settings.database_path, "bert").keys() >= {
            "accounts",
            "messages",
            "threads",
            "events",
            "asks",
            "search_documents",
        }
        assert {document.user_id for document in check_index(settings.database_path)} == {"bert"}
        after = await cursor(client, bearer(zena, erased)), await cursor(client, bearer(zena, "bert"))
    assert after[1] == before[1]
    assert after[0].split("-")[0] != before[0].split("-")[0], "the epoch is another one"
    assert after[0].endswith("-0")


def count_of(connection: sqlite3.Connection, table: str, user: str) -> int:
    found: tuple[int] = connection.execute(
        f"SELECT COUNT(*) FROM {table} WHERE user_id = ?",
        (user,),
    ).fetchone()
    return found[0]


def rows_by_user(path: Path, user: str) -> dict[str, int]:
    """How many rows each table has of a user."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            table
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if any(row[1] == "user_id" for row in connection.execute(f"PRAGMA table_info({table})"))
        ]
        counts = {
            table: connection.execute(f"SELECT COUNT(*) FROM {table} WHERE user_id = ?", (user,)).fetchone()[
                0
            ]
            for table in tables
        }
    return {table: count for table, count in counts.items() if count}
