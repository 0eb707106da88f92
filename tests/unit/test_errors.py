"""Every error has a code, a status that fits, and a message that fits on one line."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from zena_sse.errors import DataDirectoryInUse, NotFound, StorageBusy, StorageUnavailable, ZenaError


def below(error: type[ZenaError]) -> Iterator[type[ZenaError]]:
    """Those of `zena_sse.errors`: a room's own are tested in the room."""
    for each in error.__subclasses__():
        if each.__module__ == ZenaError.__module__:
            yield each
            yield from below(each)


ERRORS: list[type[ZenaError]] = [ZenaError, *below(ZenaError)]
FOR_OPERATORS = {"configuration", "data_directory_in_use", "database_behind"}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_error_declares_a_code_of_its_own_a_status_and_a_message(error: type[ZenaError]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert "code" in vars(error)
    assert 400 <= error.status <= 599
    assert "__doc__" in vars(error)
    assert re.fullmatch(r"[A-Z`].*[.`]|[A-Z].*", error.title())


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_error_without_a_better_message_says_its_docstring_on_one_line(error: type[ZenaError]) -> None:
    assert str(error()) == error.title()
    assert "\n" not in error.title()
    assert str(error("Just this.")) == "Just this."
    assert error("Just this.").title() == error.title()


def test_no_two_errors_share_a_code() -> None:
    codes = [error.code for error in ERRORS]
    assert len(codes) == len(set(codes))


def test_only_what_may_pass_is_worth_trying_again() -> None:
    """A client that repeats a 4xx unasked repeats its mistake; 408, 429, 502 and 503 pass."""
    for error in ERRORS:
        if error.code not in FOR_OPERATORS:
            assert error.retryable == (error.status in (408, 429, 502, 503)), error


def test_storage_that_cannot_take_it_says_that_nothing_was_changed() -> None:
    for error in (StorageUnavailable(), StorageBusy()):
        assert (error.status, error.retryable) == (503, True)
        assert "nothing was changed" in str(error)


def test_errors_are_told_apart_by_their_class() -> None:
    assert not issubclass(NotFound, StorageUnavailable)
    assert issubclass(DataDirectoryInUse, ZenaError)
