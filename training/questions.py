"""Questions about the written mailboxes, each with all that it is answered from."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec

from training.folders import Laid, lay_out
from zena_sse.ask.embedded.gathering import Material, gather, understand
from zena_sse.ask.embedded.statements import Statement
from zena_sse.ask.embedded.weighing import Facts, facts_of
from zena_sse.ask.embedded.words import words_of
from zena_sse.offline import USER, Folder, read_folder
from zena_sse.settings import Settings
from zena_sse.storage.port import Reader
from zena_sse.storage.search import Fts5Search

QUESTIONS = Path(__file__).parent / "questions"
# Of what decides which facts a statement has, the files of `zena_sse/ask`.
LOOKED_AT = (
    "asked.py",
    "coverage.py",
    "cues.toml",
    "finding.py",
    "gathering.py",
    "kinds.py",
    "naming.py",
    "ranking.py",
    "statements.py",
    "weighing.py",
    "words.py",
    "words.toml",
)
# A quotation and a sentence are the same if they share so many of their words.
SAME, SHARED = 0.75, 0.3


class Evidence(msgspec.Struct, frozen=True):
    """Words of a thread that hold the answer."""

    thread: str
    quote: str


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question, and what is true of its answer; the form is that of tests/data/mail/questions.json."""

    id: str
    question: str
    kind: str
    relevant_threads: tuple[str, ...]
    must_mention: tuple[str, ...]
    must_not_mention: tuple[str, ...]
    accept: dict[str, tuple[str, ...]] = {}
    evidence: tuple[Evidence, ...] = ()
    note: str = ""


class _Page(msgspec.Struct):
    mailbox: str
    questions: list[Question]


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """A question with its statements: their facts, and which of them hold the answer."""

    mailbox: str
    question: Question
    material: Material
    statements: list[Statement]
    facts: list[Facts]
    right: list[bool]


def asked_of(mailbox: str) -> list[Question]:
    """The questions about one of the written mailboxes."""
    pages = sorted(QUESTIONS.glob(f"{mailbox}*.json"))
    return [one for page in pages for one in msgspec.json.decode(page.read_bytes(), type=_Page).questions]


def mailboxes() -> list[str]:
    """The written mailboxes that questions are asked about."""
    return sorted(
        {msgspec.json.decode(path.read_bytes(), type=_Page).mailbox for path in QUESTIONS.glob("*.json")}
    )


def digest() -> str:
    """What the questions and the code that looks at them are."""
    package = Path(sys.modules["zena_sse"].__file__ or "").parent / "ask" / "embedded"
    paths = [*sorted(QUESTIONS.glob("*.json")), *(package / name for name in LOOKED_AT)]
    paths.append(Path(__file__).parent / "train_asks.py")
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()[:16]


async def look(kinds: Sequence[str]) -> list[Looked]:
    """Every question of these kinds with its statements."""
    looked: list[Looked] = []
    for mailbox in mailboxes():
        async with AsyncExitStack() as stack:
            root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            laid = lay_out(mailbox, root)
            reading = read_folder(root, laid.addresses, _at(laid), Settings())
            folder = await stack.enter_async_context(reading)
            questions = [one for one in asked_of(mailbox) if one.kind in kinds]
            looked += await folder.zena.storage.read(_look, mailbox, questions, laid, folder)
    return looked


def _at(laid: Laid) -> Any:
    return lambda: laid.as_of


def _look(
    reader: Reader, mailbox: str, questions: Sequence[Question], laid: Laid, folder: Folder
) -> list[Looked]:
    labels = _labels(reader, laid, folder)
    return [_looked(reader, mailbox, question, laid, labels) for question in questions]


def _labels(reader: Reader, laid: Laid, folder: Folder) -> dict[str, str]:
    """The label of each thread by its id in the database."""
    held = reader.all(
        _Held,
        "SELECT m.thread_id, c.folder, c.uid FROM messages AS m"
        " JOIN copies AS c ON c.user_id = m.user_id AND c.key = m.key WHERE m.user_id = :user_id",
        user_id=USER,
    )
    return {one.thread_id: laid.threads[folder.files[one.folder, one.uid]] for one in held}


class _Held(msgspec.Struct):
    thread_id: str
    folder: str
    uid: str


def _looked(reader: Reader, mailbox: str, question: Question, laid: Laid, labels: dict[str, str]) -> Looked:
    search = Fts5Search()
    understood = understand(reader, search, USER, question.question, [], laid.as_of)
    material = gather(reader, search, USER, *understood)
    statements, facts = facts_of(material)
    right = [
        any(
            labels.get(material.threads[one.thread].thread_id) == evidence.thread
            and is_same(one.text, evidence.quote)
            for evidence in question.evidence
        )
        for one in statements
    ]
    return Looked(
        mailbox=mailbox, question=question, material=material, statements=statements, facts=facts, right=right
    )


def is_same(sentence: str, quote: str) -> bool:
    """Whether a sentence is what somebody quoted, or part of it, or has it in it."""
    said, quoted = [[word.plain for word in words_of(text)] for text in (sentence, quote)]
    if not said or not quoted:
        return False
    one, other = f" {' '.join(said)} ", f" {' '.join(quoted)} "
    if other in one or (len(said) > 2 and one in other):
        return True
    share = sum(word in quoted for word in said) / len(said)
    return len(said) > 3 and share > SAME and len(set(said) & set(quoted)) / len(set(quoted)) > SHARED
