"""Why a policy gave one request its scale: what each group of features contributed, in words.

Contributions are exact Shapley values over all coalitions of the groups, against typical requests
that travel with the policy: of the logarithm of the visual tokens chosen at the price that the
request pays, and of what the full scale is expected to add over the cheapest.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from budget.budgets import Budget
from budget.choice_path import worthiest
from budget.errors import PolicyError
from policies.allocation import relative_costs
from policies.background import KIND as BACKGROUND
from policies.background import Background
from policies.budget_solver import hash_draws
from policies.coalitions import Explained, Outputs, explain
from policies.feature_groups import GROUPS, group_columns
from policies.features import current_schema, featurize
from policies.hull import FloatArray
from policies.lightgbm_policy import ScorePolicy
from policies.reasons import Claim, Reader
from policies.sentences import FEWEST_BITS, sentence_of, tokens_in_words

if TYPE_CHECKING:
    from PIL.Image import Image

    from budget.budgets import BudgetPolicy

_COMMON = 0.2  # share of typical requests from which on their scale is called the usual one


class GroupContribution(NamedTuple):
    """What one group of features contributed.

    Attributes:
        name: of the group.
        words: what the group is.
        log2_tokens: what it added to log2 of the visual tokens chosen; 1 means twice as many.
        gain: what it added to the expected score of the full scale less that of the cheapest.
        claim: what is true of the request and pulled that way, e.g. ``"the question asks for
            text"``; empty where nothing in the group is both unusual and of weight by itself.
    """

    name: str
    words: str
    log2_tokens: float
    gain: float
    claim: str


class Contributions(NamedTuple):
    """Why a request was given its scale.

    Attributes:
        num_visual_tokens: the scale chosen.
        usual_tokens: the scale next to the geometric mean of what typical requests are given at the
            same price.
        price: that the request paid; NaN where the scale was fixed and the policy not asked.
        scores: expected score of every rung, shape [k].
        log2_tokens: of the mean visual tokens of the chosen rung.
        usual_log2_tokens: mean over typical requests.
        gain: expected score of the full scale less that of the cheapest.
        usual_gain: mean over typical requests.
        groups: largest contributions first. They add up to ``log2_tokens`` less the usual one, and
            to ``gain`` less the usual one.
        sentence: all of it in one sentence.
    """

    num_visual_tokens: int
    usual_tokens: int
    price: float
    scores: FloatArray
    log2_tokens: float
    usual_log2_tokens: float
    gain: float
    usual_gain: float
    groups: tuple[GroupContribution, ...]
    sentence: str


def contributions(
    policy: "BudgetPolicy",
    image: "Image | bytes",
    question: str,
    *,
    budget: Budget | None = None,
    background: Background | None = None,
) -> Contributions:
    """Say why a policy gives an image and a question so many visual tokens.

    Args:
        policy: of tier pre.
        image: a picture, or the bytes of an image file, as for ``policy.choose``.
        question: about it.
        budget: as for ``policy.choose``; by default the price named "no-loss".
        background: typical requests; by default those that the policy carries.

    Raises:
        PolicyError: if the policy sees more than features, carries no typical requests, or was not
            calibrated for the budget.
        DataError: if the image cannot be read.
        ValueError: if a fixed scale is not on the ladder.
    """
    checked = explainable(policy)
    typical = (background or background_in(checked)).features
    row = featurize([image], [question])
    return explain_row(checked, row, typical, budget=budget)


def explainable(policy: object) -> ScorePolicy:
    """Return a policy whose choices features alone explain.

    Raises:
        PolicyError: if it is none.
    """
    if not isinstance(policy, ScorePolicy):
        tier = getattr(policy, "tier", type(policy).__name__)
        raise PolicyError(
            f"only choices by features can be explained, and a policy of {tier!r} sees more than "
            "those; give one of tier pre"
        )
    return policy


def background_in(policy: ScorePolicy) -> Background:
    """Return the typical requests that a policy carries.

    Raises:
        PolicyError: if it carries none; says how to add them.
    """
    found = policy.extras.get(BACKGROUND)
    if not isinstance(found, Background):
        raise PolicyError(
            "the policy carries no typical requests to compare with; add them with "
            "'budget policy background --policy FOLDER --curves CURVES --data DATA --split fit'"
        )
    return found


def explain_row(
    policy: ScorePolicy, row: FloatArray, typical: FloatArray, *, budget: Budget | None = None
) -> Contributions:
    """Say why a policy chose for one request, given its features.

    Args:
        policy: of tier pre.
        row: features of the request, shape [1, d].
        typical: those of typical requests, shape [b, d].
        budget: as for ``policy.choose``.

    Raises:
        PolicyError: if the policy was not calibrated for the budget.
        ValueError: if a fixed scale is not on the ladder.
    """
    scores = policy.predictor.predict(row)
    scales, logs = policy.ladder.scales, np.log2(rung_tokens(policy))
    if budget is not None and budget.num_visual_tokens is not None:
        return _not_asked(policy, scores[0], policy.ladder.rung_of(budget.num_visual_tokens))
    price = _price_paid(policy, row, budget)
    outputs = outputs_at(policy, price)
    columns = group_columns()
    found = explain(outputs, row[0], typical, [columns[each.name] for each in GROUPS])
    own, mean = found.own, found.usual.mean(axis=0)
    rung = int(np.flatnonzero(logs == own[0])[0])
    near = int(np.abs(logs - mean[0]).argmin())
    groups = _in_words(found, outputs, row[0], typical)
    common = bool(np.mean(found.usual[:, 0] == logs[near]) >= _COMMON)
    return Contributions(
        num_visual_tokens=scales[rung],
        usual_tokens=scales[near],
        price=price,
        scores=scores[0],
        log2_tokens=float(own[0]),
        usual_log2_tokens=float(mean[0]),
        gain=float(own[1]),
        usual_gain=float(mean[1]),
        groups=groups,
        sentence=sentence_of(scales[rung], scales[near], common, groups),
    )


def rung_tokens(policy: ScorePolicy) -> FloatArray:
    """Return mean visual tokens of every rung, as measured or else as the scales say, [k]."""
    known = policy.rung_tokens
    return np.array(policy.ladder.scales, dtype=np.float64) if known is None else known


def outputs_at(policy: ScorePolicy, price: float) -> Outputs:
    """Return what maps features [n, d] to log2 of the tokens chosen and the expected gain, [n, 2].

    Args:
        policy: predicts and chooses.
        price: that every request pays.
    """
    relative = relative_costs(policy.rung_costs[None])[0]
    logs = np.log2(rung_tokens(policy))

    def outputs(features: FloatArray) -> FloatArray:
        scores = policy.predictor.predict(features)
        chosen = logs[worthiest(scores, relative, price)]
        return np.column_stack([chosen, scores[:, -1] - scores[:, 0]])

    return outputs


def _price_paid(policy: ScorePolicy, row: FloatArray, budget: Budget | None) -> float:
    """Return the one price of the two that a budget may mix which this request pays."""
    mix = policy.mix_of(budget or Budget())
    return mix.lower if mix.share and hash_draws(row)[0] < mix.share else mix.price


def _not_asked(policy: ScorePolicy, scores: FloatArray, rung: int) -> Contributions:
    """Return what there is to say of a fixed scale: nothing led to it."""
    log, gain = float(np.log2(rung_tokens(policy))[rung]), float(scores[-1] - scores[0])
    asked_for = policy.ladder[rung]
    words = f"{tokens_in_words(asked_for)}, as was asked for: the policy did not choose"
    return Contributions(
        asked_for, asked_for, float("nan"), scores, log, log, gain, gain, (), words
    )


def _in_words(
    explained: Explained, outputs: Outputs, row: FloatArray, typical: FloatArray
) -> tuple[GroupContribution, ...]:
    """Return what was found with what is true of the request, largest contributions first."""
    claims = Reader(row, typical).claims()
    pulls = _pulls(claims, outputs, row, typical)
    found = []
    for group, (bits, gain) in zip(GROUPS, explained.added.tolist(), strict=True):
        own = [(c, p) for c, p in zip(claims, pulls, strict=True) if c.group == group.name]
        claim = _claim_for(bits, own) if abs(bits) >= FEWEST_BITS else ""
        found.append(GroupContribution(group.name, group.words, bits, gain, claim))
    return tuple(sorted(found, key=lambda each: (-abs(each.log2_tokens), -abs(each.gain))))


def _pulls(
    claims: Sequence[Claim], outputs: Outputs, row: FloatArray, typical: FloatArray
) -> FloatArray:
    """Return how far the features behind each claim alone move the outputs from typical ones."""
    place = {name: i for i, name in enumerate(current_schema().names)}
    tables = [np.empty((0, len(row)))]
    for claim in claims:
        table = np.tile(row, (len(typical), 1))
        columns = [place[name] for name in claim.features]
        table[:, columns] = typical[:, columns]
        tables.append(table)
    without = outputs(np.concatenate([row[None], *tables]))
    pulls: FloatArray = without[0] - without[1:].reshape(len(claims), len(typical), 2).mean(axis=1)
    return pulls


def _claim_for(bits: float, claims: Sequence[tuple[Claim, FloatArray]]) -> str:
    """Return the claim whose features pull hardest the way that their group does, if any does."""
    same_way = np.sign(bits)
    best = max(claims, key=lambda pair: tuple(same_way * pair[1]), default=None)
    if best is None or tuple(same_way * best[1]) <= (0.0, 0.0):
        return ""
    return best[0].text
