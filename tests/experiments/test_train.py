"""Training: packing is exact, the losses are the papers', a killed run takes the same steps."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image

from budget.errors import DataError, ModelError
from budget.models import load_model
from budget.prompt import Prompt
from budget.tokens import pool_tokens
from experiments.scenes.render import PATCH_CHANNELS, PATCH_WORDS
from experiments.scenes.vocabulary import COLOUR_NAMES
from experiments.train.build import Shape, build_m3, build_mqt, merge_texts, train_tokenizer
from experiments.train.examples import from_rows, pack, tokenise, word_tables
from experiments.train.losses import answer_loss, packed_mask
from experiments.train.recipes import Steps, m3_stages, mqt_stages
from experiments.train.run import run_recipe
from experiments.train.sources import draw_scenes, load_training_set
from experiments.train.spread import farthest_order
from experiments.train.stages import LearnAnswers, Learner, LearnPrefixes, LearnWords, make_batch

CLASSES = tuple(classes for _, classes in PATCH_CHANNELS)
TINY = Shape(
    vision_width=32,
    vision_layers=1,
    text_width=32,
    text_layers=1,
    text_inner=48,
    vocabulary=300,
)


@pytest.fixture(scope="module")
def data():
    return draw_scenes(64, processes=1)


@pytest.fixture(scope="module")
def tokenizer(data):
    return train_tokenizer(merge_texts(data.texts), 400)


@pytest.fixture(scope="module")
def batch(data, tokenizer):
    prompt = Prompt(tokenizer)
    pairs = tokenise(data.texts, prompt)
    before = torch.tensor(prompt.ids("?").before)
    return make_batch(data, pairs, None, None, np.arange(4), before, tokenizer.pad_token_id)


def test_packed_questions_get_the_loss_that_each_would_get_alone(tokenizer, batch):
    model = build_m3(TINY, tokenizer, seed=0).eval()
    visual = torch.randn(4, 9, 32, generator=torch.Generator().manual_seed(0))
    packed, _ = answer_loss(model, visual, batch.before, pack(batch.pairs, 3, batch.pad))
    alone = [
        answer_loss(model, visual[i : i + 1], batch.before, pack([[pair]], 1, batch.pad))[0]
        for i in range(4)
        for pair in batch.pairs[i][:3]
    ]
    tokens = [len(pair.ids) - pair.answer for i in range(4) for pair in batch.pairs[i][:3]]
    expected = sum(n * loss for n, loss in zip(tokens, alone, strict=True)) / sum(tokens)
    torch.testing.assert_close(packed, expected, rtol=1e-4, atol=1e-5)


def test_loss_is_transformers_own_next_token_loss(tokenizer, batch):
    model = build_m3(TINY, tokenizer, seed=0).eval()
    visual = torch.randn(1, 4, 32, generator=torch.Generator().manual_seed(1))
    pair = batch.pairs[0][0]
    ours, _ = answer_loss(model, visual, batch.before, pack([[pair]], 1, batch.pad))
    embed = model.get_input_embeddings()
    inputs = torch.cat(
        [embed(batch.before)[None], visual, embed(torch.tensor(pair.ids))[None]], dim=1
    )
    hidden = model.model.language_model(inputs_embeds=inputs).last_hidden_state
    start = len(batch.before) + 4
    labels = torch.full((1, inputs.shape[1]), -100)
    labels[0, start + pair.answer :] = torch.tensor(pair.ids[pair.answer :])
    theirs = model.loss_function(model.lm_head(hidden), labels, vocab_size=len(tokenizer))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_questions_see_the_prefix_and_themselves_only():
    seen = packed_mask(2, 2, 3)[0, 0] == 0
    assert seen[4].tolist() == [True, True, True, True, True, False, False, False]
    assert seen[6].tolist() == [True, True, False, False, False, True, True, False]


def test_m3_objective_is_the_mean_over_all_scales(tokenizer, batch):
    model = build_m3(TINY, tokenizer, seed=0)
    learner = Learner(model, CLASSES, 32)
    LearnAnswers((1, 36), 2)(learner, batch, np.random.default_rng(0))
    weight = model.model.multi_modal_projector.linear_1.weight
    both = weight.grad.clone()
    learner.zero_grad()
    packed = pack(batch.pairs, 2, batch.pad)
    projected = model.model.multi_modal_projector(learner.patches(batch.pixels))
    losses = [
        answer_loss(model, pool_tokens(projected, m), batch.before, packed)[0] for m in (1, 36)
    ]
    torch.stack(losses).mean().backward()
    torch.testing.assert_close(both, weight.grad, rtol=1e-4, atol=1e-6)


def test_scales_that_are_drawn_change_from_step_to_step(tokenizer, batch):
    learner = Learner(build_m3(TINY, tokenizer, seed=0), CLASSES, 32)
    rng = np.random.default_rng(0)
    logged = [LearnAnswers((36, 144), 1, drawn=1)(learner, batch, rng) for _ in range(8)]
    assert all(("right_36" in one) != ("right_144" in one) for one in logged)
    assert len({frozenset(one) for one in logged}) == 2


@pytest.mark.parametrize("named", [True, False])
def test_visual_tokens_come_to_point_at_the_words_for_what_they_show(data, tokenizer, named):
    prompt = Prompt(tokenizer)
    pairs = tokenise(data.texts, prompt)
    before = torch.tensor(prompt.ids("?").before)
    batch = make_batch(data, pairs, None, None, np.arange(4), before, tokenizer.pad_token_id)
    tables = word_tables(PATCH_WORDS, CLASSES, tokenizer) if named else None
    learner = Learner(build_m3(TINY, tokenizer, seed=0), CLASSES, 32)
    optimizer = torch.optim.Adam(learner.vlm.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        losses.append(LearnWords(tables)(learner, batch, np.random.default_rng(0))["loss"])
        optimizer.step()
    assert losses[-1] < 0.5 * losses[0]
    if not named:
        return
    _, colours, plates = data.patch_labels[:4, :3].reshape(4, 3, -1).swapaxes(0, 1)
    bare = (colours > 0) & (plates < 1)
    ids = [tokenizer(f" {c}", add_special_tokens=False).input_ids[0] for c in COLOUR_NAMES]
    visual = learner.vlm.model.multi_modal_projector(learner.patches(batch.pixels))
    logits = learner.vlm.lm_head(learner.vlm.model.language_model.norm(visual))[..., ids]
    named = 1 + logits.argmax(dim=-1).numpy()
    assert (named == colours)[bare].mean() > 0.5  # one in eight by chance


def test_words_of_queries_are_those_of_the_patches_where_they_begin(batch, tokenizer):
    tables = word_tables(PATCH_WORDS, CLASSES, tokenizer)
    order = farthest_order(12)
    plain = LearnWords(tables)._wanted(batch, len(tokenizer))
    spread = LearnWords(tables, tuple(order))._wanted(batch, len(tokenizer))
    assert plain.sum() > 0
    assert torch.equal(spread, plain[:, order])


def test_mqt_objective_trains_one_even_prefix_a_step_and_no_query_behind_it(tokenizer, batch):
    model = build_mqt(TINY, tokenizer, seed=0)
    learner = Learner(model, CLASSES, 32)
    logged = LearnPrefixes((2, 4, 6), 2)(learner, batch, np.random.default_rng(0))
    grad = model.model.multi_modal_projector.query.grad
    count = int(logged["m"])
    assert count in (2, 4, 6)
    assert (grad[:count].abs().sum(dim=1) > 0).all()
    assert (grad[count:] == 0).all()


def test_recipes_follow_the_papers():
    m3 = {s.name: s for s in m3_stages(Shape(), Steps(), 8, None)}
    mqt = {s.name: s for s in mqt_stages(Shape(), Steps(), 8, None, tuned=True)}
    alone = mqt_stages(Shape(), Steps(), 8, None)
    assert [s.name for s in alone] == ["dense", "words", "drills", "answers", "nested"]
    assert list(mqt) == ["words", "align", "nested"]
    assert list(m3) == ["dense", "words", "drills", "answers", "nested"]
    assert m3["nested"].objective.scales == (1, 4, 9, 36, 144)
    assert mqt["align"].objective.choices == (144,)
    assert list(mqt["align"].rates) == ["vlm.model.multi_modal_projector"]
    assert mqt["nested"].objective.choices == tuple(range(2, 145, 2))


def test_a_trained_folder_is_read_by_load_model(tmp_path, data):
    steps = Steps(dense=1, words=1, drills=1, answers=1, nested=1, align=1)
    for recipe in ("m3", "mqt"):
        out = tmp_path / recipe
        run_recipe(
            recipe, data, out, shape=TINY, steps=steps, questions=2, seed=0, report=lambda *_: None
        )
        model = load_model(out)
        image = Image.fromarray(data.pixels[0])
        (answer,) = model.answer([image], ["What color is the star?"], num_visual_tokens=4)
        assert answer.num_visual_tokens == 4
        assert model.ladder[-1] == 144


def test_mqt_takes_over_the_first_stages_of_another_run(tmp_path, data):
    steps = Steps(dense=1, words=1, drills=1, answers=1, nested=1, align=1)
    common = {"shape": TINY, "steps": steps, "questions": 2, "seed": 0, "report": lambda *_: None}
    run_recipe("m3", data, tmp_path / "m3", **common)
    run_recipe("mqt", data, tmp_path / "mqt", init=tmp_path / "m3", **common)
    log = (tmp_path / "mqt/training/log.jsonl").read_text().splitlines()
    stages = [json.loads(line)["stage"] for line in log]
    assert stages == ["words", "align", "nested"]
    with pytest.raises(ModelError, match="holds no finished first stages"):
        run_recipe("mqt", data, tmp_path / "no", init=tmp_path / "absent", **common)


_RUN = """
import json, sys, time
from pathlib import Path
import torch
from experiments.train.build import Shape
from experiments.train.recipes import Steps
from experiments.train.run import run_recipe
from experiments.train.sources import draw_scenes
torch.set_num_threads(1)
def slow(stage, step, steps, logged):
    print(stage, step, flush=True)
    time.sleep(float(sys.argv[2]))
run_recipe("m3", draw_scenes(64, processes=1), Path(sys.argv[1]),
           shape=Shape(**json.loads(sys.argv[3])),
           steps=Steps(4, 1, 1, 4, 4), questions=2, seed=0, report=slow,
           save_every_seconds=0.0)
"""


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_weights_as_one_that_was_not(tmp_path):
    script = tmp_path / "run.py"
    shape = json.dumps(TINY._asdict())
    body = "".join(f"    {line}\n" for line in _RUN.strip().splitlines())
    script.write_text(f"if __name__ == '__main__':\n{body}")
    subprocess.run([sys.executable, script, tmp_path / "whole", "0", shape], check=True)
    command = [sys.executable, script, tmp_path / "killed", "0.5", shape]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
        for line in killed.stdout:
            if line.startswith("answers 2"):
                time.sleep(0.2)
                killed.send_signal(signal.SIGKILL)
                break
    assert killed.returncode == -signal.SIGKILL
    subprocess.run([sys.executable, script, tmp_path / "killed", "0", shape], check=True)
    whole, resumed = (
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "killed")
    )
    assert whole == resumed


def test_data_without_patch_labels_learns_from_the_answers_of_the_whole_picture(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        {
            "image": Image.fromarray(rng.integers(0, 255, (40, 60, 3), dtype=np.uint8)),
            "question": "Which class?",
            "answers": ["left" if i % 2 else "right"],
        }
        for i in range(48)
    ]
    data = from_rows(rows, 96)
    assert data.patch_labels is None
    steps = Steps(dense=2, words=1, drills=1, answers=1, nested=1)
    run_recipe(
        "m3", data, tmp_path / "o", shape=TINY, steps=steps, questions=1, seed=0,
        report=lambda *_: None,
    )  # fmt: skip
    first = json.loads((tmp_path / "o/training/log.jsonl").read_text().splitlines()[0])
    assert first["loss"] == pytest.approx(np.log(2), abs=0.2)  # two classes, untrained


def test_rows_of_one_picture_are_gathered():
    red, blue = Image.new("RGB", (96, 96), "red"), Image.new("RGB", (96, 96), "blue")
    rows = [
        {"image": image, "question": question, "answers": ["x"]}
        for image, question in ((red, "a?"), (blue, "b?"), (red, "c?"))
    ]
    data = from_rows(rows, 96)
    assert [[q for q, _ in texts] for texts in data.texts] == [["a?", "c?"], ["b?"]]


@pytest.mark.parametrize("size", [(5000, 1), (1, 5000), (192, 1)])
def test_thin_pictures_of_any_mode_are_trained_on(size):
    clear = Image.new("LA", size, (0, 0))
    data = from_rows([{"image": clear, "question": "?", "answers": ["x"]}], 96)
    strip = data.pixels[0] if size[0] > 1 else data.pixels[0].transpose(1, 0, 2)
    assert np.abs(strip[[0, -1]].astype(int) - (123, 117, 104)).max() == 0
    assert strip[47:49].mean() > data.pixels.mean()  # white on the line, were it ever so thin


def test_bad_training_data_is_one_clear_line(data, tmp_path):
    with pytest.raises(DataError, match="row 0 has no answer"):
        from_rows([{"image": None, "question": "?", "answers": []}], 96)
    with pytest.raises(DataError, match="the image of row 0 has floating-point values"):
        from_rows([{"image": Image.new("F", (9, 9)), "question": "?", "answers": ["x"]}], 96)
    with pytest.raises(DataError, match="needs at least 48 pictures, got 3"):
        run_recipe(
            "m3", draw_scenes(3, processes=1), tmp_path, shape=TINY, steps=Steps(), questions=2,
            seed=0, report=lambda *_: None,
        )  # fmt: skip


@pytest.mark.slow
def test_groups_of_the_scenes_are_asked_as_often_as_one_says():
    def share_of_words(ask):
        texts = load_training_set("scenes", 96, 24, ask=ask).texts
        asked = [question for picture in texts for question, _ in picture]
        return np.mean([" word " in question or " say?" in question for question in asked])

    assert share_of_words("word=60") > 2 * share_of_words(None) > 0
    assert share_of_words("word=0.001") < share_of_words(None) / 2


@pytest.mark.parametrize("bad", ["digit", "digit=", "digit=0", "digit=-1", "digit=inf", "x=1"])
def test_group_weights_that_cannot_be_read_are_one_clear_line(bad):
    with pytest.raises(DataError, match=r"--ask takes group=weight .* groups are global, "):
        load_training_set("scenes", 96, 3, ask=bad)
    with pytest.raises(DataError, match="only scenes have groups"):
        load_training_set("some.jsonl", 96, 3, ask="digit=1")


def test_a_finished_model_is_trained_further_from_its_own_weights(tmp_path, data):
    common = {"shape": TINY, "questions": 2, "seed": 0, "report": lambda *_: None}
    steps = Steps(dense=1, words=1, drills=1, answers=1, nested=1)
    run_recipe("m3", data, tmp_path / "a", steps=steps, **common)
    run_recipe(
        "m3",
        data,
        tmp_path / "b",
        steps=steps,
        weights=tmp_path / "a",
        first_stage="nested",
        **common,
    )
    log = (tmp_path / "b/training/log.jsonl").read_text().splitlines()
    assert [json.loads(line)["stage"] for line in log] == ["nested"]
    first, second = (load_model(tmp_path / name).model.state_dict() for name in "ab")
    moved = max(float((first[name] - second[name]).abs().max()) for name in first)
    assert 0 < moved < 0.02  # one step, from where the first run ended
    names = "dense, words, drills, answers, nested"
    with pytest.raises(ModelError, match=f"no stage 'late'; this recipe has {names}"):
        run_recipe("m3", data, tmp_path / "c", steps=steps, first_stage="late", **common)


def test_a_folder_with_another_run_is_refused(tmp_path, data):
    common = {"questions": 2, "seed": 0, "report": lambda *_: None}
    steps = Steps(dense=1, words=1, drills=1, answers=1, nested=1)
    run_recipe("m3", data, tmp_path, shape=TINY, steps=steps, **common)
    with pytest.raises(ModelError, match="holds a run of another recipe or of other sizes"):
        run_recipe("m3", data, tmp_path, shape=TINY._replace(text_inner=64), steps=steps, **common)
    with pytest.raises(ModelError, match="name another output folder"):
        run_recipe("mqt", data, tmp_path, shape=TINY, steps=steps, **common)
