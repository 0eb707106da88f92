"""What becomes of a bug in one stream: it is reported, and costs no other stream anything."""

from __future__ import annotations

import asyncio
from typing import Protocol

from zena_sse.contract.events import ClosingReason


class Ending(Protocol):
    """A stream that can be ended."""

    def close(self, reason: ClosingReason) -> None:
        """Say `stream.closing` and end."""


def report(message: str, error: Exception) -> None:
    """Tell whoever handles the loop's exceptions: the log."""
    context = {"message": message, "exception": error}
    asyncio.get_running_loop().call_exception_handler(context)


def end_failed(stream: Ending, message: str, error: Exception) -> None:
    """Report, and end a stream that may have missed something: going on would be a silent gap."""
    report(message, error)
    try:
        stream.close("overloaded")
    except Exception as failed:
        report("a stream failed to end", failed)
