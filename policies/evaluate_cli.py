"""The commands ``budget policy evaluate`` and ``budget policy study``.

    budget policy evaluate --policy m3 --curves runs/test --data scenes --fit-curves runs/fit

Further policies, curves of the calibration split and hidden columns are options. A study fits on
less: fewer labels, parts of the features, without one group.
"""

from budget.console import one_line_errors, quiet_libraries
from budget.data_choice import DataChoice, takes_data_choice
from budget.errors import DataError
from policies.evaluate_options import (
    Ablations,
    Budgets,
    Calibration,
    CalibrationSplit,
    Curves,
    Data,
    Draws,
    ExpectedCurves,
    Family,
    FeaturesCache,
    FitCurves,
    FitSplit,
    HiddenColumns,
    Labels,
    LeaveOneGroupOut,
    Model,
    Out,
    Policy,
    Resamples,
    Seed,
    Split,
    StudyCurves,
    StudyFeaturesCache,
    StudyFitCurves,
    StudyResamples,
    StudySeed,
    StudySplit,
    Tier,
)


@one_line_errors()
@takes_data_choice()
def evaluate(
    choice: DataChoice,
    policy: Policy,
    curves: Curves,
    data: Data,
    split: Split = "test",
    fit_curves: FitCurves = None,
    fit_split: FitSplit = "fit",
    calibration: Calibration = None,
    calibration_split: CalibrationSplit = "calibration",
    expected_curves: ExpectedCurves = None,
    hidden_columns: HiddenColumns = "",
    budgets: Budgets = "",
    model: Model = None,
    tier: Tier = None,
    features_cache: FeaturesCache = None,
    out: Out = None,
    resamples: Resamples = 1000,
    seed: Seed = 0,
) -> None:
    """Compare policies with fixed scales, baselines and oracles on held-out curves.

    Baselines are the best random mix of fixed scales (chosen on these very samples, which favours
    it) and one fixed scale per group. At equal mean tokens a policy's price is solved on these
    samples; "calibrated" columns say what the price of its calibration split really spends and
    scores. Intervals are paired: everything is resampled together. The last line is JSON.
    """
    quiet_libraries()
    from policies.cli import get_readers
    from policies.evaluate_command import run_evaluate
    from policies.evaluation_files import Files
    from policies.features_cache import SampleSource
    from policies.option_lists import names_of, numbers_of

    readers = get_readers(choice)
    hidden = names_of(hidden_columns)
    if hidden and fit_curves is None:
        raise DataError("--hidden-columns needs --fit-curves to learn from")
    run_evaluate(
        readers,
        SampleSource(readers, data, hidden=hidden, folder=features_cache, choice=choice),
        Files(
            policy,
            curves,
            split,
            fit_curves,
            fit_split,
            calibration,
            calibration_split,
            expected_curves,
            model,
        ),
        budgets=numbers_of("--budgets", budgets),
        tier=tier,
        out=out,
        resamples=resamples,
        seed=seed,
    )


@one_line_errors()
@takes_data_choice()
def study(
    choice: DataChoice,
    fit_curves: StudyFitCurves,
    curves: StudyCurves,
    data: Data,
    fit_split: FitSplit = "fit",
    split: StudySplit = "test",
    labels: Labels = "",
    ablations: Ablations = False,
    leave_one_group_out: LeaveOneGroupOut = False,
    family: Family = "lightgbm",
    draws: Draws = 3,
    features_cache: StudyFeaturesCache = None,
    out: Out = None,
    resamples: StudyResamples = 200,
    seed: StudySeed = 0,
) -> None:
    """Fit on less and see what is lost: fewer labels, parts of the features, without a group.

    Every fit is judged on the same held-out curves by the share of the oracles' gain that it
    closes; differences are paired. The last line is JSON.
    """
    quiet_libraries()
    from policies.cli import get_readers
    from policies.features_cache import SampleSource
    from policies.study_command import Studies, run_study
    from policies.study_fit import seeded

    make = seeded(family)
    readers = get_readers(choice)
    run_study(
        readers,
        SampleSource(readers, data, folder=features_cache, choice=choice),
        fit_curves=fit_curves,
        fit_split=fit_split,
        curves=curves,
        split=split,
        make=make,
        studies=Studies(labels, draws, leave_one_group_out, ablations),
        out=out,
        resamples=resamples,
        seed=seed,
        about={"family": family},
    )
