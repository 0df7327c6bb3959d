"""The page's field for a picture: the file as it was uploaded, which nothing decodes on the way."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder


def picture_field() -> gr.Image:
    """Return a field for a picture; its events are to be set up with ``preprocess=False``.

    Gradio's own preprocessing decodes the file, and says in its own words what is wrong with it.
    Addresses in the place of files, which Gradio would fetch, are refused, and so are files that
    lie elsewhere than uploads do: Gradio would copy any file of this machine that a client names.
    """
    field = gr.Image(
        label="Picture",
        sources=["upload", "clipboard"],
        height=280,
        buttons=["fullscreen"],
        elem_id="picture",
    )
    keep = field.async_move_resource_to_block_cache

    async def keep_file(path: Any) -> str | None:
        if path is not None and "://" in str(path):
            raise gr.Error("upload the picture: addresses are not fetched", print_exception=False)
        if path is not None:
            _refuse_others(str(path))
        return await keep(path)

    # Not by a subclass: Gradio writes a file of types beside the module of each.
    vars(field)["async_move_resource_to_block_cache"] = keep_file
    return field


def path_of(file: Mapping[str, Any] | None) -> str | None:
    """Return where an uploaded file lies, from what the browser sends of the field; else None.

    Raises:
        gr.Error: if it was not uploaded. Gradio looks only at what calls itself a file.
    """
    path = None if file is None else file.get("path")
    if path:
        _refuse_others(path)
    return path


def _refuse_others(path: str) -> None:
    """Refuse files that do not lie where uploads do, wherever links and dots lead."""
    try:
        known = Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve())
    except (OSError, ValueError):  # too long, or with a zero byte
        known = False
    if not known:
        raise gr.Error("upload the picture: other files are not read", print_exception=False)
