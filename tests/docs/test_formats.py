"""The page of file formats against the code that writes them: nothing missing, nothing more."""

import json
import re

import numpy as np
import pyarrow.parquet as pq
import pytest
from page_blocks import page_text

from budget.cost_calibration import CostCalibration, RungCost
from budget.governor_state import GovernorState
from budget.measured_files import Machine, Spread
from budget.shipped import shipped_folder
from budget.time_model import BatchCost, CallCost, EncodeCost, TimeModel
from experiments.cli import run
from oracle import Curves, label, write_curves
from oracle.curves import read_metadata
from oracle.draw_scores import COLUMN as DRAW_SCORES
from oracle.image_splits import COLUMNS as IMAGE_SPLITS
from oracle.label_files import write_labels
from oracle.run_folder.manifest import ANSWERING, NOTES, PINNED, SERVED
from oracle.run_folder.parts import Failure
from policies.option_files import GROUPS, IDS, LAYOUTS, PROMPTS
from policies.option_policy_files import _OptionFile
from policies.policy_schema import Features, File, Node, PolicyContent
from policies.settings_file import SettingsFile

PAGE = page_text("formats")


def section(title):
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, flags=re.M | re.S)
    return found[1]


def first_cells(title, head):
    """Return the names in code of the first column of the section's tables that begin so."""
    tables = re.findall(rf"^\| {head} \|.*\n\|[-|]+\n((?:\|.*\n)+)", section(title), flags=re.M)
    cells = [row.split("|")[1] for table in tables for row in table.splitlines()]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def types(title):
    rows = re.findall(r"^\| `(\w+)` \| ([\w ]+) \|", section(title), flags=re.M)
    return dict(rows)


@pytest.fixture
def curves():
    ones = np.ones((2, 2))
    return Curves(
        sample_ids=["a", "b"],
        groups=["all", "all"],
        scales=(1, 4),
        scores=ones,
        answers=np.array([["x", "y"], ["x", "y"]]),
        confidence=-ones,
        flops=ones,
        seconds=ones,
        num_visual_tokens=ones,
        prompt_tokens=ones,
    )


def test_columns_of_curves_are_those_that_are_written(tmp_path, curves):
    write_curves(tmp_path / "c.parquet", curves, {"model": "m", "scorer": "exact"})
    schema = pq.read_schema(tmp_path / "c.parquet")
    only_of_runs = {"row", DRAW_SCORES, *IMAGE_SPLITS}
    told = types("Curves")
    assert set(told) == set(schema.names) | only_of_runs
    assert {name: told[name] for name in schema.names} == {
        field.name: str(field.type) for field in schema
    }
    assert list(told)[: len(schema.names)] == schema.names
    about = set(read_metadata(tmp_path / "c.parquet"))
    assert about == {"model", "scorer", "ladder", "created_by"}
    assert all(f"`{name}`" in section("Curves") for name in about)
    assert {key.decode() for key in schema.metadata} == {"matryoshka_budget"}


def test_keys_of_a_manifest_are_those_that_are_written():
    told = set(first_cells("A run's folder", "key of the manifest"))
    assert told == {*PINNED, *ANSWERING, *NOTES, SERVED, "begun", "versions"}
    assert all(f"`{name}`" in section("A run's folder") for name in Failure._fields)


def test_a_run_writes_the_files_that_are_told(tmp_path, curves):
    from oracle.run_folder import lock, manifest
    from oracle.run_folder.parts import part_files, write_part

    write_part(tmp_path, lambda file: file.write(b""), [Failure(0, "a", "broken")])
    names = {path.name for path in tmp_path.iterdir()} | {lock.NAME, manifest.NAME}
    assert names == set(first_cells("A run's folder", "file"))
    assert len(part_files(tmp_path)) == 1


def test_columns_of_labels_are_those_that_are_written(tmp_path, curves):
    write_labels(tmp_path / "l.parquet", curves, label(curves))
    schema = pq.read_schema(tmp_path / "l.parquet")
    assert types("Labels") == {field.name: str(field.type) for field in schema}
    about = json.loads(schema.metadata[b"matryoshka_budget"])
    assert all(f"`{name}`" in section("Labels") for name in about)


def test_keys_of_a_policy_are_those_of_its_schema_and_of_the_shipped_one():
    told = set(first_cells("A policy", "key of `policy.json`"))
    assert told == set(PolicyContent.model_fields)
    inner = {*Features.model_fields, *File.model_fields, *Node.model_fields}
    assert all(f"`{name}`" in section("A policy") for name in inner)
    for name in ("m3", "mqt"):
        content = json.loads((shipped_folder(name) / "policy" / "policy.json").read_text())
        assert set(content) == told
        assert all(f"`{price}`" in section("A policy") for price in content["prices"])
        assert all(f"`{extra}`" in section("A policy") for extra in content["extras"])


def test_other_json_of_policies_is_told():
    for kind in (_OptionFile, SettingsFile):
        assert all(f"`{name}`" in section("A policy") for name in kind.model_fields)


@pytest.mark.parametrize(
    ("title", "whole", "inner"),
    [
        ("Measured costs", CostCalibration, (RungCost, Machine, Spread)),
        ("Measured times of batches", TimeModel, (BatchCost, CallCost, EncodeCost)),
    ],
)
def test_keys_of_measurements_are_those_of_their_schema(title, whole, inner):
    assert set(first_cells(title, "key")) == set(whole.model_fields)
    fields = {name for kind in inner for name in kind.model_fields}
    assert all(f"`{name}`" in section(title) for name in fields)


def test_a_governors_state_is_told():
    told = re.search(r"`governor`\): (.*)\.", section("A governor's state"))[1]
    assert re.findall(r"`(\w+)`", told) == list(GovernorState.model_fields)


def test_both_layouts_of_tables_are_told():
    for layout in LAYOUTS.values():
        for end in (layout.score, layout.cost):
            assert f"`<option>{end}`" in section("A table of options")
    for name in (*IDS, *PROMPTS, *GROUPS):
        assert f"`{name}`" in section("A table of options")


def keys_of(value):
    """Return the names in a JSON value at any depth."""
    if isinstance(value, list):
        return {name for each in value for name in keys_of(each)}
    if isinstance(value, dict):
        return set(value) | {name for each in value.values() for name in keys_of(each)}
    return set()


def test_keys_of_a_report_are_those_that_are_written(tmp_path, curves, capsys):
    write_curves(tmp_path / "c.parquet", curves, {"model": "m", "scorer": "exact"})
    out = tmp_path / "report"
    assert run(["report", str(tmp_path / "c.parquet"), "--out", str(out), "--resamples", "5"]) == 0
    assert {path.name for path in out.iterdir()} == {
        name.split("/")[0] for name in first_cells("A report", "file") if name[0] in "rft"
    }
    found = json.loads((out / "report.json").read_text())
    assert set(found) == set(first_cells("A report", "key of `report.json`"))
    (one,) = found["runs"]
    told = set(one) | keys_of([{**each, "rows": []} for each in tables_of(found)])
    for chapter in found["chapters"]:
        told |= set(chapter) | {name for each in chapter["sections"] for name in each}
    assert all(f"`{name}`" in section("A report") for name in told), told
    titles = {each["title"] for chapter in found["chapters"] for each in chapter["sections"]}
    assert len(titles) > 3
    assert titles <= set(re.findall(r"^\| (.*\?) \|", page_text("analysts"), flags=re.M))


def tables_of(found):
    sections = [each for chapter in found["chapters"] for each in chapter["sections"]]
    return [part for each in sections for part in each["tables"] + each["figures"]]
