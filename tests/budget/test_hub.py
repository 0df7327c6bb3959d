"""A hub id is a model: read through the real client from a cache as it leaves one behind."""

import json
import os
import shutil
import subprocess
import sys

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LOAD = """
import sys
from budget import load_model
model = load_model("someone/mqt-tiny", num_heads=4)
print(model.name, type(model).__name__, list(model.ladder)[:3])
"""


def cache_model(cache, name, folder, **changes):
    """Lay a folder into the hub's cache; of ``config.json`` some keys may be changed."""
    place = cache / f"models--{name.replace('/', '--')}"
    snapshot = place / "snapshots" / COMMIT
    shutil.copytree(folder, snapshot, ignore=shutil.ignore_patterns("vision_tower", "*.np*"))
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(COMMIT)
    config = json.loads((snapshot / "config.json").read_text())
    (snapshot / "config.json").write_text(json.dumps({**config, **changes}))


def run(cache, *words):
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_model_and_its_tower_come_from_the_hubs_cache(mqt, tmp_path):
    cache_model(tmp_path, "someone/mqt-tiny", mqt.folder, mm_vision_tower="someone/tower")
    cache_model(tmp_path, "someone/tower", mqt.folder / "vision_tower")
    done = run(tmp_path, "-c", LOAD)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "mqt-tiny MqtModel [2, 4, 8]"


@pytest.mark.slow
def test_what_the_hub_does_not_give_is_one_line(mqt, tmp_path):
    cache_model(tmp_path, "someone/mqt-tiny", mqt.folder, mm_vision_tower="someone/absent")
    command = ("-m", "experiments.cli", "ask", str(mqt.folder / "image_0.png"), "What?")
    for name, reason in (
        ("someone/absent", "no such model: 'someone/absent'"),
        ("someone/mqt-tiny", "cannot load the vision tower someone/absent"),
    ):
        done = run(tmp_path, *command, "--model", name, "--tokens", "4")
        assert done.returncode == 2
        (line,) = done.stderr.strip().splitlines()
        assert reason in line
