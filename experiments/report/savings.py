"""What choosing scales saves, in tokens, FLOPs, milliseconds and money."""

import numpy as np

from experiments.report.assessment import Assessment
from experiments.report.money import Money, checked
from experiments.report.runs import Run
from experiments.report.saving_figure import draw_savings
from experiments.report.saving_measures import at_equal_accuracy, at_prices
from experiments.report.saving_tables import equal_table, price_table, requests_table
from experiments.report.saving_words import saving_words
from experiments.report.section import Picture, Section


def savings_section(
    run: Run,
    assessed: Assessment,
    rng: np.random.Generator,
    *,
    resamples: int = 1000,
    money: Money | None = None,
) -> Section:
    """Return the section on what is saved against the full scale.

    Args:
        run: the oracle run, with its policies.
        assessed: what they reach, by :func:`experiments.report.assessment.assess`.
        rng: where the resamples come from.
        resamples: how many times the samples are drawn anew.
        money: what a user pays; without it nothing is said in money but how to give it.
    """
    if money is not None:
        money = checked(money)
    priced = at_prices(run, assessed, rng, resamples=resamples)
    equal = at_equal_accuracy(run, assessed, rng, resamples=resamples)
    tables = (price_table(run, priced), requests_table(run, priced, money)) if priced else ()
    caption = (
        "Share of the full scale's cost that is saved at its accuracy, and half and one point "
        "below, with 95 % intervals; nothing is drawn where a rule does not get there."
    )
    picture = Picture(
        "savings",
        caption,
        "The same numbers are in the table of savings at equal accuracy.",
        draw_savings(equal, [policy.name for policy in run.policies]),
    )
    return Section(
        "savings",
        "What does that save in tokens, FLOPs, money and milliseconds?",
        saving_words(run, assessed, priced, equal, money),
        (picture,),
        (*tables, equal_table(equal, len(run.curves))),
    )
