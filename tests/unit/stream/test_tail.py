"""The tail: dense, of one epoch, bounded, and up to the head."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zena_sse.stream import tail as tail_module
from zena_sse.stream.cursor import open_at
from zena_sse.stream.log import Position, Record
from zena_sse.stream.subscription import Subscription
from zena_sse.stream.tail import Tail


def record(offset: int, epoch: str = "e", size: int = 1) -> Record:
    return Record(epoch, offset, "thread.new", b"x" * size)


@given(
    st.lists(st.tuples(st.sampled_from("ef"), st.integers(1, 30), st.sampled_from([10, 900]))),
    st.integers(0, 30),
)
def test_tail_is_dense_of_one_epoch_bounded_and_ends_with_the_newest(
    added: list[tuple[str, int, int]], after: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tail_module, "TAIL_RECORDS", 5)
        patch.setattr(tail_module, "TAIL_BYTES", 2_000)
        tail = Tail("e", 3)
        assert (list(tail.after(0)), tail.position) == ([], Position("e", 4, 3))
        for epoch, offset, size in added:
            tail.add(record(offset, epoch, size))
            kept = list(tail.after(0))
            if not kept:  # what came was older than what it began with
                assert (epoch, offset <= 3, tail.head) == ("e", True, 3)
                continue
            assert tail.position == Position(kept[-1].epoch, kept[0].offset, kept[-1].offset)
            assert tail.size == sum(len(each.frame) for each in kept)
            assert len(kept) <= 5
            assert sum(len(each.frame) for each in kept) <= max(2_000, len(kept[-1].frame))
            assert [each.offset for each in kept] == list(range(kept[0].offset, kept[-1].offset + 1))
            assert {each.epoch for each in kept} == {epoch}
            assert kept[-1].offset >= offset
    kept = list(tail.after(0))
    assert list(tail.after(after)) == [each for each in kept if each.offset > after]


def test_record_that_comes_twice_or_late_leaves_the_tail_as_it_is() -> None:
    tail = Tail("e", 3)
    for offset in (4, 5, 6):
        tail.add(record(offset))
    for offset in (6, 4, 1):
        tail.add(record(offset))
        assert [each.offset for each in tail.after(0)] == [4, 5, 6]


def test_tail_brings_any_cursor_within_its_reach_to_live() -> None:
    tail = Tail("e", 0)
    for offset in range(1, 9):
        tail.add(record(offset))
    for offset in range(9):
        behind = Subscription("jo", f"e-{offset}")
        behind.start(open_at(behind.asked, tail.position))
        frames = behind.catch_up(tail)
        assert frames is not None
        assert len(frames) == 8 - offset
        assert not behind.behind


def test_tail_that_shrinks_keeps_its_newest_record_and_its_place() -> None:
    tail = Tail("e", 4)
    tail.shrink()
    assert (tail.position, tail.size) == (Position("e", 5, 4), 0)
    for offset in range(5, 9):
        tail.add(record(offset, size=offset))
    tail.shrink()
    assert (tail.position, tail.size) == (Position("e", 8, 8), 8)
    tail.add(record(2, epoch="f"))
    assert (tail.position, tail.size) == (Position("f", 2, 2), 1)
