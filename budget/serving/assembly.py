"""From the flags of ``budget serve`` to a model with a policy, and a server's settings."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from PIL import Image

from budget.adaptive import AdaptiveVLM
from budget.budgets import Budget, BudgetPolicy
from budget.console import say
from budget.errors import BudgetError, ModelError, PolicyError, one_line
from budget.escalating import EscalatingVLM
from budget.models import find_model, load_model
from budget.options import given_ladder, parse_dtype
from budget.remote.address import is_remote
from budget.serving.flags import AccessFlags, LimitFlags, ModelFlags, QueueFlags
from budget.serving.going_up import calibrated, going_up
from budget.serving.governing import governor_of, parse_default
from budget.serving.intake import Batching
from budget.serving.keys import read_keys
from budget.serving.limits import Limits
from budget.serving.settings import Patience, ServeSettings
from budget.time_model import read_times
from budget.trust import GuardedPolicy

if TYPE_CHECKING:
    from budget.families.runner import KnobRunner
    from budget.llava import LlavaRunner

    # M3, MQT, or a model of any family that runs here.
    ServedModel = LlavaRunner | KnobRunner

PolicyLoader = Callable[[str], BudgetPolicy]


class Assembled(NamedTuple):
    """What a server is made of."""

    vlm: AdaptiveVLM | EscalatingVLM
    settings: ServeSettings


def assemble(
    model: ModelFlags,
    queue: QueueFlags,
    limits: LimitFlags,
    access: AccessFlags,
    loader: PolicyLoader | None,
) -> Assembled:
    """Return the model with its policy, and the settings, that flags stand for.

    Args:
        model: what answers.
        queue: how requests wait.
        limits: the largest request.
        access: who may ask.
        loader: makes a policy of a folder.

    Raises:
        BudgetError: if a model, a file of keys or, where that is strict, a policy cannot be read.
        ValueError: if a flag is out of range.
    """
    keys = read_keys(access.api_keys_file, access.api_keys_env)
    wanted = parse_default(model.budget)
    runner = _runner(model)
    policy, notice = _policy(model, runner, loader)
    vlm: AdaptiveVLM | EscalatingVLM
    if model.escalate is not None and policy.policy is not None:
        vlm, default = going_up(runner, policy, model.escalate), calibrated(wanted)
    else:
        state, chooser = model.governor_state, policy.policy
        governor, default = governor_of(wanted, runner, state, policy=chooser), wanted.budget
        vlm = AdaptiveVLM(runner, policy, governor=governor)
    _check_default(default, runner, vlm.policy)
    settings = ServeSettings(
        limits=Limits(
            **{name: getattr(limits, name) for name in Limits.__dataclass_fields__},
        ),
        batching=Batching(queue.max_batch, queue.max_wait_ms, queue.max_queue),
        patience=Patience(queue.body_s, queue.write_s),
        budget=default,
        default_max_tokens=limits.default_max_tokens,
        allow_remote=access.allow_remote_images,
        keys=keys,
        guard_all=access.guard_all,
        decode_threads=queue.decode_threads,
        max_decoded_bytes=queue.max_decoded_bytes,
        notice=notice,
    )
    return Assembled(vlm, settings)


def warm_up(vlm: AdaptiveVLM | EscalatingVLM) -> None:
    """Decide and answer once, so that the first request does not pay for one-off costs.

    Neither a governor nor the counts of fallbacks hear of it.
    """
    ladder = vlm.model.ladder
    picture = Image.new("RGB", (64, 64))
    # As requests are: an image in memory that was never a file.
    if isinstance(vlm.policy, GuardedPolicy):
        vlm.policy.warm_up(picture)
    else:
        vlm.answer([picture], ["?"], max_new_tokens=2)
    for scale in (ladder[0], ladder[-1]):
        vlm.model.answer([picture], ["?"], num_visual_tokens=scale, max_new_tokens=2)


def _runner(flags: ModelFlags) -> "ServedModel":
    if flags.threads is not None:
        import torch

        torch.set_num_threads(flags.threads)
    dtype = None if flags.dtype is None else parse_dtype(flags.dtype)
    if is_remote(flags.model):
        raise BudgetError(f"{flags.model} is served already; budget proxy stands in front of it")
    loaded = load_model(
        flags.model, device=flags.device, dtype=dtype, ladder=given_ladder(flags.ladder)
    )
    if not hasattr(loaded, "check_fits"):
        raise ModelError(f"{loaded.name} does not run here, so it cannot be served")
    runner = cast("ServedModel", loaded)
    if flags.times is not None:
        runner.times = read_times(flags.times)
    return runner


def _policy(
    flags: ModelFlags, runner: "ServedModel", loader: PolicyLoader | None
) -> tuple[GuardedPolicy, str]:
    """Return the policy, guarded, and what is to be said if it is not the one asked for."""
    rung = None if flags.fallback_tokens is None else _rung(flags.fallback_tokens, runner)
    try:
        found = _load(flags, loader)
        return GuardedPolicy(
            found, runner.ladder, fallback_rung=rung, deadline_ms=flags.deadline_ms
        ), ""
    except Exception as problem:  # a folder can be broken in more ways than loaders know
        if flags.strict_policy:
            if isinstance(problem, (BudgetError, OSError, ValueError)):
                raise
            raise PolicyError(f"the policy cannot be loaded: {one_line(problem)}") from problem
        why = one_line(problem)
        guarded = GuardedPolicy(None, runner.ladder, fallback_rung=rung, reason=why)
        scale = runner.ladder[guarded.fallback_rung]
        notice = f"no policy, every image gets {scale} visual tokens: {why}"
        say(f"budget: {notice}")
        return guarded, notice


def _load(flags: ModelFlags, loader: PolicyLoader | None) -> BudgetPolicy:
    folder = Path(flags.policy) if flags.policy else find_model(flags.model) / "policy"
    if not folder.is_dir():
        raise PolicyError(f"no policy folder {folder}")
    if loader is None:
        raise PolicyError(f"nobody said how to load {folder}")
    return loader(str(folder))


def _rung(scale: int, runner: "ServedModel") -> int:
    scales = tuple(runner.ladder)
    if scale not in scales:
        raise ValueError(f"--fallback-tokens must be one of {scales}, got {scale}")
    return scales.index(scale)


def _check_default(budget: Budget | None, runner: "ServedModel", policy: Any) -> None:
    """Refuse a default that the model or its policy cannot meet, before anybody asks."""
    if budget is None:
        return
    if budget.num_visual_tokens is not None:
        runner.check_tokens(budget.num_visual_tokens)
    if hasattr(policy, "check_budget"):
        policy.check_budget(budget)
