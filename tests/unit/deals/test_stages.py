"""Which signs move a deal on."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zena_sse.contract.events import Stage
from zena_sse.deals.stages import CLOSED, COURSE, moves_on

STAGES: tuple[Stage, ...] = get_args(Stage)
stages = st.sampled_from(STAGES)


def test_every_stage_is_on_the_course_or_lost() -> None:
    assert {*COURSE, "lost"} == {*STAGES}
    assert {"sold", "lost"} == CLOSED


@pytest.mark.parametrize(("earlier", "later"), [*pairwise(s for s in COURSE if s != "nurture")])
def test_a_deal_goes_forward_whenever_the_mail_was_written(earlier: Stage, later: Stage) -> None:
    assert moves_on(earlier, later, newer=False)
    assert moves_on(earlier, later, newer=True)


@given(stages, stages, st.booleans())
def test_nothing_but_lost_and_nurture_takes_a_deal_back(current: Stage, told: Stage, newer: bool) -> None:
    if current == "lost" or not moves_on(current, told, newer=newer):
        return
    assert told in {"lost", "nurture"} or COURSE.index(told) > COURSE.index(current)


@given(stages, stages)
def test_old_mail_that_is_read_again_undoes_nothing(current: Stage, told: Stage) -> None:
    if moves_on(current, told, newer=False):
        assert current not in {"nurture", "lost", "sold"}
        assert told not in {"nurture", "lost"}


@given(stages, st.booleans())
def test_what_is_sold_stays_sold_and_saying_it_again_is_no_news(told: Stage, newer: bool) -> None:
    assert not moves_on("sold", told, newer=newer)
    assert not moves_on(told, told, newer=newer)


@pytest.mark.parametrize(("stage", "cools"), [("lead", True), ("offer", True), ("conditional", False)])
def test_people_cool_off_until_they_have_signed(stage: Stage, cools: bool) -> None:
    assert moves_on(stage, "nurture", newer=True) is cools
    assert moves_on(stage, "lost", newer=True)


@pytest.mark.parametrize(("told", "moves"), [("viewing", True), ("lead", False), ("nurture", False)])
def test_what_was_lost_comes_back_only_by_a_sign_that_means_it(told: Stage, moves: bool) -> None:
    assert moves_on("lost", told, newer=True) is moves
    assert not moves_on("lost", told, newer=False)
