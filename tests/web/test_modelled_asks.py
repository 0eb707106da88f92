"""Answers by a model, from its server to the tabs: streamed, stopped, taken over, broken off."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from tests.askroom import assembled, joined
from tests.databases import until
from tests.scriptedmodel import Asked, Reply, Script, ScriptedModel, Telling, scripted_model
from tests.web.asks import ask, dropping, get, post, responses, rest, to_the_end
from tests.web.carriers import CARRIERS
from tests.web.sites import NOAH, LiveSite
from zena_sse.app import create_app
from zena_sse.settings import Settings

QUESTION = "When is the viewing of 12 High Street?"
VIEWING, REPORT = "Viewing of 12 High Street", "Building report"
MAIL = {
    VIEWING: "The viewing of 12 High Street is on Friday at 3 pm.",
    REPORT: "The building report before the viewing costs 650 dollars.",
}

# A cancelled answer must not be paid for: so soon the provider knows.
HANG_UP_SECONDS = 0.2

# An answer ends about a millisecond after the model: forty cancels fall before, into and after that.
LATER_SECONDS = 0.0001


class ModelSite(LiveSite):
    """A site whose model is the test's."""

    model: ScriptedModel

    async def asked(self, number: int = 1) -> Asked:
        """Wait for so many questions to the model; the last of them."""
        await until(lambda: len(self.model.asked) >= number)
        return self.model.asked[number - 1]

    def outcomes(self, outcome: str) -> float:
        """How many questions to the model ended so."""
        name, labels = "zena_ask_model_answers_total", {"outcome": outcome}
        return self.zena.metrics.registry.get_sample_value(name, labels) or 0


Open = Callable[[Script], contextlib.AbstractAsyncContextManager[ModelSite]]


@pytest.fixture
def open_site(settings: Settings) -> Open:
    """Opens a site behind our server, with some mail and a model that does as the script says."""

    @contextlib.asynccontextmanager
    async def open_site(script: Script) -> AsyncIterator[ModelSite]:
        async with scripted_model(script) as model:
            modelled = msgspec.structs.replace(
                settings, llm_base_url=model.base_url, llm_model="scripted", llm_timeout_seconds=5.0
            )
            app = create_app(modelled, background=False)
            async with CARRIERS["taken"](app, modelled) as server:
                site = ModelSite(app, modelled, server)
                site.model = model
                for subject, body in MAIL.items():
                    await site.receive(subject, body=body)
                await site.zena.runs.start()
                try:
                    yield site
                finally:
                    for tab in site.tabs:
                        await tab.leave()

    return open_site


def passages(asked: Asked) -> list[dict[str, Any]]:
    """What the model was given to answer from."""
    document = msgspec.json.decode(asked.body["messages"][-1]["content"])
    found: list[dict[str, Any]] = document["passages"]
    return found


async def test_what_a_model_says_reaches_the_tab_as_it_is_said(open_site: Open) -> None:
    telling = Telling()
    async with open_site(telling) as site:
        await site.receive("Viewing of 12 High Street", user=NOAH, body="Noah's viewing is on Monday.")
        tab = await site.open_ready()
        ask_id = await ask(site, QUESTION)
        given = passages(await site.asked())
        number = next(one["n"] for one in given if one["subject"] == VIEWING)
        assert {one["text"] for one in given} == set(MAIL.values())
        assert (await tab.next()).event == "ask.started"
        pieces = []
        for said in ("It is", " on Friday", " at three"):
            telling.say(said)
            pieces += responses([await tab.next()])
            assert assembled(pieces).endswith(said.strip())
        telling.say(f" [{number}], or [{len(given) + 1}] not.", finish="stop").end()
        pieces += responses(await to_the_end(tab))
        end = pieces[-1]
        assert [piece["isComplete"] for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        assert joined(pieces) == end["answer"] == f"It is on Friday at three [{number}], or not."
        (source,) = end["sources"]
        (thread,) = [one for one in (await get(site, "/threads"))["threads"] if one["subject"] == VIEWING]
        assert (source["type"], source["id"], source["title"]) == ("thread", thread["threadId"], VIEWING)
        assert (end["found"], "error" in end) == (True, False)
        assert (await get(site, f"/asks/{ask_id}"))["sources"] == end["sources"]
        await until(lambda: not site.zena.runs._going)
        assert site.outcomes("answered") == 1


async def test_cancelling_closes_the_models_connection_and_nothing_follows_the_end(open_site: Open) -> None:
    telling = Telling()
    async with open_site(telling) as site:
        tab = await site.open_ready()
        ask_id = await ask(site, QUESTION)
        telling.say("It is on")
        before = responses(await tab.take(2))
        cancelled = asyncio.get_running_loop().time()
        await post(site, "ask.cancel", {"askId": ask_id})
        await telling.gone.wait()
        assert telling.gone_at - cancelled < HANG_UP_SECONDS
        telling.say(" Friday", finish="stop").end()
        after = responses(await to_the_end(tab))
        assert [piece["isComplete"] for piece in after] == [True]
        assert (after[0]["error"]["code"], after[0]["answer"]) == ("cancelled", "It is on")
        assert joined([*before, *after]) == "It is on"
        await nothing_follows(site, tab)
        assert site.outcomes("cancelled") == 1


async def test_an_answer_that_is_cancelled_as_it_ends_has_one_end(open_site: Open) -> None:
    tellings = [Telling() for _ in range(40)]
    begun = iter(tellings)
    async with open_site(lambda _asked: next(begun)) as site:
        tab = await site.open_ready()
        for number, telling in enumerate(tellings):
            ask_id = await ask(site, QUESTION)
            telling.say("It is on")
            await site.asked(number + 1)
            telling.say(" Friday.", finish="stop").end()
            await asyncio.sleep(number * LATER_SECONDS)
            await post(site, "ask.cancel", {"askId": ask_id})
            pieces = responses(await to_the_end(tab))
            end = pieces[-1]
            assert joined(pieces) == end["answer"] == (await get(site, f"/asks/{ask_id}"))["answer"]
            assert "It is on Friday.".startswith(end["answer"])
            assert "error" in end or end["answer"] == "It is on Friday."
            await nothing_follows(site, tab)


async def nothing_follows(site: ModelSite, tab: Any) -> None:
    """All work on answers has ended, and the tab was told nothing more of any."""
    await until(lambda: not site.zena.runs._going)
    await site.publish_numbered(1, 1)
    assert (await tab.next()).event == "thread.viewed"


@pytest.mark.parametrize("reply", [Reply(status=500), Telling().break_off()])
async def test_a_model_that_fails_before_its_first_words_is_replaced_unnoticed(
    open_site: Open, reply: Reply | Telling
) -> None:
    async with open_site(reply) as site:
        tab = await site.open_ready()
        await ask(site, QUESTION)
        pieces = responses(await to_the_end(tab))
        end = pieces[-1]
        assert joined(pieces) == end["answer"]
        assert "on Friday at 3 pm" in end["answer"]
        assert (end["found"], "error" in end, end["sources"][0]["title"]) == (True, False, VIEWING)
        assert site.outcomes("taken_over") == 1


async def test_a_model_that_fails_later_ends_the_answer_and_what_it_said_stays(open_site: Open) -> None:
    telling = Telling()
    async with open_site(telling) as site:
        tab = await site.open_ready()
        ask_id = await ask(site, QUESTION)
        telling.say("It is on")
        await tab.take(2)
        telling.break_off()
        (end,) = responses(await to_the_end(tab))
        assert (end["error"]["code"], end["answer"], "found" in end) == ("failed", "It is on", False)
        assert (await get(site, f"/asks/{ask_id}"))["answer"] == "It is on"
        assert site.outcomes("broken") == 1


@pytest.mark.slow
async def test_a_stream_that_drops_again_and_again_has_exactly_what_the_model_said(open_site: Open) -> None:
    telling = Telling()
    async with open_site(telling) as site:
        ask_id = await ask(site, QUESTION)
        await site.asked()
        cursor, text = await dropping(site, telling, 200)
        telling.say(" The end.", finish="stop").end()
        text = await rest(site, cursor, text)
        assert text == (await get(site, f"/asks/{ask_id}"))["answer"]
        assert text.endswith(" The end.")
