"""What a mail says once it has been read: plain values, cheap to send from one process to another."""

from __future__ import annotations

from datetime import datetime

import msgspec

from zena_sse.contract.events import TEXT_LIMIT


class Address(msgspec.Struct, frozen=True):
    """A mailbox: its name as written, its address in lower case (providers ignore case; people mix it)."""

    name: str
    email: str


class Attachment(msgspec.Struct, frozen=True):
    """A file that came with a message; `size` is in bytes, decoded."""

    name: str
    content_type: str
    size: int


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One mail, read.

    `key` is its identity: copies of one message in two folders or accounts have the same key, two messages
    that reuse a Message-ID do not. `references` are ids without angle brackets, oldest first. `text` is what
    the sender wrote in this mail, verbatim; what it quotes and how it is signed stand apart, so that the
    three together are the whole body. `headers` has lower-case names, and only those that tell people from
    machines. `utc_offset` is what its Date states, in minutes east of UTC; None without one or with -0000.
    `defect` says why it could not be read as it should; `raw` is kept when it was not read at all.
    """

    key: str
    message_id: str | None
    references: tuple[str, ...]
    subject: str
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    date: datetime
    text: str
    quoted: str
    signature: str
    html: str | None
    attachments: tuple[Attachment, ...]
    headers: dict[str, str]
    utc_offset: int | None = None
    defect: str | None = None
    raw: bytes | None = None

    @property
    def snippet(self) -> str:
        """The beginning of what it says, on one line, as long as an event allows."""
        return cut(" ".join((self.text or self.quoted)[: 8 * TEXT_LIMIT].split()))


def cut(text: str, limit: int = TEXT_LIMIT) -> str:
    """`text`, at most `limit` characters with the ellipsis that shows the cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
