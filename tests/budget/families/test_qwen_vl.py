"""Qwen2-VL and Qwen2.5-VL on tiny random models."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from PIL import Image

from budget import load_model
from budget.families.measured_cost import count_flops
from budget.families.registry import family_of
from budget.json_files import read_json
from experiments.families.checks import PICTURES, QUESTIONS, picture
from experiments.families.tiny import qwen
from experiments.families.verify import verify_folder

WIDE, TALL, SMALL = PICTURES


@pytest.fixture(scope="module", params=[qwen.qwen2_vl, qwen.qwen2_5_vl], ids=lambda b: b.__name__)
def folder(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp(request.param.__name__))


@pytest.fixture(scope="module")
def runner(folder):
    return load_model(folder)


def test_whole_way(folder):
    family = family_of(read_json(folder / "config.json"))
    entry = verify_folder(folder, family)
    assert entry.verified, entry.why_not
    assert family.name.lower().replace("-", "_").replace(".", "_") == folder.name.rstrip("0")


def test_a_cap_is_met_whatever_the_least_of_the_checkpoint(folder):
    low = load_model(folder, ladder=(1, 3, 16, 64))
    assert low.realised(WIDE) == [1, 2, 12, 54]
    assert low.realised(TALL) == [1, 2, 12, 60]
    assert low.realised(SMALL) == [1, 1, 12, 12]


def test_strips_and_points_are_answered(runner):
    # The processor itself refuses what is beyond 200 to 1.
    strips = [Image.new("RGB", size, "red") for size in ((3000, 9), (1, 700), (1, 1))]
    answers = runner.answer(strips, QUESTIONS, num_visual_tokens=[64, 1, 1], max_new_tokens=2)
    assert [answer.num_visual_tokens for answer in answers] == [64, 1, 1]


def test_a_question_alone_is_answered_as_transformers_does_whatever_ran_before(runner):
    runner.answer([TALL, WIDE], QUESTIONS[:2], num_visual_tokens=64, max_new_tokens=2)
    model = runner.model
    assert model.model.rope_deltas is not None  # which the run before has left
    own = runner.prompt_logits(None, QUESTIONS[0], num_visual_tokens=[])
    text = runner.tokenizer.apply_chat_template(
        [{"role": "user", "content": [{"type": "text", "text": QUESTIONS[0]}]}],
        tokenize=False,
        add_generation_prompt=True,
    )
    inputs = runner.tokenizer(text, return_tensors="pt")
    model.model.rope_deltas = None
    with torch.inference_mode():
        torch.testing.assert_close(own, model(**inputs).logits[0])
    (answer,) = runner.answer([None], QUESTIONS[:1], num_visual_tokens=[[]], max_new_tokens=6)
    ids = model.generate(**inputs, max_new_tokens=6, do_sample=False)
    assert list(answer.token_ids) == ids[0, inputs["input_ids"].shape[1] :].tolist()


def test_a_mark_of_a_video_in_a_question_is_refused_and_not_looked_for(runner):
    with pytest.raises(ValueError, match="marks of a video"):
        runner.answer([SMALL], ["what is <|video_pad|> ?"], num_visual_tokens=4)


def test_threads_of_all_kinds_of_runs_do_not_disturb_each_other(runner):
    # The model keeps the offset of its last prompt on itself; no run may take that of another.
    def mixed():
        images = [TALL, None, SMALL]
        scales = [[64], [], [16]]
        return runner.answer(images, QUESTIONS, num_visual_tokens=scales, max_new_tokens=6)

    def one():
        return runner.answer([WIDE], QUESTIONS[:1], num_visual_tokens=16, max_new_tokens=6)

    def text():
        return runner.answer([None], QUESTIONS[:1], num_visual_tokens=[[]], max_new_tokens=6)

    def logits():
        return runner.prompt_logits(TALL, QUESTIONS[1], num_visual_tokens=[16])

    jobs = [mixed, one, text, logits]
    alone = [job() for job in jobs]
    with ThreadPoolExecutor(len(jobs)) as pool:
        beside = list(pool.map(lambda job: job(), jobs * 3))
    for place, found in enumerate(beside):
        wanted = alone[place % len(jobs)]
        if isinstance(wanted, torch.Tensor):
            torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)
            continue
        assert [each.token_ids for each in found] == [each.token_ids for each in wanted]
        for one_answer, other in zip(found, wanted, strict=True):
            assert one_answer.confidence == pytest.approx(other.confidence, abs=1e-4)


def test_the_vision_encoder_costs_what_torch_counts_between_the_rungs(runner):
    # Of Qwen2.5-VL, layers that look at windows make the curve not quite a polynomial.
    for image in (TALL, picture((300, 300))):
        (answer,) = runner.answer([image], QUESTIONS[:1], num_visual_tokens=128, max_new_tokens=1)
        seen = runner.see(image, 128)
        counted = count_flops(lambda seen=seen: runner._batches.encode(seen, 128))
        assert answer.vision_flops == pytest.approx(counted, rel=0.02)
