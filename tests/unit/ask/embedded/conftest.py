"""The mailbox that answers are composed from; reading and triaging it takes a second, so it is read once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.askmail import AskMail, read_askmail


@pytest.fixture(scope="session")
def askmail() -> Iterator[AskMail]:
    """An agent's mail, triaged; nothing writes to it."""
    with read_askmail() as mailbox:
        yield mailbox
