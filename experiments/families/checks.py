"""What a model of any family must do, checked on a loaded one.

Each check raises ``CheckFailed`` with what was wrong. They run the real model and the real
processor; a tiny random model passes them all within seconds, a real checkpoint within minutes.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from budget.adaptive import AdaptiveVLM
from budget.budgets import Budget
from budget.families.processors import load_processor
from budget.families.runner import KnobRunner
from budget.llava import LlavaRunner
from experiments.families.entry import SHAPES
from oracle.sweeping import sweep
from policies.families import make_estimator
from policies.features import featurize
from policies.pricing import fit_score_policy
from policies.rung_costs import rising

QUESTIONS = ("what is the sign ?", "how many dogs are there ?", "is the sign red ?")
_SWEPT = ((320, 240), (240, 320), (200, 200), (480, 160))
_CLOSE = 1e-4


class CheckFailed(Exception):
    """A model does not do what models of its family must."""


class Case(NamedTuple):
    """A model to check.

    Attributes:
        runner: the model.
        folder: that it was loaded from.
    """

    runner: KnobRunner | LlavaRunner
    folder: Path

    @property
    def mixed(self) -> list[int]:
        """A cap for each of ``PICTURES``: the cheapest, a middle one and the dearest."""
        ladder = self.runner.ladder
        return [ladder[0], ladder[len(ladder) // 2], ladder[-1]]


def picture(size: tuple[int, int], seed: int = 0) -> Image.Image:
    """Return noise in coarse blocks, which survives being made smaller."""
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST)


PICTURES = tuple(picture(size, seed) for seed, size in enumerate(SHAPES))


def realised(case: Case) -> None:
    """Tokens are counted, kept below the cap, and grow with it."""
    runner = case.runner
    for image in PICTURES:
        told = runner.realised(image)
        _expect(told == sorted(told), f"tokens fall with the cap: {told}")
        kept = all(n <= cap for n, cap in zip(told, runner.ladder, strict=True))
        _expect(kept, f"tokens {told} are above the caps {tuple(runner.ladder)}")
        if isinstance(runner, KnobRunner):
            counted = [runner.see(image, scale).num_visual_tokens for scale in runner.ladder]
            _expect(counted == told, f"told {told} tokens, the processor makes {counted}")
    for image in PICTURES[:2]:
        told = runner.realised(image)
        _expect(told[-1] > told[0], f"the knob changes nothing: {told}")


def equals_transformers(case: Case) -> None:
    """A rung answers as transformers' own processor and ``generate`` do under the same knob."""
    if not _has_knob(case):
        return
    for image, question in zip(PICTURES, QUESTIONS, strict=True):
        _equal_run(case, [image], question, generate=True)


def equals_transformers_of_two(case: Case) -> None:
    """Images that share a prompt are seen as transformers sees them in one run of the encoder."""
    if not _has_knob(case):
        return
    sized = hasattr(case.runner.knob, "sized_kwargs")
    # A knob that goes by the size sets one thing for a call: images of one size share it.
    other = picture(SHAPES[0], seed=9) if sized else PICTURES[1]
    _equal_run(case, [PICTURES[0], other], QUESTIONS[0], generate=False)


def _has_knob(case: Case) -> bool:
    """Return whether transformers has the knob too, so that there is something to compare with."""
    return any(hasattr(case.runner.knob, name) for name in ("kwargs", "sized_kwargs", "shrunk"))


def _kwargs(knob: Any, image: Image.Image, scale: int) -> dict[str, Any]:
    """Return what the processor is given for a cap; of some families by the image's size."""
    if hasattr(knob, "shrunk"):
        return {}
    sized = getattr(knob, "sized_kwargs", None)
    found: dict[str, Any] = sized(scale, image.size) if sized else knob.kwargs(scale)
    return found


def _stock_inputs(case: Case, images: list[Image.Image], question: str, scale: int) -> Any:
    """Return what transformers' processor makes of a prompt, and what its model must be told."""
    runner, processor = case.runner, load_processor(case.folder)
    content = [*({"type": "image"} for _ in images), {"type": "text", "text": question}]
    text = processor.tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    knob = _kwargs(runner.knob, images[0], scale)
    if (shrunk := getattr(runner.knob, "shrunk", None)) is not None:
        images = [shrunk(each, scale) for each in images]
    inputs = processor(images=images, text=[text], images_kwargs=knob, return_tensors="pt")
    known = signature(runner.model.base_model.get_image_features).parameters
    told = {name: value for name, value in knob.items() if name in known}
    return {**inputs.to(runner.device, runner.model.dtype), **told}


def _equal_run(case: Case, images: list[Image.Image], question: str, *, generate: bool) -> None:
    runner, scale = case.runner, case.mixed[1]
    inputs = _stock_inputs(case, images, question, scale)
    with torch.inference_mode():
        logits = runner.model(**inputs).logits[0]
    scales = [scale] * len(images)
    own = runner.prompt_logits(images, question, num_visual_tokens=scales)
    _expect(own.shape == logits.shape, f"prompts of {len(own)} and {len(logits)} tokens")
    gap = float((own - logits).abs().max())
    _expect(gap <= _CLOSE * max(float(logits.abs().max()), 1), f"logits differ by {gap:.2g}")
    if generate:
        ids = runner.model.generate(
            **inputs, max_new_tokens=5, do_sample=False, repetition_penalty=1.0
        )[0, len(logits) :]
        (answer,) = runner.answer(
            [images], [question], num_visual_tokens=[scales], max_new_tokens=5
        )
        same = list(answer.token_ids) == ids.tolist()
        _expect(same, f"answered {list(answer.token_ids)}, transformers {ids.tolist()}")


def mixed_batch(case: Case) -> None:
    """A batch of mixed rungs answers as its samples alone."""
    runner, scales = case.runner, case.mixed
    together = runner.answer(PICTURES, QUESTIONS, num_visual_tokens=scales, max_new_tokens=6)
    for image, question, m, answer in zip(PICTURES, QUESTIONS, scales, together, strict=True):
        (alone,) = runner.answer([image], [question], num_visual_tokens=m, max_new_tokens=6)
        _same_answer(alone, answer, "alone and in a batch")


def threads(case: Case) -> None:
    """Two threads at different rungs get what each gets alone."""
    runner, (low, _, high) = case.runner, case.mixed

    def ask(scale: int) -> list[Any]:
        return runner.answer(PICTURES, QUESTIONS, num_visual_tokens=scale, max_new_tokens=4)

    alone = [ask(low), ask(high)]
    with ThreadPoolExecutor(2) as pool:
        beside = list(pool.map(ask, (low, high)))
    for one, other in zip(alone, beside, strict=True):
        for a, b in zip(one, other, strict=True):
            _same_answer(a, b, "alone and beside another thread")


def every_scale(case: Case) -> None:
    """All rungs at once answer as rung by rung; rungs that coincide are run once."""
    runner = case.runner
    every = runner.answer_every_scale(PICTURES, QUESTIONS, max_new_tokens=4)
    for rung, scale in enumerate(runner.ladder):
        answers = runner.answer(PICTURES, QUESTIONS, num_visual_tokens=scale, max_new_tokens=4)
        for rungs, answer in zip(every, answers, strict=True):
            _same_answer(rungs[rung], answer, "in a sweep and at one rung")
    for image, rungs in zip(PICTURES, every, strict=True):
        runs = len({id(answer) for answer in rungs})
        seen = _distinct(runner, image)
        _expect(runs == seen, f"{seen} distinct rungs were run {runs} times")


def _distinct(runner: KnobRunner | LlavaRunner, image: Image.Image) -> int:
    """Return how many rungs an image looks different at; at all of them where scales are exact."""
    if isinstance(runner, LlavaRunner):
        return len(runner.ladder)
    return len({id(each) for each in runner.see_every_scale(image)})


def costs(case: Case) -> None:
    """More tokens cost more, and the largest scale costs what it is said to."""
    runner = case.runner
    ends = (runner.ladder[0], runner.ladder[-1])
    cheap, full = (
        runner.answer(PICTURES[:1], QUESTIONS[:1], num_visual_tokens=m, max_new_tokens=1)[0]
        for m in ends
    )
    low, high = runner.answer_cost(cheap).flops, runner.answer_cost(full).flops
    _expect(0 < low < high, f"the cheapest rung costs {low:.3g} FLOPs, the dearest {high:.3g}")
    said = runner.full_flops(cheap, PICTURES[0])
    # What is set around an image's parts counts as text, of which there is more at the top.
    _expect(abs(said / high - 1) < 0.1, f"said {said:.3g} FLOPs at full scale, took {high:.3g}")


def several_images(case: Case) -> None:
    """A prompt of two images has a rung for each; one of none has no visual tokens."""
    runner, (low, _, high) = case.runner, case.mixed
    images = list(PICTURES[:2])
    pair, none = runner.answer(
        [images, None], QUESTIONS[:2], num_visual_tokens=[[low, high], []], max_new_tokens=3
    )
    tokens = runner.realised(images[0])[0] + runner.realised(images[1])[-1]
    _expect(pair.num_visual_tokens == tokens, f"{pair.num_visual_tokens} tokens, not {tokens}")
    _expect(none.num_visual_tokens == 0, "a question alone has visual tokens")
    (alone,) = runner.answer([None], QUESTIONS[1:2], num_visual_tokens=[[]], max_new_tokens=3)
    _same_answer(alone, none, "without images alone and in a batch")
    swapped, _ = runner.answer(
        [images[::-1], None], QUESTIONS[:2], num_visual_tokens=[[high, low], []], max_new_tokens=3
    )
    _expect(swapped.confidence != pair.confidence, "the order of images changes nothing")


def adaptive(case: Case) -> None:
    """Sweep, curves, a fitted policy and adaptive answers."""
    from datasets import Dataset
    from datasets import Image as ImageColumn

    runner = case.runner
    images = [picture(_SWEPT[i % 4], seed=i) for i in range(12)]
    questions = [QUESTIONS[i % 3] for i in range(12)]
    columns = {
        "id": [f"q{i}" for i in range(12)],
        "image": images,
        "question": questions,
        "answers": [["red"]] * 12,
    }
    data = Dataset.from_dict(columns).cast_column("image", ImageColumn())
    curves = sweep(runner, data, scorer="agreement", batch_size=6, max_new_tokens=2)
    _expect(curves.scales == tuple(runner.ladder), f"curves of scales {curves.scales}")
    _expect(bool((curves.scores[:, -1] == 1).all()), "the full scale does not agree with itself")
    _expect(bool(np.isfinite(curves.flops).all()), "FLOPs are not known")
    features = featurize(images, questions)
    policy = fit_score_policy(
        fit_features=features[:6],
        fit_scores=curves.scores[:6],
        calibration_features=features[6:],
        calibration_scores=curves.scores[6:],
        ladder=runner.ladder,
        rung_costs=rising(curves.num_visual_tokens.mean(axis=0)),
        cost_unit="tokens",
        predictor=make_estimator("mean"),
    )
    vlm = AdaptiveVLM(runner, policy)
    answers = vlm.answer(PICTURES, QUESTIONS, budget=Budget(price=0.0), max_new_tokens=3)
    for image, answer in zip(PICTURES, answers, strict=True):
        tokens = runner.realised(image)[answer.rung]
        _expect(answer.num_visual_tokens == tokens, f"{answer.num_visual_tokens}, not {tokens}")
        _expect(0 < answer.flops <= 1.01 * answer.full_flops, "an answer above the full scale")


CHECKS: tuple[Callable[[Case], None], ...] = (
    realised,
    equals_transformers,
    equals_transformers_of_two,
    mixed_batch,
    threads,
    every_scale,
    costs,
    several_images,
    adaptive,
)


def _same_answer(one: Any, other: Any, where: str) -> None:
    same = one.token_ids == other.token_ids and one.prompt_tokens == other.prompt_tokens
    close = abs(one.confidence - other.confidence) <= _CLOSE
    _expect(same and close, f"answers differ {where}: {one.token_ids} and {other.token_ids}")


def _expect(holds: bool, problem: str) -> None:
    if not holds:
        raise CheckFailed(problem)
