"""What all kinds of answers are made of: lines of text, and what they rest on."""

from __future__ import annotations

import msgspec

from zena_sse.ask.embedded.gathering import Material, Thread
from zena_sse.ask.embedded.phrasing import QUOTED, quoted, short_day, who_said
from zena_sse.ask.embedded.statements import Statement
from zena_sse.contract.events import Source, SuggestedAction
from zena_sse.mail.content.message import cut

# Sources given: whoever looks up more than these opens the list.
SOURCES = 8
# Characters of a name or subject: whoever writes one of a thousand is still told apart by these.
NAMED = 60


class Composed(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: pieces of text in their order, and what is known of it."""

    pieces: tuple[str, ...]
    found: bool
    sources: tuple[Source, ...] = ()
    actions: tuple[SuggestedAction, ...] = ()


def thread_source(thread: Thread, snippet: str, message_id: str | None = None) -> Source:
    """A thread as a source."""
    return Source("thread", thread.thread_id, cut(thread.subject or "(no subject)"), cut(snippet), message_id)


def statement_source(material: Material, one: Statement) -> Source:
    """The message a statement is from as a source."""
    return thread_source(material.threads[one.thread], one.text, one.message.key)


def unique_sources(sources: list[Source]) -> tuple[Source, ...]:
    """Each thread, deal or task once, as it was first named."""
    kept: dict[tuple[str, str], Source] = {}
    for source in sources:
        kept.setdefault((source.type, source.id), source)
    return tuple(kept.values())[:SOURCES]


def view_action(source: Source) -> SuggestedAction:
    """To open the thread."""
    return SuggestedAction(cut(f"Open “{source.title}”"), "thread.view", {"threadId": source.id})


def attributed(material: Material, group: list[Statement], width: int = QUOTED) -> str:
    """Sentences of one message, each at most `width` characters, with who wrote them and when."""
    first, today = group[0], material.now.date()
    words = " ".join(quoted(one, today, width) for one in group)
    return f"{cut(who_said(first), NAMED)}, {short_day(first.sent.date())}: “{words}”"
