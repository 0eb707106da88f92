"""How long a stream lives, on either carrier: its lifetime, its credential, its reader."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from tests.databases import until
from tests.unit.serving.stages import (
    ANNA,
    HEAD,
    WIRES,
    PlainWire,
    Stage,
    TakenWire,
    Wire,
    durable,
    ephemeral,
    settled,
)
from zena_sse.serving.stream import BLOCKED_SECONDS, LOOK_SECONDS


@pytest.fixture(params=list(WIRES))
def kind(request: pytest.FixtureRequest) -> str:
    """What carries the streams."""
    name: str = request.param
    return name


@pytest.fixture
async def wires() -> AsyncIterator[list[Wire]]:
    """The wires of a test; their clients leave in the end."""
    opened: list[Wire] = []
    yield opened
    for wire in opened:
        if isinstance(wire, PlainWire) and wire.task is not None:
            wire.make_room()
            wire.gone.set()
            await until(wire.task.done)


class Opener:
    """Opens wires of one kind."""

    def __init__(self, kind: str, wires: list[Wire]) -> None:
        self._kind = kind
        self._wires = wires

    async def __call__(self, stage: Stage, **admission: Any) -> Wire:
        """A wire whose stream is live, unless its log is not read or it has ended."""
        wire = WIRES[self._kind](stage, stage.admission(**admission))
        self._wires.append(wire)
        await wire.open()
        if wire.stream.closed is None and stage.log.gate.is_set():
            await wire.ready()
        return wire


@pytest.fixture
def open_wire(kind: str, wires: list[Wire]) -> Opener:
    """Opens wires of each kind in turn."""
    return Opener(kind, wires)


def reason(wire: Wire) -> str:
    """Why it was closed, by its last words."""
    said: str = msgspec.json.decode(wire.received[-1].data)["payload"]["reason"]
    return said


def is_open(wire: Wire) -> bool:
    """Whether it has neither ended nor been cut."""
    return wire.stream.closed is None and not wire.is_cut


def is_gone(stage: Stage) -> bool:
    """Whether nothing of any stream is left."""
    slots = sum(map(len, stage.shared.pulse._slots.values()))
    return (len(stage.hub), stage.room._open, slots) == (0, 0, 0)


# --- lifetimes ----------------------------------------------------------------------------------


async def test_stream_ends_when_the_lifetime_that_was_drawn_for_it_is_over(open_wire: Opener) -> None:
    stage = Stage(lifetimes=[50.0, 80.0])
    first, second = await open_wire(stage), await open_wire(stage)
    await stage.pass_time(49.5)
    assert [wire.stream.closed for wire in (first, second)] == [None, None]
    await stage.pass_time(1.0)
    assert [wire.stream.closed for wire in (first, second)] == ["rotated", None]
    assert reason(first) == "rotated"
    await stage.pass_time(29.0)
    assert [wire.stream.closed for wire in (first, second)] == ["rotated", None]
    await stage.pass_time(1.0)
    assert reason(second) == "rotated"
    assert is_gone(stage)


@pytest.mark.parametrize(
    ("lifetime", "expires", "expected"), [(60.0, 30.0, "expired"), (30.0, 60.0, "rotated")]
)
async def test_whichever_comes_first_ends_it_the_lifetime_or_the_credential(
    open_wire: Opener, lifetime: float, expires: float, expected: str
) -> None:
    stage = Stage(lifetimes=[lifetime])
    wire = await open_wire(stage, expires=expires)
    await stage.pass_time(29.0)
    assert is_open(wire)
    await stage.pass_time(2.0)
    assert reason(wire) == wire.stream.closed == expected
    assert is_gone(stage)


async def test_stream_is_pinged_when_it_was_silent_and_not_when_it_was_not(open_wire: Opener) -> None:
    stage = Stage()
    wire = await open_wire(stage)
    for offset in range(1, 6):
        await stage.pass_time(10.0)
        stage.offer(durable(offset))
        await settled()
    assert wire.texts == ["1", "2", "3", "4", "5"]
    await stage.pass_time(16.0)
    assert wire.texts[5:] == ["stream.ping"]


# --- before it is ready -------------------------------------------------------------------------


async def test_nothing_is_said_before_ready_however_long_the_log_takes(open_wire: Opener) -> None:
    stage = Stage()
    stage.log.gate.clear()
    wire = await open_wire(stage)
    await stage.pass_time(40.0)
    stage.offer(durable(1), ephemeral("typing"))
    await settled()
    assert wire.sent == b""
    stage.log.gate.set()
    await until(lambda: not wire.stream.subscription.behind)
    await settled()
    assert wire.texts == ["stream.ready"]  # what was written before the log was read is behind its cursor
    stage.offer(durable(2))
    await settled()
    assert wire.texts == ["stream.ready", "2"]


async def test_stream_that_ends_before_its_log_was_read_says_only_that(open_wire: Opener) -> None:
    stage = Stage(lifetimes=[10.0])
    stage.log.gate.clear()
    wire = await open_wire(stage, cursor="e-0")
    await stage.pass_time(11.0)
    stage.log.gate.set()
    await settled()
    assert wire.texts == ["stream.closing"]
    assert wire.sent.startswith(HEAD) == isinstance(wire, TakenWire)
    assert is_gone(stage)


async def test_stream_of_a_session_that_ended_meanwhile_says_only_that(open_wire: Opener) -> None:
    stage = Stage()
    stage.hub.close(ANNA, "revoked", session="s")
    wire = await open_wire(stage, session="s")
    assert (wire.texts, reason(wire)) == (["stream.closing"], "revoked")
    assert wire.sent.startswith(HEAD) == isinstance(wire, TakenWire)
    assert is_gone(stage)


# --- readers who do not read --------------------------------------------------------------------


async def test_blocked_stream_is_cut_after_its_time_and_nothing_of_it_stays(open_wire: Opener) -> None:
    stage = Stage()
    blocked, other = await open_wire(stage), await open_wire(stage)
    await stage.pass_time(7.0)
    blocked.fill()
    before = blocked.sent
    await stage.pass_time(BLOCKED_SECONDS - 1.0)
    assert is_open(blocked)
    await stage.pass_time(LOOK_SECONDS + 2.0)
    assert (blocked.stream.closed, blocked.is_cut) == ("blocked", True)
    assert blocked.sent == before  # there is nobody to say it to
    assert list(stage.hub) == [other.stream]
    assert stage.room._open == 1
    assert stage.shared.metrics.streams_closed.counts == {"blocked": 1}
    stage.offer(durable(1))
    await settled()
    assert other.texts[-1] == "1"


async def test_stream_that_is_blocked_again_and_again_but_moves_in_between_is_not_cut(
    open_wire: Opener,
) -> None:
    stage = Stage()
    wire = await open_wire(stage)
    for _ in range(6):
        wire.fill()
        await stage.pass_time(BLOCKED_SECONDS - 5.0)
        wire.make_room()
        await settled()
    assert is_open(wire)


@pytest.mark.parametrize("kind", ["taken"])  # an ASGI server says nothing before all is taken
async def test_blocked_stream_that_moves_slowly_is_not_cut_until_it_stops(open_wire: Opener) -> None:
    stage = Stage()
    wire = await open_wire(stage)
    wire.fill()
    for _ in range(12):
        await stage.pass_time(BLOCKED_SECONDS / 2)
        wire.take(1)
    await stage.pass_time(BLOCKED_SECONDS - 1.0)
    assert is_open(wire)
    await stage.pass_time(2 * LOOK_SECONDS + 2.0)
    assert (wire.stream.closed, wire.is_cut) == ("blocked", True)


@pytest.mark.parametrize("kind", ["plain"])  # a taken one writes at once, or is behind
async def test_of_a_kind_the_newest_waits_for_a_socket_that_is_full(open_wire: Opener) -> None:
    stage = Stage(heartbeat=3.0)
    wire = await open_wire(stage)
    wire.fill()
    await settled()
    for number in range(1, 4):
        stage.offer(durable(number), ephemeral(f"progress {number}", "sync.progress:s"))
        stage.offer(ephemeral(f"typing {number}", "typing:t1"), ephemeral(f"said {number}"))
        await stage.pass_time(4.0)
    wire.make_room()
    await settled()
    assert wire.texts == [
        *("stuck", "1", "said 1", "2", "said 2"),
        *("3", "progress 3", "typing 3", "said 3", "stream.ping"),
    ]


async def test_ephemeral_events_of_a_full_turn_do_not_make_a_stream_fall_behind(open_wire: Opener) -> None:
    """A mailbox of 100,000 mails says so 100,000 times; what is held of it is one event."""
    stage = Stage()
    wire = await open_wire(stage)
    for number in range(5_000):
        stage.offer(ephemeral(f"progress {number} {'x' * 200}", "sync.progress:s"))
    assert not wire.stream.subscription.behind
    await settled()
    assert len(wire.texts) <= 2
    assert wire.texts[-1].startswith("progress 4999")
