"""Every error as a response in OpenAI's shape."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from budget.serving.errors import RequestError
from budget.serving.intake import Overloaded
from budget.serving.outcomes import failed


def add_error_handlers(app: FastAPI) -> None:
    """Make an app tell every error in OpenAI's shape, those of its framework included."""
    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(Exception, _failed)


async def _refused(request: Request, error: Any) -> JSONResponse:
    headers = {}
    if isinstance(error, Overloaded):
        headers["retry-after"] = str(error.retry_after_s)
    return JSONResponse(error.body(), error.status, headers)


async def _of_framework(request: Request, error: Any) -> JSONResponse:
    """Tell that there is no such path, or not with this method."""
    path = request.url.path[:64]
    texts = {
        404: f"there is no {path!r}; see /openapi.json",
        405: f"{request.method} is not served at {path!r}",
    }
    told = RequestError(
        texts.get(error.status_code, str(error.detail)), status=error.status_code, code="not_served"
    )
    return JSONResponse(told.body(), error.status_code, error.headers)


async def _failed(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse(failed().body(), 500)
