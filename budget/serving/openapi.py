"""The server's own description of its requests and responses."""

from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI

from budget.serving.responses import Chunk, ErrorBody
from budget.serving.schema import ChatRequest

_REF = "#/components/schemas/{model}"
_TEXTS = {
    400: "The request cannot be served; the error says which field and why.",
    401: "An API key is needed.",
    404: "There is no such model or path.",
    408: "The body did not arrive in time.",
    413: "The body or an image is too large.",
    415: "The body is not JSON.",
    429: "Too many requests wait; try again after Retry-After seconds.",
    500: "The server failed on this request.",
    502: "An image could not be fetched.",
    503: "The server is shutting down; try again after Retry-After seconds.",
}

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": text} for status, text in _TEXTS.items()
}
CHAT_BODY = SimpleNamespace(
    request={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _REF.format(model="ChatRequest")}}},
        }
    },
    response={
        "description": "The answer; with stream set, events of ChatCompletionChunk and [DONE].",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "headers": {
            "x-visual-tokens": {
                "description": "visual tokens spent on all images",
                "schema": {"type": "integer"},
            },
            "x-visual-fallback": {
                "description": "why the policy's own choice was not taken",
                "schema": {"type": "string"},
            },
        },
    },
)


def describe(app: FastAPI, *, guarded: bool) -> None:
    """Put what FastAPI cannot see into an app's OpenAPI document.

    Args:
        app: the app with all its routes.
        guarded: whether requests need a key.
    """
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            for path in document["paths"].values():
                for method in path.values():
                    method["responses"].pop("422", None)  # FastAPI's own shape, never sent
            known = document.setdefault("components", {}).setdefault("schemas", {})
            for model in (ChatRequest, Chunk):
                schema = model.model_json_schema(ref_template=_REF)
                known.update(schema.pop("$defs", {}))
                known[model.__name__] = schema
            for name in ("HTTPValidationError", "ValidationError"):
                known.pop(name, None)
            if guarded:
                bearer = {"type": "http", "scheme": "bearer"}
                document["components"]["securitySchemes"] = {"key": bearer}
                document["security"] = [{"key": []}]
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]
