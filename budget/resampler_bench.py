"""What it saves that a resampler's attention is computed once and not with every image."""

from collections.abc import Callable
from typing import NamedTuple

import torch

from budget.cost_calibration import Spread
from budget.resampler import QueryResampler
from budget.timing import now


class ResamplerTimes(NamedTuple):
    """Both forms of one resampler, measured in turn on the same patches.

    Attributes:
        plain_ms: milliseconds per image, everything computed anew.
        fixed_ms: the same with what no image changes computed beforehand.
        largest_difference: of any number of the tokens, as a share of the largest number.
    """

    plain_ms: Spread
    fixed_ms: Spread
    largest_difference: float


def time_resampler(
    resampler: QueryResampler,
    num_patches: int,
    *,
    batch_size: int,
    repeats: int,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> ResamplerTimes:
    """Measure both forms.

    Args:
        resampler: on its device, in its type.
        num_patches: patches of one image; a square number.
        batch_size: images that run together.
        repeats: measurements of each form, after one that is thrown away.
        progress: called with (rounds done, rounds in all).
    """
    weight = resampler.query
    random = torch.Generator().manual_seed(0)
    patches = torch.randn(batch_size, num_patches, weight.shape[1], generator=random)
    patches = patches.to(weight.device, weight.dtype)
    forms: tuple[Callable[[torch.Tensor], torch.Tensor], ...] = (
        resampler.read_plainly,
        resampler.forward,
    )
    seconds: tuple[list[float], list[float]] = ([], [])
    with torch.inference_mode():
        plain, fixed = (form(patches).float() for form in forms)
        for done in range(repeats):
            for form, taken in zip(forms, seconds, strict=True):
                start = now(weight.device)
                form(patches)
                taken.append(now(weight.device) - start)
            progress(done + 1, repeats)
    plain_ms, fixed_ms = (
        Spread.of([1000 * each / batch_size for each in taken]) for taken in seconds
    )
    off = float((plain - fixed).abs().max() / plain.abs().max())
    return ResamplerTimes(plain_ms, fixed_ms, off)
