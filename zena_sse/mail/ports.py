"""What the sync engine is given: everything it needs of the world around it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias

from zena_sse.contract.events import Event
from zena_sse.mail.accounts import Account, Mailbox
from zena_sse.mail.connector import Connector
from zena_sse.mail.content.message import Message
from zena_sse.mail.followers import NOBODY, Followers
from zena_sse.metrics import Metrics
from zena_sse.security.vault import Vault
from zena_sse.settings import Settings
from zena_sse.storage.port import Storage

Compute: TypeAlias = Callable[[Sequence[tuple[bytes, datetime]]], Awaitable[list[Message]]]


async def _nothing(_user_id: str, _command_id: str | None) -> None:
    """Nobody waits for mail."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The engine's surroundings.

    `open_connector` makes a connector without opening it. `compute` parses off the loop: `parse_batch` in a
    worker. `announce` offers an ephemeral event to a user's streams. `domain_clock` judges the window of
    `mail_days`; `monotonic`, `sleep` and `random` (0 to 1) time the runs. `after_reading` (user, command)
    makes something of what a run has read, before that run ends; `followers` keep something of threads.
    """

    storage: Storage
    vault: Vault
    open_connector: Callable[[Account, Mailbox], Connector]
    compute: Compute
    announce: Callable[[str, Event], None]
    metrics: Metrics
    settings: Settings
    new_id: Callable[[], str]
    domain_clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]
    after_reading: Callable[[str, str | None], Awaitable[None]] = _nothing
    followers: Followers = NOBODY

    def window(self) -> date | None:
        """The first day whose mail is read; None for all."""
        days = self.settings.mail_days
        return self.domain_clock().date() - timedelta(days=days) if days else None
