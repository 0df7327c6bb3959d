"""The model and the policy that a page is about."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from budget.errors import BudgetError, ModelError, PolicyError, one_line
from budget.models import find_model, load_model
from budget.own_knob import note_of
from budget.trust import GuardedPolicy

if TYPE_CHECKING:
    from budget.types import MatryoshkaVLM
    from policies.lightgbm_policy import ScorePolicy
    from policies.post_vision import PostVisionPolicy

    OwnPolicy = ScorePolicy | PostVisionPolicy


class World(NamedTuple):
    """What answers, and what chooses.

    Attributes:
        model: answers at every scale of its ladder.
        policy: chooses a scale; whatever goes wrong in it becomes the largest scale, with a reason.
        own: the policy itself; None where there is none, and auto is the largest scale.
        notices: what a user must know of the two, one sentence each.
    """

    model: "MatryoshkaVLM"
    policy: GuardedPolicy
    own: "OwnPolicy | None"
    notices: tuple[str, ...] = ()


def load_world(
    model: str,
    policy: str | None = None,
    *,
    device: str | None = None,
    ladder: tuple[int, ...] | None = None,
) -> World:
    """Load a model and the policy beside it, or another one.

    Args:
        model: "m3", "mqt", a folder, a hub id, or the address of a served model.
        policy: folder of a policy; by default the folder ``policy`` beside the model's weights.
        device: where the model runs; None for the CPU.
        ladder: scales to run at; None for the model's own.

    Raises:
        ModelError: if the model cannot be loaded.
        PolicyError: if a policy was asked for that cannot be loaded.
        ValueError: if the policy was made for other scales than the model's.
    """
    runner = load_model(model, ladder=ladder, device=device)
    own, missing = _policy_of(model, policy)
    if policy is None and own is not None and tuple(own.ladder) != tuple(runner.ladder):
        missing = f"the model's own is for the scales {tuple(own.ladder)}"
        own = None
    notes = [note_of(runner)] if note_of(runner) else []
    if own is None:
        notes.append(
            f"There is no policy ({missing}), so auto takes the largest scale; "
            "name one with --policy."
        )
    if getattr(own, "tier", "pre") != "pre" and not getattr(runner, "shares_features", True):
        raise PolicyError(f"a policy of tier post-vision cannot choose for {runner.name!r}")
    return World(runner, GuardedPolicy(own, runner.ladder, reason=missing), own, tuple(notes))


def _policy_of(model: str, policy: str | None) -> "tuple[OwnPolicy | None, str]":
    """Return a policy, or None and why there is none."""
    from policies.policy_files import load_policy

    if policy is not None:
        if not Path(policy).is_dir():
            raise PolicyError(f"no policy folder {policy}")
        return load_policy(policy), ""
    try:
        folder = find_model(model) / "policy"
    except ModelError:
        return None, "the model is served elsewhere"
    if not folder.is_dir():
        return None, "none beside the model's weights"
    try:
        return load_policy(folder), ""
    except BudgetError as problem:
        return None, one_line(problem)
