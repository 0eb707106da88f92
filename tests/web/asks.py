"""Questions put to a site, and what its tabs are told of the answers."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from typing import Any, Protocol

from tests.askroom import heard
from tests.web.sites import MIA, LiveSite, Site
from tests.web.tabs import Message, Tab

# Another word so often: faster than chunks are gathered, slower than an answer reaches its limit.
WORD_SECONDS = 0.015
WORDS = ("Ana", " waits ", "🏡", "\ud83d", "\ude00", "ā\n")


class Speaking(Protocol):
    """Something that says what it is told."""

    def say(self, text: str, /) -> object:
        """This comes next."""


async def post(site: Site, command: str, payload: object, status: int = 202, user: str = MIA) -> Any:
    """What a command answers."""
    response = await site.client.post(f"/commands/{command}", headers=site.bearer(user), json=payload)
    assert response.status_code == status, await response.get_data(as_text=True)
    return await response.get_json()


async def ask(site: Site, question: str = "Who waits?", user: str = MIA, **more: Any) -> str:
    """A new ask's id."""
    answer = await post(site, "ask.request", {"question": question} | more, user=user)
    return str(answer["result"]["askId"])


async def get(site: Site, path: str = "/asks", status: int = 200, user: str = MIA) -> Any:
    """What a read answers."""
    response = await site.client.get(path, headers=site.bearer(user))
    assert response.status_code == status, await response.get_data(as_text=True)
    return await response.get_json()


async def to_the_end(tab: Tab) -> list[Message]:
    """What comes until an answer has ended."""
    messages = [await tab.next()]
    while not messages[-1].payload.get("isComplete"):
        messages.append(await tab.next())
    return messages


def responses(messages: list[Message]) -> list[dict[str, Any]]:
    return [message.payload for message in messages if message.event == "ask.response"]


def after(text: str, message: Message) -> str:
    """What a client has after this event."""
    return heard(text, message.payload) if message.event == "ask.response" else text


@contextlib.asynccontextmanager
async def speaking(script: Speaking) -> AsyncIterator[None]:
    """An answer that goes on and on meanwhile."""

    async def speak() -> None:
        rng = random.Random(1)  # noqa: S311  # the test's seed
        while True:
            script.say(rng.choice(WORDS))
            await asyncio.sleep(WORD_SECONDS)

    task = asyncio.create_task(speak())
    try:
        yield
    finally:
        task.cancel()


async def dropping(site: LiveSite, script: Speaking, drops: int) -> tuple[str, str]:
    """The cursor and the text of a client whose stream drops again and again while an answer is made."""
    rng = random.Random(drops)  # noqa: S311  # the test's seed
    cursor, text = f"{await site.epoch()}-0", ""
    async with speaking(script):
        for _ in range(drops):
            tab = await site.open(headers={"Last-Event-ID": cursor})
            for _ in range(rng.randrange(4)):
                text = after(text, await tab.next())
            cursor = tab.last_event_id or cursor
            await (tab.vanish() if rng.random() < 0.5 else tab.leave())
    return cursor, text


async def rest(site: LiveSite, cursor: str, text: str) -> str:
    """The text when the answer has ended."""
    tab = await site.open(headers={"Last-Event-ID": cursor})
    for message in await to_the_end(tab):
        text = after(text, message)
    return text
