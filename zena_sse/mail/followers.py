"""Whom the mail room tells, in the same unit of work, that a thread is gone or part of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zena_sse.storage.port import Transaction


def _keep_nothing(_tx: Transaction, _user_id: str, _thread_id: str) -> None:
    """Nobody keeps anything of the thread."""


def _move_nothing(_tx: Transaction, _user_id: str, _gone: str, _into: str) -> None:
    """Nobody keeps anything of the threads."""


@dataclass(frozen=True, kw_only=True)
class Followers:
    """What other rooms keep of a thread goes with it. They are told while the rows are still there.

    `dropped(tx, user_id, thread_id)`: its mail is gone. `merged(tx, user_id, gone, into)`: it turned out to
    be part of another, which has changed and will be looked at anew.
    """

    dropped: Callable[[Transaction, str, str], None] = _keep_nothing
    merged: Callable[[Transaction, str, str, str], None] = _move_nothing


NOBODY = Followers()
