import dataclasses

import numpy as np
import pytest

from oracle.sweeping import sweep


def test_scores_are_what_the_toy_can_see(toys):
    values = np.arange(0, 100, 5)
    curves = sweep(toys.ReaderVLM(), toys.reader_dataset(values), batch_size=7)
    expected = values[:, None] < 10 * np.array([1, 4, 9])
    np.testing.assert_array_equal(curves.scores, expected)
    assert curves.scales == (1, 4, 9)
    assert curves.sample_ids.tolist() == [f"v{v}" for v in values]
    assert curves.groups.tolist() == ["low"] * 10 + ["high"] * 10
    assert curves.answers[-1].tolist() == ["many", "many", "many"]
    assert (curves.num_visual_tokens == [1, 4, 9]).all()


def test_every_image_is_encoded_once_whatever_the_number_of_rungs(toys):
    model = toys.ReaderVLM()
    sweep(model, toys.reader_dataset(), batch_size=8)
    warm_up = 1
    assert model.encoded == 20 + warm_up
    assert model.calls[warm_up:] == [
        (m, n, True) for n in (8, 8, 4) for m in (1, 4, 9)
    ]  # the features of encode are handed on


def test_tiles_are_paid_for(toys, monkeypatch):
    data, model = toys.reader_dataset([0, 5]), toys.ReaderVLM()
    plain = sweep(model, data)
    answer = model.answer
    monkeypatch.setattr(
        model,
        "answer",
        lambda *args, num_visual_tokens, **more: [
            dataclasses.replace(
                a,
                grids=5,
                num_visual_tokens=5 * num_visual_tokens,
                prompt_tokens=a.prompt_tokens + 4 * num_visual_tokens,
            )
            for a in answer(*args, num_visual_tokens=num_visual_tokens, **more)
        ],
    )
    tiled = sweep(model, data)
    np.testing.assert_array_equal(tiled.num_visual_tokens, 5 * plain.num_visual_tokens)
    extra = 4 * 1000 + 10 * 4 * np.array([[1, 4, 9]])
    np.testing.assert_array_equal(tiled.flops - plain.flops, np.repeat(extra, 2, axis=0))


@pytest.mark.parametrize(("max_new_tokens", "generated"), [(8, 2), (2, 2), (1, 1)])
def test_flops_count_the_tokens_that_the_answer_really_had(toys, max_new_tokens, generated):
    data = toys.reader_dataset([0, 5])  # answers of one token, and a stop token if there is room
    curves = sweep(toys.ReaderVLM(), data, max_new_tokens=max_new_tokens)
    words = np.array([[4], [4 + 2]])  # "how red is it", and twice " now" more
    np.testing.assert_array_equal(curves.prompt_tokens, words + np.array([1, 4, 9]))
    np.testing.assert_array_equal(curves.flops, 1000 + 10 * curves.prompt_tokens + generated)


def test_the_batch_size_changes_nothing_but_seconds(toys):
    runs = [sweep(toys.ReaderVLM(), toys.reader_dataset(), batch_size=b) for b in (1, 3, 64)]
    for name in ("sample_ids", "scores", "answers", "flops", "prompt_tokens", "confidence"):
        for other in runs[1:]:
            np.testing.assert_array_equal(getattr(other, name), getattr(runs[0], name))


def test_each_rung_pays_for_encoding_and_its_share_of_the_batch(toys):
    class SlowEye(toys.ReaderVLM):
        def encode(self, images):
            toys.time.sleep(0.02)
            return super().encode(images)

    curves = sweep(SlowEye(pause=0.01), toys.reader_dataset([0, 5, 10, 15]), batch_size=4)
    assert (curves.seconds >= (0.02 + 0.01) / 4).all()
    assert (curves.seconds < 0.2 / 4).all()


def test_progress_counts_answers_to_the_end(toys):
    seen = []
    sweep(
        toys.ReaderVLM(),
        toys.reader_dataset(),
        batch_size=8,
        progress=lambda *step: seen.append(step),
    )
    assert [done for done, _ in seen] == [24, 48, 60]
    assert {total for _, total in seen} == {60}


def test_a_dataset_without_groups_is_one_group(toys):
    dataset = toys.reader_dataset([0, 5]).remove_columns("group")
    assert sweep(toys.ReaderVLM(), dataset).groups.tolist() == ["all", "all"]


@pytest.mark.parametrize(
    ("values", "kwargs", "match"),
    [
        ([], {}, "without rows"),
        ([0], {"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ([0], {"scorer": "bleu"}, "'bleu'; legal are exact"),
        ([0, 0], {}, "unique, 1 of 2 are repeated"),
    ],
)
def test_what_cannot_be_swept_is_refused(toys, values, kwargs, match):
    with pytest.raises(ValueError, match=match):
        sweep(toys.ReaderVLM(), toys.reader_dataset(values), **kwargs)
