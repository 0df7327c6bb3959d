"""From the flags of ``budget serve`` to a model with a policy, and a server's settings."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from budget.adaptive import AdaptiveVLM
from budget.budgets import Budget, BudgetPolicy, FullScale
from budget.console import say
from budget.errors import PolicyError, one_line
from budget.models import find_model, load_model
from budget.options import parse_dtype
from budget.risk import parse_risk
from budget.serving.flags import AccessFlags, LimitFlags, ModelFlags, QueueFlags
from budget.serving.intake import Batching
from budget.serving.keys import read_keys
from budget.serving.limits import Limits
from budget.serving.settings import Patience, ServeSettings

if TYPE_CHECKING:
    from budget.llava import LlavaRunner

PolicyLoader = Callable[[str], BudgetPolicy]
_NUMBERS = {"price": "price", "mean-flops": "mean_flops", "mean-ms": "mean_ms"}


class Assembled(NamedTuple):
    """What a server is made of."""

    vlm: AdaptiveVLM
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
    budget = parse_budget(model.budget)
    runner = _runner(model)
    if budget is not None and budget.num_visual_tokens is not None:
        runner.check_tokens(budget.num_visual_tokens)
    policy, notice = _policy(model, runner, loader)
    settings = ServeSettings(
        limits=Limits(
            **{name: getattr(limits, name) for name in Limits.__dataclass_fields__},
        ),
        batching=Batching(queue.max_batch, queue.max_wait_ms, queue.max_queue),
        patience=Patience(queue.body_s, queue.write_s),
        budget=budget,
        default_max_tokens=limits.default_max_tokens,
        allow_remote=access.allow_remote_images,
        keys=keys,
        guard_all=access.guard_all,
        decode_threads=queue.decode_threads,
        max_decoded_bytes=queue.max_decoded_bytes,
        notice=notice,
    )
    return Assembled(AdaptiveVLM(runner, policy), settings)


def parse_budget(text: str) -> Budget | None:
    """Return what ``--budget`` allows; None is the policy's own default.

    Raises:
        ValueError: if it is none of the forms.

    Example:
        >>> parse_budget("tokens=36").given, parse_budget("policy")
        (('num_visual_tokens', 36), None)
    """
    name, _, value = text.partition("=")
    try:
        if text == "policy":
            return None
        if name == "risk":
            return Budget(risk=parse_risk(value))
        if name == "tokens":
            return Budget(num_visual_tokens=int(value))
        if name in _NUMBERS:
            number: dict[str, Any] = {_NUMBERS[name]: float(value)}
            return Budget(**number)
    except ValueError as problem:
        raise ValueError(f"--budget {text}: {one_line(problem)}") from None
    raise ValueError(
        "--budget must be policy, or one of price=, mean-tokens=, mean-flops=, mean-ms=, risk= and "
        f"tokens= with a value, got {text!r}"
    )


def _runner(flags: ModelFlags) -> "LlavaRunner":
    if flags.threads is not None:
        import torch

        torch.set_num_threads(flags.threads)
    dtype = None if flags.dtype is None else parse_dtype(flags.dtype)
    return load_model(flags.model, device=flags.device, dtype=dtype)


def _policy(
    flags: ModelFlags, runner: "LlavaRunner", loader: PolicyLoader | None
) -> tuple[Any, str]:
    """Return the policy, and what is to be said if it is not the one asked for."""
    folder = Path(flags.policy) if flags.policy else find_model(flags.model) / "policy"
    try:
        if not folder.is_dir():
            raise PolicyError(f"no policy folder {folder}")
        if loader is None:
            raise PolicyError(f"nobody said how to load {folder}")
        policy = loader(str(folder))
        AdaptiveVLM(runner, policy)
        return policy, ""
    except (PolicyError, OSError, ValueError) as problem:
        if flags.strict_policy:
            raise
        notice = f"no policy, every image gets the fallback scale: {one_line(problem)}"
        say(f"budget: {notice}")
        return FullScale(runner.ladder), notice
