"""What a browser complains about: errors that nobody caught, or on the console, and what a policy refused."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, ConsoleMessage, WebError


class Complaints:
    """All that was complained about in some browsers; a test says what it expects, the rest fails it."""

    def __init__(self) -> None:
        self._all: list[str] = []
        self._expected: list[re.Pattern[str]] = []

    def hear(self, context: BrowserContext) -> None:
        """Listen to every tab of a browser, and to its workers."""
        context.on("console", self._console)
        context.on("weberror", self._uncaught)

    def expect(self, pattern: str) -> None:
        """Whatever has this in it is what the test is about."""
        self._expected.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        """The rest."""
        return [said for said in self._all if not any(pattern.search(said) for pattern in self._expected)]

    def _console(self, message: ConsoleMessage) -> None:
        # Whatever the content security policy refuses is an error on the console too.
        if message.type == "error":
            self._all.append(f"console: {message.text} ({message.location.get('url')})")

    def _uncaught(self, error: WebError) -> None:
        self._all.append(f"uncaught: {error.error}")
