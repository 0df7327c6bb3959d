"""What Prometheus reads at ``/metrics``; every server has a registry of its own."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from budget.adaptive import AdaptiveAnswer

if TYPE_CHECKING:
    from budget.serving.jobs import Job

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Counters of one server.

    Names begin with ``budget_``; times are seconds, FLOPs are computed from the model's shape.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = self._counter("requests", "Chat requests by outcome", "outcome")
        self._images = self._counter("images", "Images by visual tokens given", "visual_tokens")
        self._fallbacks = self._counter("fallbacks", "Images not given the policy's choice", "why")
        self._spent = self._counter("visual_tokens_spent", "Visual tokens of all answers")
        self._saved = self._counter("visual_tokens_saved", "Visual tokens less than at full scale")
        self._flops = self._counter("flops_spent", "FLOPs of all answers")
        self._flops_saved = self._counter("flops_saved", "FLOPs less than at full scale")
        self._prompt = self._counter("prompt_tokens", "Tokens read, visual ones included")
        self._new = self._counter("completion_tokens", "Tokens generated")
        self._batches = self._histogram("batch_size", "Requests that ran together", _SIZES)
        self._queue = self._histogram("queue_seconds", "From job to its turn", _SECONDS)
        self._decision = self._histogram("decision_seconds", "Choosing, an image", _SECONDS)
        self._whole = self._histogram("request_seconds", "From request to answer", _SECONDS)

    def watch(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Add a gauge that is asked when the metrics are read."""
        Gauge(f"budget_{name}", what, registry=self.registry).set_function(value)

    def request(self, outcome: str, seconds: float) -> None:
        """Count a chat request that is over, and how long it took."""
        self._requests.labels(outcome).inc()
        self._whole.observe(seconds)

    def unauthorized(self) -> None:
        """Count a request without a known key."""
        self._requests.labels("unauthorized").inc()

    def batch(self, jobs: "Sequence[Job]") -> None:
        """Count a batch that begins now."""
        now = time.perf_counter()
        self._batches.observe(len(jobs))
        for job in jobs:
            self._queue.observe(now - job.created)

    def answer(self, answer: AdaptiveAnswer, full_tokens: int) -> None:
        """Count what an answer spent and saved.

        Args:
            answer: as the model gave it.
            full_tokens: visual tokens that its images would take at the largest scale.
        """
        for choice in answer.choices:
            self._images.labels(str(choice.num_visual_tokens)).inc()
            if choice.fallback:
                self._fallbacks.labels(choice.fallback).inc()
        if answer.choices:
            self._decision.observe(answer.decision_ms / 1000)
        self._spent.inc(answer.num_visual_tokens)
        self._saved.inc(max(0, full_tokens - answer.num_visual_tokens))
        self._flops.inc(answer.flops)
        self._flops_saved.inc(max(0.0, answer.full_flops - answer.flops))
        self._prompt.inc(answer.prompt_tokens)
        self._new.inc(len(answer.token_ids))

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"budget_{name}", what, labels, registry=self.registry)

    def _histogram(self, name: str, what: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(f"budget_{name}", what, registry=self.registry, buckets=buckets)
