"""Scores per rung from what the model holds before its language model starts."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from budget.errors import PolicyError
from policies.hull import FloatArray
from policies.predictor_state import PredictorState
from policies.vision_inputs import VisionInputs

if TYPE_CHECKING:
    import torch

    from policies.vision_network import VisionNetwork

KIND = "vision_network"
_PREDICT_BATCH = 256


class VisionPredictor:
    """Expected scores of a trained network.

    Args:
        network: trained, in evaluation mode.
    """

    def __init__(self, network: "VisionNetwork") -> None:
        self.network = network.eval().requires_grad_(False)

    def predict(self, inputs: VisionInputs) -> FloatArray:
        """Return the expected score at every rung, shape [n, k].

        Raises:
            PolicyError: if the tokens are of another model than the network was made for.
        """
        import torch

        size = self.network.size
        found = inputs.tokens.shape[1:]
        if found != (size.side**2, size.width):
            raise PolicyError(
                f"the policy sees {size.side**2} tokens of width {size.width}, "
                f"the model has {found[0]} of width {found[-1]}"
            )
        with torch.inference_mode():
            parts = [
                self.network(*as_tensors(inputs.rows(slice(i, i + _PREDICT_BATCH)))).sigmoid()
                for i in range(0, len(inputs), _PREDICT_BATCH)
            ]
        scores: FloatArray = torch.cat(parts).double().numpy()
        return scores

    def flops(self, words: int) -> float:
        """Return the FLOPs of one decision about a question of so many tokens.

        Matrix products, convolutions and attention are counted, a multiply-add as two.
        """
        import torch
        from torch.utils.flop_counter import FlopCounterMode

        size = self.network.size
        # In evaluation mode torch takes a fused path that its counter does not know.
        self.network.train()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            self.network(
                torch.zeros(1, size.side**2, size.width),
                torch.zeros(1, words, size.width),
                torch.tensor([words]),
            )
        self.network.eval()
        return float(counter.get_total_flops())

    def state(self) -> PredictorState:
        """Return its sizes and its weights."""
        weights = {name: value.numpy() for name, value in self.network.state_dict().items()}
        size = asdict(self.network.size)
        return PredictorState(KIND, {**size, "pools": list(size["pools"])}, arrays=weights)


def restore(state: PredictorState) -> VisionPredictor:
    """Return the predictor of a state that :meth:`VisionPredictor.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    import torch

    from policies.vision_network import VisionNetwork, VisionNetworkSize

    try:
        settings: dict[str, Any] = dict(state.settings)
        size = VisionNetworkSize(**{**settings, "pools": tuple(settings["pools"])})
    except (TypeError, ValueError, KeyError) as error:
        raise PolicyError(f"the sizes of the network are not well formed: {error}") from error
    with torch.device("meta"):
        shapes = VisionNetwork(size).state_dict()
    wanted = {name: tuple(value.shape) for name, value in shapes.items()}
    found = {name: value.shape for name, value in state.arrays.items()}
    if wanted != found or state.texts or state.parts:
        odd = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
        raise PolicyError(f"the weights do not fit the sizes of the network: {odd[:3]}")
    if not all(np.isfinite(value).all() for value in state.arrays.values()):
        raise PolicyError("the weights of the network must be finite numbers")
    network = VisionNetwork(size)
    network.load_state_dict(
        {name: torch.from_numpy(value.astype(np.float32)) for name, value in state.arrays.items()}
    )
    return VisionPredictor(network)


def as_tensors(inputs: VisionInputs) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor]":
    """Return tokens, words and lengths as the network takes them."""
    import torch

    return (
        torch.from_numpy(inputs.tokens.astype(np.float32)),
        torch.from_numpy(inputs.words.astype(np.float32)),
        torch.from_numpy(inputs.lengths),
    )
