"""Bodies of chat completions with images, as clients write them."""

from functools import cache
from io import BytesIO
from typing import Any

from picture_host import as_url
from PIL import Image

from experiments.scenes.data import iterate_scenes


@cache
def scene() -> tuple[bytes, str]:
    """Return a PNG of 96 x 96 and a question about it, such as the shipped policies know."""
    (drawn,) = iterate_scenes("test", 1, start=5)
    buffer = BytesIO()
    Image.fromarray(drawn.pixels).save(buffer, "PNG")
    return buffer.getvalue(), drawn.questions[0].text


def image_part(url: str | None = None, **more: Any) -> dict[str, Any]:
    url = as_url(scene()[0]) if url is None else url
    return {"type": "image_url", "image_url": {"url": url, **more}}


def message(*parts: dict[str, Any], text: str | None = None) -> dict[str, Any]:
    text = scene()[1] if text is None else text
    return {"role": "user", "content": [*parts, {"type": "text", "text": text}]}


def body(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [message(*parts)], **more}
