"""Room for streams: so many in all, so many from one address."""

from __future__ import annotations

from zena_sse.serving.room import Room


def test_there_is_room_for_so_many_in_all_wherever_they_come_from() -> None:
    room = Room(3, 2)
    for address in ("a", "b", None):
        assert room.has_place(address)
        room.take(address)
    assert not any(room.has_place(address) for address in ("a", "c", None))
    room.give_back(None)
    assert room.has_place("c")


def test_one_address_takes_no_more_than_its_share() -> None:
    room = Room(100, 2)
    for _ in range(2):
        room.take("a")
    assert not room.has_place("a")
    assert room.has_place("b")
    room.give_back("a")
    assert room.has_place("a")


def test_streams_without_an_address_have_no_share() -> None:
    room = Room(100, 1)
    for _ in range(50):
        assert room.has_place(None)
        room.take(None)


def test_address_of_which_nobody_is_left_is_forgotten() -> None:
    room = Room(100, 10)
    for number in range(30):
        room.take(f"a{number}")
        room.take(f"a{number}")
    for number in range(30):
        room.give_back(f"a{number}")
        room.give_back(f"a{number}")
    assert (room._open, room._by_address) == (0, {})
