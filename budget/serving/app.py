"""The server's app: OpenAI's chat completions over a model that chooses its visual tokens.

    app = create_app(AdaptiveVLM(model, policy), ServeSettings())

Needs the extra ``serve``.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse

from budget.serving.chat_endpoint import ChatEndpoint
from budget.serving.error_responses import add_error_handlers
from budget.serving.errors import RequestError
from budget.serving.health import health_of
from budget.serving.intake import Intake
from budget.serving.keys import KeyGuard
from budget.serving.metrics import Metrics
from budget.serving.openapi import CHAT_BODY, ERRORS, describe
from budget.serving.preparing import Preparing
from budget.serving.request_images import RequestImages
from budget.serving.responses import Completion, Health, ModelCard, ModelList
from budget.serving.settings import ServeSettings


def create_app(vlm: Any, settings: ServeSettings | None = None) -> FastAPI:
    """Return the app that serves a model; its ``state.intake`` drains it.

    Args:
        vlm: an ``AdaptiveVLM``, or what has its ``answer``, ``model`` and ``policy``.
        settings: limits, batching, keys and defaults.
    """
    settings = settings or ServeSettings()
    metrics = Metrics()
    intake = Intake(vlm, settings.batching, metrics)
    _watch(metrics, intake, getattr(vlm, "governor", None))
    images = RequestImages(settings.limits, allow_remote=settings.allow_remote)
    policy = getattr(vlm, "policy", None)
    guard = policy if hasattr(policy, "check_budget") else None
    preparing = Preparing(vlm.model, vlm.model.name, images, settings, guard)
    app = FastAPI(
        title="budget",
        description="Chat completions about images, with as many visual tokens as each needs.",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(intake, settings.decode_threads),
    )
    app.state.intake, app.state.metrics, app.state.settings = intake, metrics, settings
    add_error_handlers(app)
    _add_chat(app, ChatEndpoint(preparing, intake, metrics))
    _add_models(app, vlm.model.name, list(vlm.model.ladder))
    _add_health(app, vlm)
    app.add_middleware(
        KeyGuard,
        keys=settings.keys,
        refused=metrics.unauthorized,
        guard_all=settings.guard_all,
    )
    describe(app, guarded=bool(settings.keys))
    return app


def _watch(metrics: Metrics, intake: Intake, governor: Any) -> None:
    metrics.watch("queue_length", "Requests that wait", lambda: intake.waiting)
    metrics.watch("running", "Requests in the batch that runs", lambda: intake.running)
    if governor is not None:
        unit = f"in {governor.unit}"
        metrics.watch("governor_price", "Price of the next requests", lambda: governor.price)
        metrics.watch("governor_target", f"Mean to hold, {unit}", lambda: governor.report().target)
        metrics.watch("governor_spent", f"Mean spent, {unit}", lambda: governor.report().spent)


def _lifespan(intake: Intake, threads: int) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def run(_: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(threads, thread_name_prefix="requests"))
        intake.start()
        yield
        await intake.stop()

    return run


def _add_chat(app: FastAPI, endpoint: ChatEndpoint) -> None:
    @app.post(
        "/v1/chat/completions",
        response_model=None,
        responses={200: {"model": Completion, **CHAT_BODY.response}, **ERRORS},
        openapi_extra=CHAT_BODY.request,
    )
    async def create_chat_completion(request: Request) -> Response:
        """Answer a conversation about images, whole or as a stream of server-sent events."""
        return await endpoint(request)


def _add_models(app: FastAPI, name: str, scales: list[int]) -> None:
    card = ModelCard(id=name, created=int(time.time()), scales=scales)

    @app.get("/v1/models", responses={401: ERRORS[401]})
    async def list_models() -> ModelList:
        """List the model that is served."""
        return ModelList(data=[card])

    # The names of models on the hub have a slash.
    @app.get("/v1/models/{model:path}", responses={status: ERRORS[status] for status in (401, 404)})
    async def retrieve_model(model: str) -> ModelCard:
        """Describe the model that is served."""
        if model != name:
            raise RequestError(
                f"{model[:64]!r} is not served here; {name!r} is",
                param="model",
                code="model_not_found",
                status=404,
            )
        return card


def _add_health(app: FastAPI, vlm: Any) -> None:
    intake, metrics = app.state.intake, app.state.metrics

    @app.get("/health", response_model=Health, responses={503: {"model": Health}})
    async def health() -> Response:
        """Say whether new requests are served; 503 while the server drains."""
        told = health_of(vlm, intake, app.state.settings.notice)
        return JSONResponse(told.model_dump(mode="json"), 503 if intake.draining else 200)

    @app.get("/metrics", responses={200: {"content": {"text/plain": {}}}})
    async def prometheus() -> Response:
        """Give everything that is counted, in Prometheus' text format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)
