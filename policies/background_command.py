"""What ``budget policy background`` does, once its options are read."""

from pathlib import Path

from budget.console import print_json_line, progress, say
from budget.shipped import SHIPPED, shipped_folder
from policies.background import KIND, background_of
from policies.contributions import explainable
from policies.features_cache import SampleSource
from policies.policy_files import load_policy
from policies.policy_schema import is_own_file
from policies.reading import Readers
from policies.whole_folder import refuse_others


def run_background(
    readers: Readers,
    source: SampleSource,
    *,
    policy: str,
    curves: Path,
    split: str,
    out: Path | None = None,
    requests: int,
) -> None:
    """Give a policy the typical requests that explanations compare with; one JSON line.

    Args:
        readers: how files are read.
        source: gives features.
        policy: a folder, or the name of a shipped one.
        curves: whose samples are the requests; only their ids are looked at.
        split: of the dataset.
        out: folder to write; ``None`` replaces the policy itself.
        requests: how many are kept.

    Raises:
        BudgetError: if a file cannot be used or written.
    """
    folder = shipped_folder(policy) / "policy" if policy in SHIPPED else Path(policy)
    target = folder if out is None else out
    refuse_others(target, is_own_file)
    known = explainable(load_policy(folder))
    with progress(f"Features of {split}", "samples") as update:
        features = source.features(readers.curves(curves), split, update).features
    expected = known.predictor.predict(features)
    found = background_of(features, expected, num_rows=requests)
    known.extras[KIND] = found
    known.save(target)
    say(f"{len(found.features)} typical requests of {len(features)} are in {target}")
    print_json_line(
        {"policy": str(target), "requests": len(found.features), "n_fit": len(features)}
    )
