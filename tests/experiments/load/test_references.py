import pytest
from PIL import Image

from budget.pictures import open_image
from experiments.load.call import Asked
from experiments.load.material import file_of
from experiments.load.references import References, same_answers
from experiments.load.said import Said

RED, BLUE = (file_of(Image.new("RGB", (4, 4), colour), "PNG") for colour in ("red", "blue"))


def truth(runner, asked, scales):
    """What the model says, asked by hand."""
    return runner.one(
        [open_image(file) for file in asked.images], asked.question, scales, asked.max_new_tokens
    )


def said(answer, reason="stop"):
    return Said(answer.text, reason, answer.num_visual_tokens, answer.prompt_tokens)


def judged(runner, asked, heard):
    references = References(runner)
    references.prepare([(asked, heard)])
    return references.judge(asked, heard)


@pytest.mark.parametrize("m", [1, 9, 36])
def test_the_answer_at_the_reported_scale_is_right(runner, m):
    asked = Asked((RED,), "what is it")
    assert judged(runner, asked, said(truth(runner, asked, [m]))) == ""


def test_another_images_answer_is_wrong(runner):
    asked, other = Asked((RED,), "what is it"), Asked((BLUE,), "what is it")
    assert "text is" in judged(runner, asked, said(truth(runner, other, [9])))


def test_another_questions_answer_is_wrong(runner):
    asked, other = Asked((RED,), "what is it"), Asked((RED,), "what colour")
    assert "text is" in judged(runner, asked, said(truth(runner, other, [9])))


def test_another_scale_than_the_one_asked_for_is_wrong(runner):
    asked = Asked((RED,), "what is it", num_visual_tokens=36)
    assert judged(runner, asked, said(truth(runner, asked, [9])))


def test_tokens_that_no_choice_of_scales_adds_up_to_are_wrong(runner):
    asked = Asked((RED,), "what is it")
    heard = said(truth(runner, asked, [9]))._replace(image_tokens=10)
    assert "10 visual tokens cannot be" in judged(runner, asked, heard)


def test_scales_of_several_images_may_lie_either_way_round(runner):
    asked = Asked((RED, BLUE), "which")
    for scales in ([1, 36], [36, 1]):
        assert judged(runner, asked, said(truth(runner, asked, scales))) == ""


def test_a_question_without_images_has_an_answer_too(runner):
    asked = Asked((), "what is it")
    assert judged(runner, asked, said(truth(runner, asked, []))) == ""


def test_an_answer_that_is_cut_off_says_length(runner):
    asked = Asked((RED,), "what is it", max_new_tokens=2)
    answer = truth(runner, asked, [9])
    assert judged(runner, asked, said(answer, "length")) == ""
    assert "finish_reason" in judged(runner, asked, said(answer, "stop"))


def test_an_answer_ends_before_its_stop_string(runner):
    asked = Asked((RED,), "what is it", stop=("zz", " is"))
    heard = said(truth(runner, asked, [9]))
    assert judged(runner, asked, heard._replace(text="what")) == ""
    assert "text is" in judged(runner, asked, heard)


def test_a_wrong_length_of_the_prompt_is_told(runner):
    asked = Asked((RED,), "what is it")
    heard = said(truth(runner, asked, [9]))
    assert "prompt_tokens" in judged(runner, asked, heard._replace(prompt_tokens=1))
    assert judged(runner, asked, heard._replace(prompt_tokens=None)) == ""


def test_each_answer_is_computed_once(runner):
    references = References(runner)
    heard = [
        (asked, said(truth(runner, asked, [9])))
        for asked in [Asked((RED,), f"question {i % 3}") for i in range(12)]
    ]
    references.prepare(heard)
    references.prepare(heard)
    assert sum(runner.batches) == 3


def test_share_of_equal_pairs_is_that_of_all_pairs():
    texts = ["a", "b", "a", "c", "a"]
    pairs = [(i, j) for i in range(5) for j in range(i)]
    share = sum(texts[i] == texts[j] for i, j in pairs) / len(pairs)
    assert same_answers(texts) == pytest.approx(share)
    assert same_answers(["a"]) == same_answers([]) == 0
