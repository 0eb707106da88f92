"""The demo's mail: most of it at once, the last messages one by one, as files in a mailbox."""

from __future__ import annotations

import asyncio
import shutil
from email import message_from_bytes
from email.utils import parsedate_to_datetime
from pathlib import Path

# The last messages of the labelled mailbox arrive while one watches.
LATE_MESSAGES = 10
OVER_SECONDS = 120.0


class Feed:
    """Fills `mailbox` from the messages in `source`, which has `INBOX/` and `Sent/`."""

    def __init__(self, source: Path, mailbox: Path) -> None:
        self._source = source
        self._mailbox = mailbox
        messages = sorted(source.glob("*/*.eml"), key=_date)
        self._early, self._late = messages[:-LATE_MESSAGES], messages[-LATE_MESSAGES:]

    def lay_out(self) -> None:
        """Put down what is there from the beginning."""
        for folder in ("INBOX", "Sent"):
            (self._mailbox / folder).mkdir(parents=True)
        for path in self._early:
            self._put(path)

    async def deliver(self) -> None:
        """Let the rest arrive."""
        for path in self._late:
            await asyncio.sleep(OVER_SECONDS / LATE_MESSAGES)
            self._put(path)

    def _put(self, path: Path) -> None:
        """Copy under another name, then rename: nobody reads half a message."""
        target = self._mailbox / path.relative_to(self._source)
        partial = target.with_suffix(".part")
        shutil.copyfile(path, partial)
        partial.rename(target)


def _date(path: Path) -> float:
    """When a message was sent, as seconds."""
    return parsedate_to_datetime(message_from_bytes(path.read_bytes())["Date"]).timestamp()
