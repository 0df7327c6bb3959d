"""The policy that goes up: what a policy's folder keeps for it, and the choices themselves."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from budget.budgets import Budget
from budget.errors import PolicyError
from budget.escalation import STOP, Tried
from policies.after_answers import AfterAnswers
from policies.allocation import IntArray
from policies.answer_features import AnswerSigns
from policies.calibration import CalibrationTable
from policies.features import featurize
from policies.hull import FloatArray
from policies.lightgbm_policy import DEFAULT_PRICE, ScorePolicy
from policies.predictor_state import PredictorState
from policies.stopping import StoppingRule
from policies.tried_rungs import Tries

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from PIL.Image import Image

    from policies.post_vision import PostVisionPolicy
    from policies.vision_inputs import VisionInputs

KIND = "escalation"


class Escalation:
    """What a policy carries to look at answers and go up.

    Args:
        after: expected scores once a sample was answered.
        rule: when to stop.
        prices: by name; the one named "no-loss" is the default.
        table: what prices led to on the calibration split.

    Raises:
        PolicyError: if there is no default price.
    """

    def __init__(
        self,
        *,
        after: AfterAnswers,
        rule: StoppingRule,
        prices: Mapping[str, float],
        table: CalibrationTable,
    ) -> None:
        if DEFAULT_PRICE not in prices:
            raise PolicyError(f"a policy needs a price {DEFAULT_PRICE!r}, got {sorted(prices)}")
        self.after, self.rule, self.prices, self.table = after, rule, dict(prices), table

    def price_of(self, budget: Budget) -> float:
        """Return the price that a budget comes to.

        Raises:
            PolicyError: if its mean is below the cheapest scale, or prices were not calibrated for
                it.
        """
        if budget.price is not None:
            return budget.price
        if budget.total_visual_tokens is not None:
            raise PolicyError("going up cannot keep a total of visual tokens; give a price")
        if budget.risk is not None:
            raise PolicyError(f"going up was not calibrated for {budget.risk}; give a price")
        try:
            for unit in ("tokens", "flops", "ms"):
                if (mean := getattr(budget, f"mean_{unit}")) is not None:
                    return self.table.mix_for(unit, mean).price
        except ValueError as error:
            raise PolicyError(str(error)) from error
        return self.prices[DEFAULT_PRICE]

    def state(self) -> PredictorState:
        """Return what it is made of; :mod:`policies.escalation_state` has the way back."""
        from policies.escalation_state import take_apart

        return take_apart(self)


class ScoreEscalationPolicy:
    """Answer, look at the answer, go up or stop: keeps ``budget.escalation.EscalationPolicy``.

    Args:
        policy: what is expected before any answer; carries an :class:`Escalation`.

    Raises:
        PolicyError: if it carries none.
    """

    def __init__(self, policy: "ScorePolicy | PostVisionPolicy") -> None:
        pricing = policy if isinstance(policy, ScorePolicy) else policy.pricing
        carried = pricing.extras.get(KIND)
        if not isinstance(carried, Escalation):
            raise PolicyError(
                "this policy was not fitted to look at answers; fit one with "
                "'budget policy escalate --out'"
            )
        self.policy = policy
        self.ladder = policy.ladder
        self.escalation = carried

    def describe(
        self,
        images: "Sequence[Image | bytes]",
        questions: Sequence[str],
        *,
        encoded: "VisionInputs | None" = None,
    ) -> FloatArray:
        """Return features and the scores expected before any answer, shape [n, d + k].

        Args:
            images: n pictures.
            questions: n questions.
            encoded: what the vision encoder found; only a policy of tier post-vision needs it.

        Raises:
            PolicyError: if it needs it and there is none.
        """
        if not len(questions):
            return np.zeros((0, len(self.policy.ladder)))
        features = featurize(images, questions)
        if isinstance(self.policy, ScorePolicy):
            return np.hstack([features, self.policy.predictor.predict(features)])
        if encoded is None:
            raise PolicyError("a policy of tier post-vision needs what the vision encoder found")
        before = self.policy.pricing.predictor.predict(features)
        return np.hstack([features, self.policy.part.mix(before, encoded)])

    @property
    def needs_encoded(self) -> bool:
        """Whether it must be shown what the vision encoder found, by ``describe_encoded``."""
        return not isinstance(self.policy, ScorePolicy)

    def describe_encoded(
        self,
        images: "Sequence[Image | bytes]",
        questions: Sequence[str],
        *,
        features: "Sequence[torch.Tensor]",
        words: "Sequence[torch.Tensor]",
    ) -> FloatArray:
        """Return :meth:`describe` of pictures that were encoded, shape [n, d + k].

        Args:
            images: n pictures.
            questions: n questions.
            features: what the model's ``encode`` gave for each picture.
            words: what its ``embed_questions`` gave for each question.

        Raises:
            PolicyError: if the tokens are of another model.
        """
        from policies.vision_inputs import make_inputs

        encoded = make_inputs(features, words) if self.needs_encoded and len(questions) else None
        return self.describe(images, questions, encoded=encoded)

    def scores(self, described: FloatArray) -> FloatArray:
        """Return the scores that are expected before any answer, shape [n, k]."""
        expected: FloatArray = described[:, described.shape[1] - len(self.ladder) :]
        return expected

    def start(self, described: FloatArray, *, budget: Budget | None = None) -> IntArray:
        """Return the rung that each sample is first answered at, shape [n]."""
        budget = budget or Budget()
        if budget.num_visual_tokens is not None:
            rung = self.ladder.rung_of(budget.num_visual_tokens)
            return np.full(len(described), rung, dtype=np.int64)
        before = self.scores(described)
        return self.escalation.rule.choose(before, (), self.escalation.price_of(budget))

    def next(
        self,
        described: FloatArray,
        tried: Sequence[Sequence[Tried]],
        *,
        budget: Budget | None = None,
    ) -> IntArray:
        """Return the rung that each sample is answered at next, or STOP, shape [n].

        Args:
            described: rows of :meth:`describe`, shape [n, d + k].
            tried: what each sample was answered so far, cheapest rung first, at least one.
            budget: as given to :meth:`start`.

        Raises:
            ValueError: if rows do not fit, a sample was not answered yet, its rungs do not rise or
                are not on the ladder, or the model did not say how sure it was.
        """
        budget = budget or Budget()
        if len(tried) != len(described):
            raise ValueError(f"{len(described)} samples need as many tries, got {len(tried)}")
        ways = [_rungs_of(each, len(self.ladder)) for each in tried]
        moves = np.full(len(ways), STOP, dtype=np.int64)
        if budget.num_visual_tokens is not None:
            return moves
        price = self.escalation.price_of(budget)
        for way in sorted(set(ways)):
            rows = [i for i, each in enumerate(ways) if each == way]
            answers = _signs([tried[i][-1] for i in rows])
            moves[rows] = self._choose(described[rows], answers, way, price)
        return moves

    def _choose(
        self, described: FloatArray, answers: AnswerSigns, way: Tries, price: float
    ) -> IntArray:
        rule, split = self.escalation.rule, described.shape[1] - len(self.ladder)
        if not rule.spending.next_rungs(way):
            return np.full(len(described), STOP, dtype=np.int64)
        features, before = described[:, :split], described[:, split:]
        expected = self.escalation.after.predict(features, before, answers, way[-1])
        return rule.choose(expected, way, price)

    def check_budget(self, budget: Budget) -> None:
        """Refuse a budget that going up cannot meet.

        Raises:
            PolicyError: if it was not calibrated for it.
        """
        if budget.num_visual_tokens is None:
            self.escalation.price_of(budget)

    def save(self, folder: "str | Path") -> None:
        """Write the policy as a folder; ``load_policy`` reads it."""
        self.policy.save(folder)


def _rungs_of(tried: Sequence[Tried], num_rungs: int) -> Tries:
    rungs = tuple(each.rung for each in tried)
    if not rungs or list(rungs) != sorted(set(rungs)) or not 0 <= rungs[0] <= rungs[-1] < num_rungs:
        raise ValueError(f"tried rungs must rise within 0..{num_rungs - 1}, got {rungs}")
    if not np.isfinite(sure := tried[-1].answer.confidence):
        raise ValueError(f"an answer needs a finite confidence, got {sure} at rung {rungs[-1]}")
    return rungs


def _signs(last: Sequence[Tried]) -> AnswerSigns:
    answers = [each.answer for each in last]
    numbers = np.array([(a.confidence, a.margin, a.entropy) for a in answers])
    return AnswerSigns(np.array([a.text for a in answers], dtype=np.str_), *numbers.T)
