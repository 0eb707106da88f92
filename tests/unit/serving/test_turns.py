"""What a taken stream writes within one turn of the loop: the first frame at once, the rest together."""

from __future__ import annotations

import asyncio

from tests.unit.serving.stages import Stage, TakenWire, durable, ephemeral
from zena_sse.serving.stream import HIGH_WATER


async def live_stream() -> tuple[Stage, TakenWire]:
    """A stream that has caught up, at the beginning of a turn."""
    stage = Stage()
    wire = TakenWire(stage, stage.admission())
    await wire.open()
    await wire.ready()
    return stage, wire


async def test_first_frame_of_a_turn_leaves_at_once_and_the_rest_together_at_its_end() -> None:
    stage, wire = await live_stream()
    first, second, third = (durable(offset).frame for offset in (1, 2, 3))
    stage.offer(durable(1))
    assert wire.writes == [first]
    stage.offer(durable(2), durable(3))
    assert wire.writes == [first]
    await asyncio.sleep(0)
    assert wire.writes == [first, second + third]


async def test_next_turn_begins_anew() -> None:
    stage, wire = await live_stream()
    stage.offer(durable(1))
    await asyncio.sleep(0)
    stage.offer(durable(2))
    assert wire.writes == [durable(1).frame, durable(2).frame]


async def test_turns_of_streams_are_the_same_turn() -> None:
    stage, first = await live_stream()
    second = TakenWire(stage, stage.admission())
    await second.open()
    await second.ready()
    stage.offer(durable(1), durable(2))
    assert [len(wire.writes) for wire in (first, second)] == [1, 1]
    await asyncio.sleep(0)
    assert [wire.writes for wire in (first, second)] == [[durable(1).frame, durable(2).frame]] * 2


async def test_turn_that_grows_too_large_is_written_before_its_end_and_nothing_is_lost() -> None:
    stage, wire = await live_stream()
    records = [durable(offset, HIGH_WATER // 4) for offset in range(1, 12)]
    stage.offer(*records)
    assert len(wire.writes) > 1
    await asyncio.sleep(0)
    assert b"".join(wire.writes) == b"".join(record.frame for record in records)


async def test_of_a_kind_the_newest_leaves_at_the_end_of_a_turn() -> None:
    stage, wire = await live_stream()
    progress = [ephemeral(f"progress {number}", "sync.progress:s") for number in range(4)]
    stage.offer(progress[0], progress[1], durable(1), progress[2], ephemeral("else"), progress[3])
    assert wire.texts == ["progress 0"]  # it left at once, nothing waited
    await asyncio.sleep(0)
    assert wire.texts == ["progress 0", "1", "else", "progress 3"]


async def test_closing_comes_behind_what_the_turn_has_gathered() -> None:
    stage, wire = await live_stream()
    stage.offer(durable(1), durable(2))
    wire.stream.close("draining")
    assert wire.texts == ["1", "2", "stream.closing"]
    assert wire.closed
    await asyncio.sleep(0)
    assert wire.texts == ["1", "2", "stream.closing"]
