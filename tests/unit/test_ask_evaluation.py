"""What is answered to the questions about the labelled mailbox, against what was promised of it."""

from __future__ import annotations

import msgspec
import pytest

from training.evaluate_asks import Answered, demo
from training.score_asks import score, share, sourced

# docs/evaluation.md has what it is.
RIGHT, SOURCED = 0.80, 0.95


@pytest.fixture(scope="module")
def answered() -> list[Answered]:
    return demo()


def test_all_questions_are_asked(answered: list[Answered]) -> None:
    assert len({one.question.id for one in answered}) == 30
    kinds = [one.question.kind for one in answered]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "fact": 14, "list": 5, "status": 4, "draft": 3, "unanswerable": 4,
    }  # fmt: skip


def test_enough_is_right(answered: list[Answered]) -> None:
    wrong = [(one.question.id, one.score.missing) for one in answered if not one.score.right]
    assert share([one.score for one in answered]) >= RIGHT, wrong


def test_a_relevant_thread_is_among_the_first_sources(answered: list[Answered]) -> None:
    without = [one.question.id for one in answered if one.score.sourced is False]
    assert sourced([one.score for one in answered]) >= SOURCED, without


def test_nothing_is_said_that_must_not_be(answered: list[Answered]) -> None:
    assert {one.question.id: one.score.forbidden for one in answered if one.score.forbidden} == {}


def test_what_the_mail_does_not_say_is_not_answered(answered: list[Answered]) -> None:
    assert share([one.score for one in answered], "unanswerable") == 1
    assert not any(one.line.found for one in answered if one.question.kind == "unanswerable")


def test_what_the_mail_says_is_answered(answered: list[Answered]) -> None:
    assert [one.question.id for one in answered if one.score.refused] == []


def test_answers_are_short(answered: list[Answered]) -> None:
    lengths = {one.question.id: len(one.line.answer) for one in answered if one.question.kind != "draft"}
    assert max(lengths.values()) <= 1_100, lengths


def test_an_answer_that_says_nothing_or_too_much_scores_as_such(answered: list[Answered]) -> None:
    one = next(one for one in answered if one.question.kind == "fact" and one.score.right)
    assert one.question.must_mention
    silent = msgspec.structs.replace(one.line, answer="It is.")
    assert score(one.question, silent, []).missing
    assert score(one.question, silent, []).sourced is False
    refused = score(one.question, msgspec.structs.replace(one.line, found=False), [])
    assert (refused.right, refused.refused) == (False, True)
    strict = msgspec.structs.replace(one.question, must_not_mention=(one.line.answer.split()[0],))
    assert not score(strict, one.line, []).right
