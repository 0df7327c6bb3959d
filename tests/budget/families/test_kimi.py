"""Kimi on a tiny random model; its image processor needs torchvision."""

from families.vision import needs_torchvision, without_torchvision
from PIL import Image

from budget import load_model
from budget.families.registry import FAMILIES
from experiments.families.checks import QUESTIONS
from experiments.families.tiny import kimi
from experiments.families.verify import verify_folder

FAMILY = next(family for family in FAMILIES if family.name == "Kimi")
_VERIFY = """
from budget.families.registry import FAMILIES
from experiments.families.tiny import kimi
from experiments.families.verify import verify_family

family = next(family for family in FAMILIES if family.name == "Kimi")
entry = verify_family(family, kimi.kimi_k25)
print(entry.verified, entry.why_not, sep="\\n")
"""


@needs_torchvision
def test_whole_way(tmp_path):
    entry = verify_folder(kimi.kimi_k25(tmp_path), FAMILY)
    assert entry.verified, entry.why_not
    assert entry.ladder == (64, 128, 256, 512, 1024)


@needs_torchvision
def test_strips_and_points_are_answered(tmp_path):
    runner = load_model(kimi.kimi_k25(tmp_path), ladder=(1, 16, 64))
    strips = [Image.new("RGB", size, "red") for size in ((3000, 9), (1, 700), (1, 1))]
    answers = runner.answer(strips, QUESTIONS, num_visual_tokens=[64, 1, 1], max_new_tokens=2)
    assert [answer.num_visual_tokens for answer in answers] == [64, 1, 1]


def test_without_torchvision_its_entry_says_so():
    verified, why_not = without_torchvision(_VERIFY).split("\n")
    assert verified == "False"
    assert "orchvision" in why_not
    assert FAMILY.needs_torchvision
