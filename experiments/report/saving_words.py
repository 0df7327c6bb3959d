"""What is saved, in sentences."""

from collections.abc import Sequence

from experiments.report.assessment import Assessment
from experiments.report.money import Money, dollars_saved
from experiments.report.phrases import listed, percent, points, tokens_in_words
from experiments.report.runs import Run
from experiments.report.saving_measures import FLOPS, MS, TOKENS, AtEqual, AtPrice, known_costs
from experiments.report.verdicts import few_samples, known, more_or_less, negative, sign
from policies.rules import RANDOM_MIX, STABLE

_NAMES = {TOKENS: "visual tokens", FLOPS: "FLOPs", MS: "measured milliseconds"}


def saving_words(
    run: Run,
    assessed: Assessment,
    priced: Sequence[AtPrice],
    equal: Sequence[AtEqual],
    money: Money | None,
) -> tuple[str, ...]:
    """Return the answer in sentences, the most important first.

    Args:
        run: the oracle run.
        assessed: what was measured.
        priced: what policies save at their prices.
        equal: what every rule saves at equal accuracy.
        money: what a user pays, if it is known.
    """
    own = [next(row for row in priced if row.policy == policy.name) for policy in run.policies]
    if not assessed.data.scores.any():
        return ("No scale gets any sample right, so that every token spent is wasted.",)
    return (
        *(_at_price(row) for row in own),
        *(other for policy in run.policies for other in _other_prices(policy.name, priced)),
        *(_equal(policy.name, equal) for policy in run.policies),
        *_no_policy(equal),
        *_money(own, money),
        *_unknown(assessed),
        *_not_best(assessed),
        *few_samples(len(run.curves)),
    )


def _at_price(row: AtPrice) -> str:
    parts = [f"{percent(spent.share)} of the {_NAMES[kind]}" for kind, spent in row.spent.items()]
    lost = more_or_less(
        row.lost,
        better=f"at the cost of {points(row.lost)} of accuracy",
        worse=f"and accuracy rises by {points(negative(row.lost))}",
        same=f"and the loss of accuracy, {points(row.lost)}, cannot be told from none",
    )
    more = [_NAMES[k] for k, spent in row.spent.items() if sign(spent.share) < 0]
    warning = f" A negative share means that it needs more {listed(more)}." if more else ""
    return (
        f"At its price {row.price!r}, policy {row.policy!r} saves {listed(parts)} against the full "
        f"scale, {lost}.{warning}"
    )


def _other_prices(name: str, priced: Sequence[AtPrice]) -> tuple[str, ...]:
    """Return one sentence on all prices of a policy but its own."""
    others = [row for row in priced if row.policy == name][1:]
    told = [
        f"{row.price!r} saves {percent(row.spent[TOKENS].share)} of the visual tokens and loses "
        f"{points(row.lost)}"
        for row in others
    ]
    return (f"Of the other prices of policy {name!r}, {listed(told)}.",) if told else ()


def _equal(name: str, equal: Sequence[AtEqual]) -> str:
    rows = [row for row in equal if row.rule == name]
    none, point = rows[0], rows[-1]
    if not known(none.shares[TOKENS]):
        first = f"Policy {name!r} does not reach the full scale's accuracy at any price"
    else:
        first = (
            f"To be as accurate as the full scale, policy {name!r} needs "
            f"{percent(none.shares[TOKENS])} fewer visual tokens at the best price there is on "
            "these samples"
        )
        if none.reached < 0.975:
            first += (
                f" (it gets there in only {100 * none.reached:.0f} % of the resamples, and the "
                "interval is of these alone)"
            )
    if not known(point.shares[TOKENS]):
        return f"{first}, nor does it come within 1 point."
    second = f"within 1 point of it the saving is {percent(point.shares[TOKENS])}"
    if known(point.recovery):
        second += (
            f", {percent(point.recovery)} of what the oracle without luck saves at that accuracy"
        )
    return f"{first}; {second}."


def _no_policy(equal: Sequence[AtEqual]) -> tuple[str, ...]:
    """Say what is saved without any policy, and what the oracle would save."""
    mix, oracle = ([r for r in equal if r.rule == rule][-1] for rule in (RANDOM_MIX, STABLE))
    without = mix.shares[TOKENS]
    told = (
        f"Without any policy, fixed scales mixed at random are within 1 point of the full scale "
        f"with {percent(without)} fewer visual tokens"
        if known(without)
        else "Without any policy nothing comes within 1 point of the full scale for less"
    )
    best = oracle.shares[TOKENS]
    most = f"; the oracle without luck would save {percent(best)}" if known(best) else ""
    return (f"{told}{most}.",)


def _money(own: Sequence[AtPrice], money: Money | None) -> tuple[str, ...]:
    if money is None:
        return (
            "No price in money was given, and none is guessed: give "
            "`--dollars-per-million-tokens` or `--dollars-per-hour` to have the savings in "
            "dollars.",
        )
    if not own:
        return ("A price in money was given, but no policy whose saving it could be put on.",)
    return tuple(_dollars(row, money) for row in own)


def _dollars(row: AtPrice, money: Money) -> str:
    found = dollars_saved(row.spent, money)
    if found is None:
        return (
            f"What policy {row.policy!r} saves in money cannot be told: what the price is paid for "
            "was not measured in this run."
        )
    full, saved = found
    paid = (
        f"{money.per_million_tokens:g} dollars per million visual tokens"
        if money.per_million_tokens is not None
        else f"{money.per_hour:g} dollars per hour of the machine that the run was measured on"
    )
    less = saved.value >= 0
    shown = saved if less else negative(saved)
    numbers = f"{shown.value:.4g} dollars ({shown.low:.4g} to {shown.high:.4g})"
    does = f"saves {numbers} of" if less else f"costs {numbers} more than"
    return (
        f"At {paid}, policy {row.policy!r} {does} {full:.4g} per 1,000 requests at its price "
        f"{row.price!r}."
    )


def _unknown(assessed: Assessment) -> tuple[str, ...]:
    missing = _missing(assessed)
    if missing:
        return (f"The {listed(missing)} of this run are not known, so nothing is said of them.",)
    return (
        "FLOPs and milliseconds are of the whole sample, vision encoder, text and answer included, "
        "and so save less than visual tokens do; milliseconds are those of the machine, and the "
        "way of running, that the run was measured with.",
    )


def _missing(assessed: Assessment) -> list[str]:
    found = known_costs(assessed.data)
    return [name for kind, name in ((FLOPS, "FLOPs"), (MS, "milliseconds")) if kind not in found]


def _not_best(assessed: Assessment) -> tuple[str, ...]:
    means = assessed.data.scores.mean(axis=0)
    best = int(means.argmax())
    if means[best] <= means[-1]:
        return ()
    return (
        "Savings are counted against the full scale, which is not the best here: the fixed scale "
        f"of {tokens_in_words(float(assessed.data.rung_tokens[best]))} has a higher accuracy.",
    )
