"""The one event that every server of the benchmarks sends: the product's envelope, 200 bytes of JSON."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from zena_sse.contract.events import ThreadNew, encode_event

# The moment of publishing, CLOCK_MONOTONIC in ns, is written over these; the load generator reads it there.
DIGITS = "0" * 19
BYTES = 200

_AT = "2026-11-20T09:00:00.120Z"


def sample_event(digits: str = DIGITS) -> ThreadNew:
    """An event whose text begins with the marker, padded so that its JSON has 200 bytes."""
    bare = ThreadNew(
        thread_id="t1",
        account_id="a1",
        subject=f"t={digits} ",
        sender="a@example.com",
        last_message_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
    )
    missing = BYTES - len(encode_event(bare, _AT)) + len(digits) - len(DIGITS)
    return msgspec.structs.replace(bare, subject=bare.subject + "x" * missing)


def sample_json() -> bytes:
    """What stands in its `data:`."""
    return encode_event(sample_event(), _AT)


def publication(count: int = 0) -> bytes:
    """What publishes it over HTTP, once or as a list; `%t` is where the generator puts the moment."""
    event = sample_event("%t")
    one = {"type": event.type, "payload": event}
    return msgspec.json.encode([one] * count if count else one)
