"""What happens to an agent on a day when a hundred things happen each second, as events that never end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any

# What has an end in real life is told of again here, so that the page has always as much to show.
TASKS = 50
ASKS = 10
# New conversations that are there at a time, beside the ones that the mailbox has.
VISITORS = 20

RISKS = ("none", "low", "medium", "high")
STAGES = ("lead", "qualified", "viewing", "offer", "conditional")
KINDS = ("buyer", "vendor", "market", "lawyer_broker")

# How often each happens, of a hundred.
SHARES = {
    "updated": 55,
    "viewed": 10,
    "deal": 12,
    "risk": 2,
    "task": 6,
    "done": 5,
    "progress": 5,
    "ask": 3,
    "visitor": 2,
}

Thing = dict[str, Any]


class BusyDay:
    """Events about these threads and deals, all of which the server has."""

    def __init__(self, threads: list[Thing], deals: list[Thing], seed: int = 1) -> None:
        self._threads, self._deals = threads, deals
        self._random = Random(seed)  # noqa: S311  # the same day each time
        self._numbers = count()

    def introduce(self) -> list[Thing]:
        """What tells a page of every thread, for a snapshot has only the newest; and of every task."""
        told = [self.task(number) for number in range(TASKS)]
        for thread in self._threads:
            names = ("threadId", "accountId", "subject", "from", "lastMessageAt")
            told.append(_event("thread.new", **{name: thread[name] for name in names}))
            told.append(self.updated(thread))
        return told

    def events(self) -> Iterator[Thing]:
        """One after the other."""
        kinds = [kind for kind, share in SHARES.items() for _ in range(share)]
        while True:
            self._random.shuffle(kinds)
            for kind in kinds:
                yield getattr(self, kind)()

    def updated(self, thread: Thing | None = None) -> Thing:
        """A conversation stands otherwise; now and then because there is a new message."""
        thread = thread or self._random.choice(self._threads[1:])
        owed = self._random.random() < 0.5
        news = {"lastMessageAt": _now(), "messageCount": 2} if self._random.random() < 0.2 else {}
        return _event(
            "thread.updated",
            threadId=thread["threadId"],
            classification=self._random.choice(KINDS),
            category="focus" if owed else "waiting",
            nextActionOwner="agent" if owed else "other",
            riskLevel=self._random.choice(RISKS),
            **news,
        )

    def pressing(self, subject: str) -> Thing:
        """A conversation is more pressing than all others, and says so."""
        thread = self._threads[0]
        stands = {
            "classification": "buyer",
            "category": "focus",
            "nextActionOwner": "agent",
            "riskLevel": "high",
        }
        long_ago = {"subject": subject, "lastMessageAt": "2020-01-01T00:00:00.000Z"}
        return _event("thread.updated", threadId=thread["threadId"], **stands, **long_ago)

    def viewed(self) -> Thing:
        """It was opened elsewhere."""
        thread = self._random.choice(self._threads)
        return _event("thread.viewed", threadId=thread["threadId"], viewedAt=_now(), by="anna")

    def deal(self) -> Thing:
        """A deal moves."""
        return _event(
            "deal.updated",
            dealId=self._random.choice(self._deals)["dealId"],
            stage=self._random.choice(STAGES),
            nextActionOwner=self._random.choice(("agent", "other")),
            summary=f"It stands like this: {next(self._numbers)}",
            riskLevel=self._random.choice(RISKS),
        )

    def risk(self) -> Thing:
        """A deal goes cold."""
        return _event(
            "deal.risk",
            dealId=self._random.choice(self._deals)["dealId"],
            riskLevel=self._random.choice(("medium", "high")),
            riskFlags=["silence"],
            riskReason="They have been silent for six days.",
        )

    def task(self, number: int | None = None) -> Thing:
        """There is something to do."""
        number = self._random.randrange(TASKS) if number is None else number
        due = f"{datetime.now(UTC):%Y-%m-%d}"
        label = f"Ring the owners of house {number}"
        return _event("task.created", taskId=f"task{number}", label=label, source="email", dueDate=due)

    def done(self) -> Thing:
        """It is done."""
        number = self._random.randrange(TASKS)
        return _event("task.completed", taskId=f"task{number}", completedAt=_now())

    def progress(self) -> Thing:
        """A mailbox is being read."""
        done = self._random.randrange(1000)
        payload = {"syncId": "sync", "accountId": self._threads[0]["accountId"]}
        return _event("sync.progress", **payload, totalThreads=1000, processedThreads=done)

    def ask(self) -> Thing:
        """A question is asked, and answered a word at a time."""
        ask, step = divmod(next(self._numbers), 8)
        ask_id = f"ask{ask % ASKS}"
        if step == 0:
            asked = {"question": "What is open on Hill Road?", "conversationId": "c"}
            return _event("ask.started", askId=ask_id, **asked)
        return _event("ask.response", askId=ask_id, chunk="word ", offset=5 * (step - 1), isComplete=False)

    def visitor(self) -> Thing:
        """A conversation begins, or one that began some time ago is gone."""
        number, leaves = divmod(next(self._numbers), 2)
        thread_id = f"visitor{number % VISITORS}"
        if leaves:
            gone = {"classification": None, "category": None, "nextActionOwner": None, "removed": True}
            return _event("thread.updated", threadId=thread_id, **gone)
        first = self._threads[0]
        about = {"subject": "Is it still for sale?", "from": "A visitor", "lastMessageAt": _now()}
        return _event("thread.new", threadId=thread_id, accountId=first["accountId"], **about)


def _event(event_type: str, **payload: Any) -> Thing:
    return {"type": event_type, "payload": payload}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
