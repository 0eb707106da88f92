"""The hub: who is offered what, and the tail that it keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zena_sse.contract.events import ClosingReason
from zena_sse.stream import hub as hub_module
from zena_sse.stream.hub import Hub
from zena_sse.stream.log import Position, Record


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
    tail = hub.tail(user_id)
    return [] if tail is None else [record.offset for record in tail.after(after)]


# --- offers -------------------------------------------------------------------------------------


def test_record_is_offered_to_every_stream_of_its_user_and_to_nobody_else() -> None:
    hub = Hub(10)
    first, second, other = Carrier(hub), Carrier(hub), Carrier(hub, "max")
    hub.offer("jo", record(1))
    assert (first.offered, second.offered, other.offered) == ([1], [1], [])


def test_record_of_nobody_who_is_here_is_dropped_and_nothing_is_kept() -> None:
    hub = Hub(10)
    hub.offer("jo", record(1))
    hub.offer("jo", EPHEMERAL)
    assert len(hub) == 0
    Carrier(hub)
    assert tail_of(hub) == []


def test_stream_that_left_is_offered_nothing_more_and_may_leave_again() -> None:
    hub = Hub(10)
    stays, leaves = Carrier(hub), Carrier(hub)
    hub.leave("jo", leaves)
    hub.leave("jo", leaves)
    hub.leave("nobody", leaves)
    hub.offer("jo", record(1))
    assert (stays.offered, leaves.offered) == ([1], [])
    assert list(hub) == [stays]


def test_ephemeral_record_spares_the_tab_that_caused_it() -> None:
    hub = Hub(10)
    typist, other, nameless = Carrier(hub, tab="a"), Carrier(hub, tab="b"), Carrier(hub)
    hub.offer("jo", EPHEMERAL, except_tab="a")
    assert (typist.offered, other.offered, nameless.offered) == ([], [0], [0])
    assert tail_of(hub) == []


def test_stream_that_ends_on_an_offer_takes_nothing_from_the_others() -> None:
    hub = Hub(10)
    first, second = Carrier(hub), Carrier(hub)
    first.on_offer = lambda: first.close("rotated")
    hub.offer("jo", record(1))
    hub.offer("jo", record(2))
    assert (first.offered, second.offered) == ([1], [1, 2])


def test_stream_that_opens_on_an_offer_finds_it_in_the_tail() -> None:
    hub = Hub(10)
    first = Carrier(hub)
    late: list[Carrier] = []
    first.on_offer = lambda: late.append(Carrier(hub))
    hub.offer("jo", record(1))
    assert late[0].offered == []
    assert tail_of(hub) == [1]


async def test_stream_that_fails_on_an_offer_is_closed_and_takes_nothing_from_the_others() -> None:
    """It may have taken the record and not sent it: going on would be a silent gap."""
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    hub = Hub(10)
    broken, works = Carrier(hub), Carrier(hub)

    def fail() -> None:
        raise RuntimeError("the transport is gone")

    broken.on_offer = fail
    hub.offer("jo", record(1))
    hub.offer("jo", record(2))
    assert works.offered == [1, 2]
    assert broken.closed == "overloaded"
    assert broken.offered == [1]


async def test_stream_that_fails_to_end_as_well_takes_nothing_from_the_others() -> None:
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: complaints.append(context["message"])
    )
    hub = Hub(10)
    broken, works = Carrier(hub), Carrier(hub)

    def fail(*_: object) -> None:
        raise RuntimeError("the log of the process is full")

    broken.on_offer = fail
    broken.close = fail  # type: ignore[method-assign,assignment]  # ending writes a line of the log
    hub.offer("jo", record(1))
    assert works.offered == [1]
    assert complaints == ["a stream failed to take a record", "a stream failed to end"]


def test_offers_are_counted_by_their_type_whoever_is_here() -> None:
    counts: dict[str, int] = {}
    hub = Hub(10, counts)
    Carrier(hub)
    for user_id in ("jo", "jo", "nobody"):
        hub.offer(user_id, record(1))
    hub.offer("jo", Record("", 0, "typing.started", b"x"))
    assert counts == {"thread.new": 3, "typing.started": 1}


# --- tabs, sessions -----------------------------------------------------------------------------


def test_stream_of_the_same_user_and_tab_supersedes_the_older_one() -> None:
    hub = Hub(10)
    old = Carrier(hub, tab="a")
    bystanders = [Carrier(hub, tab="b"), Carrier(hub), Carrier(hub, "max", tab="a")]
    new = Carrier(hub, tab="a")
    assert old.closed == "superseded"
    assert new.closed is None
    assert [each.closed for each in bystanders] == [None] * 3
    assert set(hub) == {new, *bystanders}


def test_streams_without_a_tab_do_not_supersede_each_other() -> None:
    hub = Hub(10)
    streams = [Carrier(hub) for _ in range(3)]
    assert len(hub) == 3
    assert [each.closed for each in streams] == [None] * 3


def test_oldest_of_too_many_streams_of_a_user_is_superseded() -> None:
    hub = Hub(streams_per_user=3)
    streams = [Carrier(hub) for _ in range(3)]
    other = Carrier(hub, "max")
    assert [each.closed for each in streams] == [None] * 3
    streams += [Carrier(hub, tab="a"), Carrier(hub)]
    assert [each.closed for each in streams] == ["superseded", "superseded", None, None, None]
    assert other.closed is None
    hub.offer("jo", record(1))
    assert [each.offered for each in streams] == [[], [], [1], [1], [1]]


def test_tab_that_comes_back_replaces_itself_and_not_the_oldest_too() -> None:
    hub = Hub(streams_per_user=2)
    oldest, tab = Carrier(hub), Carrier(hub, tab="a")
    again = Carrier(hub, tab="a")
    assert (oldest.closed, tab.closed, again.closed) == (None, "superseded", None)


def test_stream_that_left_makes_room_for_another() -> None:
    hub = Hub(streams_per_user=2)
    first, second = Carrier(hub), Carrier(hub)
    second.close("rotated")
    third = Carrier(hub)
    assert (first.closed, third.closed) == (None, None)


def test_superseding_the_only_stream_keeps_the_users_tail() -> None:
    hub = Hub(10)
    Carrier(hub, tab="a")
    hub.offer("jo", record(1))
    Carrier(hub, tab="a")
    hub.offer("jo", record(2))
    assert tail_of(hub) == [1, 2]


def test_closing_by_session_ends_its_streams_only() -> None:
    hub = Hub(10)
    mine, theirs, token = Carrier(hub, session="s"), Carrier(hub, session="t"), Carrier(hub)
    other_user = Carrier(hub, "max", session="s")
    hub.close("jo", "revoked", session="s")
    assert [each.closed for each in (mine, theirs, token, other_user)] == ["revoked", None, None, None]


def test_stream_of_a_session_that_ended_while_it_was_admitted_is_closed_as_it_joins() -> None:
    hub = Hub(10)
    hub.close("jo", "revoked", session="s")
    late, other, token = Carrier(hub, session="s"), Carrier(hub, session="t"), Carrier(hub)
    assert [each.closed for each in (late, other, token)] == ["revoked", None, None]


def test_ended_sessions_are_remembered_in_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "ENDED_SESSIONS", 2)
    hub = Hub(10)
    for session in ("s", "t", "u"):
        hub.close("jo", "revoked", session=session)
    streams = [Carrier(hub, session=session) for session in ("s", "t", "u")]
    assert [each.closed for each in streams] == [None, "revoked", "revoked"]


def test_closing_a_user_ends_all_of_its_streams_and_an_unknown_one_none() -> None:
    hub = Hub(10)
    streams, other = [Carrier(hub), Carrier(hub, session="s")], Carrier(hub, "max")
    hub.close("jo", "reset")
    hub.close("nobody", "reset")
    assert [each.closed for each in streams] == ["reset", "reset"]
    assert list(hub) == [other]


def test_streams_can_be_closed_while_the_hub_is_walked_through() -> None:
    hub = Hub(10)
    for user_id in ("jo", "max", "jo"):
        Carrier(hub, user_id)
    for driver in hub:
        driver.close("draining")
    assert len(hub) == 0


# --- the tail -----------------------------------------------------------------------------------


def test_tail_is_of_one_user_and_of_nobody_who_is_away() -> None:
    hub = Hub(10)
    Carrier(hub)
    for offset in range(5, 9):
        hub.offer("jo", record(offset))
    assert tail_of(hub, after=6) == [7, 8]
    assert hub.tail("max") is None


def test_hub_that_learned_where_a_log_stands_has_a_tail_from_there_on() -> None:
    hub = Hub(10)
    hub.learn("jo", Position("e", 1, 7))
    assert hub.tail("jo") is None  # nobody is here who would need it
    Carrier(hub)
    hub.learn("jo", Position("e", 1, 7))
    tail = hub.tail("jo")
    assert tail is not None
    assert tail.position == Position("e", 8, 7)
    hub.offer("jo", record(8))
    assert (tail_of(hub), tail.position) == ([8], Position("e", 8, 8))


def test_what_was_learned_late_does_not_replace_what_the_tail_knows() -> None:
    hub = Hub(10)
    Carrier(hub)
    hub.offer("jo", record(8))
    hub.learn("jo", Position("e", 1, 7))
    assert tail_of(hub) == [8]


def test_tail_outlives_its_last_stream_and_still_grows() -> None:
    hub = Hub(10)
    first = Carrier(hub)
    hub.offer("jo", record(1))
    first.close("rotated")
    hub.offer("jo", record(2))
    hub.offer("jo", EPHEMERAL)
    Carrier(hub)
    assert tail_of(hub) == [1, 2]


def test_record_that_was_missed_while_nobody_was_here_starts_the_tail_anew() -> None:
    hub = Hub(10)
    Carrier(hub).close("rotated")
    Carrier(hub)
    hub.offer("jo", record(1))
    Carrier(hub)
    hub.offer("jo", record(3))
    assert tail_of(hub) == [3]


def open_to(hub: Hub, user_id: str, number: int, size: int) -> Carrier:
    """A stream whose user has a tail of so many records of so many bytes."""
    carrier = Carrier(hub, user_id)
    for offset in range(1, number + 1):
        hub.offer(user_id, record(offset, size=size))
    return carrier


def test_tails_have_a_budget_and_those_of_users_who_left_first_go_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "TAILS_BYTES", 250)
    hub = Hub(10)
    for user_id in ("a", "b", "c"):
        open_to(hub, user_id, 1, 100).close("rotated")
    for user_id in ("a", "b", "c"):
        Carrier(hub, user_id)
    assert [tail_of(hub, user_id) for user_id in ("a", "b", "c")] == [[], [1], [1]]


def test_so_many_tails_are_kept_of_users_who_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "IDLE_TAILS", 2)
    hub = Hub(10)
    for user_id in ("a", "b", "c"):
        open_to(hub, user_id, 1, 100).close("rotated")
    for user_id in ("a", "b", "c"):
        Carrier(hub, user_id)
    assert [tail_of(hub, user_id) for user_id in ("a", "b", "c")] == [[], [1], [1]]


def test_tails_of_those_who_are_here_shrink_to_their_newest_record_when_nobody_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "TAILS_BYTES", 450)
    hub = Hub(10)
    open_to(hub, "a", 2, 100)
    open_to(hub, "b", 2, 100)
    hub.offer("b", record(3, size=100))
    assert tail_of(hub, "a") == [1, 2]
    assert tail_of(hub, "b") == [3]  # the last step from behind to live still succeeds
    hub.offer("b", record(4, size=100))
    assert tail_of(hub, "b") == [3, 4]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["join", "leave", "offer", "offer", "offer", "forget"]),
        st.sampled_from("abc"),
        st.integers(0, 3),
        st.integers(1, 250),
    ),
    max_size=40,
)


@given(STEPS)
@example(
    [("join", user_id, 0, 1) for user_id in "abc"]
    + [("offer", "c", 0, 10), ("offer", "c", 0, 10), ("offer", "a", 0, 250), ("offer", "b", 0, 250)]
    + [("leave", "c", 0, 1), ("offer", "c", 0, 10)]  # to one who is away while those who are here fill it all
)
def test_what_all_tails_hold_is_counted_exactly_and_is_over_budget_by_their_newest_records_at_most(
    steps: list[tuple[str, str, int, int]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub_module, "TAILS_BYTES", 400)
        patch.setattr("zena_sse.stream.tail.TAIL_RECORDS", 4)
        hub, heads = Hub(10), dict.fromkeys("abc", 0)
        for what, user_id, skipped, size in steps:
            here = [driver for driver in hub if isinstance(driver, Carrier) and driver.user_id == user_id]
            if what == "join":
                Carrier(hub, user_id)
            elif what == "leave" and here:
                here[0].close("rotated")
            elif what == "forget":
                hub.forget(user_id)
            elif what == "offer":
                heads[user_id] += 1 + skipped // 3
                hub.offer(user_id, record(heads[user_id], size=size))
            if here and skipped == 2:
                hub.learn(user_id, Position("e", 1, heads[user_id]))
            tails = [user.tail for user in hub._active.values() if user.tail is not None]
            tails += hub._idle.values()
            assert hub._tails_size == sum(len(each.frame) for tail in tails for each in tail.after(0))
            newest = sum(len(tail._records[-1].frame) for tail in tails if tail._records)
            assert hub._tails_size <= max(400, newest + 400)


def test_forgotten_user_has_no_tail_whether_here_or_gone() -> None:
    hub = Hub(10)
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
