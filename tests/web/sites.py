"""An app of its own for a test, and what tests do to it behind its back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from quart import Quart
from quart.testing import QuartClient

from tests.databases import NOON, until, viewed
from tests.memorymailbox import mail, parsed
from tests.web.tabs import Tab
from zena_sse.contract.events import Event
from zena_sse.mail.accounts import Account, FolderMailbox, add_account, list_accounts, seal_mailbox
from zena_sse.mail.connector import Remote
from zena_sse.mail.runs import claim_run, complete_run, request_sync
from zena_sse.mail.store import Copy, apply_batch
from zena_sse.mail.threads import list_threads
from zena_sse.security.principal import Principal, Role
from zena_sse.security.sessions import SECRET_BYTES, digest_of, open_session
from zena_sse.serving.stream import Stream
from zena_sse.settings import Settings
from zena_sse.storage.log import ensure_stream, erase_stream, trim_log
from zena_sse.storage.port import Transaction
from zena_sse.wiring import Zena

MIA = "mia"
NOAH = "noah"


class Site:
    """A running app. `client` calls it in-process."""

    def __init__(self, app: Quart, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.zena: Zena = app.extensions["zena"]
        self.client = QuartClient(app, use_cookies=False)

    def token(self, user: str = MIA, role: Role = "agent", seconds: float = 3600) -> str:
        """A signed token."""
        return self.zena.tokens.sign(user, role, timedelta(seconds=seconds))

    def bearer(self, user: str = MIA, role: Role = "agent") -> dict[str, str]:
        """The headers of a caller who has a token."""
        return {"Authorization": f"Bearer {self.token(user, role)}"}

    async def cookie(self, user: str = MIA, seconds: float = 3600) -> dict[str, str]:
        """The headers of a browser that is signed in, for so long."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        expires_at = self.zena.storage._clock() + timedelta(seconds=seconds)
        await self.zena.storage.write(open_session, digest_of(secret), Principal(user, expires_at))
        return {"Cookie": f"zena_session={secret}"}

    async def epoch(self, user: str = MIA) -> str:
        """The name of a user's log, which is there afterwards."""
        return (await self.zena.storage.write(ensure_stream, user, secrets.token_hex(4))).epoch

    async def publish(self, *events: Event, user: str = MIA) -> int:
        """Publish in one unit; the head afterwards."""
        return await self.zena.storage.write(_publish, user, events)

    async def publish_numbered(self, first: int, last: int, user: str = MIA) -> None:
        """Publish `thread.viewed` of the threads that bear these numbers."""
        await self.publish(*(viewed(str(number)) for number in range(first, last + 1)), user=user)

    async def trim(self, keep: int, user: str = MIA) -> None:
        """Forget all but the newest events."""
        now = self.zena.storage._clock()
        await self.zena.storage.write(trim_log, user, now - timedelta(days=365), keep)

    async def erase(self, user: str = MIA) -> None:
        """The user's log is wiped."""
        await self.zena.storage.write(erase_stream, user)

    async def account(self, user: str = MIA, path: str = "/nowhere") -> Account:
        """A folder that is connected; the engine does not know of it yet."""
        sealed = seal_mailbox(self.zena.vault, FolderMailbox(path))
        address = f"{user}@agency.example"
        return await self.zena.storage.write(
            add_account, f"box-{user}", user, "folder", path, [address], sealed
        )

    async def receive(self, *subjects: str, user: str = MIA, body: str = "Kia ora") -> list[str]:
        """A mail for each subject arrives, all in one batch; the ids of their threads."""
        storage = self.zena.storage
        accounts = await storage.read(list_accounts, user)
        account = accounts[0] if accounts else await self.account(user)
        await storage.write(request_sync, account, secrets.token_hex(8))
        run = await storage.write(claim_run, account.account_id)
        assert run is not None
        copies = [
            Copy(
                Remote("INBOX", f"{run.sync_id}-{uid}", NOON, 100),
                "1",
                parsed(mail(subject, minutes=uid, body=body)),
            )
            for uid, subject in enumerate(subjects)
        ]
        await storage.write(apply_batch, run, copies)
        await storage.write(complete_run, run)
        threads = (await storage.read(list_threads, user, "all", 1000)).threads
        ids = {thread.subject: thread.thread_id for thread in threads}
        return [ids[subject] for subject in subjects]

    def streams(self, user: str = MIA) -> list[Stream]:
        """What the hub has of a user, the oldest first."""
        found = self.zena.hub._active.get(user)
        drivers = [] if found is None else list(found.drivers)
        return [driver for driver in drivers if isinstance(driver, Stream)]

    async def caught_up(self, user: str = MIA) -> None:
        """Wait until the user's streams are live: a stream that was just opened reads the log first."""
        await until(lambda: not any(stream.subscription.behind for stream in self.streams(user)))


def _publish(tx: Transaction, user: str, events: Sequence[Event]) -> int:
    head = 0
    for event in events:
        if event.kept == "log":
            head = tx.publish(user, event)
        else:
            tx.announce(user, event)
    return head


class Running(Protocol):
    """A server that carries an app."""

    port: int

    async def stop(self) -> None:
        """Have it drain its streams and end; returns when it has. Doing it twice is fine."""


class LiveSite(Site):
    """A site behind a real server, on a port of this machine."""

    def __init__(self, app: Quart, settings: Settings, server: Running) -> None:
        super().__init__(app, settings)
        self.server = server
        self.tabs: list[Tab] = []

    async def open(
        self,
        user: str = MIA,
        headers: dict[str, str] | None = None,
        *,
        method: str = "GET",
        buffer: int = 0,
        **query: str,
    ) -> Tab:
        """Ask for a stream: with a token of this user, unless there are headers that say otherwise."""
        credential = self.bearer(user) if headers is None or "Last-Event-ID" in headers else {}
        tab = await Tab.open(
            self.server.port, credential | (headers or {}), method=method, buffer=buffer, **query
        )
        self.tabs.append(tab)
        return tab

    async def open_ready(self, user: str = MIA, headers: dict[str, str] | None = None, **query: str) -> Tab:
        """A stream whose `stream.ready` has been read."""
        tab = await self.open(user, headers, method="GET", buffer=0, **query)
        assert (await tab.next()).event == "stream.ready"
        return tab

    async def connect(self) -> Tab:
        """A connection on which nothing was asked yet."""
        tab = await Tab.connect(self.server.port)
        self.tabs.append(tab)
        return tab
