"""The proxy as an application: its own two pages, and all other paths to the server behind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from budget.proxy.metrics import ProxyMetrics
from budget.proxy.relay import Relay
from budget.proxy.rewrite import Rewriter
from budget.proxy.upstream import Upstream

HEALTH = "/budget/health"
METRICS = "/budget/metrics"


def create_app(upstream: Upstream, rewriter: Rewriter, *, max_body_bytes: int) -> Starlette:
    """Return the application.

    ``/budget/health`` and ``/budget/metrics`` are the proxy's; ``/health``, ``/metrics`` and all
    other paths are those of the server behind.

    Args:
        upstream: the server behind; closed with the application, as ``rewriter`` is.
        rewriter: decides for chat completions.
        max_body_bytes: the longest body that is taken.
    """
    metrics = ProxyMetrics()

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok", "upstream": str(upstream.url)})

    async def page(request: Request) -> Response:
        return Response(metrics.page(), media_type="text/plain; version=0.0.4")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await upstream.close()
        rewriter.close()

    relay = Relay(upstream, rewriter, metrics, max_body_bytes)
    return Starlette(
        routes=[Route(HEALTH, health), Route(METRICS, page), Mount("/", app=relay)],
        lifespan=lifespan,
    )
