"""GLM-4.1V to GLM-4.6V and GLM-OCR on tiny random models."""

import pytest

from budget import load_model
from budget.chat import Chat, Turn
from budget.families.registry import family_of
from budget.json_files import read_json
from experiments.families.checks import PICTURES, Case, equals_transformers, mixed_batch
from experiments.families.tiny import glm
from experiments.families.verify import verify_folder

# Their processors read placeholders in a way that numpy is going to change.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_whole_way(tmp_path):
    folder = glm.glm4v(tmp_path)
    entry = verify_folder(folder, family_of(read_json(folder / "config.json")))
    assert entry.verified, entry.why_not
    assert entry.family == "GLM-4V"
    # Each pixel counts twice; counted once, half of these would come out.
    assert entry.realised["500x1200"] == [60, 119, 240, 490, 774]


@pytest.mark.parametrize(
    "build", [glm.glm4v_moe, glm.glm46v, glm.glm_ocr], ids=lambda build: build.__name__
)
def test_its_relatives_answer_as_transformers_does(build, tmp_path):
    folder = build(tmp_path)
    case = Case(load_model(folder, ladder=(16, 64, 128)), folder)
    assert build.__name__ in case.runner.family.model_types
    assert case.runner.realised(PICTURES[0]) == [12, 54, 117]
    equals_transformers(case)
    mixed_batch(case)


def test_a_mark_that_makes_a_film_of_an_image_is_refused(tmp_path):
    runner = load_model(glm.glm4v(tmp_path), ladder=(4, 16))
    chat = Chat((Turn("system", "see <|begin_of_video|>"), Turn("user", "what ?", images=1)))
    with pytest.raises(ValueError, match="marks of a video"):
        runner.answer([PICTURES[2]], [chat], num_visual_tokens=4)
