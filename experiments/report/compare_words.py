"""Which run needs which granularity, in sentences."""

from collections.abc import Mapping, Sequence

from experiments.report.compare_measures import Against
from experiments.report.need_measures import FEW, Need
from experiments.report.need_words import saturation_phrase, within
from experiments.report.phrases import count, percent, points
from experiments.report.section import Value

_SURE = 0.95
_SAID = 6  # pairs that are spelt out


def compare_words(
    needs: Mapping[str, Need], pairs: Sequence[Against], tolerance_points: float
) -> tuple[str, ...]:
    """Return the answer in sentences, the most important first.

    Args:
        needs: of the runs, by name.
        pairs: what they differ in.
        tolerance_points: what a saturation point may lose, in points.
    """
    return (
        _order(needs, tolerance_points),
        *(_pair(pair) for pair in pairs[:_SAID]),
        *((f"The table has all {count(len(pairs), 'pair')}.",) if len(pairs) > _SAID else ()),
        _paired(pairs),
    )


def _order(needs: Mapping[str, Need], tolerance_points: float) -> str:
    known = {name: need for name, need in needs.items() if need.any_right}
    if not known:
        return "Nothing can be compared: no run gets anything right at any scale."
    order = sorted(known, key=lambda name: -known[name].tokens[known[name].saturation.rung])
    each = [
        f"{name} needs {saturation_phrase(known[name])}, where it reaches "
        f"{percent(Value(*known[name].accuracy[known[name].saturation.rung]))}"
        for name in order
    ]
    return (
        f"By the fewest visual tokens {within(tolerance_points)} of a run's own best scale, from "
        f"most to fewest: {'; '.join(each)}."
    )


def _pair(pair: Against) -> str:
    if pair.n < FEW:
        return f"{pair.run} and {pair.other} cannot be compared: {pair.n} samples are too few."
    return f"{pair.run} against {pair.other}: {_need(pair)}; {_best(pair)}{_area(pair)}."


def _need(pair: Against) -> str:
    if not pair.any_right:
        return "their needs cannot be compared, as one of them gets nothing right"
    if pair.more >= _SURE:
        return f"it needs more tokens, in {100 * pair.more:.0f} % of the resamples"
    if pair.fewer >= _SURE:
        return f"it needs fewer tokens, in {100 * pair.fewer:.0f} % of the resamples"
    if pair.more == pair.fewer == 0:
        return "both saturate at the same tokens in all resamples"
    return (
        "their needs cannot be told apart (more tokens in "
        f"{100 * pair.more:.0f} % of the resamples, fewer in {100 * pair.fewer:.0f} %)"
    )


def _best(pair: Against) -> str:
    value, low, high = pair.best
    if low <= 0 <= high:
        return f"their best scales cannot be told apart in accuracy ({points(Value(*pair.best))})"
    if value < 0:
        return f"its best scale is {points(Value(-value, -high, -low))} less accurate"
    return f"its best scale is {points(Value(value, low, high))} more accurate"


def _area(pair: Against) -> str:
    if pair.area is None:
        return "; their ladders share too few tokens to compare areas"
    value, low, high = pair.area
    over = "the area under its curve, over the tokens that both reach, "
    if low <= 0 <= high:
        return f"; {over}cannot be told from the other's ({points(Value(value, low, high))})"
    if value < 0:
        return f"; {over}is {points(Value(-value, -high, -low))} smaller"
    return f"; {over}is {points(Value(value, low, high))} larger"


def _paired(pairs: Sequence[Against]) -> str:
    paired = sum(pair.paired for pair in pairs)
    if paired == len(pairs):
        return "The runs share samples, on which they are compared one by one."
    if not paired:
        return (
            "The runs do not share their samples, so that a difference may be one of the questions "
            "as well as one of the models."
        )
    return (
        f"{count(paired, 'pair shares', 'pairs share')} samples, on which they are compared one by "
        "one; elsewhere a difference may be one of the questions as well as one of the models."
    )
