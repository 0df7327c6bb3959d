"""Runs as a report takes them: curves, data, groups and what policies make of the samples."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from budget.console import progress
from budget.errors import DataError
from experiments.report.groups import GroupChoice, Grouped, find_groups
from experiments.report.places import RunPlace
from experiments.report.run_data import RunData
from experiments.report.runs import PolicyChoices, Run
from policies.evaluation_files import Files, load_policies
from policies.evaluation_inputs import encoder_of
from policies.features_cache import SampleSource
from policies.judging import Encoded, Policy, judge
from policies.lightgbm_policy import DEFAULT_PRICE, ScorePolicy
from policies.reading import Readers, refuse_overlap, same_ladder

if TYPE_CHECKING:
    from oracle.curves import Curves


class Asked(NamedTuple):
    """What is asked about every run.

    Attributes:
        groups: which groups.
        policies: folders of policies, or names of shipped ones.
        features_cache: folder that keeps features; None keeps nothing.
        model: whose encoder policies of tier post-vision look at.
        choice: which column of the data is what; part of the cache's key.
        seed: of clusters.
    """

    groups: GroupChoice = GroupChoice()
    policies: Sequence[str] = ()
    features_cache: Path | None = None
    model: str | None = None
    choice: object = None
    seed: int = 0


class _Read(NamedTuple):
    """A run's files, read and found to go together."""

    place: RunPlace
    curves: "Curves"
    about: Mapping[str, Any]
    fit: "Curves | None"


def load_runs(readers: Readers, places: Sequence[RunPlace], asked: Asked) -> tuple[Run, ...]:
    """Read everything; what costs little is read and checked for all runs first.

    Args:
        readers: how files are read.
        places: where the runs lie.
        asked: groups and policies.

    Raises:
        BudgetError: if a run is not there or not finished, ladders differ, data lack samples or
            are not given where they are needed, or fit curves share samples with a run.
    """
    policies = load_policies(asked.policies)
    reads = [_read(readers, place, policies) for place in places]
    for place in places:
        if place.data is None and (policies or not asked.groups.own):
            what = "policies look at" if policies else "groups are made of"
            raise DataError(f"{what} questions and images: give --data for the run {place.name!r}")
    opened = _once(readers, bool(policies))
    return tuple(_run(opened, read, asked, policies) for read in reads)


def _read(readers: Readers, place: RunPlace, policies: Mapping[str, Policy]) -> _Read:
    curves: Any = readers.curves(place.curves)
    ladders = [(f"the policy {name!r}", each.ladder.scales) for name, each in policies.items()]
    same_ladder((str(place.curves), curves.scales), *ladders)
    fit: Any = None
    if place.fit is not None:
        fit = readers.curves(place.fit)
        same_ladder((str(place.curves), curves.scales), (str(place.fit), fit.scales))
        refuse_overlap("fit", fit, f"run {place.name!r}", curves)
    about = {"path": str(place.curves), **readers.about(place.curves)}
    if place.curves.is_file():
        about["sha256"] = sha256(place.curves.read_bytes()).hexdigest()
    return _Read(place, curves, about, fit)


def _once(readers: Readers, images: bool) -> Readers:
    """Return readers that open a dataset once, whoever asks: to generate one may take long."""
    needed = ("id", "image", "question") if images else ("id", "question")

    @cache
    def opened(data: str, split: str | None) -> Any:
        return readers.data(data, split, needed)

    return readers._replace(data=lambda data, split, columns: opened(data, split))


def _run(readers: Readers, read: _Read, asked: Asked, policies: Mapping[str, Policy]) -> Run:
    place, curves, fit = read.place, read.curves, read.fit
    samples, about, said = None, dict(read.about), "the run's own column 'group'"
    if place.data is not None:
        samples = _data(readers, place.data, place.split, curves)
        about |= {"dataset": place.data, "split": place.split, **_hashes(samples, about)}
    if samples is not None and not asked.groups.own:
        found = _grouped(readers, read, samples, asked)
        curves, said = replace(curves, groups=found.groups), found.said
        if fit is not None and found.fit is not None:
            fit = replace(fit, groups=found.fit)
    elif set(curves.groups.tolist()) == {"all"}:
        said = "nowhere: the run has none"
    return Run(
        name=place.name,
        curves=curves,
        about=about,
        grouped_by=said,
        samples=samples,
        fit=fit,
        policies=_choices(readers, read, asked, policies) if policies else (),
    )


def _data(readers: Readers, data: str, split: str, curves: "Curves") -> RunData:
    table = readers.data(data, split, ())
    return RunData(table, curves.sample_ids.tolist(), f"{data} ({split})")


def _hashes(samples: RunData, about: Mapping[str, Any]) -> dict[str, Any]:
    """Say whether the data are those that the run was made of, where the run has their hash."""
    if "data" not in about:
        return {}
    from oracle.fingerprint import fingerprint

    given = fingerprint(samples.table)
    return {"data_given": given, "data_same": given == about["data"]}


def _grouped(readers: Readers, read: _Read, samples: RunData, asked: Asked) -> Grouped:
    fit, place = None, read.place
    if read.fit is not None and place.data is not None:
        fit = _data(readers, place.data, place.fit_split, read.fit)
    return find_groups(asked.groups, samples, fit, asked.seed)


def _choices(
    readers: Readers, read: _Read, asked: Asked, policies: Mapping[str, Policy]
) -> tuple[PolicyChoices, ...]:
    place = read.place
    data = place.data or ""
    source = SampleSource(readers, data, folder=asked.features_cache, choice=asked.choice)
    table: Any = read.curves
    with progress(f"Features of {place.name}", "samples") as update:
        split = source.features(table, place.split, update)
    files = Files(asked.policies, place.curves, place.split, model=asked.model)
    encoded: Encoded | None = encoder_of(readers, source, files)
    found = []
    for name, policy in policies.items():
        judged = judge(policy, split, place.split, encoded)
        found.append(
            PolicyChoices(
                name=name,
                expected=judged.expected,
                rung_costs=policy.rung_costs,
                prices=policy.prices,
                price=policy.prices[DEFAULT_PRICE],
                decision_ms=judged.decision_ms,
                # Overlap was refused, so with fit curves none of their samples is judged on.
                held_out=True if read.fit is not None else None,
                policy=policy if isinstance(policy, ScorePolicy) else None,
                features=split.features,
            )
        )
    return tuple(found)
