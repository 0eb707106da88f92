"""How hard a page works: what Chromium counts of its main thread and its memory."""

from __future__ import annotations

import contextlib
import os
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import CDPSession, Page

# What a page's own doing costs: its scripts, and what they make the browser lay out.
WORK = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")

# How nice to others; -20 is the least that Linux has.
GOES_FIRST = -15

# A person feels a task that is longer; browsers call it a long one and tell of it.
LONG_MS = 50.0
OBSERVE = """
    window.longTasks = [];
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) longTasks.push([startTime, duration]);
    }).observe({ type: "longtask" });
"""


class Look(NamedTuple):
    """Until when, since the page began; and until then, all in milliseconds.

    What its own doing has cost, for how long its main thread had a processor, and for how long it wanted one.
    """

    at: float
    worked: float
    busy: float
    waited: float


class Workload:
    """An eye on the one page of a browser; begins when it is made.

    What else the test machine has to do is not the page's fault. So the page goes first where that can be had
    (it takes root), its work is counted in the processor's time, and a task is not longer than it would have
    been with a processor of its own.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        thread = _renderer(page)
        self._schedule = Path(f"/proc/{thread}/schedstat")
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, thread, GOES_FIRST)
        page.evaluate(OBSERVE)

    def look(self) -> Look:
        """How much it has done by now."""
        found = self._metrics()
        at, worked = found["Timestamp"] - found["NavigationStart"], sum(found[name] for name in WORK)
        return Look(1000 * at, 1000 * worked, 1000 * found["TaskDuration"], self._waited())

    def long_tasks(self, looks: list[Look]) -> list[str]:
        """Those that ended between two of these looks."""
        found = []
        for start, duration in self._page.evaluate("longTasks"):
            for before, after in pairwise(looks):
                if before.at < start + duration <= after.at:
                    alone = min(duration - (after.waited - before.waited), after.busy - before.busy)
                    found += [f"{alone:.0f} ms, at {start:.0f}"] if alone > LONG_MS else []
        return found

    def kept(self) -> dict[str, float]:
        """What is left once all garbage is gone: bytes of heap, and nodes, whether they are shown or not."""
        self._session.send("HeapProfiler.collectGarbage")
        found = self._metrics()
        return {name: found[name] for name in ("JSHeapUsedSize", "Nodes")}

    def _metrics(self) -> dict[str, float]:
        answer = self._session.send("Performance.getMetrics")
        return {metric["name"]: metric["value"] for metric in answer["metrics"]}

    def _waited(self) -> float:
        """How long its main thread could have run and did not get to; the second figure, in nanoseconds."""
        return int(self._schedule.read_text().split()[1]) / 1_000_000


def _renderer(page: Page) -> int:
    """The process that the page runs in, and its main thread: of its kind the one that has worked most."""
    browser = page.context.browser
    assert browser
    answer = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    renderers = [process for process in answer["processInfo"] if process["type"] == "renderer"]
    process_id: int = max(renderers, key=lambda process: process["cpuTime"])["id"]
    return process_id
