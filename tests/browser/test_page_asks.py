"""Asking: answers come as they are made, in every tab; one can stop them, see their sources, act on them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.desks import heading_of, open_desk, until_live
from tests.browser.sites import MIA, Site, short_directory
from tests.e2e.programs import Serving, wait_until
from zena_sse.contract.events import AskResponse, AskStarted, SuggestedAction

SLOW = (sys.executable, str(Path(__file__).parents[1] / "e2e" / "slowanswers.py"))


class SlowServing(Serving):
    """A server whose answers take long enough to be stopped."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.program = SLOW


@pytest.fixture
def slow() -> Iterator[SlowServing]:
    with short_directory() as directory:
        serving = SlowServing(directory)
        try:
            serving.start()
            yield serving
        finally:
            serving.clean_up()


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")


def test_an_answer_has_its_sources_and_they_open_the_thread(site: Site, context: BrowserContext) -> None:
    page, other = open_desk(site, context, "#/ask"), open_desk(site, context, "#/ask")
    ask(page, "What split is Glenn Moody asking for?")
    for tab in (page, other):
        expect(tab.locator(".answer .text")).to_contain_text("50/50 on the selling side")
    expect(page.locator("#say")).to_contain_text("50/50 on the selling side")
    expect(page.get_by_label("Your question")).to_have_value("")
    page.locator(".sources").get_by_role("link", name="88 Garnet").click()
    expect(heading_of(page)).to_have_text("88 Garnet")
    expect(page.locator(".answer")).to_be_visible()


def test_what_the_mail_does_not_say_is_said_so(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context, "#/ask")
    ask(page, "Who is the king of Spain?")
    expect(page.locator(".answer.unfound .text")).to_contain_text("can't find that in your mail")
    expect(page.locator(".sources")).to_have_count(0)


def test_an_answer_grows_and_is_stopped(slow: SlowServing, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(slow.url + "/client/events.d.ts")
    page.evaluate(
        "(token) => fetch('/session', {method: 'POST', headers: {Authorization: `Bearer ${token}`}})",
        slow.token("anna"),
    )
    page.goto(slow.url + "/#/ask")
    until_live(page)
    ask(page, "Tell me numbers")
    expect(page.locator(".answer")).to_have_attribute("aria-busy", "true")
    expect(page.locator(".answer .text")).to_contain_text("0 🏡 1 🏡 2 🏡")
    said_while_it_came = page.locator("#say").text_content()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".answer .quiet")).to_have_text("Stopped.")
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    assert said_while_it_came == ""
    expect(page.locator("#say")).to_contain_text("Answer: 0 🏡 1 🏡")
    reloaded = page.locator(".answer .text").text_content()
    page.reload()
    expect(page.locator(".answer .text")).to_have_text(reloaded or "")


def test_a_suggested_action_posts_its_command_as_it_stands(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context, "#/ask")
    payload = {"label": "Ring Glenn", "dueDate": "2026-11-23"}
    action = SuggestedAction(label="Remind me to ring Glenn", command="task.create", payload=payload)
    site.publish(
        AskStarted(ask_id="q1", question="Who wants a yes?", conversation_id="q1"),
        AskResponse(
            ask_id="q1",
            chunk="",
            offset=0,
            is_complete=True,
            answer="Glenn.",
            found=True,
            suggested_actions=[action],
        ),
    )
    page.get_by_role("button", name="Remind me to ring Glenn").click()
    expect(page.get_by_role("button", name="Remind me to ring Glenn: done")).to_be_disabled()

    def labels() -> list[str]:
        return [task["label"] for task in site.get("/tasks?limit=200", MIA).json()["tasks"]]

    wait_until(lambda: labels().count("Ring Glenn") == 1, "the task")


def test_the_next_question_follows_an_earlier_one_when_asked_to(site: Site, context: BrowserContext) -> None:
    page = open_desk(site, context, "#/ask")
    ask(page, "What split is Glenn Moody asking for?")
    page.get_by_role("button", name="Ask further").click()
    expect(page.get_by_text("Following “What split is Glenn Moody asking for?”")).to_be_visible()
    expect(page.get_by_label("Your question")).to_be_focused()
    ask(page, "By when does he need an answer?")
    expect(page.locator(".answer")).to_have_count(2)
    expect(page.get_by_text("Following “")).not_to_be_visible()
    conversations = {one["conversationId"] for one in site.get("/asks", MIA).json()["asks"]}
    assert len(conversations) == 1


@pytest.mark.parametrize(
    ("code", "said"),
    [("interrupted", "Interrupted: the server stopped"), ("failed", "could not be answered")],
)
def test_an_answer_that_ended_early_says_why(
    site: Site, context: BrowserContext, code: str, said: str
) -> None:
    page = open_desk(site, context, "#/ask")
    error = {"code": code, "message": "No."}
    body = [
        {"type": "ask.started", "payload": {"askId": "q1", "question": "Why?", "conversationId": "q1"}},
        {
            "type": "ask.response",
            "payload": {
                "askId": "q1",
                "chunk": "",
                "offset": 0,
                "isComplete": True,
                "answer": "Half",
                "error": error,
            },
        },
    ]
    site.post(f"/users/{MIA}/events", "crm", body, role="publisher")
    expect(page.locator(".answer .text")).to_have_text("Half")
    expect(page.locator(".answer .quiet")).to_contain_text(said)
