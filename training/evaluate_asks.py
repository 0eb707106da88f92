"""Judges answers that are made without a model: a part of `make eval`; by itself it prints what is missed."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from training.folders import lay_out
from training.questions import Question, asked_of, mailboxes
from training.score_asks import Score, score, share, sourced
from zena_sse.ask_report import AnswerLine, answer
from zena_sse.ask_report import Question as Asked
from zena_sse.offline import read_folder
from zena_sse.settings import Settings

ROOT = Path(__file__).parents[1]
DEMO, DATA = ROOT / "zena_sse" / "demo" / "mail", ROOT / "tests" / "data" / "mail"
KINDS = ("fact", "list", "status", "draft", "unanswerable")


class Answered(msgspec.Struct, frozen=True):
    """A question, what was answered, and how good that is."""

    question: Question
    line: AnswerLine
    score: Score


class Mailbox(msgspec.Struct, frozen=True):
    """A mailbox on the disk that questions are asked about; `threads` has the thread of each file."""

    root: Path
    addresses: tuple[str, ...]
    as_of: datetime
    threads: dict[str, str]


class _Page(msgspec.Struct):
    questions: list[Question]


def demo() -> list[Answered]:
    """The questions about the labelled mailbox."""
    labels = json.loads((DATA / "labels.json").read_text())
    page = msgspec.json.decode((DATA / "questions.json").read_bytes(), type=_Page)
    threads = {name: thread["id"] for thread in labels["threads"] for name in thread["messages"]}
    as_of = datetime.fromisoformat(labels["as_of"])
    return asyncio.run(_answered(Mailbox(DEMO, tuple(labels["agent"]), as_of, threads), page.questions))


def written(name: str) -> list[Answered]:
    """The questions about one of the written mailboxes."""
    with tempfile.TemporaryDirectory() as directory:
        laid = lay_out(name, Path(directory))
        mailbox = Mailbox(laid.root, laid.addresses, laid.as_of, laid.threads)
        return asyncio.run(_answered(mailbox, asked_of(name)))


async def _answered(mailbox: Mailbox, questions: Sequence[Question]) -> list[Answered]:
    found: list[Answered] = []
    async with read_folder(mailbox.root, mailbox.addresses, lambda: mailbox.as_of, Settings()) as folder:
        for question in questions:
            line = await answer(folder, Asked(question.question, question.id))
            of = [[mailbox.threads[name] for name in source.messages] for source in line.sources]
            found.append(Answered(question, line, score(question, line, of)))
    return found


def section() -> str:
    """What docs/evaluation.md says of answers."""
    names = mailboxes()
    every = [one for name in names for one in written(name)]
    lines = [
        "## Answers without a model\n",
        "The 30 questions about the labelled mailbox (tests/data/mail/questions.json). No weight was learned"
        " from them, but who wrote the rules had read them. An answer is right if its first 900 characters"
        " (1,500 of a draft) say all that must be said, nothing of it is forbidden, and it says that it was"
        " found if and only if the mail has it.\n",
        *table(demo()),
        f"\n{len(every)} questions about {len(names)} of the written mailboxes (training/questions), from"
        " which the models that rank sentences have learned:\n",
        *table(every),
    ]
    return "\n".join(lines) + "\n"


def table(answered: Sequence[Answered]) -> list[str]:
    """A table of what came of these questions."""
    scores = [one.score for one in answered]
    return [
        "| questions | " + " | ".join(["all", *KINDS]) + " | source in first three | forbidden | refused |",
        "|---" * (len(KINDS) + 5) + "|",
        f"| {len(scores)} | "
        + " | ".join(f"{share(scores, kind):.2f}" for kind in (None, *KINDS))
        + f" | {sourced(scores):.2f} | {sum(bool(one.forbidden) for one in scores)}"
        + f" | {sum(one.refused for one in scores)} |",
    ]


def missed(answered: Sequence[Answered]) -> list[str]:
    """What is wrong, for whoever works on it."""
    return [
        f"{one.question.id} [{one.question.kind}] {one.question.question!r}: missing {one.score.missing}"
        f" forbidden {one.score.forbidden} found {one.line.found}\n{one.line.answer}\n"
        for one in answered
        if not one.score.right
    ]


if __name__ == "__main__":
    for name in sys.argv[1:] or ["demo", *mailboxes()]:
        answered = demo() if name == "demo" else written(name)
        print(name, *missed(answered), *table(answered), sep="\n")
