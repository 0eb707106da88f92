"""What a model may say of a thread, and what of that is believed: what stands in the mail."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, get_args

import msgspec
from msgspec import UNSET, UnsetType

from zena_sse.contract.events import Classification, Stage
from zena_sse.language.model import Form, InvalidAnswer
from zena_sse.mail.content.message import cut
from zena_sse.triage.analysis.findings import Ask, Owing
from zena_sse.triage.opinion.merging import Opinion
from zena_sse.triage.opinion.prompt import Shown

# Taken of one thread; nobody asks for more at once, and a mail that has a model find twenty wants something.
TASKS = 4
# Longer is no label, but a text that somebody wants to be read.
LABEL_CHARACTERS = 120
# Shorter passages stand in any mail.
EVIDENCE_CHARACTERS = 6
# What is due later, or was due earlier, is a misread year.
DUE_DAYS = 366

# A label is shown as ours: it must lead nowhere. Documents are named with a dot, too.
_LEADS_SOMEWHERE = re.compile(
    r"://|@|\bwww\.|\b[\w-]{2,}\.(?!(?:pdf|docx?|xlsx?|jpe?g|png|txt)\b)[a-z]{2,}(?:\b|/)", re.IGNORECASE
)


class TaskVerdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something the agent must do, with the passage that says so."""

    label: str
    evidence: str
    due: date | None


class Verdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a model can say."""

    classification: Classification
    owing: Owing
    stage: Stage | None
    concern: str | None
    tasks: list[TaskVerdict]


# The same for the model, in what all servers understand of JSON schema: no lengths, everything required.
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["classification", "owing", "stage", "concern", "tasks"],
    "properties": {
        "classification": {"type": "string", "enum": [*get_args(Classification)]},
        "owing": {"type": "string", "enum": [*get_args(Owing)]},
        "stage": {"type": ["string", "null"], "enum": [*get_args(Stage), None]},
        "concern": {"type": ["string", "null"]},
        "tasks": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["label", "evidence", "due"],
                "properties": {
                    "label": {"type": "string"},
                    "evidence": {"type": "string"},
                    "due": {"type": ["string", "null"], "description": "YYYY-MM-DD"},
                },
            },
        },
    },
}
FORM = Form("verdict", _SCHEMA)


def read_verdict(text: str) -> Verdict:
    """The verdict in an answer. Raises `InvalidAnswer`."""
    try:
        return msgspec.json.decode(text, type=Verdict)
    except (msgspec.DecodeError, UnicodeEncodeError):  # its message would quote the mail
        raise InvalidAnswer("not a verdict") from None


def believe(verdict: Verdict, messages: Sequence[Shown], today: date) -> Opinion:
    """What of a verdict can be shown to stand in these messages."""
    texts = [(message, _squeezed(message.text)) for message in messages]
    noise = verdict.classification == "noise"
    tasks = () if noise else tuple(_asks(verdict.tasks[:TASKS], texts, today))
    return Opinion(
        classification=verdict.classification,
        owing=verdict.owing,
        stage=verdict.stage,
        concern=None if verdict.concern is None else _concern(verdict.concern, texts),
        tasks=tasks,
    )


def _concern(concern: str, texts: Sequence[tuple[Shown, str]]) -> str | UnsetType:
    """In the other side's own words; unset when they are not."""
    others = [pair for pair in texts if pair[0].side == "other"]
    return UNSET if _source(concern, others) is None else cut(_squeezed(concern))


def _asks(tasks: Sequence[TaskVerdict], texts: Sequence[tuple[Shown, str]], today: date) -> list[Ask]:
    found = []
    for task in tasks:
        source = _source(task.evidence, texts)
        if source is not None and _is_label(task.label):
            found.append(
                Ask(
                    label=task.label.strip(),
                    evidence=cut(_squeezed(task.evidence)),
                    message_key=source.key,
                    due=_due(task.due, today),
                    contact=source.email if source.side == "other" else None,
                )
            )
    return found


def _source(passage: str, texts: Sequence[tuple[Shown, str]]) -> Shown | None:
    """The newest message that a passage stands in, whitespace aside."""
    wanted = _squeezed(passage)
    if len(wanted) < EVIDENCE_CHARACTERS:
        return None
    return next((message for message, text in reversed(texts) if wanted in text), None)


def _is_label(label: str) -> bool:
    """One line of plain words."""
    label = label.strip()
    # C: control characters, and those that turn the direction of writing; Zl and Zp end lines.
    odd = any(unicodedata.category(letter)[0] == "C" or letter in "\u2028\u2029" for letter in label)
    return 0 < len(label) <= LABEL_CHARACTERS and not odd and not _LEADS_SOMEWHERE.search(label)


def _due(due: date | None, today: date) -> date | None:
    return due if due is not None and abs(due - today) <= timedelta(days=DUE_DAYS) else None


def _squeezed(text: str) -> str:
    return " ".join(text.split())
