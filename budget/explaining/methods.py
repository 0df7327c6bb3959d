"""From activations and gradients to one number a patch."""

from collections.abc import Callable

import torch

GRAD_CAM, ELEMENT_WISE = "grad-cam", "element-wise"
Method = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def grad_cam(activations: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    """Weigh the channels by their mean gradient over the grid (arXiv 1610.02391, before the ReLU).

    Args:
        activations: shape [grids, n, d].
        gradients: of the answer's log-probability, same shape.

    Returns:
        Shape [grids, n].

    Example:
        >>> grad_cam(torch.tensor([[[1.0], [3.0]]]), torch.tensor([[[2.0], [0.0]]])).tolist()
        [[1.0, 3.0]]
    """
    weights = gradients.mean(dim=1, keepdim=True)
    return (weights * activations).sum(dim=-1)


def element_wise(activations: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    """Multiply each activation by its own gradient (HiResCAM, arXiv 2011.08891, before the ReLU).

    Args and what is returned are those of :func:`grad_cam`. Where the answer is linear in the
    activations, the values of all patches sum up to it but for a constant.

    Example:
        >>> element_wise(torch.tensor([[[1.0], [3.0]]]), torch.tensor([[[2.0], [0.0]]])).tolist()
        [[2.0, 0.0]]
    """
    return (activations * gradients).sum(dim=-1)


METHODS: dict[str, Method] = {GRAD_CAM: grad_cam, ELEMENT_WISE: element_wise}


def method_of(name: str) -> Method:
    """Return a method by its name.

    Raises:
        ValueError: if there is none of that name.
    """
    if name not in METHODS:
        raise ValueError(f"the method must be one of {', '.join(METHODS)}, got {name!r}")
    return METHODS[name]
