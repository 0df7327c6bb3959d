"""What an evaluation is made of: policies, held-out curves, baselines and what to compare with."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from budget.console import progress
from budget.errors import DataError
from policies.allocation import choose_rungs, price_for_accuracy
from policies.ceiling import ceiling_scores
from policies.equal_cost import DROPS
from policies.evaluation import Measured, measured
from policies.evaluation_files import Files, load_policies
from policies.features_cache import SampleSource
from policies.hull import FloatArray
from policies.judging import Encoded, Judged, judge
from policies.reading import CurveTable, Readers, Split, refuse_overlap, same_ladder
from policies.rules import (
    CEILING,
    PER_GROUP,
    Chosen,
    Contest,
    PerGroup,
    Swept,
    choices_at,
    even_budgets,
    oracles_of,
    per_group_of,
    sweep_of,
)
from policies.rung_costs import known_tokens
from policies.vision_inputs import VisionInputs


class Inputs(NamedTuple):
    """A contest that is ready to be measured.

    Attributes:
        contest: everything that is compared.
        judged: the policies by label, in the order they were given.
        budgets: mean visual tokens at which rules are compared.
        per_group: what the per-group baseline expects, if there is one.
    """

    contest: Contest
    judged: Mapping[str, Judged]
    budgets: tuple[float, ...]
    per_group: PerGroup | None


def table_measured(curves: CurveTable) -> Measured:
    """Return what curves measured, in visual tokens, FLOPs and milliseconds.

    Raises:
        DataError: if no sample has an image.
    """
    known_tokens(curves.num_visual_tokens)
    return measured(
        curves.scores,
        curves.num_visual_tokens,
        groups=[str(group) for group in curves.groups],
        flops=curves.flops,
        ms=curves.seconds * 1000,
        scales=curves.scales,
    )


def read_inputs(
    readers: Readers, source: SampleSource, files: Files, budgets: Sequence[float] = ()
) -> Inputs:
    """Read everything and set up the contest, on the held-out samples alone.

    Args:
        readers: how files are read.
        source: gives features and hidden columns.
        files: where everything lies.
        budgets: mean visual tokens; by default five, see :func:`policies.rules.even_budgets`.

    Raises:
        BudgetError: if a file cannot be used, or splits share samples.
    """
    policies = load_policies(files.policies)
    table = readers.curves(files.curves)
    ladders = [(name, policy.ladder.scales) for name, policy in policies.items()]
    same_ladder((str(files.curves), table.scales), *ladders)
    held_out = {
        role: _other(readers, files.curves, table, path, role)
        for role, path in (("fit", files.fit_curves), ("calibration", files.calibration))
        if path is not None
    }
    data = table_measured(table)
    at = tuple(float(b) for b in budgets) or tuple(even_budgets(data.rung_tokens).tolist())
    split = _features(source, table, files.split)
    encoded = encoder_of(readers, source, files)
    judged = {name: judge(policy, split, files.split, encoded) for name, policy in policies.items()}
    chosen: list[Chosen] = []
    for name, each in judged.items():
        chosen += choices_at(each.policy, name, each.expected, at, each.decision_ms)
    if "calibration" in held_out:
        on = _features(source, held_out["calibration"], files.calibration_split)
        for name, each in judged.items():
            there = judge(each.policy, on, files.calibration_split, encoded)
            chosen.append(_half_point(name, each, there.expected, on))
    rules: dict[str, Swept] = {}
    per_group = None
    if "fit" in held_out:
        fit = held_out["fit"]
        per_group = per_group_of(data, fit.groups.tolist(), fit.scores, fit.num_visual_tokens)
        rules[PER_GROUP] = sweep_of(data, *per_group)
        if source.hidden:
            rules[CEILING] = sweep_of(data, _told(source, fit, files, table), data.tokens)
    for name, each in judged.items():
        rules[name] = sweep_of(data, each.expected, each.policy.rung_costs)
    drawn = _expected_scores(readers, files, table)
    contest = Contest(data, rules, oracles_of(data, drawn), chosen, list(judged))
    return Inputs(contest, judged, at, per_group)


def _other(readers: Readers, own_path: Path, own: CurveTable, path: Path, role: str) -> CurveTable:
    other = readers.curves(path)
    same_ladder((str(own_path), own.scales), (str(path), other.scales))
    refuse_overlap(role, other, "evaluated", own)
    return other


def _features(source: SampleSource, table: CurveTable, split: str) -> Split:
    with progress(f"Features of {split}", "samples") as update:
        return source.features(table, split, update)


def encoder_of(readers: Readers, source: SampleSource, files: Files) -> Encoded | None:
    """Return what gives visual tokens of a split, each split encoded once."""
    if files.model is None:
        return None
    from budget.matryoshka import load_matryoshka
    from policies.vision_command import encode_split

    model = load_matryoshka(files.model, "a policy of tier post-vision")
    kept: dict[str, VisionInputs] = {}

    def encoded(name: str, split: Split) -> VisionInputs:
        if name not in kept:
            kept[name] = encode_split(readers, model, split.curves, source.data, name)
        return kept[name]

    return encoded


def _half_point(name: str, judged: Judged, expected: FloatArray, calibration: Split) -> Chosen:
    """Return the choice at the price that loses half a point on the calibration split."""
    policy = judged.policy
    price = price_for_accuracy(
        expected,
        calibration.curves.scores,
        policy.rung_costs,
        DROPS["half_point"],
    )
    rungs = choose_rungs(judged.expected, policy.rung_costs, price)
    return Chosen(name, "half_point", None, rungs, judged.decision_ms)


def _told(source: SampleSource, fit: CurveTable, files: Files, table: CurveTable) -> FloatArray:
    """Return what a model expects of every rung that is told the hidden columns, shape [n, k]."""
    return ceiling_scores(
        fit_columns=source.hidden_columns(fit, files.fit_split),
        fit_groups=fit.groups.tolist(),
        fit_scores=fit.scores,
        columns=source.hidden_columns(table, files.split),
        groups=table.groups.tolist(),
    )


def _expected_scores(readers: Readers, files: Files, table: CurveTable) -> FloatArray | None:
    """Return the mean score over drawn answers of every sample and rung, if there are any."""
    if files.expected_curves is None:
        return None
    drawn = readers.curves(files.expected_curves)
    same_ladder((str(files.curves), table.scales), (str(files.expected_curves), drawn.scales))
    place: dict[Any, int] = {name: row for row, name in enumerate(drawn.sample_ids.tolist())}
    missing = [name for name in table.sample_ids.tolist() if name not in place]
    if missing:
        raise DataError(
            f"{files.expected_curves} lacks {len(missing)} of {len(table.sample_ids)} evaluated "
            f"samples, for example {missing[0]!r}"
        )
    return drawn.scores[[place[name] for name in table.sample_ids.tolist()]]
