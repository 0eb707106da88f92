"""Mail by the thousand, in conversations that are known."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

FIRST = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)


class Maildrop:
    """A folder mailbox that grows.

    Conversation `c` is made of the messages `c.0`, `c.1`, ..., each answering the one before.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lengths: dict[int, int] = {}
        self._written = 0
        for folder in ("INBOX", "Sent"):
            (root / folder).mkdir(parents=True)

    @property
    def messages(self) -> int:
        """How many there are."""
        return self._written

    def deliver(self, begin: int, answer: int) -> None:
        """So many new conversations, and an answer in each of so many old ones."""
        for conversation in random.sample(sorted(self.lengths), min(answer, len(self.lengths))):
            self._put(conversation)
        for conversation in range(len(self.lengths), len(self.lengths) + begin):
            self._put(conversation)

    def _put(self, conversation: int) -> None:
        number = self.lengths.get(conversation, 0)
        name, chain = f"{conversation}.{number}", [f"<{conversation}.{n}@test>" for n in range(number)]
        head = {
            "Message-ID": f"<{name}@test>",
            "Date": format_datetime(FIRST + timedelta(seconds=self._written)),
            "From": f"Client {conversation} <client{conversation}@client.example>",
            "To": "Anna <anna@agent.example>",
            "Subject": f"{'Re: ' if number else ''}Matter {conversation}",
            **({"References": " ".join(chain), "In-Reply-To": chain[-1]} if chain else {}),
        }
        text = "".join(f"{key}: {value}\r\n" for key, value in head.items())
        part = self.root / "INBOX" / f"{name}.part"
        part.write_text(f"{text}\r\nKia ora Anna, this is number {number} of matter {conversation}.\r\n")
        part.rename(part.with_suffix(".eml"))
        self.lengths[conversation] = number + 1
        self._written += 1
