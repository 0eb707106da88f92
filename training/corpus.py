"""Labelled threads: the written mailboxes in `mail/` and any folder of mail that has labels."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from zena_sse.mail.content.message import Message
from zena_sse.mail.content.parsing import parse_batch
from zena_sse.triage.analysis.findings import Known

WRITTEN = Path(__file__).parent / "mail"
# What decides which features a mail has.
LOOKED_AT = (
    "cues.toml",
    "cues.py",
    "features.py",
    "sentences.py",
    "conversation.py",
    "senders.py",
    "circle.py",
)


class Task(msgspec.Struct, frozen=True):
    """What the agent has to do, as labelled."""

    label: str
    evidence: str
    due: str | None


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """A thread, and what is true of it."""

    mailbox: str
    id: str
    messages: tuple[Message, ...]
    known: Known
    as_of: datetime
    classification: str
    also_ok: tuple[str, ...]
    owing: str
    stage: str | None
    concern: bool
    concern_evidence: str | None
    tasks: tuple[Task, ...]
    property: str | None
    contacts: tuple[dict[str, Any], ...]
    difficulty: str


def written() -> list[Labelled]:
    """Every thread of the written mailboxes."""
    boxes: dict[str, list[Path]] = {}
    for path in sorted(WRITTEN.glob("*.yaml")):
        boxes.setdefault(path.stem.rpartition("-")[0], []).append(path)
    return [thread for name, paths in boxes.items() for thread in _mailbox(name, paths)]


def digest() -> str:
    """What the written mailboxes and the code that looks at them are."""
    analysis = Path(sys.modules["zena_sse"].__file__ or "").parent / "triage" / "analysis"
    looked_at = [analysis / name for name in LOOKED_AT]
    paths = [*sorted(WRITTEN.glob("*.yaml")), *looked_at, Path(__file__).parent / "train.py"]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def folder(root: Path, labels: dict[str, Any]) -> list[Labelled]:
    """The threads of a folder of mail, by its labels."""
    own = frozenset(address.lower() for address in labels["agent"])
    as_of = datetime.fromisoformat(labels["as_of"])
    read = {
        thread["id"]: parse_batch([((root / path).read_bytes(), as_of) for path in thread["messages"]])
        for thread in labels["threads"]
    }
    known = _known(own, (message for messages in read.values() for message in messages))
    return [
        _labelled(root.name, thread, read[thread["id"]], known, as_of, thread["classification_also_ok"])
        for thread in labels["threads"]
    ]


def _mailbox(name: str, paths: Sequence[Path]) -> list[Labelled]:
    pages = [yaml.safe_load(path.read_text()) for path in paths]
    own = frozenset(address.lower() for address in pages[0]["agent"]["addresses"])
    as_of = datetime.fromisoformat(str(pages[0]["as_of"]))
    threads = [thread for page in pages for thread in page["threads"]]
    read = {thread["id"]: parse_batch(raw_mails(thread)) for thread in threads}
    known = _known(own, (message for messages in read.values() for message in messages))
    return [
        _labelled(name, thread, read[thread["id"]], known, as_of, thread.get("also_ok") or [])
        for thread in threads
    ]


def _labelled(
    mailbox: str,
    thread: dict[str, Any],
    messages: list[Message],
    known: Known,
    as_of: datetime,
    also_ok: list[str],
) -> Labelled:
    return Labelled(
        mailbox=mailbox,
        id=thread["id"],
        messages=tuple(messages),
        known=known,
        as_of=as_of,
        classification=thread["classification"],
        also_ok=tuple(also_ok),
        owing=thread["waiting_on"],
        stage=thread["stage"],
        concern=bool(thread["concern"]),
        concern_evidence=thread.get("concern_evidence"),
        tasks=tuple(
            Task(task["label"], task["evidence"], str(task["due"]) if task["due"] else None)
            for task in thread["tasks"] or []
        ),
        property=thread["property"],
        contacts=tuple(thread["contacts"] or []),
        difficulty=thread["difficulty"],
    )


def _known(own: frozenset[str], messages: Iterable[Message]) -> Known:
    written_to = {
        address.email: address.name
        for message in messages
        if message.sender.email in own
        for address in (*message.to, *message.cc)
        if address.email not in own
    }
    return Known(own, written_to)


def raw_mails(thread: dict[str, Any]) -> list[tuple[bytes, datetime]]:
    """The mails of a thread as bytes, so that they are read as any mail is."""
    raws = []
    for number, message in enumerate(thread["messages"]):
        mail = EmailMessage()
        when = datetime.fromisoformat(str(message["date"]))
        mail["From"], mail["To"] = message["from"], ", ".join(message["to"])
        if message.get("cc"):
            mail["Cc"] = ", ".join(message["cc"])
        mail["Date"] = format_datetime(when)
        mail["Subject"] = str(message.get("subject") or "")
        mail["Message-ID"] = f"<{thread['id']}.{number}@written.example>"
        for name, value in (message.get("headers") or {}).items():
            mail[name] = str(value)
        mail.set_content(message["text"])
        for attachment in message.get("attachments") or []:
            name = attachment if isinstance(attachment, str) else str(attachment.get("name", "file"))
            mail.add_attachment(b"-", maintype="application", subtype="octet-stream", filename=name)
        raws.append((mail.as_bytes(), when.astimezone(UTC)))
    return raws
