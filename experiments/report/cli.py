"""The command ``budget report``: how much visual detail a dataset needs, as one page.

    budget report runs/mine --data mine.parquet --policy runs/policy --fit-curves runs/fit --out r
    budget report m3=runs/m3 mqt=runs/mqt --compare --out runs/side-by-side

Writes report.html (whole in itself, below 20 MB), figures/*.png, tables/*.csv and report.json.
Accuracy is in percent in the page and in [0, 1] in files; tokens are visual tokens per sample. The
last line is one line of JSON.
"""

from pathlib import Path

from budget.console import one_line_errors, quiet_libraries
from budget.data_choice import DataChoice, takes_data_choice
from experiments.report.options import (
    Compare,
    Data,
    Examples,
    FeaturesCache,
    FitCurves,
    FitSplit,
    Groups,
    Model,
    Out,
    PerHour,
    PerMillionTokens,
    Policy,
    Resamples,
    Runs,
    Seed,
    Split,
    Title,
    Tolerance,
)


@one_line_errors()
@takes_data_choice()
def report(
    choice: DataChoice,
    runs: Runs,
    out: Out = Path("runs/report"),
    data: Data = None,
    split: Split = None,
    policy: Policy = None,
    fit_curves: FitCurves = None,
    fit_split: FitSplit = "fit",
    groups: Groups = None,
    compare: Compare = False,
    examples: Examples = 6,
    dollars_per_million_tokens: PerMillionTokens = None,
    dollars_per_hour: PerHour = None,
    tolerance_points: Tolerance = 1.0,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    title: Title = None,
    features_cache: FeaturesCache = None,
    model: Model = None,
) -> None:
    """Say how many visual tokens a dataset needs, where, and what a policy saves.

    From runs of the oracle. Answers in words come first, then figures and tables, all with 95 %
    intervals; with data also examples with their images. Writes report.html, which needs no
    network, figures/*.png, tables/*.csv and report.json.
    """
    quiet_libraries()
    from experiments.report.chapters import Settings
    from experiments.report.command import run_report
    from experiments.report.groups import parse_groups
    from experiments.report.load import Asked
    from experiments.report.money import Money, checked
    from experiments.report.places import check_out, find_places
    from policies.cli import get_readers

    check_out(out)
    places = find_places(
        runs, data=data or (), split=split or (), fit=fit_curves or (), fit_split=fit_split
    )
    column = f"column:{choice.group}" if choice.group is not None else None
    given = Money(dollars_per_million_tokens, dollars_per_hour)
    money = None if given == Money() else checked(given)
    asked = Asked(parse_groups(groups or column), policy or (), features_cache, model, choice, seed)
    settings = Settings(
        resamples=resamples,
        seed=seed,
        tolerance_points=tolerance_points,
        examples=examples,
        money=money,
    )
    run_report(get_readers(choice), places, asked, settings, out, compare=compare, title=title)
