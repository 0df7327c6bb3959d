"""How many tokens a dataset needs, in sentences."""

from experiments.report.need_measures import FEW, Need
from experiments.report.phrases import count, listed, number, percent, points, tokens_in_words
from experiments.report.section import Value
from oracle.sufficient import Sufficient


def need_words(
    need: Need,
    stable: Sufficient,
    first: Sufficient,
    tolerance_points: float,
) -> tuple[str, ...]:
    """Return the answer in sentences, the most important first.

    Args:
        need: what the curve says.
        stable: the distribution by the stable rule.
        first: the distribution by the first-correct rule.
        tolerance_points: what the saturation point may lose, in points.
    """
    if not need.any_right:
        return (
            f"That cannot be told: no scale gets any of the {count(need.n, 'sample')} right "
            f"(accuracy at most {100 * need.accuracy[0].high:.1f} %, with 95 % confidence).",
        )
    return (
        *_saturation(need, tolerance_points),
        *_step_below(need),
        *_at_the_end(need),
        *_samples(need, stable, first),
        _area(need),
    )


def saturation_phrase(need: Need) -> str:
    """Return a saturation point with its interval, e.g. ``"36 tokens (9 to 144)"``."""
    at = need.saturation
    if not need.any_right:
        return "not known (no answer is right)"
    low, high = (number(need.tokens[rung]) for rung in (at.low, at.high))
    if need.n < FEW:
        return f"{tokens_in_words(need.tokens[at.rung])} (too few samples for an interval)"
    return f"{tokens_in_words(need.tokens[at.rung])} ({low} to {high})"


def within(tolerance_points: float) -> str:
    """Return the tolerance, e.g. ``"within 1 point"``."""
    return f"within {tolerance_points:g} point{'' if tolerance_points == 1 else 's'}"


def _saturation(need: Need, tolerance_points: float) -> tuple[str, ...]:
    at, best, k = need.saturation, need.best, len(need.tokens)
    few = tokens_in_words(need.tokens[at.rung]).replace(" token", " visual token")
    here = f"accuracy there is {percent(Value(*need.accuracy[at.rung]))}"
    if at.rung == best:
        close = "the best of all scales"
    else:
        reached = percent(Value(*need.accuracy[best]))
        close = (
            f"{within(tolerance_points)} of the best scale's, {reached} with "
            f"{tokens_in_words(need.tokens[best])}"
        )
    rest = (
        "and there is no smaller scale"
        if at.rung == 0
        else f"and no smaller scale comes {within(tolerance_points)} of the best"
    )
    first = f"This dataset needs {few} a sample: {here}, {close}, {rest}."
    if need.n < FEW:
        return first, f"With {count(need.n, 'sample')} this is a guess: no interval can be given."
    if at.shares[at.rung] >= 0.975:
        drawn = "in all" if at.shares[at.rung] == 1 else f"in {100 * at.shares[at.rung]:.1f} % of"
        sure = f"That is sure: it is the same scale {drawn} resamples of the samples"
        return first, f"{sure} (its 95 % interval holds no other scale)."
    low, high = number(need.tokens[at.low]), tokens_in_words(need.tokens[at.high])
    seen = [
        f"{number(tokens)} in {_percent_of(share)}"
        for tokens, share in zip(need.tokens, at.shares, strict=True)
        if share > 0
    ]
    span = f"its 95 % interval runs from {low} to {high}"
    if at.low == at.high:
        span = f"its 95 % interval holds {high} alone"
    sure = f"That is not sure: {span} (of the resamples, {listed(seen)})"
    whole = at.low == 0 and at.high == k - 1
    return first, f"{sure}; these samples cannot rule out any scale." if whole else f"{sure}."


def _percent_of(share: float) -> str:
    return "under 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def _step_below(need: Need) -> tuple[str, ...]:
    rung = need.saturation.rung
    if rung == 0:
        return ()
    below = tokens_in_words(need.tokens[rung - 1])
    said = f"One scale less, {below}, scores {points(Value(*need.gains[rung - 1]))} lower"
    if need.told_apart(rung, rung - 1):
        return (f"{said}.",)
    return (f"{said}, which cannot be told from no difference.",)


def _at_the_end(need: Need) -> tuple[str, ...]:
    """Say so where accuracy still rises at the largest scale, or has fallen by then."""
    rung, last = need.saturation.rung, len(need.tokens) - 1
    if rung == last and need.told_apart(last, last - 1):
        return (
            f"Accuracy still rises at the largest scale, so the need may be beyond "
            f"{tokens_in_words(need.tokens[last])}; these curves end there.",
        )
    below = need.below_full[rung]
    if rung < last and below.value < 0 and need.told_apart(rung, last):
        lost = points(Value(-below.value, -below.high, -below.low))
        largest = tokens_in_words(need.tokens[last])
        return (f"More tokens hurt here: the largest scale, {largest}, scores {lost} lower.",)
    return ()


def _samples(need: Need, stable: Sufficient, first: Sufficient) -> tuple[str, ...]:
    few, many = (tokens_in_words(need.tokens[rung]) for rung in (0, -1))
    unsolved = percent(Value(*stable.unsolved))
    told = (
        f"Sample by sample, by the stable rule (right at that scale and at all larger ones), "
        f"{percent(Value(*stable.shares[0]))} of the samples need {few}, "
        f"{percent(Value(*stable.shares[-1]))} need {many}, and {unsolved} are not solved "
        f"because they are wrong at the largest scale."
    )
    if not stable.solved or not first.solved:
        return (told,)
    mean, lucky = (
        f"{number(each.value)} ({number(each.low)} to {number(each.high)})"
        for each in (stable.mean_tokens, first.mean_tokens)
    )
    return (
        told,
        f"Samples that are solved need {mean} tokens on average; the median is "
        f"{number(stable.median_tokens)}. By the first-correct rule, which also counts answers "
        f"that are right by luck and lost again, the average is {lucky}.",
    )


def _area(need: Need) -> str:
    low, high = number(need.tokens[0]), tokens_in_words(need.tokens[-1])
    area = need.area
    return (
        f"The area under the accuracy-token curve, which is mean accuracy over log tokens from "
        f"{low} to {high}, is {area.value:.3f} ({area.low:.3f} to {area.high:.3f})."
    )
