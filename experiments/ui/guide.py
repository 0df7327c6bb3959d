"""What the page tells of itself."""

from collections.abc import Mapping, Sequence

from markupsafe import escape

BEFORE = "Choose a picture, ask a question, press Ask."

PRICE = "Expected score that the full scale's cost must be worth."

HOW = """
- **Visual tokens** are what a picture costs a vision-language model. This model can answer with any
  number on its ladder; *auto* lets a policy choose, before the model runs, from cheap features of
  the picture and the question.
- **Price** is for auto: the expected score, from 0 to 1, that the full scale's cost must be worth.
  At 0 the policy takes the highest expected score; a higher price takes fewer tokens.
- **Answers at all scales**: each scale was asked by itself. *Same* means the same answer as the
  largest scale's, but for case, articles and punctuation. It does not mean right: nobody here knows
  the right answer. *Expected* is the score, from 0 to 1, that the policy expects before any answer.
- **Saved** is against the largest scale. FLOPs count the whole answer, vision encoder included, a
  multiply-add as two. Milliseconds were measured for this request, on this machine, and swing
  with what else runs there.
- **Heat maps** show where the picture speaks for the answer that each scale gave: the gradient of
  its log-probability through the visual tokens, times what the patches hold. Each is scaled to its
  own peak, so compare places, not brightness.
- Moving a slider afterwards runs nothing but the policy: the answers are there already.
- Pictures stay on this machine and are deleted after about an hour, or when the page ends.
"""


def title(model: str, scales: Sequence[int]) -> str:
    """Return the head of the page.

    Args:
        model: its name.
        scales: of its ladder.
    """
    ladder = ", ".join(f"{scale:,}" for scale in scales)
    return (
        "<h1>How many visual tokens does this question need?</h1>"
        f"<p>Model <b>{escape(model)}</b>, which answers with {ladder} visual tokens.</p>"
    )


def prices(named: Mapping[str, float], default: float) -> tuple[float, float, str]:
    """Return the highest price of the slider, where it begins, and what its places are called.

    Args:
        named: the policy's own prices; none without a policy.
        default: the one that it takes unless told.

    Example:
        >>> prices({"no-loss": 0.0, "balanced": 0.185}, 0.0)[:2]
        (1.0, 0.0)
    """
    if not named:
        return 1.0, 0.0, "There is no policy to pay it."
    highest = max(1.0, *(round(price * 1.25, 1) for price in named.values()))
    own = ", ".join(f"{name} {price:.2f}" for name, price in named.items())
    return highest, round(default, 2), f"{PRICE} The policy's own prices: {own}."
