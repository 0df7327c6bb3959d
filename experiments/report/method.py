"""How everything in a report was counted: samples, rules, intervals, versions and hashes."""

import platform
from collections.abc import Sequence
from html import escape
from importlib.metadata import PackageNotFoundError, version

from experiments.report.chapters import Settings
from experiments.report.phrases import count
from experiments.report.runs import Run
from experiments.report.section import Cell, Column, Section, Table

_PACKAGES = ("matryoshka-budget", "numpy", "scipy", "scikit-learn", "lightgbm", "matplotlib")
_FACTS = (
    ("model", "model"),
    ("weights", "weights, SHA-256"),
    ("scorer", "scorer"),
    ("path", "curves"),
    ("sha256", "curves, SHA-256"),
    ("dataset", "data given"),
    ("split", "split"),
    ("data", "data of the run, hash"),
    ("data_given", "data given, hash"),
    ("begun", "run begun"),
    ("created_by", "run made by"),
    ("errors", "samples that failed"),
)


def method_section(runs: Sequence[Run], settings: Settings, command: str) -> Section:
    """Return what a reader needs to check or to repeat a report.

    Args:
        runs: of the report.
        settings: what the user asked for.
        command: that made the report.
    """
    words = (
        "Every question was answered once at every scale, all else alike; a scale is a number of "
        "visual tokens. A curve is one sample's scores at every scale, and everything here is "
        "computed from these curves.",
        *(_samples(run) for run in runs),
        *(_data(run) for run in runs if "data_same" in run.about),
        "Accuracy is the mean score. An answer counts as right from a score of 0.5 on where a rule "
        "needs right and wrong; means use the scores themselves.",
        "Rules of the oracle: first-correct takes the fewest tokens with which a sample is right; "
        "stable takes the fewest from which on every larger scale is right, too, so that luck at "
        "one scale counts less. A sample that no scale answers has no minimal scale; it is charged "
        "the cheapest scale, as M3's paper does, or the full one, and it is said which.",
        "Intervals are 95 %, each by itself. Shares of samples, and accuracies of scales beside "
        f"them, have Wilson's score intervals; all else has percentiles of {settings.resamples:,} "
        "resamples of the samples with replacement, or of fewer where a caption says so or samples "
        "are very many. What is compared is resampled together, so that differences are paired. "
        "Where scales are compared with each other, saturation points among it, a resample also "
        "has about one sample more that gains by a larger scale and one that loses, since few "
        "samples may hold none of either. Tests of many groups or steps are corrected for their "
        "number (Holm). Intervals say what another draw of samples would change, not what other "
        "prompts, scorers or training runs would.",
        "Tokens are those that the model really got, as the run recorded them; axes of tokens are "
        "logarithmic. FLOPs and milliseconds are those of the run; milliseconds hold for the "
        "machine, the batch size and the load at which it was made.",
        f"The seed is {settings.seed}. The command at the end of this section gives the same "
        "numbers on the same files.",
    )
    return Section(
        anchor="method",
        title="How was this counted?",
        words=words,
        tables=(_facts(runs), _versions()),
        html=f"<pre><code>{escape(command)}</code></pre>",
    )


def _samples(run: Run) -> str:
    curves, scales = run.curves, ", ".join(f"{m:,d}" for m in run.curves.scales)
    failed = int(run.about.get("errors") or 0)
    lost = f" {count(failed, 'sample')} failed in the run and are not counted." if failed else ""
    used = curves.num_visual_tokens.mean(axis=0)
    real = ""
    if (curves.num_visual_tokens != curves.scales).any():
        given = ", ".join(f"{tokens:,.1f}" for tokens in used)
        real = f" Means of the tokens really used at them: {given}."
    fit = ""
    if run.fit is not None:
        fit = f" Baselines by group were set on {count(len(run.fit), 'other sample')}."
    return (
        f"{run.name}: {count(len(curves), 'sample')} at the scales {scales}.{lost}{real} Groups "
        f"come from {run.grouped_by}.{fit}"
    )


def _data(run: Run) -> str:
    if run.about["data_same"]:
        return (
            f"{run.name}: the data given are those of the run (ids, texts and images hash alike)."
        )
    return (
        f"{run.name}: the data given do not hash like those of the run. Ids match, but texts, "
        "images or their number may differ; the numbers from curves alone are not concerned."
    )


def _facts(runs: Sequence[Run]) -> Table:
    about = [dict(run.about) for run in runs]
    rows: list[tuple[Cell, ...]] = [("samples", *(f"{len(run.curves):,d}" for run in runs))]
    for key, title in _FACTS:
        values = [each.get(key) for each in about]
        if any(value is not None for value in values):
            rows.append((title, *(None if value is None else str(value) for value in values)))
    for name in dict.fromkeys(each.name for run in runs for each in run.policies):
        rows.append((f"policy {name}", *(_held_out(run, name) for run in runs)))
    columns = (Column("what", "what"), *(Column(f"run{i + 1}", r.name) for i, r in enumerate(runs)))
    return Table("runs", "What the report was made of.", columns, tuple(rows))


def _held_out(run: Run, name: str) -> str:
    known = {each.name: each.held_out for each in run.policies}.get(name)
    return {
        True: "shares no sample with the fit curves given",
        False: "was fitted on some of these samples",
        None: "whether it was fitted on these samples is not known",
    }[known]


def _versions() -> Table:
    rows: list[tuple[Cell, ...]] = [("python", platform.python_version())]
    for name in _PACKAGES:
        try:
            rows.append((name, version(name)))
        except PackageNotFoundError:
            rows.append((name, None))
    columns = (Column("package", "package"), Column("version", "version"))
    return Table("versions", "What computed the report.", columns, tuple(rows))
