"""One oracle run as a report sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from PIL.Image import Image

    from oracle.curves import Curves
    from policies.hull import FloatArray
    from policies.lightgbm_policy import ScorePolicy


class Samples(Protocol):
    """Questions and images of a run, in the order of its curves; images are read when asked for."""

    questions: Sequence[str]
    references: Sequence[Sequence[str]]

    def images(self, row: int) -> "Sequence[Image]":
        """Return the images of one sample, read anew."""
        ...


@dataclass(frozen=True)
class PolicyChoices:
    """What a policy makes of a run's samples.

    Attributes:
        name: its label.
        expected: predicted score of every rung, shape [n, k].
        rung_costs: what its price is paid on, shape [k].
        prices: its named prices.
        price: the price that choices are made at unless said otherwise.
        decision_ms: milliseconds a decision takes.
        held_out: whether none of the samples were used to fit it, as far as is known; None where
            nothing is known of that.
        policy: itself, where it looks at features alone.
        features: of the samples, shape [n, d], where it does.
    """

    name: str
    expected: "FloatArray"
    rung_costs: "FloatArray"
    prices: Mapping[str, float]
    price: float
    decision_ms: float
    held_out: bool | None
    policy: "ScorePolicy | None" = None
    features: "FloatArray | None" = None


@dataclass(frozen=True)
class Run:
    """One oracle run.

    Attributes:
        name: its label, unique in a report.
        curves: scores, answers and costs; ``groups`` are those that the report shows.
        about: the run's metadata: model, scorer, dataset and so on.
        grouped_by: where groups come from, in words, e.g. ``"the column 'kind'"``.
        samples: questions and images, if they are to be had.
        fit: curves that baselines may learn from (one fixed scale per group), if given.
        policies: policies to be judged, already asked about every sample.
    """

    name: str
    curves: "Curves"
    about: Mapping[str, Any]
    grouped_by: str
    samples: Samples | None = None
    fit: "Curves | None" = None
    policies: tuple[PolicyChoices, ...] = ()
