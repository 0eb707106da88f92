"""Tabs that run the client and nothing else, and note what it tells them."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests.e2e.programs import PATIENCE_SECONDS, Serving, publish_note, wait_until

# Something of the same origin that runs nothing by itself.
BLANK = "/client/events.d.ts"

CONNECT = """
async (options) => {
  const { connect } = await import("/client/zena.js");
  const told = { events: [], states: [], snapshots: [], resets: [], pending: [], failures: [], frames: [] };
  globalThis.told = told;
  globalThis.renewals = 0;
  const renew = options.renewWith && (async () => {
    renewals += 1;
    await fetch("/session", { method: "POST", headers: { Authorization: `Bearer ${options.renewWith}` } });
  });
  globalThis.zena = connect({
    onSnapshot: (snapshot) => told.snapshots.push(snapshot),
    onEvent: (event) => told.events.push(event),
    onReset: (reason) => told.resets.push(reason),
    onState: (state) => told.states.push(state.name),
    onPending: (count) => told.pending.push(count),
    onFailure: ({ type, problem }) => told.failures.push([type, problem.code]),
    onFrame: ({ type, id }) => told.frames.push([type, id]),
    ...options,
    renew,
  });
}
"""


class Tab:
    """A page with a client, whose user has signed in or brings a token."""

    def __init__(self, context: BrowserContext, server: Serving, url: str = "", **options: Any) -> None:
        """`url`: where the server is reached, if not directly."""
        self.page: Page = context.new_page()
        self.page.goto((url or server.url) + BLANK)
        self.page.evaluate(CONNECT, options)

    def is_so(self, expression: str) -> bool:
        """Whether it is so just now."""
        return bool(self.page.evaluate(expression))

    def until(self, expression: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait for it."""
        wait_until(lambda: self.is_so(expression), f"{expression}; told: {self.told()}", seconds)

    def until_live(self) -> None:
        """Wait until it has all there is."""
        self.until("zena.state.name === 'live'")

    def told(self) -> dict[str, list[Any]]:
        """All that its client has told it."""
        told: dict[str, list[Any]] = self.page.evaluate("told")
        return told

    def notes(self) -> list[str]:
        """The notes that were published, as they were told."""
        events = self.told()["events"]
        return [event["payload"]["threadId"] for event in events if event["type"] == "thread.viewed"]

    def until_note(self, note: str) -> None:
        """Wait for a note."""
        self.until(f"told.events.some((event) => event.payload.threadId === {note!r})")

    def send(self, command: str, payload: dict[str, Any]) -> Any:
        """Have something done, and wait until it is."""
        return self.page.evaluate("([type, payload]) => zena.send(type, payload)", [command, payload])

    def begin(self, command: str, payload: dict[str, Any]) -> None:
        """Have something done without waiting for it."""
        self.page.evaluate(
            """([type, payload]) => {
              zena.send(type, payload).catch((problem) => told.failures.push([type, problem.code]));
            }""",
            [command, payload],
        )


def publish_notes(server: Serving, user: str, *notes: str) -> None:
    """Publish one after the other."""
    for note in notes:
        publish_note(server, user, note)
