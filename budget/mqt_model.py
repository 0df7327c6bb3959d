"""MQT: the first m of the tokens that the query resampler reads from an image."""

import torch

from budget.llava import LlavaRunner
from budget.mqt import check_prefix
from budget.own_knob import OwnKnob


class MqtModel(LlavaRunner):
    """MQT-LLaVA (arXiv 2405.19315): any integer from 1 to the number of queries is legal."""

    nested = True

    @property
    def knob(self) -> OwnKnob:
        """What sets the visual tokens."""
        return OwnKnob("first queries of the resampler", tuple(self.ladder))

    def check_tokens(self, num_visual_tokens: int) -> None:
        """Refuse a number outside 1..M.

        Raises:
            ValueError: naming the legal numbers.
        """
        check_prefix(num_visual_tokens, self.model.config.num_queries)

    def reduce(self, features: torch.Tensor, num_visual_tokens: int) -> torch.Tensor:
        """Keep the first m of all tokens [b, M, d]."""
        return features[:, :num_visual_tokens]
