"""The commands ``budget policy importance``, ``why`` and ``background``: what moves a choice.

    budget policy importance --policy m3 --curves runs/test --data scenes --split test
    budget policy why photo.png "What does the sign say?" --policy m3 --price 0.2
    budget policy background --policy runs/policy --curves runs/fit --data my_data --split fit

All print words and a table first and end with one line of JSON.
"""

from pathlib import Path
from typing import Annotated

import typer

from budget.console import one_line_errors, quiet_libraries
from budget.data_choice import DataChoice, takes_data_choice
from policies.evaluate_options import Data, FeaturesCache, Out, Policy, Split

OnePolicy = Annotated[str, typer.Option(help="Folder of a policy, or the shipped m3 or mqt.")]


@one_line_errors()
@takes_data_choice()
def importance(
    choice: DataChoice,
    policy: Policy,
    curves: Annotated[
        Path, typer.Option(help="Curves the policy was not fitted on, a run's folder or a file.")
    ],
    data: Data,
    split: Split = "test",
    samples: Annotated[
        int, typer.Option(min=2, help="Samples that are looked at, drawn from the curves.")
    ] = 2000,
    draws: Annotated[int, typer.Option(min=1, help="Shuffles of every group.")] = 5,
    price: Annotated[
        float | None, typer.Option(min=0, help="Price of the choices; default: 'no-loss'.")
    ] = None,
    singles: Annotated[
        bool, typer.Option("--singles", help="Also shuffle every feature by itself.")
    ] = False,
    features_cache: FeaturesCache = None,
    out: Out = None,
    resamples: Annotated[
        int, typer.Option(min=1, help="Resamples of the bootstrap; the gap takes a fifth.")
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.")] = 0,
) -> None:
    """Say which features move a policy's choices, by shuffling them among held-out samples.

    Columns of a group are shuffled together. Counted are the samples that get another scale, how
    far their tokens move, what is lost at the policy's price, and how much less of the oracle's
    gain is closed, with 95 % intervals over samples and shuffles. The last line is JSON.
    """
    quiet_libraries()
    from policies.cli import get_readers
    from policies.features_cache import SampleSource
    from policies.importance_command import Shuffles, run_importance

    readers = get_readers(choice)
    run_importance(
        readers,
        SampleSource(readers, data, folder=features_cache, choice=choice),
        policies=policy,
        curves=curves,
        split=split,
        how=Shuffles(samples, draws, price, singles, resamples, seed),
        out=out,
    )


@one_line_errors()
def why(
    image: Annotated[Path, typer.Argument(help="Image file.", show_default=False)],
    question: Annotated[str, typer.Argument(help="Question about it.", show_default=False)],
    policy: OnePolicy,
    price: Annotated[
        float | None,
        typer.Option(help="Score that the full scale's cost must be worth; 0 to 1.", min=0),
    ] = None,
    mean_tokens: Annotated[
        float | None, typer.Option(help="Visual tokens a question, on average.")
    ] = None,
    mean_flops: Annotated[float | None, typer.Option(help="FLOPs a question, on average.")] = None,
    mean_ms: Annotated[
        float | None, typer.Option(help="Milliseconds a question, on average.")
    ] = None,
    risk: Annotated[
        str | None, typer.Option(help="Promise epsilon:delta such as 0.01:0.05, as for 'ask'.")
    ] = None,
) -> None:
    """Say why a policy gives one image and question so many visual tokens.

    What each group of features contributed, against typical requests that travel with the policy:
    exact Shapley values of the tokens chosen and of what the full scale is expected to add. No
    model is run. The last line is JSON.
    """
    quiet_libraries()
    from budget.budgets import Budget
    from budget.risk import parse_risk
    from policies.why_command import run_why

    budget = Budget(
        price=price,
        mean_tokens=mean_tokens,
        mean_flops=mean_flops,
        mean_ms=mean_ms,
        risk=None if risk is None else parse_risk(risk),
    )
    run_why(image, question, policy=policy, budget=budget)


@one_line_errors()
@takes_data_choice()
def background(
    choice: DataChoice,
    policy: OnePolicy,
    curves: Annotated[
        Path, typer.Option(help="Curves that the policy was fitted on; their ids alone are used.")
    ],
    data: Data,
    split: Annotated[str, typer.Option(help="Split of the curves.")] = "fit",
    requests: Annotated[
        int, typer.Option(min=5, max=1000, help="Typical requests that are kept.")
    ] = 32,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; default: the policy itself is replaced.")
    ] = None,
    features_cache: FeaturesCache = None,
) -> None:
    """Give a policy the typical requests that 'budget policy why' compares with.

    'budget policy fit' does it by itself; this is for policies that were fitted before. Nothing is
    fitted anew: what the policy chooses stays as it is. The last line is JSON.
    """
    quiet_libraries()
    from policies.background_command import run_background
    from policies.cli import get_readers
    from policies.features_cache import SampleSource

    readers = get_readers(choice)
    run_background(
        readers,
        SampleSource(readers, data, folder=features_cache, choice=choice),
        policy=policy,
        curves=curves,
        split=split,
        out=out,
        requests=requests,
    )
