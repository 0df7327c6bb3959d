"""What one request may ask for at most; everything above is refused before work is done on it."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest request that is served.

    Attributes:
        max_body_bytes: bytes of a request's body; images in it are base64, a third larger.
        max_image_bytes: bytes of one image file, decoded from base64 or fetched.
        max_pixels: pixels of one image, known from its header before it is decoded.
        max_images: images in all messages of a request.
        max_prompt_chars: characters of all texts of a request.
        max_new_tokens: tokens that an answer may be asked to have.

    Raises:
        ValueError: if one is no whole number from 1.

    Example:
        >>> Limits(max_images=2).max_images
        2
    """

    max_body_bytes: int = 20_000_000
    max_image_bytes: int = 10_000_000
    max_pixels: int = 40_000_000
    max_images: int = 8
    max_prompt_chars: int = 32_768
    max_new_tokens: int = 1024

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{field.name} must be a whole number from 1, got {value!r}")
