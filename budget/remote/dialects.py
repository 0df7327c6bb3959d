"""How a rung is said to a server that serves a model: the proxy's dialects, and two more.

- ``budget``: this project's own server; ``budget`` of the body, or ``num_visual_tokens`` of each
  image where they differ. No knobs: the ladder says all.
- ``detail``: ``image_url.detail``, one word a rung (low and high, if there are two), per image.
- ``resize``: every image is sent smaller, ``max_pixels`` or ``longest_side``; works everywhere,
  per image.
- ``vllm`` and ``transformers``: keyword arguments of the image processor.

``vllm`` and ``transformers`` know one knob a request: where the images of one prompt have different
rungs, the largest holds for all of them, and the answer's tokens tell.
"""

from collections.abc import Sequence

from budget.ladder import ScaleLadder
from budget.pictures import MAX_PIXELS
from budget.proxy.chat_request import ChatRequest
from budget.proxy.dialects import Dialect
from budget.proxy.dialects import make_dialect as make_proxy_dialect
from budget.proxy.knobs import Knob
from budget.remote.settings import DialectName

_DETAILS = ("low", "high")


class BudgetDialect:
    """This project's server: ``budget``, or ``num_visual_tokens`` of an image.

    Args:
        ladder: the scales that rungs stand for.
    """

    needs_files = False

    def __init__(self, ladder: ScaleLadder) -> None:
        self.ladder = ladder

    def write(self, chat: ChatRequest, rungs: Sequence[int], files: Sequence[bytes]) -> bool:
        """Write the scale of all images, or every image's own."""
        if len(set(rungs)) == 1:
            chat.body["budget"] = {"num_visual_tokens": self.ladder[rungs[0]]}
            return True
        for image, rung in zip(chat.images, rungs, strict=True):
            image.holder["num_visual_tokens"] = self.ladder[rung]
        return True


class DetailDialect:
    """OpenAI's own knob: ``detail`` of every image.

    Args:
        words: one for each rung.
    """

    needs_files = False

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words

    def write(self, chat: ChatRequest, rungs: Sequence[int], files: Sequence[bytes]) -> bool:
        """Write every image's word."""
        for image, rung in zip(chat.images, rungs, strict=True):
            image.holder["detail"] = self.words[rung]
        return True


def make_dialect(name: DialectName, ladder: ScaleLadder, knobs: Sequence[Knob] | None) -> Dialect:
    """Return a dialect for a ladder.

    Args:
        name: of the dialect.
        ladder: of the model.
        knobs: one for each rung.

    Raises:
        ValueError: if there are not as many knobs as rungs, or the dialect does not take these.
    """
    if name == "budget":
        if knobs is not None:
            raise ValueError("the dialect 'budget' takes no knobs: its ladder says what rungs mean")
        return BudgetDialect(ladder)
    if name == "detail" and knobs is None and len(ladder) == len(_DETAILS):
        return DetailDialect(_DETAILS)
    if knobs is None or len(knobs) != len(ladder):
        found = "none" if knobs is None else len(knobs)
        raise ValueError(
            f"the dialect {name!r} needs one knob for each of the {len(ladder)} rungs, got {found}"
        )
    if name == "detail":
        return DetailDialect(_words(knobs))
    return make_proxy_dialect(name, knobs, MAX_PIXELS)


def _words(knobs: Sequence[Knob]) -> list[str]:
    if all(list(knob) == ["detail"] and isinstance(knob["detail"], str) for knob in knobs):
        return [str(knob["detail"]) for knob in knobs]
    raise ValueError(f"a knob of the dialect 'detail' is a detail such as low, got {list(knobs)}")
