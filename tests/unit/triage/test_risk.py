"""Which threads go cold, and that it is noticed as time passes, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.databases import NOON
from tests.mailroom import ANNA
from tests.memorymailbox import mail
from tests.triageroom import TriageRoom, open_triage
from zena_sse.settings import Settings
from zena_sse.triage.risk import THREADS_A_UNIT, Standing, thread_risk

THRESHOLDS = Settings().risk_thresholds
SILENT = Standing(
    classification="buyer", next_action_owner="other", settled=False, concern=None, last_message_at=NOON
)


class Held(msgspec.Struct, frozen=True):
    risk_level: str
    risk_flags: str
    risk_reason: str


def level(days: float, **changes: Any) -> str:
    """The level of a thread with these differences after so many days."""
    thread = msgspec.structs.replace(SILENT, **changes)
    return thread_risk(thread, NOON + timedelta(days=days), THRESHOLDS).level


# --- one thread -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0, "none"),
        (2.99, "none"),
        (3, "low"),
        (4.9, "low"),
        (5, "medium"),
        (9.99, "medium"),
        (10, "high"),
        (400, "high"),
    ],
)
def test_silence_of_those_who_owe_the_move_is_a_risk_that_grows(days: float, expected: str) -> None:
    assert level(days) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"next_action_owner": "agent"},
        {"settled": True},
        {"classification": "noise"},
        {"classification": None},
    ],
)
def test_silence_is_no_risk_where_nobody_else_owes_anything(changes: dict[str, Any]) -> None:
    assert level(100, **changes) == "none"


@pytest.mark.parametrize("changes", [{}, {"next_action_owner": "agent"}, {"settled": True}])
def test_a_concern_is_medium_at_least_whoever_owes_what(changes: dict[str, Any]) -> None:
    assert level(0, concern="too dear", **changes) == "medium"


def test_the_highest_wins_and_all_reasons_are_told() -> None:
    thread = msgspec.structs.replace(SILENT, concern="too dear")
    risk = thread_risk(thread, NOON + timedelta(days=11), THRESHOLDS)
    assert (risk.level, risk.flags) == ("high", ("silence", "concern"))
    assert "20 November 2026" in risk.reason
    assert "too dear" in risk.reason
    assert thread_risk(SILENT, NOON, THRESHOLDS).reason == ""


def test_a_concern_in_noise_is_nobodys() -> None:
    assert level(0, classification="noise", concern="your account is at risk") == "none"


def test_thresholds_are_settings() -> None:
    thresholds = Settings(risk_silence_days="1,2,3").risk_thresholds
    assert thread_risk(SILENT, NOON + timedelta(days=2), thresholds).level == "medium"


# --- as time passes -------------------------------------------------------------------------------


@pytest.fixture
async def triage(tmp_path: Path) -> AsyncIterator[TriageRoom]:
    """A triage room."""
    async with open_triage(tmp_path) as opened:
        yield opened


async def test_a_thread_goes_cold_with_no_mail_at_all_and_each_step_is_told_once(triage: TriageRoom) -> None:
    await triage.take(mail("House", body="owing: other"))
    levels = []
    for _ in range(12):
        triage.room.clock.advance(days=1)
        await triage.triage.reassess(ANNA)
        await triage.triage.reassess(ANNA)
        levels.append((await triage.item("House")).risk_level)
    assert levels == ["none"] * 2 + ["low"] * 2 + ["medium"] * 5 + ["high"] * 3
    told = [event["riskLevel"] for event in await triage.room.events("thread.updated")]
    assert told == ["none", "low", "medium", "high"]
    reason = (await triage.item("House")).risk_reason
    assert reason == "No answer since 20 November 2026, 10 days or more."


async def test_what_nobody_waits_for_does_not_go_cold(triage: TriageRoom) -> None:
    await triage.take(
        mail("Mine", body="owing: agent"),
        mail("Done", body="owing: nobody"),
        mail("Spam", body="class: noise\nowing: nobody"),
        mail("Broken", body="fails: a bug"),
    )
    before = len(await triage.room.events())
    triage.room.clock.advance(days=30)
    await triage.triage.reassess(ANNA)
    assert len(await triage.room.events()) == before


async def test_many_threads_go_cold_in_bounded_units(triage: TriageRoom) -> None:
    count = 2 * THREADS_A_UNIT + 3
    await triage.take(*(mail(f"Number {number}", body="owing: other") for number in range(count)))
    triage.room.clock.advance(days=6)
    await triage.triage.reassess(ANNA)
    levels = await triage.room.query(str, "SELECT DISTINCT risk_level FROM threads")
    assert levels == ["medium"]


async def test_a_concern_is_not_forgotten_when_silence_is_looked_at(triage: TriageRoom) -> None:
    await triage.take(mail("House", body="owing: other\nconcern: too dear"))
    triage.room.clock.advance(days=4)
    await triage.triage.reassess(ANNA)
    assert (await triage.item("House")).risk_level == "medium"
    triage.room.clock.advance(days=7)
    await triage.triage.reassess(ANNA)
    assert (await triage.item("House")).risk_level == "high"


async def test_silence_adds_to_the_words_on_a_concern_that_is_as_serious_and_nobody_is_told_twice(
    triage: TriageRoom,
) -> None:
    await triage.take(mail("House", body="owing: other\nconcern: too dear"))
    told = triage.room.offered("thread.updated")
    for days in (3, 2):
        triage.room.clock.advance(days=days)
        await triage.triage.reassess(ANNA)
        await triage.triage.reassess(ANNA)
        held = await triage.room.query(Held, "SELECT risk_level, risk_flags, risk_reason FROM threads")
        thread = msgspec.structs.replace(SILENT, concern="too dear")
        fresh = thread_risk(thread, triage.room.clock(), THRESHOLDS)
        assert held == [Held("medium", '["silence","concern"]', fresh.reason)]
    assert triage.room.offered("thread.updated") == told


async def test_an_answer_ends_the_silence(triage: TriageRoom) -> None:
    await triage.take(mail("House", body="owing: other"))
    triage.room.clock.advance(days=6)
    await triage.triage.reassess(ANNA)
    minutes = 6 * 24 * 60
    await triage.take(mail("Re: House", id="r", replies_to="house", minutes=minutes, body="owing: other"))
    assert (await triage.item("House")).risk_level == "none"
