"""A model's processor, without what only videos need where that cannot be had.

Processors that know videos cannot be made without torchvision, which images alone do not need.
"""

from collections.abc import Sequence
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoProcessor
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING, processor_class_from_name
from transformers.processing_utils import ProcessorMixin

from budget.errors import ModelError, one_line
from budget.families import odd_starts
from budget.families.paligemma import PALIGEMMA, TEMPLATE
from budget.json_files import read_json

_VIDEO = "video_processor"
# What a model without a chat template reads: the images, then the text as it is.
_PLAIN = (
    "{% for m in messages %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}MARK{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}"
)


@cache
def has_torchvision() -> bool:
    """Return whether torchvision can be imported; a build for other hardware cannot."""
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError, OSError):
        return False
    return True


def load_processor(folder: Path) -> Any:
    """Load a model's processor; its tokenizer has a chat template afterwards.

    Args:
        folder: of the model.

    Raises:
        ModelError: if it cannot be loaded, torchvision is missing, or it knows no image token.
    """
    try:
        processor = _load(folder)
    except ImportError as error:
        if has_torchvision():
            raise ModelError(f"cannot load the processor of {folder}: {one_line(error)}") from error
        raise ModelError(
            f"the image processor of {folder} needs torchvision: "
            f"pip install 'matryoshka-budget[vision]'"
        ) from error
    except Exception as error:  # as many kinds as there are formats
        raise ModelError(f"cannot load the processor of {folder}: {one_line(error)}") from error
    if getattr(processor, "image_token", None) is None:
        raise ModelError(f"{type(processor).__name__} of {folder} has no image token")
    if not processor.tokenizer.chat_template:
        plain = TEMPLATE if type(processor).__name__ == PALIGEMMA else _PLAIN
        processor.tokenizer.chat_template = processor.chat_template or plain.replace(
            "MARK", processor.image_token
        )
    return processor


def image_only(processor_class: type) -> type:
    """Return a processor's class without its part for videos."""
    name = processor_class.__name__
    own = odd_starts.ODD.get(name)
    body = {} if own is None else own(processor_class)
    return type(name, (processor_class, _WithoutVideo), body)


class _WithoutVideo(ProcessorMixin):
    """Stands between a processor's class and ``ProcessorMixin``, and keeps videos from it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The class whose parts these are stands behind the one that `image_only` made of it.
        behind: Any = type(self).__mro__[1]
        named = dict(zip(behind.get_attributes(), args, strict=False)) | kwargs
        named.pop(_VIDEO, None)
        super().__init__(**named)

    @classmethod
    def get_attributes(cls) -> list[str]:
        """Return the parts of the processor but the one for videos."""
        return [name for name in super().get_attributes() if name != _VIDEO]

    @classmethod
    def from_args_and_dict(
        cls, args: Sequence[Any], processor_dict: dict[str, Any], **kwargs: Any
    ) -> Any:
        """Make a processor of the parts that were loaded, each at its own place."""
        given, names = list(args), list(signature(cls).parameters)
        if _VIDEO in names[: len(args) + 1]:
            given.insert(names.index(_VIDEO), None)
        return super().from_args_and_dict(given, processor_dict, **kwargs)


def _load(folder: Path) -> Any:
    """Load all of a processor, or what there is of it without its part for videos."""
    found = _class_of(folder)
    # SmolVLM's own way needs a package of its own beside torchvision, for videos as well.
    if not has_torchvision() or found.__name__ in odd_starts.ODD:
        return _for_images(found, folder)
    try:
        return AutoProcessor.from_pretrained(folder)
    except OSError as error:
        # A processor that was saved without torchvision has no part for videos in its folder.
        try:
            return _for_images(found, folder)
        except Exception:
            raise error from None


def _for_images(found: Any, folder: Path) -> Any:
    if _VIDEO in found.get_attributes():
        found = image_only(found)
    return found.from_pretrained(folder)


def _class_of(folder: Path) -> Any:
    """Return the class that the folder names, or the one of its model type."""
    for name in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        path = folder / name
        said = read_json(path).get("processor_class") if path.is_file() else None
        if said and (found := processor_class_from_name(said)) is not None:
            return found
    config = AutoConfig.from_pretrained(folder)
    if type(config) not in PROCESSOR_MAPPING:
        raise ModelError(f"transformers knows no processor for model type {config.model_type!r}")
    return PROCESSOR_MAPPING[type(config)]
