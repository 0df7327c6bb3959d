"""How a run asks the model: for its most probable answer, or in a way of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from oracle.batch import RungResult, run_batch
from oracle.samples import Sample

if TYPE_CHECKING:
    from budget.types import MatryoshkaVLM
    from oracle.scoring import Scorer


class Answering(Protocol):
    """A way of asking; nothing inherits from this."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the manifest of a run says of it, JSON values."""
        ...

    def check_model(self, model: "MatryoshkaVLM") -> None:
        """Refuse a model that cannot be asked like this.

        Raises:
            ValueError: says what is missing.
        """
        ...

    def check_sample(self, sample: Sample) -> None:
        """Refuse a sample that cannot be asked like this.

        Raises:
            ValueError: says what is missing.
        """
        ...

    def run(
        self,
        model: "MatryoshkaVLM",
        samples: Sequence[Sample],
        images: Sequence[Any],
        *,
        max_new_tokens: int,
        score: "Scorer",
    ) -> list[list[RungResult]]:
        """Run samples as one batch at every rung; return one list of rungs per sample.

        Args:
            model: that is asked.
            samples: n of them.
            images: of each sample.
            max_new_tokens: longest answer, in tokens.
            score: judges answers, for ways of asking that look at what they got so far.
        """
        ...


@dataclass(frozen=True, slots=True)
class Greedy:
    """One answer, each token the most probable one; any model can."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Nothing: what is not said is greedy."""
        return {}

    def check_model(self, model: "MatryoshkaVLM") -> None:
        """Accept every model."""

    def check_sample(self, sample: Sample) -> None:
        """Accept every sample."""

    def run(
        self,
        model: "MatryoshkaVLM",
        samples: Sequence[Sample],
        images: Sequence[Any],
        *,
        max_new_tokens: int,
        score: "Scorer",
    ) -> list[list[RungResult]]:
        """Run samples as one batch at every rung; return one list of rungs per sample."""
        questions = [sample.question for sample in samples]
        return run_batch(model, images, questions, max_new_tokens=max_new_tokens)


GREEDY = Greedy()


def check_branches(model: Any, flag: str) -> None:
    """Refuse a model that does not read all rungs at once, with several texts behind each.

    Args:
        model: any.
        flag: what asked for it, for the message.

    Raises:
        ValueError: names the model and says what is missing.
    """
    if not hasattr(model, "every_scale"):
        raise ValueError(
            f"{flag} takes a model that reads all scales at once, as M3 and MQT do; "
            f"{model.name} only answers greedily"
        )
    model.every_scale([], [])  # which refuses attention that cannot
