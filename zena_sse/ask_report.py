"""`zena-sse ask`: questions answered from a mail folder, without a server."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import click
import msgspec

from zena_sse.ask.answering import AnswerFailed, Conclusion, Inquiry
from zena_sse.contract.events import QUESTION_LIMIT, Source, SourceType, SuggestedAction
from zena_sse.errors import ConfigurationError, StorageUnavailable
from zena_sse.offline import USER, Folder, files_of, read_folder, reading_bar
from zena_sse.settings import Settings
from zena_sse.storage.port import Reader


class Question(msgspec.Struct, frozen=True):
    """A question of a file; other members of it are nobody's business here."""

    question: Annotated[str, msgspec.Meta(pattern=r"\S", max_length=QUESTION_LIMIT)]
    id: str | int | None = None


class _Page(msgspec.Struct):
    questions: list[Question]


class SourceLine(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer rests on; `messages` are files."""

    type: SourceType
    id: str
    title: str
    snippet: str
    messages: list[str]


class AnswerLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A question and its answer."""

    id: str | int | msgspec.UnsetType
    question: str
    found: bool
    answer: str
    sources: list[SourceLine]
    suggested_actions: tuple[SuggestedAction, ...]


def read_question(text: str) -> Question:
    """The question of a command line, whatever bytes came there. Raises `ConfigurationError`."""
    asked = {"question": os.fsencode(text).decode(errors="replace")}
    try:
        return msgspec.convert(asked, Question)
    except msgspec.ValidationError:
        problem = f"a question has at most {QUESTION_LIMIT} characters" if text.strip() else "it is empty"
        raise ConfigurationError(f"This cannot be asked: {problem}") from None


def read_questions(path: Path) -> list[Question]:
    """The questions of a file: a list of them, or an object that has it. Raises `ConfigurationError`."""
    try:
        read: list[Question] | _Page = msgspec.json.decode(path.read_bytes(), type=list[Question] | _Page)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is no list of questions: {error}") from None
    return read.questions if isinstance(read, _Page) else read


async def report_answers(
    root: Path,
    addresses: tuple[str, ...],
    as_of: datetime,
    settings: Settings,
    questions: Sequence[Question],
    *,
    as_json: bool,
) -> None:
    """Print the answer to each question as it is found. Raises `MailboxMissing`."""
    with reading_bar() as tell:
        reading = read_folder(root, addresses, lambda: as_of, settings, tell)
        async with reading as folder:
            for number, question in enumerate(questions):
                line = await answer(folder, question)
                if as_json:
                    click.echo(msgspec.json.encode(line))
                else:
                    click.echo(("\n" if number else "") + as_text(line, headed=len(questions) > 1))


async def answer(folder: Folder, question: Question) -> AnswerLine:
    """The whole answer, from what was read of the folder. Raises `StorageUnavailable`."""
    said, concluded = "", Conclusion(found=False)
    try:
        async for piece in folder.zena.answerer.answer(Inquiry(user_id=USER, question=question.question)):
            if isinstance(piece, Conclusion):
                concluded = piece
            else:
                said += piece
    except AnswerFailed as failure:
        raise StorageUnavailable(str(failure)) from None
    return AnswerLine(
        id=msgspec.UNSET if question.id is None else question.id,
        question=question.question,
        found=concluded.found,
        answer=said,
        sources=await folder.zena.storage.read(_lines, folder, concluded.sources),
        suggested_actions=concluded.suggested_actions,
    )


def _lines(reader: Reader, folder: Folder, sources: Sequence[Source]) -> list[SourceLine]:
    return [
        SourceLine(
            type=source.type,
            id=source.id,
            title=source.title,
            snippet=source.snippet,
            messages=_files(reader, folder, source),
        )
        for source in sources
    ]


def _files(reader: Reader, folder: Folder, source: Source) -> list[str]:
    """The message that was quoted, or else all of the thread, or of the threads of a deal."""
    threads = [source.id]
    if source.type != "thread":
        threads = reader.all(
            str,
            "SELECT thread_id FROM threads WHERE user_id = :user_id AND deal_id = :id"
            " UNION SELECT thread_id FROM tasks WHERE user_id = :user_id AND task_id = :id"
            " AND thread_id IS NOT NULL",
            user_id=USER,
            id=source.id,
        )
    return [name for thread in threads for name in files_of(reader, folder, thread, source.message_id)]


def as_text(line: AnswerLine, *, headed: bool) -> str:
    """For people: the answer, then what it rests on. Mail must not draw on the terminal."""
    head = [f"? {line.question}"] if headed else []
    sources = [
        f"  - {source.title} ({', '.join(source.messages[:1]) or source.type})" for source in line.sources
    ]
    text = "\n".join([*head, line.answer, *(["", "Sources:", *sources] if sources else [])])
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
