"""The pulse: everything that beats is called when it is due, from one timer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping

import pytest

from tests.databases import until
from zena_sse.stream.pulse import Pulse

RESOLUTION = 0.25


class Watch:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Heart:
    """Writes down when it was called, and asks for what it was told to ask for."""

    def __init__(self, every: float | None = None) -> None:
        self.slot = -1
        self.every = every
        self.beats: list[float] = []

    def beat(self, now: float) -> float | None:
        self.beats.append(now)
        return None if self.every is None else now + self.every


class Turning:
    """A pulse whose timer the test turns."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.pulse = Pulse(self.watch, RESOLUTION)

    def pass_time(self, seconds: float, steps: int = 1) -> None:
        for _ in range(steps):
            self.watch.now += seconds / steps
            self.pulse.stop()
            self.pulse._tick()


@pytest.fixture
async def turning() -> Turning:
    turning = Turning()
    turning.pulse.start()
    return turning


@pytest.fixture(autouse=True)
async def stopped(turning: Turning) -> AsyncIterator[None]:
    """No timer outlives its test."""
    yield
    turning.pulse.stop()


async def test_nothing_is_called_before_it_is_due_or_later_than_two_resolutions(turning: Turning) -> None:
    chance = random.Random(7)  # noqa: S311  # any spread will do
    start = turning.watch.now
    due = {Heart(): start + chance.uniform(0, 30) for _ in range(300)}
    for heart, moment in due.items():
        turning.pulse.add(heart, moment)
    turning.pass_time(32, steps=32 * 16)
    for heart, moment in due.items():
        [beat] = heart.beats
        assert moment <= beat <= moment + 2 * RESOLUTION + 1e-6


async def test_who_says_when_is_called_again_then(turning: Turning) -> None:
    heart = Heart(every=15.0)
    turning.pulse.add(heart, turning.watch.now + 15.0)
    turning.pass_time(100, steps=400)
    gaps = [later - sooner for sooner, later in zip(heart.beats, heart.beats[1:], strict=False)]
    assert len(heart.beats) == 6
    assert all(15.0 <= gap <= 15.0 + 2 * RESOLUTION for gap in gaps)


async def test_who_says_never_is_called_no_more(turning: Turning) -> None:
    heart = Heart()
    turning.pulse.add(heart, turning.watch.now + 1)
    turning.pass_time(10, steps=40)
    assert len(heart.beats) == 1


async def test_what_was_removed_is_not_called_and_may_be_removed_again(turning: Turning) -> None:
    gone, stays = Heart(), Heart()
    for heart in (gone, stays):
        turning.pulse.add(heart, turning.watch.now + 1)
    turning.pulse.remove(gone)
    turning.pulse.remove(gone)
    turning.pulse.remove(Heart())
    turning.pass_time(5)
    assert (len(gone.beats), len(stays.beats)) == (0, 1)


async def test_what_is_due_in_the_past_is_called_at_the_next_turn(turning: Turning) -> None:
    heart = Heart()
    turning.pulse.add(heart, turning.watch.now - 50)
    turning.pass_time(2 * RESOLUTION)
    assert len(heart.beats) == 1


async def test_after_a_long_sleep_everything_that_was_due_is_called_once(turning: Turning) -> None:
    hearts = [Heart(every=15.0) for _ in range(5)]
    for number, heart in enumerate(hearts):
        turning.pulse.add(heart, turning.watch.now + number * 100)
    turning.pass_time(3 * 3600.0)
    assert [len(heart.beats) for heart in hearts] == [1] * 5
    turning.pass_time(15.5, steps=62)
    assert [len(heart.beats) for heart in hearts] == [2] * 5


async def test_beat_that_raises_stops_nobody_elses_heart(turning: Turning) -> None:
    complaints: list[Mapping[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))

    class Failing(Heart):
        def beat(self, now: float) -> float | None:
            super().beat(now)
            raise RuntimeError("arrhythmia")

    hearts = [Heart(1.0), Failing(), Heart(1.0), Failing(), Heart(1.0)]
    for heart in hearts:
        turning.pulse.add(heart, turning.watch.now + 1)
    turning.pass_time(4, steps=16)
    assert [len(heart.beats) > 1 for heart in hearts] == [True, False, True, False, True]
    assert len(complaints) == 2


async def test_one_that_ends_others_from_its_beat_does_not_disturb_the_round(turning: Turning) -> None:
    others = [Heart(1.0) for _ in range(20)]

    class Ending(Heart):
        def beat(self, now: float) -> float | None:
            for other in others:
                turning.pulse.remove(other)
            return super().beat(now)

    ending = Ending()
    for heart in (*others, ending):
        turning.pulse.add(heart, turning.watch.now + 1)
    turning.pass_time(1.5, steps=6)
    assert len(ending.beats) == 1


async def test_stopped_pulse_calls_nobody_and_may_be_stopped_again(turning: Turning) -> None:
    heart = Heart(1.0)
    turning.pulse.add(heart, turning.watch.now + 1)
    turning.pulse.stop()
    turning.pulse.stop()
    turning.watch.now += 10
    assert turning.pulse._timer is None
    assert heart.beats == []


async def test_real_timer_calls_on_its_own() -> None:
    loop = asyncio.get_running_loop()
    pulse = Pulse(loop.time, 0.01)
    heart = Heart(every=0.01)
    pulse.start()
    try:
        pulse.add(heart, loop.time() + 0.01)
        await until(lambda: len(heart.beats) >= 3)
    finally:
        pulse.stop()
    assert heart.beats == sorted(heart.beats)
