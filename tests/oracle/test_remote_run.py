"""Oracle runs against a served model: the same curves as here, and nothing lost when it goes."""

import json

import numpy as np
import pytest
from datasets import Dataset, Features, Image, List, Value
from odd_server import PIXELS, odd_server
from served import served
from typer.testing import CliRunner

from budget.adaptive import AdaptiveVLM
from budget.budgets import FullScale
from budget.errors import ModelLost
from budget.models import load_model
from budget.serving.app import create_app
from budget.serving.keys import Keys
from budget.serving.settings import ServeSettings
from budget.shipped import shipped_folder
from experiments.cli import app
from experiments.scenes.data import load_scenes
from oracle.curves import read_curves, read_metadata
from oracle.run_folder.reading import read_errors
from oracle.sweeping import sweep
from policies.policy_files import load_policy

SETTINGS = f"dialect=resize&ladder=1,4,16&knob=max_pixels={PIXELS},{4 * PIXELS},{16 * PIXELS}"
FEATURES = Features(
    {
        "id": Value("string"),
        "image": Image(),
        "question": Value("string"),
        "answers": List(Value("string")),
    }
)


@pytest.fixture(scope="module")
def local():
    return load_model("m3")


@pytest.fixture(scope="module")
def address(local):
    with served(create_app(AdaptiveVLM(local, FullScale(local.ladder)))) as url:
        yield f"openai:{url}/v1#m3"


@pytest.fixture
def data(tmp_path):
    """Twelve grey images of 16 tokens with questions that are their own names."""
    from PIL import Image as Picture

    rows = [
        {
            "id": f"v{i}",
            "image": Picture.new("RGB", (128, 128), (i, i, i)),
            "question": f"question{i}",
            "answers": [f"question{i} saw 16"],
        }
        for i in range(12)
    ]
    Dataset.from_list(rows, features=FEATURES).to_parquet(tmp_path / "data.parquet")
    return tmp_path / "data.parquet"


def run(model, data, out, *words):
    command = ["oracle", "run", "--model", model, "--data", str(data), "--out", str(out), *words]
    return CliRunner().invoke(app, command)


def test_a_served_model_gives_the_curves_of_the_same_model_here(address, local, tmp_path):
    result = run(address, "scenes", tmp_path / "run", "--limit", "10", "--batch-size", "5")
    assert result.exit_code == 0, result.stderr
    there = read_curves(tmp_path / "run")
    here = sweep(local, load_scenes("test", 10), batch_size=5)
    assert there.scales == here.scales == (1, 4, 9, 36, 144)
    for name in ("sample_ids", "answers", "scores", "num_visual_tokens", "prompt_tokens"):
        np.testing.assert_array_equal(getattr(there, name), getattr(here, name))
    np.testing.assert_allclose(there.confidence, here.confidence, atol=1e-5)
    assert np.isnan(there.flops).all()
    assert (there.seconds > 0).all()
    assert json.loads(result.stdout.splitlines()[-1])["oracle"]["stable/full"]["mean_flops"] is None
    asked = {"dialect": "budget", "knobs": None, "confidence": True}
    about = read_metadata(tmp_path / "run")
    assert about["served"] == {"url": address[len("openai:") : -len("#m3")], **asked}
    assert about["weights"] == "m3"


def test_a_policy_answers_through_a_served_model_as_through_the_one_here(address, local):
    policy = load_policy(shipped_folder("m3") / "policy")
    remote, scenes = load_model(address), load_scenes("test", 6)
    pairs = list(scenes["image"]), list(scenes["question"])
    there = AdaptiveVLM(remote, policy).answer(*pairs)
    here = AdaptiveVLM(local, policy).answer(*pairs)
    assert [a.text for a in there] == [a.text for a in here]
    assert [a.num_visual_tokens for a in there] == [a.num_visual_tokens for a in here]
    assert [a.choices for a in there] == [a.choices for a in here]
    assert np.isnan([a.flops for a in there]).all()
    remote.close()


def test_images_of_one_prompt_have_each_their_own_scale(address, local):
    remote, scenes = load_model(address), load_scenes("test", 2)
    pictures = list(scenes["image"])
    asked = [pictures, pictures[0], None], [scenes[1]["question"]] * 3
    there = remote.answer(*asked, num_visual_tokens=[[1, 36], 9, 1], max_new_tokens=8)
    here = local.answer(*asked, num_visual_tokens=[[1, 36], 9, 1], max_new_tokens=8)
    for one, other in zip(there, here, strict=True):
        assert (one.text, one.num_visual_tokens) == (other.text, other.num_visual_tokens)
        assert (one.prompt_tokens, len(one.token_ids)) == (
            other.prompt_tokens,
            len(other.token_ids),
        )
    assert remote.realised(pictures[0]) == list(local.ladder)
    remote.close()


def test_a_server_with_keys_is_opened_by_the_variable_that_is_named(local, monkeypatch):
    monkeypatch.setenv("OPEN_KEY", "s3cret")
    settings = ServeSettings(keys=Keys.of(["s3cret"]))
    with served(create_app(AdaptiveVLM(local, FullScale(local.ladder)), settings)) as url:
        with pytest.raises(ModelLost, match="answered 401: "):
            load_model(f"openai:{url}/v1#m3")
        load_model(f"openai:{url}/v1#m3?api_key_env=OPEN_KEY").close()


def test_a_server_that_goes_midway_costs_nothing_that_was_measured(data, tmp_path):
    with odd_server(tells=True, gone_after=3 + 5 * 3 * 2 + 1) as (address, odd):
        model = f"{address}?{SETTINGS}&max_retries=0"
        words = ["--batch-size", "2", "--chunk-size", "2"]
        result = run(model, data, tmp_path / "run", *words)
        assert result.exit_code == 2
        line = result.stderr.splitlines()[-1]
        assert "answered 503: down for good; what was measured before is kept in" in line
        assert line.endswith("and the same command goes on from there")
        odd.gone_after = float("inf")
        asked = len(odd.bodies)
        result = run(model, data, tmp_path / "run", *words)
        assert result.exit_code == 0, result.stderr
        assert len(odd.bodies) - asked == 3 + 2 * 3  # the probe, and the samples that were left
    curves = read_curves(tmp_path / "run")
    assert curves.sample_ids.tolist() == [f"v{i}" for i in range(12)]
    assert (curves.num_visual_tokens == curves.scales).all()
    assert curves.scores.mean(axis=0).tolist() == [0, 0, 1]
    assert not read_errors(tmp_path / "run")


def test_a_request_that_fails_costs_its_own_sample_and_no_further_request(data, tmp_path):
    with odd_server(tells=True) as (address, odd):
        rows = Dataset.from_parquet(str(data), cache_dir=str(tmp_path / "cache")).to_list()
        rows[5]["question"] = "refuse this"
        Dataset.from_list(rows, features=FEATURES).to_parquet(data)
        result = run(f"{address}?{SETTINGS}&max_retries=0", data, tmp_path / "run")
        assert result.exit_code == 0, result.stderr
        assert len(odd.bodies) == 3 + 12 * 3
    (failure,) = read_errors(tmp_path / "run")
    assert failure.sample_id == "v5"
    assert failure.error.endswith("answered 400: this is refused")
    curves = read_curves(tmp_path / "run")
    assert len(curves) == 11
    assert np.isnan(curves.confidence).all()


def test_a_manifest_says_what_was_asked_and_tells_no_secret(data, tmp_path, monkeypatch):
    monkeypatch.setenv("ODD_KEY", "s3cret")
    with odd_server(tells=True) as (address, odd):
        model = f"{address}?{SETTINGS}&api_key_env=ODD_KEY"
        assert run(model, data, tmp_path / "run").exit_code == 0
        assert set(odd.keys) == {"Bearer s3cret"}
        other = model.replace(f"={PIXELS},", f"={2 * PIXELS},")
        refused = run(other, data, tmp_path / "run")
    manifest = (tmp_path / "run" / "manifest.json").read_text()
    assert "s3cret" not in manifest
    knobs = [{"max_pixels": m * PIXELS} for m in (1, 4, 16)]
    told = json.loads(manifest)["served"]
    assert (told["dialect"], told["knobs"], told["confidence"]) == ("resize", knobs, False)
    assert refused.exit_code == 2
    assert "belongs to another run: served {" in refused.stderr.splitlines()[-1]


def test_ray_and_a_second_server_have_no_use_for_a_served_model(address, data, tmp_path):
    ray = run(address, data, tmp_path / "run", "--engine", "ray")
    assert (ray.exit_code, "--engine ray has no use" in ray.stderr) == (2, True)
    serve = CliRunner().invoke(app, ["serve", "--model", address, "--port", "0"])
    assert (serve.exit_code, "is served already" in serve.stderr) == (2, True)
