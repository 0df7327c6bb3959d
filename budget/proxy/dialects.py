"""How a choice of rungs is said to a server: one class for each way."""

from collections.abc import Sequence
from typing import Any, Protocol

from budget.proxy.chat_request import ChatRequest
from budget.proxy.knobs import Knob, as_sizes
from budget.proxy.resize import as_data_url, shrink_file

NAMES = ("vllm", "transformers", "resize")


class Dialect(Protocol):
    """Writes rungs into a request.

    Attributes:
        needs_files: whether :meth:`write` looks at the images themselves.
    """

    needs_files: bool

    def write(self, chat: ChatRequest, rungs: Sequence[int], files: Sequence[bytes]) -> bool:
        """Change ``chat.body`` so that the server follows the rungs.

        Args:
            chat: the request.
            rungs: one for each image.
            files: the bytes of each image's file, empty where they are not needed.

        Returns:
            Whether anything was changed.
        """
        ...


class _PerRequest:
    """A dialect of one knob for all images of a request together.

    Args:
        knobs: keyword arguments of the image processor for each rung.
    """

    needs_files = False

    def __init__(self, knobs: Sequence[Knob]) -> None:
        self.knobs = knobs

    def write(self, chat: ChatRequest, rungs: Sequence[int], files: Sequence[bytes]) -> bool:
        """Write what the largest of the rungs means."""
        knob = self.knobs[max(rungs)]
        if knob:
            self.put(chat.body, {"images_kwargs": knob})
        return bool(knob)

    def put(self, body: dict[str, Any], scoped: dict[str, Any]) -> None:
        """Put arguments for images where the server reads them."""
        raise NotImplementedError


class VllmDialect(_PerRequest):
    """vLLM: ``mm_processor_kwargs``."""

    def put(self, body: dict[str, Any], scoped: dict[str, Any]) -> None:
        """Put them alone: unscoped ones would be part of what other inputs are cached by."""
        body["mm_processor_kwargs"] = scoped


class TransformersDialect(_PerRequest):
    """``transformers serve``: ``chat_template_kwargs``."""

    def put(self, body: dict[str, Any], scoped: dict[str, Any]) -> None:
        """Put them beside the client's own."""
        own = body.get("chat_template_kwargs") or {}
        body["chat_template_kwargs"] = {**own, "processor_kwargs": scoped}


class ResizeDialect:
    """Any server: every image is sent with no more pixels than its own rung allows.

    Args:
        knobs: ``max_pixels`` or ``longest_side`` for each rung.
        max_pixels: the most pixels that an image of a request may have.

    Raises:
        ValueError: if the knobs are others, or do not rise.
    """

    needs_files = True

    def __init__(self, knobs: Sequence[Knob], max_pixels: int) -> None:
        self.sizes = as_sizes(knobs)
        self.max_pixels = max_pixels

    def write(self, chat: ChatRequest, rungs: Sequence[int], files: Sequence[bytes]) -> bool:
        """Put a smaller image in the place of each that is too large for its rung."""
        changed = False
        for image, rung, data in zip(chat.images, rungs, files, strict=True):
            small = shrink_file(data, self.sizes[rung], max_pixels=self.max_pixels)
            if small is not None:
                image.holder[image.key] = as_data_url(*small)
                changed = True
        return changed


def make_dialect(name: str, knobs: Sequence[Knob], max_pixels: int) -> Dialect:
    """Return the dialect called ``name``.

    Args:
        name: one of ``NAMES``.
        knobs: what each rung means.
        max_pixels: the most pixels that an image may have that is resized.

    Raises:
        ValueError: if there is no such dialect, or it does not take these knobs.
    """
    match name:
        case "vllm":
            return VllmDialect(knobs)
        case "transformers":
            return TransformersDialect(knobs)
        case "resize":
            return ResizeDialect(knobs, max_pixels)
    raise ValueError(f"--dialect must be one of {', '.join(NAMES)}, got {name!r}")
