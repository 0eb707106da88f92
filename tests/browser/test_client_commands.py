"""Commands are written down, sent when they can be, and done once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Request, Route

from tests.browser.complaints import Complaints
from tests.browser.sites import sign_in
from tests.browser.tabs import Tab
from tests.e2e.programs import Serving, wait_until


@pytest.fixture
def user(
    request: pytest.FixtureRequest, server: Serving, context: BrowserContext, complaints: Complaints
) -> str:
    """Somebody new, signed in; on a network that is not always there."""
    complaints.expect("net::ERR_")
    name = re.sub(r"\W+", "-", request.node.name)[-60:].strip("_-")
    sign_in(context, server, name)
    return name


@pytest.fixture
def tab(context: BrowserContext, server: Serving, user: str) -> Tab:
    """A tab that is live."""
    opened = Tab(context, server)
    opened.until_live()
    return opened


def labels(server: Serving, user: str) -> list[str]:
    """What this user has to do, in the order in which it was said."""
    tasks = server.get("/tasks?status=all", user).json()["tasks"]
    return [task["label"] for task in sorted(tasks, key=lambda task: task["createdAt"])]


def note_batches(context: BrowserContext) -> list[list[dict[str, Any]]]:
    """The batches that reach the server from now on."""
    sent: list[list[dict[str, Any]]] = []

    def note(request: Request) -> None:
        if "/commands" in request.url:
            sent.append(request.post_data_json or [])

    context.on("requestfinished", note)
    return sent


def test_command_is_accepted_and_its_event_bears_its_id(tab: Tab) -> None:
    accepted = tab.send("task.create", {"label": "call"})
    assert accepted["result"]["taskId"]
    tab.until(f"told.events.some((event) => event.commandId === '{accepted['commandId']}')")


def test_command_that_cannot_succeed_is_rejected_with_the_servers_problem(tab: Tab) -> None:
    problem = tab.page.evaluate(
        "zena.send('thread.view', { threadId: 'no such' }).catch((problem) => ({ ...problem }))"
    )
    assert (problem["status"], problem["code"], problem["retryable"]) == (404, "not_found", False)


def test_commands_wait_while_offline_and_go_as_one_batch_in_order(
    tab: Tab, context: BrowserContext, server: Serving, user: str
) -> None:
    context.set_offline(True)
    wanted = [f"task {number}" for number in range(12)]
    for label in wanted:
        tab.begin("task.create", {"label": label})
    tab.until("told.pending.at(-1) === 12")
    assert labels(server, user) == []
    batches = note_batches(context)
    context.set_offline(False)
    tab.until("told.pending.at(-1) === 0")
    assert labels(server, user) == wanted
    assert [[entry["payload"]["label"] for entry in batch] for batch in batches] == [wanted]
    tab.until("told.events.length === 12")


def test_what_waits_outlives_its_tab(tab: Tab, context: BrowserContext, server: Serving, user: str) -> None:
    context.set_offline(True)
    tab.begin("task.create", {"label": "of a tab that is gone"})
    tab.until("told.pending.at(-1) === 1")
    tab.page.close()
    context.set_offline(False)
    other = Tab(context, server)
    other.until(
        "told.events.some((event) => event.type === 'task.created') || told.snapshots[0]?.tasks.length === 1"
    )
    assert labels(server, user) == ["of a tab that is gone"]


def test_what_waits_is_sent_by_one_of_many_tabs_and_settles_in_the_one_that_wants_it(
    tab: Tab, context: BrowserContext, server: Serving, user: str
) -> None:
    others = [Tab(context, server) for _ in range(3)]
    for other in others:
        other.until_live()
    context.set_offline(True)
    tab.page.evaluate("""() => {
      zena.send("task.create", { label: "once" }).then(({ result }) => (told.task = result.taskId));
    }""")
    for each in (tab, *others):
        each.until("told.pending.at(-1) === 1")
    batches = note_batches(context)
    context.set_offline(False)
    tab.until("told.task")
    for each in (tab, *others):
        each.until("told.pending.at(-1) === 0")
    assert labels(server, user) == ["once"]
    assert len(batches) == 1


def test_command_whose_answer_was_lost_is_sent_again_and_runs_once(
    tab: Tab, context: BrowserContext, server: Serving, user: str
) -> None:
    tries: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        tries.append(route.request.post_data or "")
        if len(tries) == 1:
            route.fetch()  # the server has done it
            route.abort()
        else:
            route.continue_()

    context.route("**/commands?*", lose_the_first_answer)
    accepted = tab.send("task.create", {"label": "once"})
    assert labels(server, user) == ["once"]
    assert len(tries) == 2
    assert accepted["result"]["taskId"] == server.get("/tasks", user).json()["tasks"][0]["taskId"]


def test_one_that_fails_for_now_is_tried_again_and_does_not_hold_up_the_rest(
    tab: Tab, context: BrowserContext, server: Serving, user: str
) -> None:
    answers: list[Any] = []

    def busy_at_first(route: Route) -> None:
        answer = route.fetch()
        outcomes = answer.json()
        if not answers:
            problem = {"title": "Busy.", "status": 503, "code": "storage_busy", "retryable": True}
            outcomes[0] = {"commandId": outcomes[0]["commandId"], "status": 503, "problem": problem}
        answers.append(outcomes)
        route.fulfill(response=answer, json=outcomes)

    context.set_offline(True)
    for label in ("first", "second"):
        tab.begin("task.create", {"label": label})
    tab.until("told.pending.at(-1) === 2")
    context.route("**/commands?*", busy_at_first)
    context.set_offline(False)
    tab.until("told.pending.at(-1) === 0")
    assert [len(outcomes) for outcomes in answers] == [2, 1]
    assert labels(server, user) == ["first", "second"]
    assert tab.told()["failures"] == []


def test_failure_that_nobody_waits_for_any_more_is_told(
    tab: Tab, context: BrowserContext, server: Serving
) -> None:
    context.set_offline(True)
    tab.begin("thread.view", {"threadId": "no such"})
    tab.until("told.pending.at(-1) === 1")
    tab.page.close()
    context.set_offline(False)
    other = Tab(context, server)
    other.until("told.failures.length === 1")
    assert other.told()["failures"] == [["thread.view", "not_found"]]


def test_what_one_user_wished_for_is_never_done_as_another(
    tab: Tab, context: BrowserContext, server: Serving, user: str
) -> None:
    context.set_offline(True)
    tab.begin("task.create", {"label": "mine"})
    tab.until("told.pending.at(-1) === 1")
    tab.page.close()
    context.set_offline(False)
    sign_in(context, server, "somebody-else")
    other = Tab(context, server)
    other.until_live()
    other.send("task.create", {"label": "theirs"})
    assert labels(server, "somebody-else") == ["theirs"]
    other.page.close()
    sign_in(context, server, user)
    Tab(context, server)
    wait_until(lambda: labels(server, user) == ["mine"], "the command to be sent as its own user")


def test_what_waited_too_long_is_given_up_and_told(
    tab: Tab, context: BrowserContext, server: Serving, user: str
) -> None:
    context.set_offline(True)
    tab.begin("task.create", {"label": "of yesterday"})
    tab.until("told.pending.at(-1) === 1")
    tab.page.evaluate("() => { const now = Date.now; Date.now = () => now() + 24 * 60 * 60 * 1_000; }")
    context.set_offline(False)
    tab.until("told.failures.length === 1")
    assert tab.told()["failures"] == [["task.create", "too_old"]]
    assert labels(server, user) == []


def test_typing_is_not_kept(tab: Tab, context: BrowserContext) -> None:
    context.set_offline(True)
    tab.begin("typing.start", {"where": "reply"})
    tab.until("told.failures.length === 1")
    assert tab.told()["failures"] == [["typing.start", "unreachable"]]
    assert tab.told()["pending"] == []


def test_without_a_database_commands_are_sent_all_the_same(
    context: BrowserContext, server: Serving, user: str
) -> None:
    context.add_init_script("indexedDB.open = () => { throw Error('private'); }")
    tab = Tab(context, server)
    tab.until_live()
    tab.send("task.create", {"label": "from a private window"})
    assert labels(server, user) == ["from a private window"]


PIECES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "in order": ([{"chunk": "Good ", "offset": 0}, {"chunk": "morning", "offset": 5}], "Good morning"),
    "twice": (
        [{"chunk": "Good ", "offset": 0}, {"chunk": "Good ", "offset": 0}, {"chunk": "morning", "offset": 5}],
        "Good morning",
    ),
    "counted in UTF-16": ([{"chunk": "🏠 ", "offset": 0}, {"chunk": "sold", "offset": 3}], "🏠 sold"),
    "with a hole, until the last": ([{"chunk": "morning", "offset": 5}], ""),
    "whole at last": (
        [
            {"chunk": "Good ", "offset": 0},
            {"chunk": "!", "offset": 12, "isComplete": True, "answer": "Good morning!"},
        ],
        "Good morning!",
    ),
    "stopped": (
        [{"chunk": "Good ", "offset": 0}, {"chunk": "", "offset": 5, "isComplete": True, "answer": "Good "}],
        "Good ",
    ),
}


@pytest.mark.parametrize("name", PIECES)
def test_answers_are_put_together_by_offset(tab: Tab, name: str) -> None:
    pieces, expected = PIECES[name]
    script = """
      async (pieces) => {
        const { applyChunk } = await import("/client/zena.js");
        return pieces.reduce((text, piece) => applyChunk(text, { isComplete: false, ...piece }), "");
      }
    """
    assert tab.page.evaluate(script, pieces) == expected
