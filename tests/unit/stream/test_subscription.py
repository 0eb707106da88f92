"""A subscription, case by case: what is handed out, and whether it is live or behind afterwards."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zena_sse.stream.cursor import Cursor, Opening
from zena_sse.stream.log import Page, Position, Record, Want
from zena_sse.stream.subscription import Reset, Subscription
from zena_sse.stream.tail import Tail

EPHEMERAL = Record("", 0, "typing.started", b"ephemeral")
FILTER = frozenset({"wanted"})


def record(offset: int, type_: str = "thread.new", epoch: str = "e") -> Record:
    return Record(epoch, offset, type_, f"{epoch}{offset}".encode())


def records(first: int, last: int) -> list[Record]:
    return [record(offset) for offset in range(first, last + 1)]


def page(
    held: Sequence[Record], head: int, *, floor: int = 1, complete: bool = True, epoch: str = "e"
) -> Page:
    return Page(Position(epoch, floor, head), list(held), complete)


def tail_of(first: int, last: int, epoch: str = "e") -> Tail:
    """The tail that these records make; an empty one when the last is before the first."""
    tail = Tail(epoch, first - 1)
    for offset in range(first, last + 1):
        tail.add(record(offset, epoch=epoch))
    return tail


def subscription(offset: int = 5, types: frozenset[str] | None = None, *, live: bool = True) -> Subscription:
    """One that stands at an offset."""
    made = Subscription("jo", f"e-{offset}", types)
    made.start(Opening("resumed", Cursor("e", offset)))
    if live:
        assert made.apply(page([], offset)) == []
        assert not made.behind
    return made


# --- its place ----------------------------------------------------------------------------------


def test_subscription_without_a_place_takes_nothing_and_asks_where_the_log_stands() -> None:
    fresh = Subscription("jo")
    for offered in (record(1), record(7), EPHEMERAL):
        assert fresh.offer(offered) is None
    assert fresh.catch_up(tail_of(1, 7)) is None
    assert (fresh.started, fresh.behind) == (False, True)
    assert fresh.want == Want("jo", None, is_new=True)


@pytest.mark.parametrize(
    ("asked", "after"), [("e-5", 5), ("other-5", 5), ("e-0", 0), ("nonsense", None), ("", None)]
)
def test_what_a_client_brings_is_read_on_from_in_the_same_trip_that_judges_it(
    asked: str, after: int | None
) -> None:
    fresh = Subscription("jo", asked)
    assert fresh.want == Want("jo", after, is_new=True)
    fresh.start(Opening("reset", Cursor("e", 9), "unknown_epoch"))
    assert fresh.want == Want("jo", 9)  # it makes no log any more
    assert fresh.cursor == Cursor("e", 9)


def test_offer_that_came_before_there_was_a_place_is_not_forgotten() -> None:
    """The page may have been read before that record was written."""
    fresh = Subscription("jo", "e-5")
    fresh.offer(record(7))
    fresh.start(Opening("resumed", Cursor("e", 5)))
    assert fresh.apply(page([record(6)], 6)) == [b"e6"]
    assert fresh.behind
    assert fresh.apply(page([record(7)], 7)) == [b"e7"]
    assert not fresh.behind


# --- offers -------------------------------------------------------------------------------------


def test_new_subscription_is_behind_and_hands_nothing_out_before_the_log_was_read() -> None:
    fresh = subscription(live=False)
    assert fresh.offer(record(6)) is None
    assert fresh.behind
    assert fresh.cursor == Cursor("e", 5)


@pytest.mark.parametrize(
    ("what", "offered", "frame", "cursor", "behind"),
    [
        ("the next record is handed out", record(6), b"e6", 6, False),
        ("the same one again is dropped", record(5), None, 5, False),
        ("an older one is dropped", record(2), None, 5, False),
        ("a gap puts it behind", record(7), None, 5, True),
        ("a record of another epoch puts it behind", record(6, epoch="f"), None, 5, True),
        ("so does an older one of another epoch", record(1, epoch="f"), None, 5, True),
        ("an ephemeral one is handed out and moves nothing", EPHEMERAL, b"ephemeral", 5, False),
    ],
)
def test_live_and_offered(what: str, offered: Record, frame: bytes | None, cursor: int, behind: bool) -> None:
    live = subscription()
    assert live.offer(offered) == frame, what
    assert (live.offset, live.behind) == (cursor, behind), what


@pytest.mark.parametrize("offered", [record(5), record(6), record(7), record(6, epoch="f"), EPHEMERAL])
def test_behind_and_offered_hands_nothing_out_and_moves_nothing(offered: Record) -> None:
    behind = subscription(live=False)
    assert behind.offer(offered) is None
    assert (behind.offset, behind.behind) == (5, True)


def test_filtered_record_moves_the_cursor_and_is_not_handed_out() -> None:
    live = subscription(types=FILTER)
    assert live.offer(record(6)) is None
    assert (live.offset, live.behind) == (6, False)
    assert live.offer(record(7, "wanted")) == b"e7"


def test_ephemeral_record_is_filtered_like_any_other() -> None:
    assert subscription(types=FILTER).offer(EPHEMERAL) is None


def test_filter_hides_no_gap() -> None:
    live = subscription(types=FILTER)
    assert live.offer(record(7)) is None
    assert live.behind


def test_full_buffer_falls_behind_instead_of_dropping() -> None:
    live = subscription()
    live.fall_behind()
    assert live.offer(record(6)) is None
    assert live.offer(EPHEMERAL) is None
    assert live.apply(page(records(6, 7), 7)) == [b"e6", b"e7"]
    assert not live.behind
    assert live.offer(record(8)) == b"e8"


# --- pages --------------------------------------------------------------------------------------


def test_page_that_is_complete_makes_it_live_at_the_head() -> None:
    behind = subscription(live=False)
    assert behind.apply(page(records(6, 8), 8)) == [b"e6", b"e7", b"e8"]
    assert (behind.offset, behind.behind) == (8, False)


def test_page_that_is_not_complete_leaves_it_behind_at_its_last_record() -> None:
    behind = subscription(live=False)
    assert behind.apply(page(records(6, 8), 20, complete=False)) == [b"e6", b"e7", b"e8"]
    assert (behind.offset, behind.behind) == (8, True)


def test_page_with_holes_is_taken_as_it_is_and_its_end_is_the_head() -> None:
    behind = subscription(live=False)
    assert behind.apply(page([record(7), record(9)], 12)) == [b"e7", b"e9"]
    assert (behind.offset, behind.behind) == (12, False)


def test_empty_page_whose_head_is_beyond_the_cursor_moves_it_to_the_head() -> None:
    behind = subscription(live=False)
    assert behind.apply(page([], 9)) == []
    assert (behind.offset, behind.behind) == (9, False)


def test_page_that_overlaps_repeats_nothing() -> None:
    behind = subscription(live=False)
    assert behind.apply(page(records(3, 7), 7)) == [b"e6", b"e7"]


def test_filter_holds_for_pages_too_and_the_cursor_passes_over_what_it_hides() -> None:
    behind = subscription(types=FILTER, live=False)
    assert behind.apply(page([record(6), record(7, "wanted"), record(8)], 9, complete=False)) == [b"e7"]
    assert (behind.offset, behind.behind) == (8, True)


def test_page_read_before_an_offer_that_came_meanwhile_is_not_the_end() -> None:
    behind = subscription(live=False)
    behind.offer(record(8))
    assert behind.apply(page(records(6, 7), 7)) == [b"e6", b"e7"]
    assert behind.behind
    assert behind.apply(page([record(8)], 8)) == [b"e8"]
    assert not behind.behind


def test_page_of_another_epoch_is_a_reset() -> None:
    with pytest.raises(Reset):
        subscription(live=False).apply(page(records(6, 7), 7, epoch="f"))


@pytest.mark.parametrize(("floor", "resets"), [(1, False), (5, False), (6, False), (7, True), (9, True)])
def test_page_of_a_log_that_was_trimmed_beyond_the_cursor_is_a_reset(floor: int, resets: bool) -> None:
    behind = subscription(live=False)
    held = page(records(max(floor, 6), 8), 8, floor=floor)
    if resets:
        with pytest.raises(Reset):
            behind.apply(held)
        assert behind.offset == 5
    else:
        assert behind.apply(held) == [b"e6", b"e7", b"e8"]


def test_reset_hands_nothing_out() -> None:
    behind = subscription(live=False)
    with pytest.raises(Reset):
        behind.apply(page(records(9, 10), 10, floor=9))
    assert (behind.offset, behind.behind) == (5, True)


# --- epochs -------------------------------------------------------------------------------------


def test_late_offer_of_an_old_epoch_costs_one_look_into_the_log_and_no_more() -> None:
    """Its offset says nothing about this log: with it as the goal, the log would be read for ever."""
    live = subscription()
    assert live.offer(record(900, epoch="old")) is None
    looks = 0
    while live.behind and looks < 9:
        assert live.apply(page([], 5)) == []
        looks += 1
    assert looks <= 2
    assert live.offer(record(6)) == b"e6"


def test_offer_of_a_new_epoch_while_a_page_of_the_old_one_is_on_its_way_is_not_forgotten() -> None:
    behind = subscription(live=False)
    behind.offer(record(1, epoch="new"))
    behind.apply(page(records(6, 7), 7))  # read before the epoch changed
    assert behind.behind
    with pytest.raises(Reset):
        behind.apply(page([record(1, epoch="new")], 1, epoch="new"))


# --- the hub's tail -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "tail", "frames", "cursor"),
    [
        ("it begins at the cursor", tail_of(5, 8), [b"e6", b"e7", b"e8"], 8),
        ("it begins right after the cursor", tail_of(6, 8), [b"e6", b"e7", b"e8"], 8),
        ("it begins before the cursor", tail_of(1, 8), [b"e6", b"e7", b"e8"], 8),
        ("it ends at the cursor", tail_of(1, 5), [], 5),
        ("it is the cursor alone", tail_of(5, 5), [], 5),
        ("it is empty, at the cursor", tail_of(6, 5), [], 5),
        ("it begins one too late", tail_of(7, 8), None, 5),
        ("it begins far too late", tail_of(90, 99), None, 5),
        ("it ends before the cursor", tail_of(1, 4), None, 5),
        ("it is empty, before the cursor", tail_of(5, 4), None, 5),
        ("it is empty, after the cursor", tail_of(7, 6), None, 5),
        ("it is of another epoch", tail_of(4, 8, epoch="f"), None, 5),
    ],
)
def test_step_to_live_from_a_tail(what: str, tail: Tail, frames: list[bytes] | None, cursor: int) -> None:
    behind = subscription(live=False)
    assert behind.catch_up(tail) == frames, what
    assert (behind.offset, behind.behind) == (cursor, frames is None), what


def test_tail_is_filtered_and_the_cursor_reaches_its_end() -> None:
    behind, tail = subscription(types=FILTER, live=False), Tail("e", 5)
    for each in (record(6, "wanted"), record(7)):
        tail.add(each)
    assert behind.catch_up(tail) == [b"e6"]
    assert (behind.offset, behind.behind) == (7, False)


def test_step_to_live_from_a_tail_of_which_every_record_was_offered() -> None:
    behind = subscription(live=False)
    for each in records(6, 9):
        behind.offer(each)
    assert behind.catch_up(tail_of(4, 9)) == [b"e6", b"e7", b"e8", b"e9"]
    assert behind.offer(record(10)) == b"e10"


def test_tail_is_not_trusted_when_something_of_another_epoch_was_offered() -> None:
    behind = subscription()
    behind.offer(record(1, epoch="f"))
    assert behind.catch_up(tail_of(4, 8)) is None
    with pytest.raises(Reset):
        behind.apply(page([record(1, epoch="f")], 1, epoch="f"))


# --- any order ----------------------------------------------------------------------------------


@given(
    order=st.lists(st.integers(1, 12)),
    start=st.integers(0, 12),
    wanted=st.none() | st.just(FILTER),
    size=st.integers(1, 4),
)
def test_offers_in_any_order_and_pages_in_between_hand_everything_out_once(
    order: list[int], start: int, wanted: frozenset[str] | None, size: int
) -> None:
    log = [record(offset, "wanted" if offset % 3 else "thread.new") for offset in range(1, 13)]
    reader = subscription(start, wanted, live=False)
    out: list[bytes] = []
    for number, offset in enumerate(order):
        frame = reader.offer(log[offset - 1])
        out += [frame] if frame else []
        if number % 4 == 3:
            rest = [r for r in log if r.offset > reader.offset]
            out += reader.apply(page(rest[:size], 12, complete=len(rest) <= size))
    while reader.behind:
        rest = [r for r in log if r.offset > reader.offset]
        out += reader.apply(page(rest[:size], 12, complete=len(rest) <= size))
    expected = [r.frame for r in log if r.offset > start and (wanted is None or r.type in wanted)]
    reached = sum(1 for each in log[start : reader.offset] if each.frame in expected)
    assert out == expected[:reached]
