"""A fitted policy that chooses before any answer, to which looking at answers is added."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from budget.errors import PolicyError
from policies.escalation import KIND, Escalation
from policies.escalation_reading import AnsweredSplit
from policies.judging import Policy, judge
from policies.lightgbm_policy import ScorePolicy
from policies.policy_files import load_policy
from policies.predictor_state import StoredPredictor
from policies.reading import Readers, Split

if TYPE_CHECKING:
    from pathlib import Path

    from policies.vision_inputs import EncodingModel, VisionInputs


@dataclass(frozen=True, slots=True, eq=False)
class BasePolicy:
    """A policy of tier pre or post-vision.

    Attributes:
        policy: it must not have been fitted on the samples that looking is learnt on, or it is
            surer of them than it will be of any other.
        model: whose encoder a policy of tier post-vision looks at.
        name: for reports.
    """

    policy: Policy
    model: "EncodingModel | None" = None
    name: str = "a policy"

    @property
    def predictor(self) -> StoredPredictor:
        """What it expects from features alone."""
        return self._pricing.predictor

    @property
    def _pricing(self) -> ScorePolicy:
        return self.policy if isinstance(self.policy, ScorePolicy) else self.policy.pricing

    def expect(
        self, readers: Readers, answered: AnsweredSplit, data: str, split: str
    ) -> AnsweredSplit:
        """Return a split with what the policy expects of it before any answer.

        Raises:
            BudgetError: if the data cannot be read, or the policy needs a model and has none.
        """
        from policies.vision_command import encode_split

        def encoded(name: str, found: Split) -> "VisionInputs":
            if self.model is None:
                raise PolicyError("a policy of tier post-vision needs --model")
            return encode_split(readers, self.model, found.curves, data, name)

        known = Split(answered.curves, answered.samples.features, 0.0)
        before = judge(self.policy, known, split, encoded).expected
        return answered._replace(samples=answered.samples._replace(before=before))

    def carrying(self, escalation: Escalation) -> ScorePolicy:
        """Return the policy with what it takes to look at answers."""
        own = self._pricing
        return ScorePolicy(
            ladder=own.ladder,
            predictor=own.predictor,
            rung_costs=own.rung_costs,
            cost_unit=own.cost_unit,
            prices=own.prices,
            table=own.table,
            feature_sha256=own.feature_sha256,
            extras={**own.extras, KIND: escalation},
        )


def load_base_policy(folder: "Path", model: str | None) -> BasePolicy:
    """Return the policy of a folder, and the model if one is named.

    Raises:
        BudgetError: if either cannot be loaded.
    """
    policy = load_policy(folder)
    if model is None:
        return BasePolicy(policy, name=str(folder))
    from budget.matryoshka import load_matryoshka

    return BasePolicy(policy, load_matryoshka(model, "a policy of tier post-vision"), str(folder))
