"""A program that serves as `zena-sse serve` does, but answers slowly: numbers, one after the other."""

from __future__ import annotations

import asyncio
import os

import uvloop

from zena_sse.app import create_app
from zena_sse.ask.answering import Answer, Conclusion, Inquiry
from zena_sse.serve import serve_app
from zena_sse.settings import read_settings

NUMBERS = 1_000
PAUSE_SECONDS = 0.02


class Slow:
    """Answers every question the same."""

    async def answer(self, _inquiry: Inquiry) -> Answer:
        """See `Answerer`."""
        for number in range(NUMBERS):
            yield f"{number} 🏡 "
            await asyncio.sleep(PAUSE_SECONDS)
        yield Conclusion(found=True)


if __name__ == "__main__":
    settings = read_settings(os.environ)
    uvloop.run(serve_app(create_app(settings, answerer=Slow()), settings))
