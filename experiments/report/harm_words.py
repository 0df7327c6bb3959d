"""Where more tokens hurt, in sentences."""

from collections.abc import Sequence

from experiments.report.harm_measures import ALL, Harm, Step
from experiments.report.need_measures import FEW
from experiments.report.phrases import count, number, p_words, percent, points, tokens_in_words
from experiments.report.section import Value
from policies.hull import FloatArray

_LISTED = 5


def harm_words(harm: Harm, tokens: FloatArray) -> tuple[str, ...]:
    """Return the answer in sentences, the most important first.

    Args:
        harm: what changes from scale to scale.
        tokens: visual tokens of the rungs, shape [k].
    """
    return (
        _overall(harm.steps, tokens),
        *_turns(harm.steps, tokens),
        _lost(harm, tokens),
        *_groups(harm, tokens),
    )


def step_words(step: Step, tokens: FloatArray) -> str:
    """Return a step, e.g. ``"from 9 to 36 tokens"``."""
    return f"from {number(tokens[step.rung])} to {tokens_in_words(tokens[step.rung + 1])}"


def _overall(steps: Sequence[Step], tokens: FloatArray) -> str:
    if not any(step.found.n for step in steps):
        return "Nowhere: no sample gets more tokens at a larger scale."
    hurts = [step for step in steps if step.hurts]
    if hurts:
        each = [f"{step_words(step, tokens)} it falls by {_loss(step)}" for step in hurts]
        return (
            f"Over all samples more tokens cost accuracy at "
            f"{count(len(hurts), 'step')} of {len(steps)}: {'; '.join(each)}."
        )
    helps = [step for step in steps if step.helps]
    if len(helps) == len(steps):
        least = min(helps, key=lambda step: step.found.net.value)
        return (
            f"Nowhere, over all samples: every step to the next scale gains accuracy, the least "
            f"{step_words(least, tokens)}, by {points(Value(*least.found.net))}."
        )
    unclear = [step for step in steps if not step.helps and step.found.n]
    each = [f"{step_words(step, tokens)} {points(Value(*step.found.net))}" for step in unclear]
    gains = f"{count(len(helps), 'step gains', 'steps gain')} it, and" if helps else "but"
    return (
        f"Over all samples no step to the next scale surely costs accuracy; {gains} for "
        f"{len(unclear)} of {count(len(steps), 'step')} the change cannot be told from none: "
        f"{'; '.join(each)}."
    )


def _turns(steps: Sequence[Step], tokens: FloatArray) -> tuple[str, ...]:
    """Say how many right answers the step with most of them turns wrong."""
    moved = [step for step in steps if step.found.n and step.found.hurt.value > 0]
    if not moved:
        return ("No step turns a right answer wrong.",)
    most = max(moved, key=lambda step: step.found.hurt.value)
    return (
        f"Right answers do turn wrong: most of all {step_words(most, tokens)}, where "
        f"{percent(Value(*most.found.hurt))} of the samples turn from right to wrong and "
        f"{percent(Value(*most.found.helped))} from wrong to right.",
    )


def _lost(harm: Harm, tokens: FloatArray) -> str:
    if not harm.lost[ALL].value:
        return (
            f"No sample is right at a smaller scale and wrong at {tokens_in_words(tokens[-1])} "
            f"(at most {100 * harm.lost[ALL].high:.1f} % are, with 95 % confidence)."
        )
    return (
        f"{percent(Value(*harm.lost[ALL]))} of the samples are right at some smaller scale and "
        f"wrong at {tokens_in_words(tokens[-1])}; a choice per sample could win them back, as far "
        f"as the smaller scale was right by more than luck."
    )


def _groups(harm: Harm, tokens: FloatArray) -> tuple[str, ...]:
    tested = [step for step in harm.group_steps if step.p == step.p]  # NaN: too few samples
    if not tested:
        return ()
    allowed = f"allowing for {count(len(tested), 'comparison')} (95 %, Holm)"
    hurts = sorted((s for s in tested if s.hurts), key=lambda step: step.found.net.value)
    small = sum(size < FEW for size in harm.sizes.values())
    untold = f" {count(small, 'group is', 'groups are')} too small to say." if small else ""
    if not hurts:
        least = min(tested, key=lambda step: step.found.net.value)
        fall = (
            f" The largest fall, {points(Value(*least.found.net))} in {least.group!r} "
            f"{step_words(least, tokens)}, may be chance."
            if least.found.net.value < 0
            else ""
        )
        return (f"In no group do more tokens surely cost accuracy, {allowed}.{fall}{untold}",)
    each = [
        f"{step.group!r} {step_words(step, tokens)}, by {_loss(step)} ({p_words(step.p)})"
        for step in hurts[:_LISTED]
    ]
    beyond = f"; and {len(hurts) - _LISTED} more" if len(hurts) > _LISTED else ""
    return (f"Accuracy falls in {'; '.join(each)}{beyond}, {allowed}.{untold}",)


def _loss(step: Step) -> str:
    value, low, high = step.found.net
    return points(Value(-value, -high, -low))
