"""The laws of a deal's risk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.databases import NOON
from zena_sse.contract.events import RiskLevel, Stage
from zena_sse.deals.risk import Standing, assess, rank, silence_level
from zena_sse.deals.stages import CLOSED, COURSE
from zena_sse.settings import Settings
from zena_sse.thresholds import LEVELS

USUAL = Settings().risk_thresholds

standings = st.builds(
    Standing,
    name=st.just("Roger"),
    stage=st.sampled_from([*COURSE, "lost"]),
    stage_at=st.integers(-5, 200).map(lambda days: NOON - timedelta(days=days)),
    waiting=st.booleans(),
    last_message_at=st.integers(-5, 200).map(lambda days: NOON - timedelta(days=days)),
    concern=st.none() | st.text(min_size=1, max_size=300),
    recent=st.integers(0, 40),
    earlier=st.integers(0, 10),
)


def standing(**changed: Any) -> Standing:
    """A deal in which all is well, a lead since this noon that the other side is to answer."""
    usual: dict[str, Any] = {
        "name": "Roger",
        "stage": "lead",
        "stage_at": NOON,
        "waiting": True,
        "last_message_at": NOON,
    }
    return Standing(**usual | changed)


def days_ago(days: float) -> Any:
    return NOON - timedelta(days=days)


@pytest.mark.parametrize(
    ("days", "level"),
    [(2.99, "none"), (3, "low"), (4.99, "low"), (5, "medium"), (9.99, "medium"), (10, "high"), (400, "high")],
)
def test_silence_counts_from_its_day_on(days: float, level: RiskLevel) -> None:
    risk = assess(standing(stage="nurture", last_message_at=days_ago(days)), NOON, USUAL)
    assert risk.level == level
    assert risk.flags == (() if level == "none" else ("silence",))


@pytest.mark.parametrize(
    ("recent", "level"),
    [(0, "high"), (2, "high"), (3, "medium"), (4, "medium"), (5, "low"), (8, "low"), (9, "none")],
)
def test_a_rhythm_slows_down_by_the_messages_of_thirty_days(recent: int, level: RiskLevel) -> None:
    assert assess(standing(recent=recent, earlier=3), NOON, USUAL).level == level
    assert assess(standing(recent=recent, earlier=2), NOON, USUAL).level == "none"


@pytest.mark.parametrize(
    ("stage", "limit"),
    [
        ("lead", 14),
        ("qualified", 21),
        ("viewing", 30),
        ("offer", 14),
        ("conditional", 45),
        ("pre_settlement", 60),
    ],
)
def test_a_stage_lasts_too_long_from_its_limit_on(stage: Any, limit: int) -> None:
    levels = [
        assess(standing(stage=stage, stage_at=days_ago(days), waiting=False), NOON, USUAL).level
        for days in (limit, limit + 0.01, 1.5 * limit, 1.5 * limit + 0.01)
    ]
    assert levels == ["none", "medium", "medium", "high"]


def test_who_is_not_ready_may_take_their_time() -> None:
    assert assess(standing(stage="nurture", stage_at=days_ago(300)), NOON, USUAL).level == "none"


def test_a_concern_is_at_least_medium_whoever_owes_the_move() -> None:
    risk = assess(standing(concern="We are not so sure any more", waiting=False), NOON, USUAL)
    assert (risk.level, risk.flags) == ("medium", ("concern",))
    assert risk.reason == "Concern: “We are not so sure any more”"


def test_the_reason_says_what_it_is_seen_by() -> None:
    risk = assess(standing(stage_at=days_ago(38), last_message_at=days_ago(13.5)), NOON, USUAL)
    assert (risk.level, risk.flags) == ("high", ("silence", "stage"))
    assert risk.reason == "Nothing from Roger for 13 days; in 'lead' for 38 days (limit 14)"


@given(standings, st.integers(0, 60))
def test_longer_silence_is_never_a_lesser_risk(one: Standing, days: int) -> None:
    later = NOON + timedelta(days=days)
    assert rank(assess(one, later, USUAL).level) >= rank(assess(one, NOON, USUAL).level)
    assert rank(silence_level(one, later, USUAL)) >= rank(silence_level(one, NOON, USUAL))


@given(standings)
def test_the_highest_sign_wins(one: Standing) -> None:
    assume(one.stage not in CLOSED)
    calm: dict[str, Any] = {
        "stage": "nurture", "waiting": False, "last_message_at": NOON, "concern": None, "earlier": 0
    }  # fmt: skip
    own = {name: getattr(one, name) for name in Standing.__struct_fields__}
    kinds = [("waiting", "last_message_at"), ("waiting", "earlier"), ("stage",), ("concern",)]
    alone = [
        assess(Standing(**own | calm | {name: own[name] for name in kind}), NOON, USUAL) for kind in kinds
    ]
    whole = assess(one, NOON, USUAL)
    assert rank(whole.level) == max(rank(risk.level) for risk in alone)
    assert set(whole.flags) == {flag for risk in alone for flag in risk.flags}


@given(standings)
def test_a_risk_has_flags_and_a_reason_and_no_risk_has_neither(one: Standing) -> None:
    risk = assess(one, NOON, USUAL)
    assert risk.level in LEVELS
    assert bool(risk.flags) == bool(risk.reason) == (risk.level != "none")
    assert len(risk.reason) <= 500


@given(standings)
def test_silence_and_rhythm_count_only_while_the_other_side_owes_the_move(one: Standing) -> None:
    risk = assess(one, NOON, USUAL)
    assert one.waiting or not {"silence", "frequency"} & set(risk.flags)


@given(standings, st.sampled_from(sorted(CLOSED)))
def test_a_closed_deal_is_no_risk(one: Standing, stage: Stage) -> None:
    closed = msgspec.structs.replace(one, stage=stage)
    assert assess(closed, NOON, USUAL).level == "none"
