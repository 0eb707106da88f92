"""Frames that wait: all of them in their order, but of a kind only the newest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zena_sse.serving.held import Held


def test_the_newest_of_a_kind_takes_its_own_place_not_the_olders() -> None:
    held = Held()
    for frame, kind in ((b"p1", "p"), (b"a", ""), (b"q1", "q"), (b"p2", "p"), (b"b", ""), (b"p3", "p")):
        held.add(frame, kind)
    assert held.take() == b"aq1bp3"


def test_what_was_taken_does_not_replace_what_comes_later() -> None:
    held = Held()
    held.add(b"p1", "p")
    assert held.take() == b"p1"
    held.add(b"a", "")
    held.add(b"p2", "p")
    assert held.take() == b"ap2"
    assert held.take() == b""


@given(st.lists(st.tuples(st.binary(max_size=6), st.sampled_from(["", "", "p", "q"])) | st.none()))
def test_nothing_is_lost_but_what_is_replaced_and_the_size_is_true(
    added: list[tuple[bytes, str] | None],
) -> None:
    """None stands for taking everything; the model keeps a list and looks through it."""
    held, model = Held(), list[tuple[bytes, str]]()
    for each in added:
        if each is None:
            assert held.take() == b"".join(frame for frame, _ in model)
            model = []
        else:
            model = [other for other in model if not each[1] or other[1] != each[1]]
            model.append(each)
            held.add(*each)
        assert held.size == sum(len(frame) for frame, _ in model)
    assert held.take() == b"".join(frame for frame, _ in model)
