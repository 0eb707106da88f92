"""A ticket opens one connection, soon, as whom it was issued to."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from zena_sse.errors import TooManyRequests, Unauthenticated
from zena_sse.security.principal import Principal
from zena_sse.security.tickets import LIFETIME, Tickets

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
JO = Principal(user_id="jo", expires_at=NOW + timedelta(hours=8), session="5e551011", how="cookie")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, time: timedelta) -> None:
        self.now += time


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_ticket_is_whom_it_was_issued_to_with_their_session_and_expiry(clock: Clock) -> None:
    tickets = Tickets(clock, secrets.token_urlsafe)
    ticket, expires_at = tickets.issue(JO)
    assert expires_at == NOW + LIFETIME
    assert tickets.redeem(ticket) == msgspec.structs.replace(JO, how="ticket")


def test_a_ticket_is_good_once(clock: Clock) -> None:
    tickets = Tickets(clock, secrets.token_urlsafe)
    ticket, _ = tickets.issue(JO)
    tickets.redeem(ticket)
    with pytest.raises(Unauthenticated):
        tickets.redeem(ticket)


@pytest.mark.parametrize("ticket", ["", "unknown", "x" * 10_000, "\udcff"])
def test_an_unknown_ticket_is_refused_without_repeating_it(clock: Clock, ticket: str) -> None:
    with pytest.raises(Unauthenticated) as raised:
        Tickets(clock, secrets.token_urlsafe).redeem(ticket)
    assert str(raised.value) == "This ticket is unknown, used or expired; get another one."


def test_a_ticket_expires_after_half_a_minute(clock: Clock) -> None:
    tickets = Tickets(clock, secrets.token_urlsafe)
    first, _ = tickets.issue(JO)
    second, _ = tickets.issue(JO)
    clock.pass_by(timedelta(seconds=29))
    assert tickets.redeem(first).user_id == "jo"
    clock.pass_by(timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        tickets.redeem(second)


def test_a_ticket_does_not_outlive_the_credential_it_was_bought_with(clock: Clock) -> None:
    tickets = Tickets(clock, secrets.token_urlsafe)
    ticket, expires_at = tickets.issue(msgspec.structs.replace(JO, expires_at=NOW + timedelta(seconds=5)))
    assert expires_at == NOW + timedelta(seconds=5)
    clock.pass_by(timedelta(seconds=5))
    with pytest.raises(Unauthenticated):
        tickets.redeem(ticket)


def test_tickets_are_bounded_and_the_unused_ones_stay_good(clock: Clock) -> None:
    tickets = Tickets(clock, secrets.token_urlsafe, most=2)
    first, _ = tickets.issue(JO)
    tickets.issue(JO)
    with pytest.raises(TooManyRequests):
        tickets.issue(JO)
    assert tickets.redeem(first).user_id == "jo"
    tickets.issue(JO)


def test_expired_tickets_make_room(clock: Clock) -> None:
    tickets = Tickets(clock, secrets.token_urlsafe, most=2)
    tickets.issue(JO)
    clock.pass_by(timedelta(seconds=15))
    kept, _ = tickets.issue(JO)
    clock.pass_by(timedelta(seconds=15))
    tickets.issue(JO)
    assert len(tickets._issued) == 2
    assert tickets.redeem(kept).user_id == "jo"


def test_tickets_are_made_of_the_randomness_that_is_passed_in(clock: Clock) -> None:
    assert Tickets(clock, lambda size: f"{size} random bytes").issue(JO)[0] == "32 random bytes"
