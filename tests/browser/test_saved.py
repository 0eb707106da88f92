"""What the page keeps for when there is no network, and that it is gone when it must be."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page

from tests.browser.complaints import Complaints
from tests.browser.desks import open_blank
from tests.e2e.programs import Serving, wait_until

KEPT = 100


class Shelf:
    """What a tab keeps for one user."""

    def __init__(self, page: Page, user: str = "mia") -> None:
        self.page = page
        page.evaluate(
            "async (user) => { window.saved = (await import('/page/saved.js')).openSaved(user); }", user
        )

    def run(self, script: str, *given: object) -> Any:
        """Do something with `saved`, and what it comes to."""
        return self.page.evaluate(f"(given) => {{ return {script}; }}", list(given))

    def keep_thread(self, thread_id: str, **more: str) -> None:
        """Keep a conversation, and wait until it is."""
        self.run("saved.keepThread(given[0])", {"threadId": thread_id} | more)

    def thread(self, thread_id: str) -> Any:
        """A conversation that is kept."""
        return self.run("saved.thread(given[0])", thread_id)

    def until_state(self, state: object) -> None:
        """Wait until this is the state that is kept."""
        wait_until(lambda: (self.run("saved.load()") or {}).get("state") == state, f"{state} to be kept")

    def of_module(self, call: str) -> Any:
        """What is nobody's in particular."""
        return self.page.evaluate(f"import('/page/saved.js').then((module) => module.{call})")


@pytest.fixture
def page(server: Serving, context: BrowserContext, complaints: Complaints) -> Page:
    """A tab that runs nothing by itself."""
    return new_tab(server, context, complaints)


def new_tab(server: Serving, context: BrowserContext, complaints: Complaints) -> Page:
    page = context.new_page()
    open_blank(server, page, complaints)
    return page


def test_state_is_there_after_a_reload_as_old_as_it_was_said_to_be(page: Page) -> None:
    shelf = Shelf(page)
    assert shelf.run("saved.load()") is None
    shelf.run("saved.save({threads: new Map([['t1', 1]])}, 1234)")
    wait_until(lambda: shelf.run("saved.load()") is not None, "the state to be kept")
    page.reload()
    loaded = Shelf(page).run("saved.load().then(({state, at}) => [state.threads.get('t1'), at])")
    assert loaded == [1, 1234]


def test_of_states_that_follow_each_other_the_newest_is_kept(page: Page) -> None:
    shelf = Shelf(page)
    shelf.run("[1, 2, 3].forEach((state) => saved.save(state, 0))")
    shelf.until_state(3)


def test_state_that_waits_to_be_kept_is_kept_when_the_page_is_left(
    page: Page, server: Serving, context: BrowserContext, complaints: Complaints
) -> None:
    shelf = Shelf(page)
    shelf.run("saved.save('first', 0)")
    shelf.until_state("first")
    # The next one would be written after two seconds; a tab that is out of sight may be ended before.
    shelf.run("saved.save('last', 0)")
    page.evaluate(
        """() => {
          Object.defineProperty(document, "hidden", { value: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    page.close()
    Shelf(new_tab(server, context, complaints)).until_state("last")


def test_what_is_kept_is_of_one_user(page: Page) -> None:
    Shelf(page, "mia").keep_thread("t1", subject="Mia's")
    assert Shelf(page, "ana").thread("t1") is None
    assert Shelf(page, "mia").thread("t1") == {"threadId": "t1", "subject": "Mia's"}


def test_newest_hundred_conversations_are_kept(page: Page) -> None:
    shelf = Shelf(page)
    for number in range(KEPT):
        shelf.keep_thread(f"t{number}")
    shelf.keep_thread("t0")  # again, so it is no longer the oldest
    shelf.keep_thread("one more")
    assert shelf.thread("t1") is None
    for thread_id in ("t0", "t2", "t99", "one more"):
        assert shelf.thread(thread_id) is not None, thread_id


def test_deals_are_kept_beside_conversations(page: Page) -> None:
    shelf = Shelf(page)
    shelf.keep_thread("x")
    shelf.run("saved.keepDeal({dealId: 'x', stage: 'offer'})")
    assert shelf.run("saved.deal('x')") == {"dealId": "x", "stage": "offer"}
    assert shelf.thread("x") == {"threadId": "x"}


def test_last_user_is_whose_state_is_newest(page: Page) -> None:
    shelf = Shelf(page, "mia")
    assert shelf.of_module("lastUser()") is None
    for user, at in (("mia", 1), ("ana", 2)):
        other = Shelf(page, user)
        other.run("saved.save('theirs', given[0])", at)
        other.until_state("theirs")
    assert shelf.of_module("lastUser()") == "ana"


def test_nothing_is_left_and_no_tab_that_was_open_writes_it_again(
    page: Page, server: Serving, context: BrowserContext, complaints: Complaints
) -> None:
    shelf = Shelf(page)
    shelf.run("saved.save('state', 0)")
    shelf.until_state("state")
    shelf.keep_thread("t1")
    other = Shelf(new_tab(server, context, complaints))
    other.of_module("forgetSaved()")
    assert (shelf.run("saved.load()"), shelf.thread("t1"), shelf.of_module("lastUser()")) == (None,) * 3
    shelf.keep_thread("t2")
    assert shelf.thread("t2") is None
    # Whoever signs in afterwards keeps as before.
    fresh = Shelf(page)
    fresh.keep_thread("t3")
    assert fresh.thread("t3") is not None


def test_page_works_where_nothing_can_be_stored_and_the_console_is_told_once(page: Page) -> None:
    told: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "warning":
            told.append(message.text)

    page.on("console", note)
    page.evaluate(
        "() => { indexedDB.open = () => { throw new DOMException('Not here', 'SecurityError'); }; }"
    )
    shelf = Shelf(page)
    shelf.keep_thread("t1")
    shelf.run("saved.save('state', 0)")
    assert (shelf.thread("t1"), shelf.run("saved.load()"), shelf.of_module("lastUser()")) == (None,) * 3
    shelf.of_module("forgetSaved()")
    assert [text.partition(":")[0] for text in told] == ["Nothing is kept for offline use"]
