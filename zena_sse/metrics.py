"""What is counted for Prometheus. Made once by the app, and passed to whoever counts."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterable

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


class Tally(Collector):
    """A counter with one label, for one thread: a lock and a look-up cost more than offering an event."""

    def __init__(self, name: str, documentation: str, label: str, registry: CollectorRegistry) -> None:
        self._name = name
        self._documentation = documentation
        self.label = label
        self.counts: Counts[str] = Counts()
        registry.register(self)

    def count(self, value: str) -> None:
        """One more."""
        self.counts[value] += 1

    def collect(self) -> Iterable[prometheus_client.Metric]:
        """What was counted."""
        family = CounterMetricFamily(self._name, self._documentation, labels=[self.label])
        for value, count in sorted(self.counts.items()):
            family.add_metric([value], count)
        return [family]


class Metrics:
    """Every figure of `/metrics`, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.streams = Gauge("zena_streams", "Streams that are open now", registry=r)
        self.streams_opened = Tally("zena_streams_opened", "Streams opened", "mode", r)
        self.streams_closed = Tally("zena_streams_closed", "Streams ended", "reason", r)
        self.streams_refused = Tally("zena_streams_refused", "Streams not admitted", "code", r)
        self.events = Tally("zena_events_published", "Events offered to the hub", "type", r)
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
        self.opinions = Counter("zena_opinions", "Opinions a model was asked for", ["outcome"], registry=r)
        self.breaker = Gauge("zena_opinion_breaker", "Model: 0 asked, 1 tried, 2 left alone", registry=r)
        self.messages = Counter("zena_messages", "Messages read from mailboxes", ["outcome"], registry=r)
        self.asks = Counter("zena_asks", "Answers ended", ["outcome"], registry=r)
        self.asks_running = Gauge("zena_asks_running", "Answers that are being made now", registry=r)
        self.first_chunk = Histogram(
            "zena_ask_first_chunk_seconds",
            "From a question to the first words of its answer, durable",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=r,
        )
        self.answers_by_model = Counter(
            "zena_ask_model_answers", "Answers that a model was to give", ["outcome"], registry=r
        )
        self.answer_tokens = Counter(
            "zena_ask_model_tokens",
            "Tokens that answers took, if told",
            ["direction"],
            registry=r,
        )
        self.model_first_chunk = Histogram(
            "zena_ask_model_first_chunk_seconds",
            "From the question to the first words of a model",
            buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32),
            registry=r,
        )
