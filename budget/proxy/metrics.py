"""What the proxy did, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from budget.proxy.rewrite import Rewritten

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class ProxyMetrics:
    """Counters of one proxy, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._decisions = Counter(
            "budget_proxy_decisions",
            "Chat completions by how their budget came about.",
            ["reason"],
            registry=self.registry,
        )
        self._fallbacks = Counter(
            "budget_proxy_fallbacks",
            "Chat completions passed on unchanged because the decision failed.",
            ["reason"],
            registry=self.registry,
        )
        self._rungs = Counter(
            "budget_proxy_images", "Images by the rung they got.", ["rung"], registry=self.registry
        )
        self._seconds = Histogram(
            "budget_proxy_decision_seconds",
            "Time from the whole body to the body that is sent on.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._responses = Counter(
            "budget_proxy_responses",
            "Answers by status; 499 where the client went away before one.",
            ["status"],
            registry=self.registry,
        )
        self.running = Gauge(
            "budget_proxy_running", "Requests that are being answered.", registry=self.registry
        )

    def decided(self, outcome: Rewritten, seconds: float) -> None:
        """Count one chat completion."""
        if outcome.fallback:
            self._fallbacks.labels(outcome.fallback).inc()
        else:
            self._decisions.labels(outcome.reason).inc()
        for rung in outcome.rungs:
            self._rungs.labels(rung).inc()
        self._seconds.observe(seconds)

    def answered(self, status: int) -> None:
        """Count one answer of any path."""
        self._responses.labels(status).inc()

    def page(self) -> bytes:
        """Return all numbers in Prometheus' text format."""
        return generate_latest(self.registry)
