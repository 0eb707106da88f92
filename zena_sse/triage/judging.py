"""Analyses, as they run in the worker process: one thread that cannot be judged is no other's loss."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from zena_sse.mail.content.message import Message
from zena_sse.triage.analysis.analyse import analyse_batch
from zena_sse.triage.analysis.findings import Findings, Known

# A thread's messages, and what is known of its user.
Case = tuple[Sequence[Message], Known]


class Unjudged(msgspec.Struct, frozen=True):
    """Why nothing could be found in a thread."""

    reason: str


def judge_batch(batch: Sequence[Case]) -> list[Findings | Unjudged]:
    """What is found in each thread."""
    try:
        return [*analyse_batch(batch)]
    except Exception:  # one of them is to blame; which one shows when each is looked at alone
        return [_judge(case) for case in batch]


def _judge(case: Case) -> Findings | Unjudged:
    try:
        return analyse_batch([case])[0]
    except Exception as error:  # a bug of ours in one thread; the caller logs it
        return Unjudged(repr(error))
