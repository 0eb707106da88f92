"""The sentences of the mail that is looked at, each with who said it and when."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from zena_sse.ask.embedded.gathering import Material
from zena_sse.mail.content.message import Message
from zena_sse.triage.analysis.conversation import Turn, converse
from zena_sse.triage.analysis.sentences import sentences

# Sentences looked at of one message; what matters is said before.
MOST = 60

COURTESY = re.compile(
    r"^(?:hi|hiya|good afternoon|afternoon|hello|hey|dear|kia ora|thanks|thank you|cheers|regards"
    r"|kind regards|best|morning|good morning|tena koe|ta)\b[^.?!]{0,30}[,.!]*$"
)


class Statement(msgspec.Struct, frozen=True):
    """A sentence as somebody wrote it, and where it stands: `thread` and `number` count from 0."""

    thread: int
    message: Message
    own: bool
    automatic: bool
    sent: datetime
    number: int
    text: str
    asks: bool


def statements_of(material: Material) -> list[Statement]:
    """Every sentence of the threads, thread by thread, the oldest message first."""
    return [
        statement
        for number, thread in enumerate(material.threads)
        if thread.messages
        for turn in converse(thread.messages, material.own).turns
        for statement in _of_turn(number, turn)
    ]


def _of_turn(thread: int, turn: Turn) -> list[Statement]:
    return [
        Statement(
            thread=thread,
            message=turn.message,
            own=turn.side == "agent",
            automatic=turn.automatic,
            sent=turn.sent,
            number=number,
            text=" ".join(span.of(turn.text).split()),
            asks=span.asks,
        )
        for number, span in enumerate(sentences(turn.text)[:MOST])
    ]
