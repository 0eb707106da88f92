"""The hub: who is offered what, and the tail that it keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zena_sse.contract.events import ClosingReason
from zena_sse.stream import hub as hub_module
from zena_sse.stream.cursor import Cursor
from zena_sse.stream.hub import Hub, Tail
from zena_sse.stream.log import Record
from zena_sse.stream.subscription import Subscription


def record(offset: int, epoch: str = "e", size: int = 1) -> Record:
    return Record(epoch, offset, "thread.new", b"x" * size)


EPHEMERAL = record(0, epoch="")


class Carrier:
    """A driver that writes down what it is offered, and leaves when it is closed, as the port says."""

    def __init__(
        self, hub: Hub, user_id: str = "jo", *, tab: str | None = None, session: str | None = None
    ) -> None:
        self.hub, self.user_id, self.tab, self.session = hub, user_id, tab, session
        self.offered: list[int] = []
        self.closed: ClosingReason | None = None
        self.on_offer: Callable[[], None] = lambda: None
        hub.join(user_id, self)

    def offer(self, record: Record) -> None:
        self.offered.append(record.offset)
        self.on_offer()

    def close(self, reason: ClosingReason) -> None:
        self.closed = reason
        self.hub.leave(self.user_id, self)


def tail_of(hub: Hub, user_id: str = "jo", after: int = 0) -> list[int]:
    return [record.offset for record in hub.tail(user_id, after)]


# --- offers -------------------------------------------------------------------------------------


def test_record_is_offered_to_every_stream_of_its_user_and_to_nobody_else() -> None:
    hub = Hub()
    first, second, other = Carrier(hub), Carrier(hub), Carrier(hub, "max")
    hub.offer("jo", record(1))
    assert (first.offered, second.offered, other.offered) == ([1], [1], [])


def test_record_of_nobody_who_is_here_is_dropped_and_nothing_is_kept() -> None:
    hub = Hub()
    hub.offer("jo", record(1))
    hub.offer("jo", EPHEMERAL)
    assert len(hub) == 0
    Carrier(hub)
    assert tail_of(hub) == []


def test_stream_that_left_is_offered_nothing_more_and_may_leave_again() -> None:
    hub = Hub()
    stays, leaves = Carrier(hub), Carrier(hub)
    hub.leave("jo", leaves)
    hub.leave("jo", leaves)
    hub.leave("nobody", leaves)
    hub.offer("jo", record(1))
    assert (stays.offered, leaves.offered) == ([1], [])
    assert list(hub) == [stays]


def test_ephemeral_record_spares_the_tab_that_caused_it() -> None:
    hub = Hub()
    typist, other, nameless = Carrier(hub, tab="a"), Carrier(hub, tab="b"), Carrier(hub)
    hub.offer("jo", EPHEMERAL, except_tab="a")
    assert (typist.offered, other.offered, nameless.offered) == ([], [0], [0])
    assert tail_of(hub) == []


def test_stream_that_ends_on_an_offer_takes_nothing_from_the_others() -> None:
    hub = Hub()
    first, second = Carrier(hub), Carrier(hub)
    first.on_offer = lambda: first.close("rotated")
    hub.offer("jo", record(1))
    hub.offer("jo", record(2))
    assert (first.offered, second.offered) == ([1], [1, 2])


def test_stream_that_opens_on_an_offer_finds_it_in_the_tail() -> None:
    hub = Hub()
    first = Carrier(hub)
    late: list[Carrier] = []
    first.on_offer = lambda: late.append(Carrier(hub))
    hub.offer("jo", record(1))
    assert late[0].offered == []
    assert tail_of(hub) == [1]


async def test_stream_that_fails_on_an_offer_is_closed_and_takes_nothing_from_the_others() -> None:
    """It may have taken the record and not sent it: going on would be a silent gap."""
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    hub = Hub()
    broken, works = Carrier(hub), Carrier(hub)

    def fail() -> None:
        raise RuntimeError("the transport is gone")

    broken.on_offer = fail
    hub.offer("jo", record(1))
    hub.offer("jo", record(2))
    assert works.offered == [1, 2]
    assert broken.closed == "overloaded"
    assert broken.offered == [1]


# --- tabs, sessions -----------------------------------------------------------------------------


def test_stream_of_the_same_user_and_tab_supersedes_the_older_one() -> None:
    hub = Hub()
    old = Carrier(hub, tab="a")
    bystanders = [Carrier(hub, tab="b"), Carrier(hub), Carrier(hub, "max", tab="a")]
    new = Carrier(hub, tab="a")
    assert old.closed == "superseded"
    assert new.closed is None
    assert [each.closed for each in bystanders] == [None] * 3
    assert set(hub) == {new, *bystanders}


def test_streams_without_a_tab_do_not_supersede_each_other() -> None:
    hub = Hub()
    streams = [Carrier(hub) for _ in range(3)]
    assert len(hub) == 3
    assert [each.closed for each in streams] == [None] * 3


def test_superseding_the_only_stream_keeps_the_users_tail() -> None:
    hub = Hub()
    Carrier(hub, tab="a")
    hub.offer("jo", record(1))
    Carrier(hub, tab="a")
    hub.offer("jo", record(2))
    assert tail_of(hub) == [1, 2]


def test_closing_by_session_ends_its_streams_only() -> None:
    hub = Hub()
    mine, theirs, token = Carrier(hub, session="s"), Carrier(hub, session="t"), Carrier(hub)
    other_user = Carrier(hub, "max", session="s")
    hub.close("jo", "revoked", session="s")
    assert [each.closed for each in (mine, theirs, token, other_user)] == ["revoked", None, None, None]


def test_closing_a_user_ends_all_of_its_streams_and_an_unknown_one_none() -> None:
    hub = Hub()
    streams, other = [Carrier(hub), Carrier(hub, session="s")], Carrier(hub, "max")
    hub.close("jo", "reset")
    hub.close("nobody", "reset")
    assert [each.closed for each in streams] == ["reset", "reset"]
    assert list(hub) == [other]


def test_streams_can_be_closed_while_the_hub_is_walked_through() -> None:
    hub = Hub()
    for user_id in ("jo", "max", "jo"):
        Carrier(hub, user_id)
    for driver in hub:
        driver.close("draining")
    assert len(hub) == 0


# --- the tail -----------------------------------------------------------------------------------


def test_tail_begins_with_the_predecessor_of_what_is_asked_for_where_there_is_one() -> None:
    hub = Hub()
    Carrier(hub)
    for offset in range(5, 9):
        hub.offer("jo", record(offset))
    assert tail_of(hub, after=6) == [6, 7, 8]
    assert tail_of(hub, after=1) == [5, 6, 7, 8]
    assert tail_of(hub, after=8) == [8]
    assert tail_of(hub, after=9) == []
    assert tail_of(hub, "max") == []


def test_tail_outlives_its_last_stream_and_still_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    first = Carrier(hub)
    hub.offer("jo", record(1))
    first.close("rotated")
    hub.offer("jo", record(2))
    hub.offer("jo", EPHEMERAL)
    Carrier(hub)
    assert tail_of(hub) == [1, 2]


def test_record_that_was_missed_while_nobody_was_here_starts_the_tail_anew() -> None:
    hub = Hub()
    Carrier(hub).close("rotated")
    Carrier(hub)
    hub.offer("jo", record(1))
    Carrier(hub)
    hub.offer("jo", record(3))
    assert tail_of(hub) == [3]


def test_tails_of_users_who_left_are_bounded_and_the_least_recent_goes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "IDLE_TAILS", 2)
    hub = Hub()
    for user_id in ("a", "b", "c"):
        carrier = Carrier(hub, user_id)
        hub.offer(user_id, record(1))
        carrier.close("rotated")
    for user_id in ("a", "b", "c"):
        Carrier(hub, user_id)
    assert [tail_of(hub, user_id) for user_id in ("a", "b", "c")] == [[], [1], [1]]


def test_forgotten_user_has_no_tail_whether_here_or_gone() -> None:
    hub = Hub()
    here, gone = Carrier(hub, "here"), Carrier(hub, "gone")
    for user_id in ("here", "gone"):
        hub.offer(user_id, record(1))
    gone.close("reset")
    for user_id in ("here", "gone", "nobody"):
        hub.forget(user_id)
    Carrier(hub, "gone")
    assert tail_of(hub, "here") == tail_of(hub, "gone") == []
    hub.offer("here", record(1, epoch="new"))
    assert tail_of(hub, "here") == [1]
    assert here.offered == [1, 1]


@given(
    st.lists(st.tuples(st.sampled_from("ef"), st.integers(1, 30), st.sampled_from([10, 900]))),
    st.integers(0, 30),
)
def test_tail_is_dense_of_one_epoch_bounded_and_ends_with_the_newest(
    added: list[tuple[str, int, int]], after: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub_module, "TAIL_RECORDS", 5)
        patch.setattr(hub_module, "TAIL_BYTES", 2_000)
        tail = Tail()
        for epoch, offset, size in added:
            tail.add(record(offset, epoch, size))
            kept = list(tail.after(0))
            assert len(kept) <= 5
            assert sum(len(each.frame) for each in kept) <= max(2_000, len(kept[-1].frame))
            assert [each.offset for each in kept] == list(range(kept[0].offset, kept[-1].offset + 1))
            assert {each.epoch for each in kept} == {epoch}
            assert kept[-1].offset >= offset
    kept = list(tail.after(0))
    assert list(tail.after(after)) == [each for each in kept if each.offset >= after]


def test_record_that_comes_twice_or_late_leaves_the_tail_as_it_is() -> None:
    tail = Tail()
    for offset in (4, 5, 6):
        tail.add(record(offset))
    for offset in (6, 4, 1):
        tail.add(record(offset))
        assert [each.offset for each in tail.after(0)] == [4, 5, 6]


def test_tail_brings_any_cursor_within_its_reach_to_live() -> None:
    tail = Tail()
    for offset in range(1, 9):
        tail.add(record(offset))
    for offset in range(9):
        behind = Subscription("jo", Cursor("e", offset))
        frames = behind.catch_up(tail.after(offset))
        assert frames is not None
        assert len(frames) == 8 - offset
        assert not behind.behind
