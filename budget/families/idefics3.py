"""SmolVLM and Idefics3: an image is seen whole and, beside that, cut into squares.

Its longest side is brought to a number of squares, the other one to as many as it needs, whatever
the image's own size: a small picture costs what a large one of its shape does. Each square is
announced by a token of its place, of which the models know six rows and six columns.
"""

import math
from typing import Any

from budget.families.family import Family, image_token_id
from budget.families.knob import KwargsKnob

_USUAL = 4  # squares along the longest side that released checkpoints go up to


def splitting_knob(processor: Any, config: Any) -> KwargsKnob:
    """Return the knob that bounds the squares along an image's longest side."""
    images = processor.image_processor
    side, each = images.max_image_size["longest_edge"], processor.image_seq_len
    most = _known_places(processor.tokenizer)
    usual = min(max(images.size["longest_edge"] // side, _USUAL), most)

    def kwargs(cap: int) -> dict[str, Any]:
        squares = min(math.isqrt(max(cap // each - 1, 0)), most)
        if squares < 2:
            return {"do_image_splitting": False}
        return {"do_image_splitting": True, "size": {"longest_edge": squares * side}}

    return KwargsKnob(
        name="size.longest_edge, do_image_splitting",
        ladder=tuple(each * (1 if n == 1 else n * n + 1) for n in range(1, usual + 1)),
        processor=processor,
        token_id=image_token_id(config),
        kwargs=kwargs,
        least=each,
    )


def _known_places(tokenizer: Any) -> int:
    """Return how many rows and columns of squares have a token of their own."""
    known, count = tokenizer.get_vocab(), 0
    while f"<row_{count + 1}_col_{count + 1}>" in known:
        count += 1
    return count


FAMILIES = (
    Family("SmolVLM", ("smolvlm",), splitting_knob),
    Family("Idefics3", ("idefics3",), splitting_knob),
)
