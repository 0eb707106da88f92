"""Rates: a burst, then one each so often; as a bucket that fills steadily would have it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zena_sse.security import limits
from zena_sse.security.limits import Rate


class Watch:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Bucket:
    """The model: it holds `times` drops when it is full, and fills in `seconds`."""

    def __init__(self, times: float, seconds: float) -> None:
        self.level, self.times, self.seconds = times, times, seconds

    def fill(self, seconds: float) -> None:
        self.level = min(self.times, self.level + seconds * self.times / self.seconds)

    def take(self) -> float:
        """How long until there is a drop; now, one is taken."""
        wait = max(0.0, (1 - self.level) * self.seconds / self.times)
        if not wait:
            self.level -= 1
        return wait


# Powers of two, so that the model counts without rounding.
TIMES = st.sampled_from([1.0, 2.0, 4.0, 16.0])
SECONDS = st.sampled_from([1.0, 2.0, 8.0, 64.0])
STEPS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from([0, 0, 0, 1, 3, 16, 1_000]),  # sixteenths of a second that pass first
    ),
    max_size=60,
)


@given(TIMES, SECONDS, STEPS)
def test_rate_is_a_bucket_for_each_key(times: float, seconds: float, steps: list[tuple[str, int]]) -> None:
    watch = Watch()
    rate, buckets = Rate(times, seconds, watch), {key: Bucket(times, seconds) for key in "ab"}
    for key, sixteenths in steps:
        watch.now += sixteenths / 16
        for bucket in buckets.values():
            bucket.fill(sixteenths / 16)
        assert rate.take(key) == buckets[key].take()


@pytest.mark.parametrize(("times", "seconds"), [(600.0, 60.0), (60.0, 60.0), (10_000.0, 2.0), (7.0, 60.0)])
def test_burst_is_whole_and_ends_there(times: float, seconds: float) -> None:
    watch = Watch()
    watch.now = 12_345.678
    rate = Rate(times, seconds, watch)
    assert [rate.take("a") for _ in range(int(times))] == [0.0] * int(times)
    wait = rate.take("a")
    assert wait == pytest.approx(seconds / times, abs=1e-5)
    assert rate.take("b") == 0.0
    watch.now += wait
    assert rate.take("a") == 0.0
    assert rate.take("a") > 0


def test_who_is_refused_does_not_wait_the_longer_for_it() -> None:
    watch = Watch()
    rate = Rate(1, 60, watch)
    rate.take("a")
    assert [rate.take("a") for _ in range(5)] == [60.0] * 5
    watch.now += 60
    assert rate.take("a") == 0.0


def test_those_whose_share_has_grown_back_are_forgotten_and_the_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 10)
    watch = Watch()
    rate = Rate(2, 60, watch)
    for number in range(10):
        rate.take(f"early {number}")
    watch.now += 29
    assert (rate.take("hammers"), rate.take("hammers")) == (0.0, 0.0)
    assert len(rate._whole_at) <= 11
    watch.now += 2
    for number in range(8):
        rate.take(f"late {number}")
    assert rate.take("hammers") > 0
    for number in range(1_000):
        watch.now += 1
        rate.take(f"one after the other {number}")
        assert len(rate._whole_at) <= 2 * 60 + 1
