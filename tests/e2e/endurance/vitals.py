"""How a server is, seen from outside: its memory, what it holds open, what it says of itself."""

from __future__ import annotations

import asyncio
import logging
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.programs import PATIENCE_SECONDS, Serving, request

on_linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="/proc is missing; to get it: run this test on Linux"
)


# What was measured, for whoever runs pytest with `--log-cli-level=INFO`.
log = logging.getLogger("zena.endurance")


class Holdings(NamedTuple):
    """What a server has and must give back."""

    descriptors: int
    threads: int
    streams: int


def _status(server: Serving, name: str) -> int:
    assert server.process is not None
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise AssertionError(f"/proc has no {name}")


def resident_kib(server: Serving) -> int:
    """The memory that it has, in KiB."""
    return _status(server, "VmRSS")


def descriptors(server: Serving) -> int:
    """How many files and sockets it has open."""
    assert server.process is not None
    return sum(1 for _ in Path(f"/proc/{server.process.pid}/fd").iterdir())


def threads(server: Serving) -> int:
    """How many threads it has."""
    return _status(server, "Threads")


def metric(server: Serving, name: str) -> float:
    """One of its own figures."""
    text = request("GET", f"{server.url}/metrics", {}).raise_for_status().text
    for line in text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    raise AssertionError(f"/metrics has no {name}")


def holdings(server: Serving) -> Holdings:
    """What it has now. The figure comes first: asking for it costs a connection."""
    streams = int(metric(server, "zena_streams"))
    return Holdings(descriptors(server), threads(server), streams)


async def comes_to(look: Callable[[], object], wanted: object, seconds: float = PATIENCE_SECONDS) -> float:
    """Wait until looking gives this; how many seconds it took. Clients go on reading meanwhile."""
    began = time.monotonic()
    while (seen := await asyncio.to_thread(look)) != wanted:
        if time.monotonic() - began > seconds:
            raise AssertionError(f"after {seconds:.0f} s there is {seen} instead of {wanted}")
        await asyncio.sleep(0.05)
    return time.monotonic() - began


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """How much the second grows for each unit of the first: the median of all pairs' (Theil and Sen).

    A single jump, or a first and a last sample that happen to differ, do not count; a trend does.
    """
    thinned = samples[:: len(samples) // 400 + 1]
    return statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(thinned, 2))
