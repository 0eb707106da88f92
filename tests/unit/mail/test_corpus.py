"""Six thousand real mails, public domain: none may stop a sync or lose a message."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.conversations import partition
from zena_sse.mail.content.message import Message
from zena_sse.mail.content.parsing import parse

NOW = datetime(2026, 11, 20, tzinfo=UTC)
# A sync shall read 300 mails a second on one core; half of that time is the database's.
SECONDS_PER_MAIL = 1 / 600

pytestmark = [pytest.mark.slow, pytest.mark.needs("spam-corpus")]


@pytest.fixture(scope="module")
def corpus() -> list[Message]:
    files = sorted(Path(os.environ["ZENA_SPAM_CORPUS"]).glob("**/data/*/*.txt"))
    assert len(files) == 6046
    raws = [path.read_bytes() for path in files]
    started = time.process_time()
    messages = [parse(raw, NOW) for raw in raws]
    assert time.process_time() - started < len(raws) * SECONDS_PER_MAIL
    return messages


def test_every_mail_is_read(corpus: list[Message]) -> None:
    assert not [message.defect for message in corpus if message.raw is not None]
    assert len(corpus) == len(msgspec.json.decode(msgspec.json.encode(corpus), type=list[Message]))


def test_no_two_mails_are_taken_for_one(corpus: list[Message]) -> None:
    assert len({message.key for message in corpus}) == len(corpus)


def test_hardly_any_is_without_sender_date_or_words(corpus: list[Message]) -> None:
    assert sum(not message.sender.email for message in corpus) <= 2
    assert sum(message.date == NOW for message in corpus) == 0
    assert sum(not message.text for message in corpus) <= 31  # images only, or nothing but a quote


def test_every_answer_is_with_what_it_answers(corpus: list[Message]) -> None:
    thread_of = {key: number for number, keys in enumerate(partition(corpus)) for key in keys}
    by_id = {message.message_id: message for message in corpus if message.message_id}
    pairs = [
        (message, by_id[reference])
        for message in corpus
        for reference in message.references
        if reference in by_id
    ]
    assert len({message.key for message, _ in pairs}) >= 1622
    assert all(thread_of[message.key] == thread_of[parent.key] for message, parent in pairs)
