"""Numbers for Prometheus, at /metrics: no phone number, no secret and no text ever is a label."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response

from gateway.providers import Outcome

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)  # 2 s is the promise, at 5 s comes the busy screen
LISTS = (1, 2, 4, 8, 16, 32, 64, 128)


disable_created_metrics()  # type: ignore[no-untyped-call]  # a second line for each, which nobody reads


class Metrics:
    """What one gateway process counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._callbacks = Counter(
            "ngazi_callbacks",
            "What providers called about, and what came of it.",
            ["channel", "kind", "outcome"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "ngazi_callback_seconds",
            "From the first byte of a callback to the last of its answer.",
            ["route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._lists = Histogram(
            "ngazi_desk_list",
            "How many inbounds shared one transaction.",
            buckets=LISTS,
            registry=self.registry,
        )
        self._messages = Counter(
            "ngazi_messages",
            "Messages handed to providers, by what they said of them.",
            ["channel", "status"],
            registry=self.registry,
        )
        self._texts = Counter(
            "ngazi_free_texts",
            "Free texts for Rasa: understood, unsure, failed (no answer), or spared (it fails or is busy).",
            ["outcome"],
            registry=self.registry,
        )
        self._waiting = Gauge("ngazi_desk_waiting", "Inbounds that wait for the desk.", registry=self.registry)
        self._counters: dict[tuple[str, str, str], Counter] = {}
        self._timers: dict[str, Histogram] = {}

    def settled(self, channel: str, outcomes: Sequence[Outcome]) -> None:
        """Messages were handed over, and this is what became of them."""
        for each in outcomes:
            self._messages.labels(channel, each.status).inc()

    def understood(self, outcome: str) -> None:
        """One free text went to Rasa, or was spared it."""
        self._texts.labels(outcome).inc()

    def called(self, channel: str, kind: str, outcome: str, route: str, seconds: float) -> None:
        """One callback was answered. `route` is a route's path with its parameters' names, not their values."""
        key = (channel, kind, outcome)
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = self._callbacks.labels(*key)
        counter.inc()
        timer = self._timers.get(route)
        if timer is None:
            timer = self._timers[route] = self._seconds.labels(route)
        timer.observe(seconds)

    def listed(self, size: int) -> None:
        """The desk took a list of that many inbounds."""
        self._lists.observe(size)

    def watch_waiting(self, waiting: Callable[[], float]) -> None:
        """Ask there, whenever the numbers are read, how many inbounds wait."""
        self._waiting.set_function(waiting)

    async def page(self, request: Request) -> Response:
        """The endpoint /metrics."""
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
