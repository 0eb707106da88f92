"""The circuit breaker: who is let through, and when."""

from __future__ import annotations

import pytest

from tests.mailroom import Time
from zena_sse.language.breaker import FAILURES, OPEN_SECONDS, Breaker, BreakerOpen, State


def state(breaker: Breaker) -> State:
    """Asked anew each time: it changes behind a type checker's back."""
    return breaker.state


def fail(breaker: Breaker) -> None:
    breaker.enter()
    breaker.fail()
    breaker.leave()


def opened() -> tuple[Breaker, Time]:
    time = Time()
    breaker = Breaker(time.monotonic)
    for _ in range(FAILURES):
        fail(breaker)
    return breaker, time


def test_it_opens_after_failures_in_a_row() -> None:
    breaker = Breaker(Time().monotonic)
    for _ in range(FAILURES - 1):
        fail(breaker)
    breaker.enter()
    breaker.succeed()
    breaker.leave()
    for _ in range(FAILURES - 1):
        fail(breaker)
    assert state(breaker) == "closed"
    fail(breaker)
    assert state(breaker) == "open"
    with pytest.raises(BreakerOpen):
        breaker.enter()


def test_half_open_it_lets_one_through_whose_failure_opens_it_again() -> None:
    breaker, time = opened()
    time.pass_by(OPEN_SECONDS)
    assert state(breaker) == "half-open"
    breaker.enter()
    assert not breaker.admits
    with pytest.raises(BreakerOpen):
        breaker.enter()
    breaker.fail()
    breaker.leave()
    assert state(breaker) == "open"
    assert breaker.seconds_left() == OPEN_SECONDS


def test_whoever_leaves_without_an_answer_makes_room_for_the_next() -> None:
    breaker, time = opened()
    time.pass_by(OPEN_SECONDS)
    breaker.enter()
    breaker.leave()  # cancelled
    assert breaker.admits


def test_half_open_an_answer_closes_it() -> None:
    breaker, time = opened()
    time.pass_by(OPEN_SECONDS)
    breaker.enter()
    breaker.succeed()
    breaker.leave()
    assert state(breaker) == "closed"
    fail(breaker)
    assert state(breaker) == "closed", "it counts anew"


def test_questions_that_were_out_when_it_opened_keep_it_open_no_longer() -> None:
    breaker, time = opened()
    time.pass_by(OPEN_SECONDS / 2)
    breaker.fail()
    assert breaker.seconds_left() == OPEN_SECONDS / 2


def test_a_trip_is_not_cut_short() -> None:
    breaker, _ = opened()
    breaker.trip(600)
    breaker.trip(60)
    assert breaker.seconds_left() == 600
