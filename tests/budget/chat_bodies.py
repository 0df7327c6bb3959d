"""Bodies of chat completions with images, as clients write them."""

from typing import Any

from picture_host import as_url, png


def image_part(url: str | None = None, **more: Any) -> dict[str, Any]:
    url = as_url(png(64, 48)) if url is None else url
    return {"type": "image_url", "image_url": {"url": url, **more}}


def message(*parts: dict[str, Any], text: str = "What colour is the square?") -> dict[str, Any]:
    return {"role": "user", "content": [*parts, {"type": "text", "text": text}]}


def body(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [message(*parts)], **more}
