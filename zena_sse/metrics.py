"""What is counted for Prometheus. Made once by the app, and passed to whoever counts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """Every figure of `/metrics`, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.streams = Gauge("zena_streams", "Streams that are open now", registry=r)
        self.streams_opened = Counter("zena_streams_opened", "Streams opened", ["mode"], registry=r)
        self.streams_closed = Counter("zena_streams_closed", "Streams ended", ["reason"], registry=r)
        self.streams_refused = Counter("zena_streams_refused", "Streams not admitted", ["code"], registry=r)
        self.events = Counter("zena_events_published", "Events offered to the hub", ["type"], registry=r)
        self.commands = Counter("zena_commands", "Commands run", ["type", "outcome"], registry=r)
        self.units = Counter("zena_units", "Units of work handed back by the writer", registry=r)
        self.group = Histogram(
            "zena_commit_units",
            "Units of work that shared a commit",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
            registry=r,
        )
        self.waiting = Gauge("zena_units_waiting", "Units of work that wait for the writer", registry=r)
        self.syncs = Counter("zena_syncs", "Syncs completed", ["provider", "outcome"], registry=r)
        self.messages = Counter("zena_messages", "Messages read from mailboxes", ["outcome"], registry=r)
