"""What ``budget policy fit-vision`` does, once its options are read."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budget.console import print_json_line, print_table, progress
from budget.errors import PolicyError
from policies.lightgbm_policy import ScorePolicy
from policies.policy_files import load_policy
from policies.post_vision import KIND, PostVisionPolicy, VisionPart
from policies.pricing import price_policy
from policies.reading import (
    BATCH,
    CurveTable,
    Readers,
    features_of,
    refuse_overlap,
    rows_of,
    same_ladder,
)
from policies.risk_options import all_risks, known_flops, print_risks
from policies.vision_inputs import VisionInputs, read_inputs
from policies.vision_training import Training, fit_vision_scores, pooled_sides

if TYPE_CHECKING:
    from policies.vision_inputs import EncodingModel


def run_fit_vision(
    readers: Readers,
    *,
    model: str,
    policy: Path,
    curves: Path,
    calibration: Path,
    data: str,
    out: Path,
    fit_split: str,
    calibration_split: str,
    weight: float,
    training: Training,
) -> PostVisionPolicy:
    """Train a network on a fit split, price it together with a policy, save and describe it.

    Raises:
        BudgetError: if a file cannot be used.
    """
    from budget.matryoshka import load_matryoshka

    start = time.perf_counter()
    base = load_base(policy)
    tables = readers.curves(curves), readers.curves(calibration)
    ladder = same_ladder(
        (str(policy), base.ladder.scales),
        (str(curves), tables[0].scales),
        (str(calibration), tables[1].scales),
    )
    refuse_overlap("fit", tables[0], "calibration", tables[1])
    encoder = load_matryoshka(model, "a policy of tier post-vision")
    inputs = encode_split(readers, encoder, tables[0], data, fit_split)
    with progress("Training", "steps") as update:
        vision = fit_vision_scores(
            inputs,
            tables[0].scores,
            pools=pooled_sides(ladder.scales, inputs.tokens.shape[1]),
            training=training,
            progress=update,
        )
    dataset, rows = _samples(readers, tables[1], data, calibration_split)
    features, _ = features_of(dataset, rows)
    seen = encode_split(readers, encoder, tables[1], data, calibration_split)
    part = VisionPart(vision, weight)
    fitted = price_vision(base, part, features, seen, tables[1])
    fitted.save(out)
    print_risks(fitted.pricing)
    prices = [(name, f"{price:.4f}") for name, price in fitted.prices.items()]
    print_table(("price", "value"), prices, "Prices")
    print_json_line(
        {
            "policy": str(out),
            "tier": fitted.tier,
            "n_fit": len(inputs),
            "n_calibration": len(seen),
            "ladder": list(ladder),
            "prices": fitted.prices,
            "decision_flops": part.vision.flops(int(seen.lengths.mean())),
            "seconds": round(time.perf_counter() - start, 2),
        }
    )
    return fitted


def load_base(folder: Path) -> ScorePolicy:
    """Return the policy of tier pre that a network is added to.

    Raises:
        PolicyError: if there is none, or it has a network already.
    """
    base = load_policy(folder)
    if not isinstance(base, ScorePolicy):
        raise PolicyError(f"{folder} is a policy of tier {base.tier}; give one of tier pre")
    return base


def price_vision(
    base: ScorePolicy,
    part: VisionPart,
    features: Any,
    inputs: VisionInputs,
    curves: CurveTable,
) -> PostVisionPolicy:
    """Return the policy of tier post-vision, its prices set on a calibration split.

    Args:
        base: of tier pre; its predictor stays a part of it.
        part: the trained network.
        features: of the calibration split, shape [n, d].
        inputs: what the encoder found there.
        curves: of that split.
    """
    expected = part.mix(base.predictor.predict(features), inputs)
    pricing = price_policy(
        predictor=base.predictor,
        expected=expected,
        calibration_features=features,
        calibration_scores=curves.scores,
        ladder=base.ladder,
        rung_costs=base.rung_costs,
        cost_unit=base.cost_unit,
        calibration_tokens=curves.num_visual_tokens,
        calibration_flops=known_flops(curves),
        risks=all_risks((), curves),
        extras={KIND: part},
    )
    return PostVisionPolicy(pricing)


def encode_split(
    readers: Readers, model: "EncodingModel", curves: CurveTable, data: str, split: str
) -> VisionInputs:
    """Run the vision encoder over the samples of curves, in their order.

    Raises:
        DataError: if a sample of the curves is not in the data.
    """
    dataset, rows = _samples(readers, curves, data, split)
    with progress(f"Encoding {split}", "samples") as update:
        return read_inputs(model, _batches(dataset, rows), lambda done: update(done, len(rows)))


def _samples(readers: Readers, curves: CurveTable, data: str, split: str) -> tuple[Any, list[int]]:
    dataset = readers.data(data, split, ("id", "image", "question"))
    return dataset, rows_of(curves.sample_ids, dataset["id"], f"{data} ({split})")


def _batches(dataset: Any, rows: list[int]) -> Iterator[tuple[Sequence[Any], Sequence[str]]]:
    for start in range(0, len(rows), BATCH):
        batch = dataset[rows[start : start + BATCH]]
        yield batch["image"], batch["question"]
