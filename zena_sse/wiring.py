"""The one place where everything is wired, but for the routes."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random, SystemRandom
from uuid import uuid4

from zena_sse.ask.answering import Answerer
from zena_sse.ask.commands import ask_handlers
from zena_sse.ask.embedded.answerer import Embedded
from zena_sse.ask.fallback import FAILURES, Answering
from zena_sse.ask.modelled.answerer import Modelled
from zena_sse.ask.run import World
from zena_sse.ask.runs import Runs
from zena_sse.contract.events import Event
from zena_sse.contract.schema import Document
from zena_sse.deals import following as deals
from zena_sse.deals.assessing import assess_deals
from zena_sse.deals.following import follow_deal
from zena_sse.dispatch import Dispatch
from zena_sse.errors import StorageUnavailable, ZenaError
from zena_sse.housekeeping import Housekeeping
from zena_sse.language.breaker import Breaker
from zena_sse.language.openai import OpenAiModel
from zena_sse.mail.accounts import FolderMailbox, Mailbox, MaildirMailbox
from zena_sse.mail.commands import mail_handlers
from zena_sse.mail.connector import Connector
from zena_sse.mail.connectors.folder import FolderConnector
from zena_sse.mail.connectors.imap import ImapConnector, Login, Server
from zena_sse.mail.connectors.maildir import MaildirConnector
from zena_sse.mail.content.message import Message
from zena_sse.mail.content.parsing import parse_batch, unparsed
from zena_sse.mail.engine import Engine
from zena_sse.mail.followers import Followers
from zena_sse.mail.ports import Ports
from zena_sse.metrics import Metrics
from zena_sse.security.tickets import Tickets
from zena_sse.security.tokens import Tokens
from zena_sse.security.vault import Vault, load_or_create_keys
from zena_sse.serving.drain import Drain
from zena_sse.serving.room import Room
from zena_sse.serving.stream import Streams
from zena_sse.serving.turns import Turns
from zena_sse.settings import Settings
from zena_sse.storage.aside import ReadingAside
from zena_sse.storage.log import StoredLog
from zena_sse.storage.migrate import migrate
from zena_sse.storage.port import Transaction
from zena_sse.storage.search import Fts5Search
from zena_sse.storage.sqlite import Ownership, SqliteStorage
from zena_sse.storage.unit import Offer, ephemeral_record
from zena_sse.stream.hub import Hub
from zena_sse.stream.pulse import Pulse
from zena_sse.stream.reader import Reader
from zena_sse.stream.signals import Signals
from zena_sse.tasks import following as tasks
from zena_sse.tasks.commands import task_handlers
from zena_sse.tasks.following import deal_gone, follow_tasks, suggest_follow_up
from zena_sse.triage.analysis.findings import Findings
from zena_sse.triage.applying import Applying, drop_triage, merge_triage
from zena_sse.triage.corrections import ThreadCorrection
from zena_sse.triage.judging import Case, Unjudged, judge_batch
from zena_sse.triage.opinion.asking import Asking
from zena_sse.triage.opinion.seeking import Seeking, Surroundings
from zena_sse.triage.passes import Triage
from zena_sse.watch import Watch
from zena_sse.web.identity import Identity
from zena_sse.web.limits import Limits
from zena_sse.workers import Workers

Clock = Callable[[], datetime]

# Streams that began together (a deploy) must not end together: their lifetimes are this part of the full one.
LIFETIME_PARTS = (0.8, 1.0)

# Heartbeats may be this part of their interval late.
PULSE_PART = 0.05


def now() -> datetime:
    """The real time, UTC, as exact as it is stored."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Zena:
    """Everything that runs in one process; owns its embedded database from the start to `stop`."""

    def __init__(
        self, settings: Settings, domain_clock: Clock, *, background: bool, answerer: Answerer | None = None
    ) -> None:
        self.settings = settings
        self.clock = domain_clock
        self.background = background
        self.openapi: Callable[[], Document] = dict
        self.tokens = Tokens.of(settings, now)
        self.model = open_model(settings)
        self.ownership = Ownership(settings.database_path)
        try:
            migrate(settings.database_path)
            self.vault = Vault(settings.fernet_keys or load_or_create_keys(settings.data_dir))
        except ZenaError:
            self.ownership.release()
            raise
        self.metrics = Metrics()
        self.hub = Hub(settings.streams_per_user, self.metrics.events.counts)
        self.metrics.streams.set_function(lambda: len(self.hub))
        self.drain = Drain(self.hub)
        self.storage = SqliteStorage(
            settings.database_path,
            offer=self.offer,
            clock=now,
            new_epoch=new_epoch,
            observe=self._observe_group,
        )
        self.metrics.waiting.set_function(lambda: len(self.storage.writer))
        self.log = StoredLog(self.storage, new_epoch)
        self.streams = self._streams()
        self.limits = Limits(settings, time.monotonic)
        self.tickets = Tickets(now, secrets.token_urlsafe)
        self.identity = Identity(self.tokens, self.tickets, self.storage, settings, now, self.limits)
        self.workers = Workers()
        applying = Applying(
            thresholds=settings.risk_thresholds,
            follow_deal=partial(follow_deal, gone=deal_gone),
            follow_tasks=follow_tasks,
        )
        self.triage = Triage(self.storage, self.judge, applying, domain_clock)
        self.seeking = self._seeking()
        self.watch = Watch(self.storage, self.run_triage, self.assess, settings.risk_minutes)
        self.ports = self._mail_ports(domain_clock)
        self.engine = Engine(self.ports)
        self.answering = Workers()
        self.warming: asyncio.Task[None] | None = None
        self.aside = ReadingAside(settings.database_path, self.answering.map)
        self.answerer = answerer or self._answerer()
        self.runs = self._runs()
        handlers = {
            **mail_handlers(self.engine.wake, new_id),
            **task_handlers(),
            **ask_handlers(self.runs.wake, self.runs.cancelled, new_id),
        }
        self.dispatch = Dispatch(self.storage, handlers, new_epoch)
        self.housekeeping = Housekeeping(self.storage, settings, now)

    async def start(self) -> None:
        """Open the database and begin to work."""
        self.storage.start()
        self.streams.pulse.start()
        if self.background:
            self.warming = asyncio.create_task(self._warm())
            self.housekeeping.start()
            self.watch.start()
            if self.seeking is not None:
                self.seeking.start()
            await self.engine.start()
            await self.runs.start()

    async def stop(self) -> None:
        """End what works, finish what is written, give the database back."""
        await self.drain()
        await self.runs.stop()
        self.streams.pulse.stop()
        await self.housekeeping.stop()
        await self.watch.stop()
        await self.engine.stop()
        if self.seeking is not None:
            await self.seeking.stop()
        if self.model is not None:
            await self.model.close()
        await self.workers.stop()
        if self.warming is not None:
            self.warming.cancel()
        await self.answering.stop()
        await self.storage.stop()
        self.ownership.release()

    async def _warm(self) -> None:
        """Have the process that answers ready before somebody asks."""
        with contextlib.suppress(StorageUnavailable):  # whoever asks is told
            await self.aside.warm()

    def open_connector(self, mailbox: Mailbox) -> Connector:
        """The connector for a mailbox, not opened yet."""
        if isinstance(mailbox, FolderMailbox):
            return FolderConnector(Path(mailbox.path))
        if isinstance(mailbox, MaildirMailbox):
            return MaildirConnector(Path(mailbox.path))
        secret = mailbox.access_token or mailbox.password or ""
        return ImapConnector(
            Server(mailbox.host, mailbox.port, mailbox.security),
            Login(mailbox.username, lambda: secret, "xoauth2" if mailbox.access_token else "password"),
            allow_private=self.settings.allow_private_mail_hosts,
        )

    async def parse(self, mails: Sequence[tuple[bytes, datetime]]) -> list[Message]:
        """Parse a batch in the worker process."""
        return await self.workers.map(
            parse_batch, mails, lambda mail: unparsed(*mail, RuntimeError("the parser died on it"))
        )

    async def judge(self, cases: Sequence[Case]) -> list[Findings | Unjudged]:
        """Judge a batch of threads in the worker process."""
        return await self.workers.map(judge_batch, cases, lambda _case: Unjudged("the analysis died on it"))

    async def run_triage(self, user_id: str, command_id: str | None = None) -> None:
        """Triage a user's threads, then let a model have a look at them in its own time."""
        await self.triage.run(user_id, command_id)
        if self.seeking is not None:
            self.seeking.wake()

    async def correct(self, user_id: str, thread_id: str, said: ThreadCorrection) -> None:
        """Note what the user says of a thread, and all that follows. Raises `NotFound`, `InvalidPayload`."""
        await self.triage.correct(user_id, thread_id, said)
        await self.assess(user_id, None)

    async def judge_again(self, user_id: str, thread_id: str) -> None:
        """A model had its say of a thread: its deal may stand otherwise."""
        await self.triage.run_one(user_id, thread_id)
        await self.assess_deals(user_id, None)

    async def assess(self, user_id: str, command_id: str | None) -> None:
        """See what has gone cold of a user's threads and deals."""
        await self.triage.reassess(user_id, command_id)
        await self.assess_deals(user_id, command_id)

    async def assess_deals(self, user_id: str, command_id: str | None) -> None:
        """See which of a user's deals have gone cold."""
        look = partial(assess_deals, suggest=suggest_follow_up, gone=deal_gone, command_id=command_id)
        while await self.storage.write(look, user_id, self.clock(), self.settings.risk_thresholds):
            pass

    def missing(self) -> list[str]:
        """What keeps this server from taking work."""
        reasons = {"storage": not self.storage.writer.alive, "draining": self.drain.begun}
        return [reason for reason, holds in reasons.items() if holds]

    def announce(self, user_id: str, event: Event) -> None:
        """Offer an ephemeral event now."""
        self.offer(Offer(user_id, ephemeral_record(event, now())))

    def _streams(self) -> Streams:
        """Who serves streams."""
        jitter = Random()  # noqa: S311  # spreads load, guards nothing
        return Streams(
            self.hub,
            Reader(self.log, self.hub),
            Pulse(time.monotonic, self.settings.heartbeat_seconds * PULSE_PART),
            Signals(now, jitter.randint, self.settings.heartbeat_seconds),
            self.metrics,
            now,
            self.drain,
            Turns(),
            Room(self.settings.streams_per_server, self.settings.streams_per_address),
            lambda: self.settings.stream_seconds * jitter.uniform(*LIFETIME_PARTS),
        )

    def _seeking(self) -> Seeking | None:
        """Who seeks second opinions; nobody without a model."""
        if self.model is None:
            return None
        breaker = Breaker(time.monotonic)
        self.metrics.breaker.set_function(lambda: ("closed", "half-open", "open").index(breaker.state))
        world = Surroundings(
            storage=self.storage,
            triage_again=self.judge_again,
            metrics=self.metrics,
            clock=self.clock,
            monotonic=time.monotonic,
            sleep=asyncio.sleep,
        )
        asking = Asking(self.model, breaker, asyncio.sleep, SystemRandom().random)
        return Seeking(world, asking, breaker)

    def _answerer(self) -> Answerer:
        """Who answers: the model if there is one, as long as it can."""
        embedded = Embedded(self.aside, Fts5Search(), self.clock)
        if self.model is None:
            return embedded
        modelled = Modelled(self.model, embedded, self.metrics, self.clock)
        breaker = Breaker(time.monotonic, FAILURES)
        return Answering(modelled, embedded, breaker, self.metrics, time.monotonic)

    def _runs(self) -> Runs:
        """Who has questions answered."""
        world = World(
            storage=self.storage,
            answerer=self.answerer,
            metrics=self.metrics,
            clock=now,
            monotonic=time.monotonic,
            sleep=asyncio.sleep,
        )
        return Runs(world, new_id(), self.settings.asks_per_user)

    def _mail_ports(self, domain_clock: Clock) -> Ports:
        return Ports(
            storage=self.storage,
            vault=self.vault,
            open_connector=lambda _account, mailbox: self.open_connector(mailbox),
            compute=self.parse,
            announce=self.announce,
            metrics=self.metrics,
            new_id=new_id,
            domain_clock=domain_clock,
            monotonic=time.monotonic,
            sleep=asyncio.sleep,
            random=SystemRandom().random,
            settings=self.settings,
            after_reading=self.watch.follow,
            followers=Followers(dropped=drop_thread, merged=merge_threads),
        )

    def offer(self, offer: Offer) -> None:
        """Hand a record to the streams it is for; a durable one is in the log already."""
        self.hub.offer(offer.user_id, offer.record, except_tab=offer.except_tab)

    def _observe_group(self, units: int) -> None:
        self.metrics.units.inc(units)
        self.metrics.group.observe(units)


def open_model(settings: Settings) -> OpenAiModel | None:
    """The model that second opinions and answers come from, if any. Raises `ConfigurationError`."""
    if not settings.llm_base_url:
        return None
    return OpenAiModel(
        settings.llm_base_url, settings.llm_api_key, settings.llm_model, settings.llm_timeout_seconds
    )


def drop_thread(tx: Transaction, user_id: str, thread_id: str) -> None:
    """A thread is about to go: so does what the other rooms keep of it."""
    deals.dropped(tx, user_id, thread_id, gone=deal_gone)
    tasks.dropped(tx, user_id, thread_id)
    drop_triage(tx, user_id, thread_id)


def merge_threads(tx: Transaction, user_id: str, gone: str, into: str) -> None:
    """A thread turns out to be part of another: so does what the other rooms keep of it."""
    deals.merged(tx, user_id, gone, into)
    tasks.merged(tx, user_id, gone, into)
    merge_triage(tx, user_id, gone, into)


def new_epoch() -> str:
    """A name for a log that nobody had before."""
    return secrets.token_hex(4)


def new_id() -> str:
    """An id that nobody can guess."""
    return uuid4().hex
