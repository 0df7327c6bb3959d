"""One image as a model sees it at one scale: what its processor made of it."""

from hashlib import blake2b
from typing import Any, NamedTuple

import torch
from PIL.Image import Image

from budget.errors import ModelError
from budget.pictures import as_shown


class Seen(NamedTuple):
    """An image behind the processor.

    Attributes:
        text: what stands for the image in the prompt: placeholders, and what is set around them.
        tensors: what the model's ``get_image_features`` takes, by name.
        num_visual_tokens: placeholders in ``text``, which is what the image costs.
        num_around: other tokens of ``text``, which count as text.
        number: what stands before and behind an image's number in its prompt, where images are
            numbered; this comes before ``text``.
    """

    text: str
    tensors: dict[str, Any]
    num_visual_tokens: int
    num_around: int = 0
    number: tuple[str, str] = ("", "")

    def text_at(self, place: int) -> str:
        """Return what stands for the image if so many are before it in the prompt."""
        start, end = self.number
        return f"{start}{place}{end}{self.text}" if start else self.text

    @property
    def digest(self) -> bytes:
        """Of all that the model would see: images of one digest are one to it."""
        found = blake2b(self.text.encode())
        for name, value in sorted(self.tensors.items()):
            found.update(f"{name} {getattr(value, 'shape', value)}".encode())
            if isinstance(value, torch.Tensor):
                found.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
        return found.digest()

    @property
    def num_pixels(self) -> int:
        """Numbers that enter the vision encoder, those of padding too."""
        return sum(
            value.numel() for name, value in self.tensors.items() if name.startswith("pixel_values")
        )


def see(
    processor: Any, image: Image, images_kwargs: dict[str, Any], token_id: int, **fixed: Any
) -> Seen:
    """Run a processor over one image.

    Args:
        processor: a transformers processor with an image token.
        image: any picture.
        images_kwargs: the knob, as keyword arguments of the image processor.
        token_id: the placeholder's id.
        fixed: more that ``get_image_features`` takes.

    Raises:
        ModelError: if the processor does not know the knob, or does not say what it did.
    """
    try:
        found = processor(
            images=[as_shown(image)],
            text=[processor.image_token],
            images_kwargs=images_kwargs,
            add_special_tokens=False,
            return_tensors="pt",
            return_text_replacement_offsets=True,
        )
    except TypeError as error:
        # A key that is not known is a TypeError where keywords are nested; flat, it is ignored.
        raise ModelError(
            f"{type(processor).__name__} does not take {images_kwargs}: {error}"
        ) from error
    if "text_replacement_offsets" not in found:
        raise ModelError(
            f"{type(processor).__name__} does not say what it makes of an image's mark"
        )
    (replaced,) = found.pop("text_replacement_offsets")
    text = "".join(each["replacement"] for each in replaced)
    ids = found.pop("input_ids")
    named = ("attention_mask", "token_type_ids", "mm_token_type_ids")
    tensors = {name: value for name, value in found.items() if name not in named}
    visual = int((ids == token_id).sum())
    return Seen(text, {**tensors, **fixed}, visual, ids.numel() - visual)
