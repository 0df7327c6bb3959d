"""The tools' own interpreter, a task's scenes, and the model as it answers on its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from budget.adaptive import AdaptiveVLM
from budget.models import load_model
from budget.shipped import shipped_folder
from experiments.scenes.data import load_scenes
from policies.policy_files import load_policy

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SCENES = 12
HAS_TOOLS = "from importlib.metadata import version; version('lmms_eval'), version('lm_eval')"


@pytest.fixture(scope="session")
def scenes():
    return load_scenes("test", SCENES)


@pytest.fixture(scope="session")
def vlm():
    """Return the shipped M3 with its policy, as commands use it."""
    return AdaptiveVLM(load_model("m3"), load_policy(shipped_folder("m3") / "policy"))


@pytest.fixture(scope="session")
def python():
    """Return an interpreter that has both tools."""
    wanted = os.environ.get("BUDGET_EVALS_PYTHON", sys.executable)
    if subprocess.run([wanted, "-c", HAS_TOOLS], capture_output=True).returncode:
        pytest.skip(f"{wanted} has no lmms-eval and lm-eval; `make test-evals` sets one up")
    return wanted


@pytest.fixture(scope="session")
def run_tool(python, tmp_path_factory, scenes):
    """Return a function that runs a tool in a folder with scenes and tasks.

    It returns what was printed and the folder.
    """

    def run(tool, tasks, *words, prepare="", data=scenes):
        folder = tmp_path_factory.mktemp("run")
        data.to_parquet(folder / "scenes.parquet")
        environment = os.environ | {
            "BUDGET_TRACEBACK": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "HF_HOME": str(folder / "hub"),
            "PYTHONPATH": str(ROOT),
        }
        if prepare:
            subprocess.run([python, "-c", prepare], cwd=folder, env=environment, check=True)
        command = [python, "-m", tool, "--model", "budget", "--include_path", str(HERE / tasks)]
        done = subprocess.run(
            [*command, *words], cwd=folder, env=environment, capture_output=True, text=True
        )
        return done.stdout + done.stderr, folder

    return run


def rows(path):
    """Return the objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
