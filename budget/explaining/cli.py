"""The command ``budget explain``: what the visual tokens of an answer look at.

    budget explain photo.png "What does the sign say?" --model mqt --tokens 8,16,64,144

Writes ``heat-maps.png`` (the image, then a map at every number of visual tokens), one overlay a
number, the maps as numbers (``heat-maps.json``) and, of an MQT model, ``queries.png``. Prints a
table and ends with one line of JSON.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budget.console import (
    one_line_errors,
    plain_values,
    print_json_line,
    print_table,
    quiet_libraries,
)
from budget.device_options import DeviceOption, DtypeOption
from budget.options import dtype_on, parse_ladder
from budget.own_knob import note_of

if TYPE_CHECKING:
    from PIL.Image import Image

    from budget.explaining.maps import HeatMap
    from budget.llava import LlavaRunner


@one_line_errors()
def explain(
    image: Annotated[Path, typer.Argument(help="Image file.", show_default=False)],
    question: Annotated[str, typer.Argument(help="Question about it.", show_default=False)],
    model: Annotated[
        str, typer.Option(help="An M3 or MQT model: m3, mqt, a model folder or a hub id.")
    ] = "m3",
    tokens: Annotated[
        str | None,
        typer.Option(
            help="Numbers of visual tokens, such as 8,16,64,256.", show_default="the model's ladder"
        ),
    ] = None,
    answer: Annotated[
        str | None,
        typer.Option(
            help="Explain this answer at every number of visual tokens.",
            show_default="what the model answers at each",
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            help="element-wise (each activation times its own gradient) or grad-cam (channels "
            "weighed by their mean gradient)."
        ),
    ] = "element-wise",
    layer: Annotated[
        str | None,
        typer.Option(
            help="Whose activations: vision (what the vision tower gives) or connector (what an "
            "M3's projector made of each patch, or what an MQT's queries read).",
            show_default="vision of an M3, connector of an MQT model",
        ),
    ] = None,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer, in tokens.", min=1)] = 16,
    device: DeviceOption = "cpu",
    dtype: DtypeOption = None,
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")] = Path("runs/explain"),
) -> None:
    """Draw what of IMAGE speaks for the answer, at each number of visual tokens."""
    quiet_libraries()
    scales = None if tokens is None else parse_ladder(tokens, (), option="--tokens")
    from budget.pictures import open_image

    picture = open_image(image)
    import torch

    from budget.explaining.heat import heat_maps
    from budget.matryoshka import load_matryoshka
    from budget.placement import check_device

    place = check_device(device)
    runner = load_matryoshka(
        model, "budget explain", device=place, dtype=getattr(torch, dtype_on(place.type, dtype))
    )
    maps = heat_maps(
        runner,
        picture,
        question,
        scales or tuple(runner.ladder),
        answer=answer,
        method=method,
        layer=layer,
        max_new_tokens=max_new_tokens,
    )
    _report(runner, question, maps, _write(runner, picture, question, maps, out))


def _write(
    runner: "LlavaRunner",
    picture: "Image",
    question: str,
    maps: "tuple[HeatMap, ...]",
    out: Path,
) -> dict[str, Path]:
    """Write everything into a folder; return what lies where, by a short name."""
    from budget.explaining.drawing import draw_heat_maps, draw_queries
    from budget.explaining.overlay import overlay
    from budget.explaining.queries import query_attention

    out.mkdir(parents=True, exist_ok=True)
    written = {"figure": out / "heat-maps.png", "maps": out / "heat-maps.json"}
    written["figure"].write_bytes(draw_heat_maps(picture, question, maps))
    for each in maps:
        name = f"overlay-{each.num_visual_tokens}"
        written[name] = out / f"{name}.png"
        overlay(picture, each).save(written[name])
    if runner.nested:
        written["queries"] = out / "queries.png"
        written["queries"].write_bytes(draw_queries(query_attention(runner)))
    numbers = plain_values({"question": question, "maps": [_numbers(each) for each in maps]})
    written["maps"].write_text(json.dumps(numbers, allow_nan=False) + "\n", encoding="utf-8")
    return written


def _numbers(each: "HeatMap") -> dict[str, Any]:
    """Return all that a map says, its grid included."""
    return {**_summary(each), "raw": each.raw, "box": each.box}


def _summary(each: "HeatMap") -> dict[str, Any]:
    return {
        "num_visual_tokens": each.num_visual_tokens,
        "answer": each.answer,
        "log_probability": each.log_probability,
        "peak": each.peak,
        "peak_cell": each.peak_cell,
        "peak_pixel": each.peak_pixel,
        "grid": each.heat.shape,
        **({"note": each.note} if each.note else {}),
    }


def _report(
    runner: "LlavaRunner", question: str, maps: "tuple[HeatMap, ...]", written: dict[str, Path]
) -> None:
    rows = [
        (each.num_visual_tokens, each.answer, f"{each.log_probability:.3f}", *_where(each))
        for each in maps
    ]
    columns = ("tokens", "answer", "log p, nats", "peak, nats", "at x, y in pixels")
    print_table(columns, rows, title=f"{runner.name}: {question}")
    for note in dict.fromkeys(each.note for each in maps if each.note):
        many = [str(each.num_visual_tokens) for each in maps if each.note == note]
        typer.echo(f"at {', '.join(many)} tokens: {note}")
    for name, path in written.items():
        typer.echo(f"{name}: {path}")
    knob = note_of(runner)
    print_json_line(
        {
            "model": runner.name,
            "question": question,
            "method": maps[0].method,
            "layer": maps[0].layer,
            "maps": [_summary(each) for each in maps],
            "files": written,
            **({"note": knob} if knob else {}),
        }
    )


def _where(each: "HeatMap") -> tuple[str, str]:
    if each.peak_pixel is None:
        return "none", ""
    x, y = each.peak_pixel
    return f"{each.peak:.3g}", f"{x:.0f}, {y:.0f}"
