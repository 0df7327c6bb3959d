"""The command ``budget cost``: what a model costs at every scale, from its config.json alone.

    budget cost m3 --text-tokens 30 --new-tokens 4
    budget cost path/to/config.json --ladder 1,9,36 --grids 5 --dtype float16

Nothing is loaded, so a model of any size is answered in a second. FLOPs are those of one sample,
a multiply-add counting as two; bytes are of the type that ``--dtype`` names. The last line is JSON.
"""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from budget.console import one_line_errors, print_json_line, print_table, quiet_libraries
from budget.options import DTYPES, parse_dtype, parse_ladder, scaled

if TYPE_CHECKING:
    from budget.types import Cost

_COUNTS = {"": "", "k": "thousand", "M": "million", "G": "billion", "T": "trillion"}

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What models cost.")


@app.command()
@one_line_errors()
def cost(
    model: Annotated[
        str,
        typer.Argument(
            help="m3, mqt, a model folder, a config.json or a hub id.", show_default=False
        ),
    ],
    ladder: Annotated[
        str | None,
        typer.Option(help="Scales, e.g. 1,9,36; the model's own by default.", show_default=False),
    ] = None,
    text_tokens: Annotated[
        int, typer.Option(help="Prompt tokens without the visual ones.", min=0)
    ] = 55,
    new_tokens: Annotated[int, typer.Option(help="Generated tokens.", min=1)] = 8,
    grids: Annotated[
        int | None,
        typer.Option(
            help="Squares that are seen: images, times tiles (LLaVA-NeXT: 5). 0 is text alone.",
            show_default="as the config says",
            min=0,
        ),
    ] = None,
    dtype: Annotated[
        str, typer.Option(help="Type of weights, cache and activations.")
    ] = "bfloat16",
) -> None:
    """Show FLOPs, cache and activations of one sample at every scale of MODEL."""
    quiet_libraries()
    from budget.config_files import read_sizes
    from budget.cost import llava_cost
    from budget.memory import weight_values

    size = DTYPES[parse_dtype(dtype)]
    sizes = read_sizes(model)
    seen = sizes.grids if grids is None else grids
    if seen is None:
        raise ValueError(f"{sizes.name} cuts images into tiles of unknown number; give --grids")
    scales = [sizes.check_scale(m) for m in parse_ladder(ladder, sizes.ladder)] if seen else [0]
    price = partial(
        llava_cost,
        sizes.shape,
        text_tokens=text_tokens,
        new_tokens=new_tokens,
        bytes_per_value=size,
        grids=seen,
    )
    costs = {m: price(num_visual_tokens=m) for m in scales}
    full_tokens = sizes.ladder[-1] if seen else 0
    full = price(num_visual_tokens=full_tokens).flops
    weights = weight_values(sizes.shape)
    typer.echo(
        f"{sizes.name}: {_in_words(weights)} weights, {_one(weights * size, 'B')} in {dtype}"
    )
    typer.echo(f"{text_tokens} text tokens, {new_tokens} new ones; {_image_share(costs, seen)}")
    _print_costs(costs, full, seen)
    print_json_line(
        {
            "model": sizes.name,
            "text_tokens": text_tokens,
            "new_tokens": new_tokens,
            "grids": seen,
            "dtype": dtype,
            "weight_bytes": weights * size,
            "full_tokens": full_tokens,
            "rungs": [_as_json(m, each, full) for m, each in costs.items()],
        }
    )


def _image_share(costs: "Mapping[int, Cost]", grids: int) -> str:
    """Return in words what is paid at every scale alike."""
    if not grids:
        return "no image"
    first = next(iter(costs.values()))
    return (
        f"vision tower {_one(first.vision_flops, 'FLOPs')}, "
        f"connector {_one(first.connector_flops, 'FLOPs')}"
    )


def _in_words(count: int) -> str:
    (number,), letter = scaled([count], "")
    return f"{number} {_COUNTS[letter]}".rstrip()


def _one(value: float, unit: str) -> str:
    (number,), scaled_unit = scaled([value], unit)
    return f"{number} {scaled_unit}"


def _print_costs(costs: "Mapping[int, Cost]", full: float, grids: int) -> None:
    each = list(costs.values())
    flops = [value for c in each for value in (c.prefill_flops, c.decode_flops, c.flops)]
    numbers, unit = scaled(flops, "FLOPs")
    cache, cache_unit = scaled([c.kv_bytes for c in each], "B")
    alive, alive_unit = scaled([c.activation_bytes for c in each], "B")
    columns = (
        "tokens",
        "prefill",
        "decode",
        f"all {unit}",
        "of full",
        f"KV {cache_unit}",
        f"activations {alive_unit}",
    )
    rows = [
        (
            str(m) if grids < 2 else f"{grids} x {m}",
            *numbers[3 * i : 3 * i + 3],
            f"{c.flops / full:.1%}",
            cache[i],
            alive[i],
        )
        for i, (m, c) in enumerate(costs.items())
    ]
    print_table(columns, rows)


def _as_json(num_visual_tokens: int, cost: "Cost", full: float) -> dict[str, float]:
    return {
        "num_visual_tokens": num_visual_tokens,
        "vision_flops": cost.vision_flops,
        "connector_flops": cost.connector_flops,
        "prefill_flops": cost.prefill_flops,
        "decode_flops": cost.decode_flops,
        "flops": cost.flops,
        "share_of_full": round(cost.flops / full, 6),
        "kv_bytes": cost.kv_bytes,
        "activation_bytes": cost.activation_bytes,
    }
