"""The flags of ``budget serve``, in groups; each group is a frozen dataclass."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from budget.device_options import LadderOption


def _number(text: str, least: float = 1) -> Any:
    return typer.Option(help=text, min=least)


@dataclass(frozen=True, slots=True)
class ModelFlags:
    """What answers, and what it may spend."""

    model: Annotated[str, typer.Option(help="m3, mqt, a model folder or a hub id.")] = "m3"
    policy: Annotated[
        str | None,
        typer.Option(
            help="Policy folder; default: the folder 'policy' beside the model's weights.",
            show_default=False,
        ),
    ] = None
    strict_policy: Annotated[
        bool,
        typer.Option(
            "--strict-policy",
            help="Refuse to start without a readable policy; otherwise every image gets the "
            "fallback scale, and /health says so.",
        ),
    ] = False
    budget: Annotated[
        str,
        typer.Option(
            help="What a request that names no budget may spend: policy (the policy's own "
            "default), price=0.1, mean-tokens=64 (a mean over live traffic), mean-flops=1e9, "
            "mean-ms=20, risk=0.01:0.05 or tokens=36."
        ),
    ] = "policy"
    governor_state: Annotated[
        Path | None,
        typer.Option(
            help="File in which a mean over live traffic is remembered from one start to the next.",
            show_default=False,
        ),
    ] = None
    fallback_tokens: Annotated[
        int | None,
        typer.Option(
            help="Visual tokens of an image whose decision fails; default: the largest scale.",
            show_default=False,
        ),
    ] = None
    escalate: Annotated[
        float | None,
        typer.Option(
            help="Look at answers and go up where the policy says so; a request's answers take at "
            "most this share of the full scale's FLOPs beyond them, e.g. 0.25. Means are then met "
            "as calibrated, not adjusted over live traffic.",
            show_default=False,
            min=0,
        ),
    ] = None
    deadline_ms: Annotated[
        float | None,
        typer.Option(
            help="Milliseconds that a batch's decisions may take before the fallback is taken.",
            show_default=False,
            min=0,
        ),
    ] = None
    times: Annotated[
        Path | None,
        typer.Option(
            help="Measured times of the model, to schedule batches by.", show_default=False
        ),
    ] = None
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda; cpu by default.", show_default=False)
    ] = None
    dtype: Annotated[
        str | None,
        typer.Option(help="float32, float16 or bfloat16; what suits the device by default."),
    ] = None
    threads: Annotated[
        int | None,
        typer.Option(
            help="Threads of the model on a CPU; all by default.", show_default=False, min=1
        ),
    ] = None
    ladder: LadderOption = None


@dataclass(frozen=True, slots=True)
class QueueFlags:
    """How requests wait, run and end."""

    max_batch: Annotated[int, _number("Requests that run together.")] = 16
    max_wait_ms: Annotated[
        float, _number("Milliseconds that the first request of a batch waits for others.", 0)
    ] = 5.0
    max_queue: Annotated[int, _number("Requests that wait; more get 429.")] = 64
    grace_s: Annotated[
        float, _number("Seconds that requests may take to end after SIGTERM.", 0)
    ] = 30.0
    body_s: Annotated[float, _number("Seconds until a request's body must be there.", 0.1)] = 30.0
    write_s: Annotated[
        float, _number("Seconds that a reader may take for one piece of a stream.", 0.1)
    ] = 60.0
    decode_threads: Annotated[int, _number("Threads that parse requests and decode images.")] = 2
    max_decoded_bytes: Annotated[
        int, _number("Bytes of decoded images above which no more are decoded.")
    ] = 1_000_000_000


@dataclass(frozen=True, slots=True)
class LimitFlags:
    """The largest request that is served."""

    max_body_bytes: Annotated[
        int, _number("Bytes of a request's body; images in it are base64, a third larger.")
    ] = 20_000_000
    max_image_bytes: Annotated[int, _number("Bytes of one image file.")] = 10_000_000
    max_pixels: Annotated[int, _number("Pixels of one image, width times height.")] = 40_000_000
    max_images: Annotated[int, _number("Images of one request.")] = 8
    max_prompt_chars: Annotated[int, _number("Characters of all texts of a request.")] = 32_768
    max_new_tokens: Annotated[int, _number("Tokens that an answer may be asked to have.")] = 1024
    default_max_tokens: Annotated[
        int, _number("Tokens of the longest answer where a request says nothing.")
    ] = 128


@dataclass(frozen=True, slots=True)
class AccessFlags:
    """Who may ask, and what is fetched for them."""

    api_keys_file: Annotated[
        Path | None,
        typer.Option(help="File with one API key a line; without keys all are served."),
    ] = None
    api_keys_env: Annotated[
        str | None,
        typer.Option(help="Environment variable with API keys, commas between them."),
    ] = None
    guard_all: Annotated[
        bool, typer.Option("--guard-all", help="Ask for a key at /health and /metrics too.")
    ] = False
    allow_remote_images: Annotated[
        bool,
        typer.Option(
            "--allow-remote-images",
            help="Fetch http(s) image URLs; private and local addresses are never reached.",
        ),
    ] = False


def takes_flags(**groups: type[Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that gives a command the flags of groups.

    The command's parameters of these names are filled with the groups' dataclasses. It stands
    below ``@app.command()``.

    Args:
        groups: a dataclass per parameter of the command, its fields annotated for typer.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def run(**words: Any) -> Any:
            made = {
                name: group(**{field.name: words.pop(field.name) for field in fields(group)})
                for name, group in groups.items()
            }
            return command(**made, **words)

        signature = inspect.signature(command)
        own = [p for name, p in signature.parameters.items() if name not in groups]
        added = [parameter for group in groups.values() for parameter in _parameters(group)]
        vars(run)["__signature__"] = signature.replace(parameters=[*own, *added])
        run.__annotations__ = {p.name: p.annotation for p in [*own, *added]}
        return run

    return decorate


def _parameters(group: type[Any]) -> list[inspect.Parameter]:
    kinds = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=kinds[field.name],
        )
        for field in fields(group)
    ]
