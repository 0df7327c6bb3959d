"""The runtime's commands: ask one question, convert an original checkpoint.

    budget ask photo.png "What does the sign say?" --model m3 --tokens auto
    budget ask clip.gif "Which colour does the light turn to?" --frames 8 --total-tokens 288
    budget convert ORIGINAL_FOLDER NEW_FOLDER

``ask`` prints a table and ends with one line of JSON. Times are milliseconds, tokens are visual
tokens per image.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budget.console import one_line_errors, print_json_line, print_table, quiet_libraries
from budget.device_options import LadderOption
from budget.errors import PolicyError
from budget.options import given_ladder
from budget.own_knob import note_of

if TYPE_CHECKING:
    from PIL.Image import Image

    from budget.adaptive import AdaptiveAnswer
    from budget.budgets import Budget, BudgetPolicy
    from budget.planning import Choice
    from budget.types import MatryoshkaVLM

PolicyLoader = Callable[[str], "BudgetPolicy"]

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Run and convert Matryoshka models."
)
policy_loader: PolicyLoader | None = None


def set_policy_loader(loader: PolicyLoader | None) -> None:
    """Say how ``ask`` turns a policy's folder into a policy; this package imports no policies."""
    global policy_loader
    policy_loader = loader


@app.command()
@one_line_errors()
def ask(
    image: Annotated[
        list[Path],
        typer.Argument(
            help="Image file, or several that belong to one question.", show_default=False
        ),
    ],
    question: Annotated[str, typer.Argument(help="Question about it or them.", show_default=False)],
    model: Annotated[str, typer.Option(help="m3, mqt, a model folder or a hub id.")] = "m3",
    policy: Annotated[
        str | None,
        typer.Option(
            help="Policy folder; default: the folder 'policy' beside the model's weights."
        ),
    ] = None,
    tokens: Annotated[
        str, typer.Option(help="Visual tokens: a number, or auto to let the policy choose.")
    ] = "auto",
    price: Annotated[
        float | None,
        typer.Option(
            help="For auto: score that the full scale's cost must be worth; 0 to 1.", min=0
        ),
    ] = None,
    mean_tokens: Annotated[
        float | None, typer.Option(help="For auto: visual tokens a question, on average.")
    ] = None,
    mean_flops: Annotated[
        float | None, typer.Option(help="For auto: FLOPs a question, on average.")
    ] = None,
    mean_ms: Annotated[
        float | None, typer.Option(help="For auto: milliseconds a question, on average.")
    ] = None,
    risk: Annotated[
        str | None,
        typer.Option(
            help="For auto: epsilon:delta such as 0.01:0.05, at most 0.01 of mean score lost "
            "against the full scale with probability 0.95."
        ),
    ] = None,
    total_tokens: Annotated[
        int | None,
        typer.Option(
            help="Most visual tokens of all images together: more for those of which the policy "
            "expects more, or the same for all where there is no policy.",
            min=1,
        ),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(
            help="Ask about so many frames, evenly of all images and animations (GIF, WebP, PNG, "
            "AVIF) together. Without it an animation shows its first frame.",
            min=1,
            show_default=False,
        ),
    ] = None,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer, in tokens.", min=1)] = 16,
    ladder: LadderOption = None,
) -> None:
    """Answer one question about one image or several; say with how many visual tokens and why."""
    quiet_libraries()
    from budget.adaptive import AdaptiveVLM, Budget
    from budget.frames import read_frames
    from budget.pictures import open_image
    from budget.risk import parse_risk

    fixed = _parse_tokens(tokens)
    if fixed is not None and price is not None:
        raise ValueError(f"--price goes with --tokens auto, got --tokens {tokens} --price {price}")
    budget = Budget(
        num_visual_tokens=fixed,
        price=price,
        mean_tokens=mean_tokens,
        mean_flops=mean_flops,
        mean_ms=mean_ms,
        risk=None if risk is None else parse_risk(risk),
        total_visual_tokens=total_tokens,
    )
    pictures = (
        [open_image(each) for each in image] if frames is None else read_frames(image, frames)
    )
    from budget.models import load_model

    vlm = load_model(model, ladder=given_ladder(ladder))
    adaptive = AdaptiveVLM(vlm, _chooser(vlm, budget, policy, model))
    _warm_up(vlm, pictures[0])
    start = time.perf_counter()
    (answer,) = adaptive.answer(
        [pictures if len(pictures) > 1 else pictures[0]],
        [question],
        budget=budget,
        max_new_tokens=max_new_tokens,
    )
    total_ms = (time.perf_counter() - start) * 1000
    full = sum(vlm.realised(each)[-1] for each in pictures)
    _print_answer(vlm, question, answer, full, total_ms)


def _print_answer(
    vlm: "MatryoshkaVLM", question: str, answer: "AdaptiveAnswer", full: int, total_ms: float
) -> None:
    """Print a table and the line of JSON; ``full`` is what the images take at full scale."""
    rows = [
        ("answer", answer.text),
        ("visual tokens", f"{answer.num_visual_tokens} of {full}"),
        *_whys(answer.choices),
        ("decision ms", f"{answer.decision_ms:.1f}"),
        ("total ms", f"{total_ms:.1f}"),
    ]
    note = note_of(vlm)
    print_table((vlm.name, question), [*rows, *([("note", note)] if note else [])])
    print_json_line(
        {
            "model": vlm.name,
            "text": answer.text,
            "num_visual_tokens": answer.num_visual_tokens,
            "scales": list(vlm.ladder),
            "scores": answer.scores,
            "reason": answer.reason,
            "images": [_said(choice) for choice in answer.choices],
            "decision_ms": round(answer.decision_ms, 3),
            "total_ms": round(total_ms, 3),
            "confidence": round(answer.confidence, 4),
            **({"note": note} if note else {}),
        }
    )


def _whys(choices: "Sequence[Choice]") -> list[tuple[str, str]]:
    """Return why the image was given its scale, or each of several."""
    if len(choices) == 1:
        return [("why", choices[0].reason)]
    return [(f"why, image {i}", choice.reason) for i, choice in enumerate(choices, 1)]


def _said(choice: "Choice") -> dict[str, Any]:
    return {
        "num_visual_tokens": choice.num_visual_tokens,
        "rung": choice.rung,
        "scores": choice.scores,
        "reason": choice.reason,
    }


@app.command()
@one_line_errors()
def convert(
    src: Annotated[
        str, typer.Argument(help="Original M3 or MQT checkpoint: a folder or a hub id.")
    ],
    dst: Annotated[Path, typer.Argument(help="Folder to write; new or empty.")],
    num_heads: Annotated[
        int | None,
        typer.Option(help="Attention heads of an MQT resampler that the config does not tell."),
    ] = None,
) -> None:
    """Convert an original M3 or MQT checkpoint to the transformers layout, without loss."""
    quiet_libraries()
    from budget.convert import convert as convert_checkpoint

    written = convert_checkpoint(src, dst, num_heads=num_heads)
    size = sum(path.stat().st_size for path in written.iterdir() if path.is_file())
    print_json_line({"source": src, "written": written, "megabytes": round(size / 1e6, 2)})


def _parse_tokens(tokens: str) -> int | None:
    if tokens == "auto":
        return None
    if not tokens.isascii() or not tokens.isdecimal() or int(tokens) < 1:
        raise ValueError(f"--tokens must be auto or a number from 1, got {tokens!r}")
    return int(tokens)


def _chooser(
    vlm: "MatryoshkaVLM", budget: "Budget", policy: str | None, model: str
) -> "BudgetPolicy":
    """Return the policy, or what stands for it where none is asked or a total needs none."""
    from budget.adaptive import FullScale

    if budget.num_visual_tokens is not None:
        return FullScale(vlm.ladder)
    try:
        return _load_policy(policy, model)
    except PolicyError:
        if policy is not None or budget.total_visual_tokens is None:
            raise
        return FullScale(vlm.ladder)


def _load_policy(policy: str | None, model: str) -> "BudgetPolicy":
    from budget.models import find_model

    folder = Path(policy) if policy is not None else find_model(model) / "policy"
    if not folder.is_dir():
        raise PolicyError(
            f"no policy folder {folder}; give --policy FOLDER, or --tokens N for a fixed scale"
        )
    if policy_loader is None:
        raise PolicyError(f"nobody said how to load {folder}; give --tokens N for a fixed scale")
    return policy_loader(str(folder))


def _warm_up(vlm: "MatryoshkaVLM", picture: "Image") -> None:
    """Answer once at the smallest scale, so that one-off costs are not counted."""
    vlm.answer([picture], ["?"], num_visual_tokens=vlm.ladder[0], max_new_tokens=1)
