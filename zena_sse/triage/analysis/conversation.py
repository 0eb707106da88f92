"""A thread as a conversation: who said what, in turn; machines are marked, forwarded mail is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta, timezone
from typing import Literal

import msgspec

from zena_sse.mail.content.message import Message
from zena_sse.triage.analysis.sentences import READ_CHARACTERS

Side = Literal["agent", "other"]

# Not `\s`: that takes in the empty lines that follow, again at each of them.
_FORWARD = re.compile(r"\s*(?:fwd?|wg|tr|i)\s*:", re.IGNORECASE)
_FORWARDED = re.compile(
    r"^[ \t>*]*(?:-{2,} ?(?:forwarded message|original message) ?-{2,}|begin forwarded message:)[^\n]*\n",
    re.IGNORECASE | re.MULTILINE,
)
_ROUTING = re.compile(
    r"^[ \t>*]*(?:from|date|sent|to|cc|subject|reply-to)\s*:[^\n]*\n", re.IGNORECASE | re.MULTILINE
)
_ABSENCE = re.compile(
    r"\b(?:auto(?:matic)?[- ]?(?:reply|response)|out of (?:the )?office|abwesen\w+|on leave)\b",
    re.IGNORECASE,
)


class Turn(msgspec.Struct, frozen=True):
    """One message of a conversation.

    `text` is what its sender wrote, and what they forward. `automatic`: a machine answered for them.
    `sent` is in the sender's own offset, so that "tomorrow" is their tomorrow.
    """

    side: Side
    message: Message
    text: str
    automatic: bool
    sent: datetime


class Conversation(msgspec.Struct, frozen=True):
    """The turns, oldest first, each message once."""

    turns: tuple[Turn, ...]

    @property
    def spoken(self) -> tuple[Turn, ...]:
        """The turns of people; all of them if machines alone have spoken."""
        return tuple(turn for turn in self.turns if not turn.automatic) or self.turns

    @property
    def others(self) -> tuple[Turn, ...]:
        """What the other side said."""
        return tuple(turn for turn in self.turns if turn.side == "other")

    @property
    def latest(self) -> tuple[Turn, ...]:
        """The last turns in a row in which people of the other side spoke."""
        found: list[Turn] = []
        for turn in reversed(self.turns):
            if turn.side == "agent" and found:
                break
            if turn.side == "other" and not turn.automatic:
                found.append(turn)
        return tuple(reversed(found))

    @property
    def closing(self) -> tuple[Turn, ...]:
        """The turns in a row, by one side, with which it ends."""
        spoken = self.spoken
        start = len(spoken)
        while start and spoken[start - 1].side == spoken[-1].side:
            start -= 1
        return spoken[start:]


def converse(messages: Sequence[Message], own: AbstractSet[str]) -> Conversation:
    """The conversation that these messages are; `own` are the agent's addresses."""
    unique = {message.key: message for message in messages}
    ordered = sorted(unique.values(), key=lambda message: (message.date, message.key))
    home = _home_offset(ordered, own)
    return Conversation(tuple(_turn(message, own, home) for message in ordered))


def _turn(message: Message, own: AbstractSet[str], home: int) -> Turn:
    offset = message.utc_offset if message.utc_offset is not None else home
    return Turn(
        "agent" if message.sender.email in own else "other",
        message,
        _said(message),
        _is_automatic(message),
        message.date.astimezone(timezone(timedelta(minutes=offset))),
    )


def _home_offset(messages: Sequence[Message], own: AbstractSet[str]) -> int:
    """The agent's offset from UTC, or else anybody's: who states none writes from nearby."""
    stated = [m for m in messages if m.utc_offset is not None]
    mine = [m for m in stated if m.sender.email in own]
    nearest = (mine or stated)[-1:]
    return nearest[0].utc_offset or 0 if nearest else 0


def _said(message: Message) -> str:
    text = message.text
    if message.quoted and (_FORWARD.match(message.subject) or not text.strip()):
        text = f"{text}\n{forwarded(message.quoted)}"
    return text[:READ_CHARACTERS]


def forwarded(quoted: str) -> str:
    """What stands in a forwarded mail, without who sent it to whom."""
    return _ROUTING.sub("", _FORWARDED.sub("", quoted[:READ_CHARACTERS]))


def _is_automatic(message: Message) -> bool:
    stated = message.headers.get("auto-submitted", "no").lower()
    return stated.startswith("auto-replied") or bool(_ABSENCE.search(message.subject[:200]))
