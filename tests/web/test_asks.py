"""`ask.request`, `ask.cancel`, `/asks`, and answers as streams tell of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.askroom import FOUND, ScriptedAnswerer, assembled, joined
from tests.databases import until
from tests.web.asks import ask, dropping, get, post, responses, rest, speaking, to_the_end
from tests.web.carriers import CARRIERS
from tests.web.sites import MIA, NOAH, LiveSite, Site
from zena_sse.app import create_app
from zena_sse.ask.rows import MOST_WAITING
from zena_sse.settings import Settings


class AskSite(LiveSite):
    """A site whose answers are the test's."""

    answerer: ScriptedAnswerer


@pytest.fixture
async def asking(settings: Settings) -> AsyncIterator[AskSite]:
    """A site behind our server, which answers questions."""
    answerer = ScriptedAnswerer()
    app = create_app(settings, background=False, answerer=answerer)
    async with CARRIERS["taken"](app, settings) as server:
        site = AskSite(app, settings, server)
        site.answerer = answerer
        await site.zena.runs.start()
        try:
            yield site
        finally:
            for tab in site.tabs:
                await tab.leave()


# --- asking and reading ------------------------------------------------------------------------------


async def test_a_question_waits_and_is_read(site: Site) -> None:
    ask_id = await ask(site)
    item = await get(site, f"/asks/{ask_id}")
    assert item == {
        "askId": ask_id,
        "conversationId": ask_id,
        "question": "Who waits?",
        "state": "queued",
        "answer": "",
        "found": None,
        "sources": [],
        "suggestedActions": [],
        "error": None,
        "askedAt": item["askedAt"],
        "completedAt": None,
    }
    assert (await get(site, "/snapshot"))["asks"] == (await get(site))["asks"] == [item]


async def test_pages_of_asks_are_all_asks_the_newest_first(site: Site) -> None:
    asked = [await ask(site, f"question {number}", conversationId=f"talk{number % 2}") for number in range(7)]
    found, path = list[str](), "/asks?limit=3"
    while path:
        page = await get(site, path)
        found += [item["askId"] for item in page["asks"]]
        path = page["next"] and f"/asks?limit=3&after={page['next']}"
    assert sorted(found) == sorted(asked)
    talk = await get(site, "/asks?conversationId=talk1")
    assert {item["question"] for item in talk["asks"]} == {"question 1", "question 3", "question 5"}
    assert [item["askId"] for item in (await get(site, "/snapshot"))["asks"]] == found


@pytest.mark.parametrize(
    "payload",
    [{}, {"question": ""}, {"question": " \u200b\0"}, {"question": "x" * 2001}, {"question": "x", "a": 1}],
)
async def test_what_is_no_question_is_refused(site: Site, payload: dict[str, Any]) -> None:
    assert (await post(site, "ask.request", payload, 422))["code"] == "invalid_payload"
    assert (await get(site))["asks"] == []


async def test_whoever_asks_too_much_at_once_is_told_to_wait(site: Site) -> None:
    for _ in range(MOST_WAITING):
        await ask(site)
    response = await site.client.post(
        "/commands/ask.request", headers=site.bearer(), json={"question": "And this?"}
    )
    assert (response.status_code, (await response.get_json())["code"]) == (429, "too_many_asks")
    assert response.headers["Retry-After"] == "1"
    await ask(site, user=NOAH)


async def test_somebody_elses_ask_is_neither_seen_nor_cancelled(site: Site) -> None:
    theirs = await ask(site, user=NOAH)
    for ask_id in (theirs, "none"):
        await post(site, "ask.cancel", {"askId": ask_id}, 404)
        await get(site, f"/asks/{ask_id}", 404)
    assert (await get(site, f"/asks?conversationId={theirs}"))["asks"] == []
    assert (await get(site, f"/asks/{theirs}", user=NOAH))["state"] == "queued"


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "after=x", "conversationId="])
async def test_a_page_that_cannot_be_is_refused(site: Site, query: str) -> None:
    assert (await get(site, f"/asks?{query}", 400))["code"] == "invalid_query"


async def test_our_own_answerer_answers(site: Site) -> None:
    await site.zena.runs.start()
    ask_id = await ask(site, "Is there anything about zebras?")
    async with asyncio.timeout(5):
        while (item := await get(site, f"/asks/{ask_id}"))["state"] != "completed":
            pass
    assert (item["found"], item["error"]) == (False, None)
    assert item["answer"]


# --- streams --------------------------------------------------------------------------------------------


async def test_both_tabs_see_question_and_answer_and_another_user_nothing(asking: AskSite) -> None:
    tabs = [await asking.open_ready(MIA, tab=name) for name in ("one", "two")]
    stranger = await asking.open_ready(NOAH)
    ask_id = await ask(asking)
    script = await asking.answerer.asked()
    script.say("Ana 🏡")
    for tab in tabs:
        started = await tab.next()
        assert (started.event, started.payload["askId"]) == ("ask.started", ask_id)
        assert (await tab.next()).payload["chunk"] == "Ana 🏡"
    script.say(" waits", " for you.", FOUND)
    for tab in tabs:
        (end,) = responses(await to_the_end(tab))
        assert (end["offset"], end["answer"], end["found"]) == (6, "Ana 🏡 waits for you.", True)
    assert (await get(asking, f"/asks/{ask_id}"))["answer"] == "Ana 🏡 waits for you."
    await asking.publish_numbered(1, 1, user=NOAH)
    assert (await stranger.next()).event == "thread.viewed"


async def test_a_snapshot_in_the_middle_is_continued_exactly(asking: AskSite) -> None:
    ask_id = await ask(asking)
    script = await asking.answerer.asked()
    async with speaking(script):
        await (await asking.open_ready()).take(4)
        snapshot = await get(asking, "/snapshot")
        tab = await asking.open_ready(headers={"Last-Event-ID": snapshot["cursor"]})
        await tab.take(2)
        again = await asking.open_ready(headers={"Last-Event-ID": snapshot["cursor"]})
        pieces = responses(await again.take(2))
    (item,) = snapshot["asks"]
    assert (item["askId"], item["state"]) == (ask_id, "running")
    said = str(item["answer"])
    assert said
    script.say(FOUND)
    pieces += responses(await to_the_end(again))
    assert said + joined(pieces, len(said.encode("utf-16-le")) // 2) == pieces[-1]["answer"]


async def test_whoever_resumes_among_folded_pieces_has_the_answer(asking: AskSite) -> None:
    tab = await asking.open_ready()
    await ask(asking)
    script = await asking.answerer.asked()
    async with speaking(script):
        messages = await tab.take(5)
        await tab.vanish()
        follower = await asking.open_ready()
        await follower.take(4)
    script.say(FOUND)
    (*_, end) = responses(await to_the_end(follower))
    await follower.leave()
    await until(lambda: not asking.streams())
    asking.zena.hub.forget(MIA)  # what is not in memory is read from the log
    back = await asking.open_ready(headers={"Last-Event-ID": tab.last_event_id})
    (only,) = await to_the_end(back)
    assert only.payload == end
    assert assembled([*responses(messages), only.payload]) == end["answer"]
    await asking.publish_numbered(1, 1)
    assert (await back.next()).event == "thread.viewed"


@pytest.mark.parametrize("drops", [25, pytest.param(200, marks=pytest.mark.slow)])
async def test_a_stream_that_drops_again_and_again_has_exactly_the_answer(
    asking: AskSite, drops: int
) -> None:
    ask_id = await ask(asking)
    script = await asking.answerer.asked()
    cursor, text = await dropping(asking, script, drops)
    script.say(" The end.", FOUND)
    text = await rest(asking, cursor, text)
    item = await get(asking, f"/asks/{ask_id}")
    assert item["state"] == "completed"
    assert text == item["answer"]
    assert text.endswith(" The end.")


# --- stopping ---------------------------------------------------------------------------------------------


async def test_cancelling_hangs_up_and_no_piece_follows_the_end(asking: AskSite) -> None:
    tab = await asking.open_ready()
    ask_id = await ask(asking)
    script = await asking.answerer.asked()
    async with speaking(script):
        before = await tab.take(4)
        await post(asking, "ask.cancel", {"askId": ask_id})
        async with asyncio.timeout(0.2):
            await script.closed.wait()
        after_ = responses(await to_the_end(tab))
        await until(lambda: not asking.zena.runs._going)
    await asking.publish_numbered(1, 1)
    assert (await tab.next()).event == "thread.viewed"
    assert after_[-1]["error"]["code"] == "cancelled"
    assert joined([*responses(before), *after_]) == after_[-1]["answer"]
    await post(asking, "ask.cancel", {"askId": ask_id})


async def test_an_answer_goes_on_when_the_tab_that_asked_is_gone(asking: AskSite) -> None:
    tab = await asking.open_ready()
    ask_id = await ask(asking)
    script = await asking.answerer.asked()
    await tab.vanish()
    await until(lambda: not asking.streams())
    script.say("Ana", FOUND)
    await until(lambda: not asking.zena.runs._going)
    assert (await get(asking, f"/asks/{ask_id}"))["answer"] == "Ana"


async def test_erasing_a_user_stops_their_answers_and_leaves_none(asking: AskSite) -> None:
    await ask(asking)
    script = await asking.answerer.asked()
    async with speaking(script):
        response = await asking.client.delete("/me", headers=asking.bearer())
        assert response.status_code == 204
        await script.closed.wait()
        await until(lambda: not asking.zena.runs._going)
    snapshot = await get(asking, "/snapshot")
    assert (snapshot["asks"], snapshot["cursor"].endswith("-0")) == ([], True)
