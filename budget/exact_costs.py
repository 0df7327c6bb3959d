"""What answers cost of a model whose scales are exact: so many visual tokens in each grid."""

from typing import TYPE_CHECKING

from budget.ladder import ScaleLadder
from budget.types import Answer, Cost

if TYPE_CHECKING:
    from PIL.Image import Image

    from budget.samples import SampleImages


class ExactCosts:
    """The part of a model that says what its answers took, for one that has ``cost``.

    Attributes:
        ladder: scales of the model.
    """

    ladder: ScaleLadder

    def cost(
        self, num_visual_tokens: int, text_tokens: int, new_tokens: int, *, grids: int = 1
    ) -> Cost:
        """Return the cost of one sample."""
        raise NotImplementedError

    def count_grids(self, image: "Image") -> int:
        """Return how many squares an image is seen in."""
        raise NotImplementedError

    def answer_cost(self, answer: Answer) -> Cost:
        """Return what an answer took, whatever scales its images had.

        A prompt costs what its length costs: visual tokens beyond the smallest scale's are counted
        with the text.
        """
        least = self.ladder[0] if answer.grids else 0
        rest = answer.prompt_tokens - least * answer.grids
        return self.cost(least, rest, max(len(answer.token_ids), 1), grids=answer.grids)

    def full_flops(self, answer: Answer, images: "SampleImages") -> float:
        """Return what an answer of the same length takes with every image at the largest scale."""
        text = answer.prompt_tokens - answer.num_visual_tokens
        new = max(len(answer.token_ids), 1)
        return self.cost(self.ladder[-1], text, new, grids=answer.grids).flops

    def realised(self, image: "Image") -> list[int]:
        """Return the visual tokens that an image costs at every rung: as many in each grid."""
        grids = self.count_grids(image)
        return [m * grids for m in self.ladder]

    def tokens_at(self, image: "Image", num_visual_tokens: int) -> int:
        """Return the visual tokens that an image costs at a scale, of the ladder or not."""
        return num_visual_tokens * self.count_grids(image)
