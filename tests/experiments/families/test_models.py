"""The command that says which families can be run, and the checks behind it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from budget.families.family import Family
from budget.families.knob import KwargsKnob
from budget.families.processors import load_processor
from budget.families.registry import FAMILIES
from budget.families.runner import KnobRunner
from budget.models import load_model
from experiments.cli import run
from experiments.families.builders import BUILDERS, REAL_SIZES, UNTRIED
from experiments.families.checks import Case, CheckFailed, equals_transformers, realised
from experiments.families.entry import SHAPES, Entry, shape_name
from experiments.families.table import BEGIN, END, markdown, write_into
from experiments.families.tiny import idefics
from experiments.families.verify import describe_family, verify_family


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return idefics.idefics3(tmp_path_factory.mktemp("idefics3"))


def with_knob(folder, kwargs):
    """Return the model with a knob of whoever wrote the test."""

    def knob(processor, config):
        return KwargsKnob("broken", (4, 20), processor, config.image_token_id, kwargs)

    model = load_model(folder).model
    return Case(KnobRunner(model, load_processor(folder), Family("x", (), knob), name="x"), folder)


def test_every_family_is_tried_or_it_is_said_why_not():
    names = {family.name for family in FAMILIES}
    assert names == set(BUILDERS) | set(UNTRIED)
    assert set(REAL_SIZES) <= set(BUILDERS)


def models(*words):
    """Run the command in a fresh interpreter."""
    command = [sys.executable, "-m", "experiments.cli", "models", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_the_command_ends_in_a_json_list():
    done = models("--verify", "--family", "idefics3")
    (entry,) = json.loads(done.stdout)
    assert entry["family"] == "Idefics3"
    assert (entry["verified"], entry["why_not"]) == (True, "")
    # With the sizes of Idefics3-8B-Llama3: 169 tokens a square of 364 pixels.
    assert entry["ladder"] == [169, 845, 1690, 2873]
    assert entry["realised"]["640x480"] == [169, 845, 1690, 2197]
    assert "equals_transformers" in entry["checks"]
    assert "Idefics3" in done.stderr


def test_a_model_s_own_entry(folder, capsys):
    assert run(["models", str(folder)]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["family"], entry["ladder"]) == ("Idefics3", [4, 20, 40, 68])
    assert not entry["verified"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--family", "GPT"], "no family is called 'GPT'; known are M3, MQT, LLaVA-1.5"),
        (["m3", "--family", "M3"], "give a model or --family, not both: 'm3' and 'M3'"),
    ],
)
def test_what_is_not_known_is_refused_in_one_line(arguments, problem, capsys):
    assert run(["models", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert problem in line


def test_a_knob_that_is_ignored_is_found(folder):
    case = with_knob(folder, lambda cap: {"do_image_splitting": False})
    with pytest.raises(CheckFailed, match="the knob changes nothing"):
        realised(case)


def test_a_knob_that_goes_above_its_cap_is_found(folder):
    case = with_knob(folder, lambda cap: {"size": {"longest_edge": 32 * cap}})
    with pytest.raises(CheckFailed, match="above the caps"):
        realised(case)


def test_an_answer_unlike_that_of_transformers_is_found(folder):
    case = with_knob(folder, lambda cap: {"size": {"longest_edge": 64}})
    case.runner.model.generation_config.eos_token_id = 1
    seen = case.runner.knob.see
    case.runner.see = lambda image, scale: seen(image.rotate(180), scale)
    with pytest.raises(CheckFailed, match="logits differ"):
        equals_transformers(case)


def test_what_keeps_a_family_from_being_built_stands_in_its_entry():
    def build(folder):
        raise ImportError("no such part")

    family = Family("Odd", ("odd",), lambda processor, config: None)
    for entry in (verify_family(family, build), describe_family(family, build)):
        assert not entry.verified
        assert entry.why_not


def test_the_table_takes_the_place_of_the_one_before(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nbehind\n")
    entry = Entry("A|B", ("a",), "size", (4,), {"640x480": [3]}, verified=True, note="slow")
    write_into(page, markdown([entry]))
    write_into(page, markdown([entry]))
    text = page.read_text()
    assert "old" not in text
    assert text.count("| A\\|B | `a` | size | 4 | 3 | ? | ? | all checks |") == 1
    assert text.startswith("before\n")
    assert text.endswith("\n\nbehind\n")
    assert "- A|B: slow" in text
    page.write_text("no marks")
    with pytest.raises(Exception, match="lacks the lines"):
        write_into(page, "")


@pytest.mark.slow
def test_the_page_says_what_is_so():
    """Ladders and costs of every family that can be loaded here, against docs/models.md."""
    page = Path(__file__).parents[3] / "docs" / "models.md"
    rows = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[4:8]]
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    }
    compared = 0
    for family in FAMILIES:
        build = REAL_SIZES.get(family.name) or BUILDERS.get(family.name)
        entry = describe_family(family, build) if build else None
        assert family.name in rows
        if entry is None or not entry.ladder:
            continue
        numbers = [entry.ladder, *(entry.realised[shape_name(size)] for size in SHAPES)]
        assert rows[family.name] == [" / ".join(map(str, each)) for each in numbers]
        compared += 1
    assert compared >= 15
