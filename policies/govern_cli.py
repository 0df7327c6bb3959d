"""The command ``budget policy govern``: how well a mean cost is held over live traffic.

    budget policy govern --policy m3 --curves runs/test --data scenes --means 3,12,36

The last line is JSON: how far the mean cost is off after so many requests, with a shift and
without.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from budget.console import one_line_errors, quiet_libraries
from budget.data_choice import DataChoice, takes_data_choice

if TYPE_CHECKING:
    from policies.judging import Judged
    from policies.reading import Split


@one_line_errors()
@takes_data_choice()
def govern(
    choice: DataChoice,
    curves: Annotated[
        Path, typer.Option(help="Curves that requests are drawn from, a run's folder or a file.")
    ],
    data: Annotated[
        str, typer.Option(help="The dataset of the curves: columns id, image, question.")
    ],
    policy: Annotated[str, typer.Option(help="Folder of a policy, or the shipped m3 or mqt.")],
    split: Annotated[str, typer.Option(help="Split of the curves.")] = "test",
    unit: Annotated[
        Literal["tokens", "flops"],
        typer.Option(help="What is held: visual tokens, or all FLOPs of an answer, as measured."),
    ] = "tokens",
    means: Annotated[
        str,
        typer.Option(help="Costs per request a,b,c to hold; by default three, evenly in log."),
    ] = "",
    orders: Annotated[int, typer.Option(min=1, help="Streams of every kind and mean.")] = 200,
    length: Annotated[int, typer.Option(min=2, help="Requests of a stream.")] = 1000,
    largest_batch: Annotated[
        int, typer.Option(min=1, help="Requests that come together at most; 1: one at a time.")
    ] = 16,
    step: Annotated[
        float, typer.Option(min=0, help="Of the price that it is compared with.")
    ] = 0.02,
    model: Annotated[
        str | None, typer.Option(help="The model of the curves, for policies of tier post-vision.")
    ] = None,
    features_cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps features for the next time.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the streams.")] = 0,
) -> None:
    """Serve streams of measured requests under a governor, and say how well it held a mean.

    Streams are mixed, shift half-way from easy to hard or from hard to easy, or come group by
    group. Lost is what the best single price of the same mean cost would have scored, which knows
    the stream beforehand. The usual way, a price moved by steps, serves the same streams.
    """
    quiet_libraries()
    from policies.cli import get_readers
    from policies.evaluation_files import Files, load_policies
    from policies.evaluation_inputs import encoder_of
    from policies.features_cache import SampleSource
    from policies.govern_command import run_govern
    from policies.judging import judge
    from policies.option_lists import numbers_of
    from policies.reading import same_ladder

    readers = get_readers(choice)
    source = SampleSource(readers, data, folder=features_cache, choice=choice)
    ((label, loaded),) = load_policies([policy]).items()
    table = readers.curves(curves)
    same_ladder((str(curves), table.scales), (label, loaded.ladder.scales))
    given = numbers_of("--means", means)
    there: Split = source.features(table, split)
    encoded = encoder_of(readers, source, Files([policy], curves, split, model=model))
    judged: Judged = judge(loaded, there, split, encoded)
    run_govern(
        label,
        judged,
        table,
        unit=unit,
        means=given,
        orders=orders,
        length=length,
        largest_batch=largest_batch,
        step=step,
        seed=seed,
    )
