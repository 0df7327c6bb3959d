"""M3: a stock LLaVA model whose projected patch grid is average-pooled to m tokens."""

import torch

from budget.llava import LlavaRunner
from budget.own_knob import LOSSY, OwnKnob
from budget.tokens import exact_scales, pool_tokens


class M3Model(LlavaRunner):
    """M3 (arXiv 2405.17430): adds no parameters to LLaVA, only pooling after the projector.

    Legal numbers of visual tokens are the squares whose side divides the side of the patch
    grid, the ladder's and others, e.g. 4 and 16 on a 24x24 grid.
    """

    @property
    def knob(self) -> OwnKnob:
        """What sets the visual tokens; it says where the model was not trained for fewer."""
        trained = getattr(self.model.config, "matryoshka_vis_token_scale", None)
        return OwnKnob(
            "patches averaged behind the projector",
            tuple(self.ladder),
            "" if trained else LOSSY,
        )

    def check_tokens(self, num_visual_tokens: int) -> None:
        """Refuse a number that the grid cannot be pooled to.

        Raises:
            ValueError: naming the legal numbers.
        """
        legal = exact_scales(self.shape.grid_tokens)
        if num_visual_tokens not in legal:
            raise ValueError(
                f"num_visual_tokens must be one of {', '.join(map(str, legal))}, "
                f"got {num_visual_tokens}"
            )

    def reduce(self, features: torch.Tensor, num_visual_tokens: int) -> torch.Tensor:
        """Pool projected patches [b, n, d] to [b, m, d]."""
        return pool_tokens(features, num_visual_tokens)
