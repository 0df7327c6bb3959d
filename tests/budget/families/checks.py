"""What every family's model must do, with a tiny random one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from datasets import Image as ImageColumn
from PIL import Image
from transformers import AutoModelForImageTextToText

from budget import AdaptiveVLM, Budget, load_model
from budget.families.processors import load_processor
from budget.families.runner import KnobRunner
from oracle.sweep import sweep
from policies.families import make_estimator
from policies.features import featurize
from policies.pricing import fit_score_policy
from policies.rung_costs import rising

WIDE, TALL, SMALL = (640, 480), (500, 1200), (100, 80)
QUESTIONS = ("what is the sign ?", "how many dogs are there ?", "is the sign red ?")


def picture(size: tuple[int, int], seed: int = 0) -> Image.Image:
    """Return noise in coarse blocks, which survives being made smaller."""
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST)


PICTURES = tuple(picture(size, seed) for seed, size in enumerate((WIDE, TALL, SMALL)))


def check_whole_way(folder: Path, *, rungs: Sequence[int]) -> KnobRunner:
    """Run every check; ``rungs`` are three of the ladder that a mixed batch is run with."""
    runner = load_model(folder)
    assert isinstance(runner, KnobRunner)
    check_realised(runner)
    check_stock(runner, folder, runner.ladder[rungs[1]])
    check_mixed(runner, [runner.ladder[rung] for rung in rungs])
    check_every_scale(runner)
    check_costs(runner)
    check_several_images(runner, [runner.ladder[rungs[0]], runner.ladder[rungs[-1]]])
    check_policy(runner)
    return runner


def check_realised(runner: KnobRunner) -> None:
    """Tokens are counted, kept below the cap, and grow with it."""
    for image in PICTURES:
        realised = runner.realised(image)
        assert realised == sorted(realised)
        assert all(n <= cap for n, cap in zip(realised, runner.ladder, strict=True))
        counted = [runner.see(image, scale).num_visual_tokens for scale in runner.ladder]
        assert counted == realised
    grown = [runner.realised(image) for image in PICTURES[:2]]
    assert all(each[-1] > each[0] for each in grown), "the knob changes nothing"


def check_stock(runner: KnobRunner, folder: Path, scale: int) -> None:
    """One rung answers as transformers' own processor and ``generate`` do under the same knob."""
    stock = AutoModelForImageTextToText.from_pretrained(folder).eval()
    processor = load_processor(folder)
    for image, question in zip(PICTURES, QUESTIONS, strict=True):
        messages = [
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}
        ]
        text = processor.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        knob = runner.knob.kwargs(scale)  # type: ignore[attr-defined]
        inputs = processor(images=[image], text=[text], images_kwargs=knob, return_tensors="pt")
        ids = stock.generate(**inputs, max_new_tokens=5, min_new_tokens=0, do_sample=False)
        (answer,) = runner.answer([image], [question], num_visual_tokens=scale, max_new_tokens=5)
        wanted = ids[0, inputs["input_ids"].shape[1] :].tolist()
        assert list(answer.token_ids) == wanted
        assert answer.prompt_tokens == inputs["input_ids"].shape[1]
        with torch.inference_mode():
            logits = stock(**inputs).logits[0]
        own = runner.prompt_logits(image, question, num_visual_tokens=scale)
        torch.testing.assert_close(own, logits, atol=1e-4, rtol=1e-4)


def check_mixed(runner: KnobRunner, scales: Sequence[int]) -> None:
    """A batch of mixed rungs answers as its samples alone."""
    together = runner.answer(PICTURES, QUESTIONS, num_visual_tokens=scales, max_new_tokens=6)
    for image, question, m, answer in zip(PICTURES, QUESTIONS, scales, together, strict=True):
        (alone,) = runner.answer([image], [question], num_visual_tokens=m, max_new_tokens=6)
        assert alone.token_ids == answer.token_ids
        assert alone.confidence == pytest.approx(answer.confidence, abs=1e-4)
        assert alone.num_visual_tokens == answer.num_visual_tokens <= m
        assert alone.prompt_tokens == answer.prompt_tokens


def check_every_scale(runner: KnobRunner) -> None:
    """All rungs at once answer as rung by rung; what coincides is one answer."""
    every = runner.answer_every_scale(PICTURES, QUESTIONS, max_new_tokens=4)
    for rung, scale in enumerate(runner.ladder):
        answers = runner.answer(PICTURES, QUESTIONS, num_visual_tokens=scale, max_new_tokens=4)
        assert [each.token_ids for each in answers] == [rungs[rung].token_ids for rungs in every]
    for image, rungs in zip(PICTURES, every, strict=True):
        assert [answer.num_visual_tokens for answer in rungs] == runner.realised(image)
        seen = runner.see_every_scale(image)
        assert len({id(answer) for answer in rungs}) == len({id(each) for each in seen})


def check_costs(runner: KnobRunner) -> None:
    """More tokens cost more, and the largest scale costs what it is said to."""
    (cheap,) = runner.answer(
        PICTURES[:1], QUESTIONS[:1], num_visual_tokens=runner.ladder[0], max_new_tokens=2
    )
    (full,) = runner.answer(
        PICTURES[:1], QUESTIONS[:1], num_visual_tokens=runner.ladder[-1], max_new_tokens=2
    )
    assert 0 < runner.answer_cost(cheap).flops < runner.answer_cost(full).flops
    if len(cheap.token_ids) == len(full.token_ids):
        spent, said = runner.answer_cost(full).flops, runner.full_flops(cheap, PICTURES[0])
        # What is set around an image's parts counts as text, of which there may be more.
        assert said == pytest.approx(spent, rel=0.1)


def check_several_images(runner: KnobRunner, scales: Sequence[int]) -> None:
    """A prompt of two images has a rung for each; one of none has no visual tokens."""
    pair, none = runner.answer(
        [list(PICTURES[:2]), None],
        QUESTIONS[:2],
        num_visual_tokens=[list(scales), []],
        max_new_tokens=3,
    )
    tokens = [
        runner.see(image, m).num_visual_tokens
        for image, m in zip(PICTURES[:2], scales, strict=True)
    ]
    assert pair.num_visual_tokens == sum(tokens)
    assert none.num_visual_tokens == 0


def check_policy(runner: KnobRunner) -> None:
    """Sweep, curves, a fitted policy and adaptive answers."""
    shapes = ((320, 240), (240, 320), (200, 200), (480, 160))
    rows = [
        {
            "id": f"q{i}",
            "image": picture(shapes[i % 4], seed=i),
            "question": QUESTIONS[i % 3],
            "answers": ["red"],
        }
        for i in range(12)
    ]
    data = Dataset.from_list(rows).cast_column("image", ImageColumn())
    curves = sweep(runner, data, scorer="agreement", batch_size=6, max_new_tokens=2)
    assert curves.scales == tuple(runner.ladder)
    assert (curves.scores[:, -1] == 1).all()
    assert np.isfinite(curves.flops).all()
    assert np.isfinite(curves.seconds).all()
    assert (np.diff(curves.num_visual_tokens, axis=1) >= 0).all()
    features = featurize([row["image"] for row in rows], [row["question"] for row in rows])
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
    adaptive = AdaptiveVLM(runner, policy)
    answers = adaptive.answer(PICTURES, QUESTIONS, budget=Budget(price=0.0), max_new_tokens=3)
    for image, answer in zip(PICTURES, answers, strict=True):
        assert answer.num_visual_tokens == runner.realised(image)[answer.rung]
        assert 0 < answer.flops <= answer.full_flops * 1.01
