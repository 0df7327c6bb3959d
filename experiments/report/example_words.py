"""What the examples show, and what had to be left out, in sentences."""

from collections.abc import Sequence

from experiments.report.disagreement import Disagreement
from experiments.report.example_page import Shown
from experiments.report.phrases import count, number, percent
from experiments.report.runs import Run
from experiments.report.thumbnails import SIZES

# What begins so says what was left out that a larger page would show.
FOR_SIZE = "For the size of the page"


def example_words(
    run: Run, shown: Shown, found: Sequence[Disagreement], wanted: int
) -> tuple[str, ...]:
    """Return what is shown of how much, and how policies err.

    Args:
        run: the oracle run.
        shown: which samples, and how.
        found: where policies and the oracle disagree.
        wanted: samples that were asked for, for each minimal scale.
    """
    return (
        _shown(run, shown),
        *(_errs(each) for each in found),
        *_less(run, shown, wanted),
        *_broken(shown),
    )


def _shown(run: Run, shown: Shown) -> str:
    if not shown.parts:
        return f"No example of the {count(len(run.curves), 'sample')} is shown."
    scales = "for each number of tokens that is enough, samples drawn at random from all groups"
    errors = "; and where a policy and the oracle disagree most" if run.policies else ""
    part = f"{len(shown.rows):,} of {count(len(run.curves), 'sample')}"
    return (
        f"{part} {'is' if len(shown.rows) == 1 else 'are'} shown: {scales}{errors}. "
        "A scale is called enough where it and all larger ones are right (rule stable)."
    )


def _errs(found: Disagreement) -> str:
    lost = f"{100 * found.score_lost:.1f} points of accuracy over all samples"
    return (
        f"Against the oracle without luck, policy {found.policy!r} is too cheap, and wrong for it, "
        f"on {percent(found.cheap_share)} of the samples, which costs {lost}; it is too dear on "
        f"{percent(found.dear_share)}, which costs {number(found.tokens_wasted)} visual tokens a "
        "sample."
    )


def _less(run: Run, shown: Shown, wanted: int) -> tuple[str, ...]:
    """Say what had to be left out, or is not there."""
    words = []
    if run.samples is None:
        words.append(
            "Questions and images are not at hand, so that only ids and answers are shown; give "
            "the data with `--data`."
        )
    fewer = max((len(part.rows) for part in shown.parts), default=0)
    if fewer < min(wanted, _most(shown)) or (wanted and not shown.parts):
        words.append(
            f"{FOR_SIZE}, at most {fewer} instead of {wanted} samples of a kind are shown."
        )
    if run.samples is not None and shown.parts:
        if shown.size is None:
            words.append(f"{FOR_SIZE}, pictures are left out.")
        elif shown.size != SIZES[0]:
            words.append(f"{FOR_SIZE}, pictures are at most {shown.size[0]} pixels a side.")
    return tuple(words)


def _most(shown: Shown) -> int:
    """Return how many samples the largest part could show."""
    return max((part.of for part in shown.parts), default=0)


def _broken(shown: Shown) -> tuple[str, ...]:
    if shown.size is None:
        return ()
    broken = sum(bool(shown.album.pictures(row).problem) for row in shown.rows)
    if not broken:
        return ()
    return (f"The images of {count(broken, 'sample')} shown here cannot be read.",)
