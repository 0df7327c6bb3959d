"""The deployers' page as a reader follows it: its commands in order, from an empty folder."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from budget.serving.flags import AccessFlags, LimitFlags, ModelFlags, QueueFlags
from budget.serving.metrics import Metrics

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "deploy.md").read_text()
# What a reader runs; blocks of "sh" are for later, or for what tests cannot do, such as installing.
BLOCKS = re.findall(r"^```bash\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def install(folder):
    """Put ``budget`` and ``python`` on a path of their own, as an installed package does."""
    folder.mkdir()
    for name, words in (("budget", "-m experiments.cli"), ("python", "")):
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        program.chmod(0o755)


@pytest.mark.slow
def test_the_page_can_be_followed_from_an_empty_folder(tmp_path):
    install(tmp_path / "bin")
    (tmp_path / "empty").mkdir()
    script = "\n".join(["set -eu -o pipefail", "trap 'kill $! || true' EXIT", *BLOCKS])
    environment = {
        **os.environ,
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "-c", script.replace("8000", str(free_port()))],
        cwd=tmp_path / "empty",
        env=environment,
        capture_output=True,
        text=True,
        timeout=550,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    told = done.stdout
    assert told.count('"status":"ready"') == 6
    assert re.search(r"x-visual-tokens: \d+", told)
    assert "{'num_visual_tokens': 9} 9" in told
    assert '"code":"invalid_api_key"' in told
    assert 'budget_requests_total{outcome="ok"} 1.0' in told
    assert "no policy, every image gets 36 visual tokens" in told
    assert "x-visual-fallback: no policy" in told


def test_the_page_speaks_of_flags_and_metrics_that_exist():
    groups = (AccessFlags, LimitFlags, ModelFlags, QueueFlags)
    fields = {name for group in groups for name in group.__dataclass_fields__}
    flags = {f"--{name.replace('_', '-')}" for name in fields}
    others = {"--port", "--host", "--quick", "--options", "--url", "--pid", "--batch-size"}
    others |= {
        "--repeats",
        "--held-out",
        "--out",
        "--silent",
        "--fail",
        "--json",
        "--dump-header",
        "--header",
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) <= flags | others
    told = Metrics().text().decode()
    for name in set(re.findall(r"budget_[a-z_]+", PAGE)):
        if name not in ("budget_queue_length", "budget_running"):  # made with the app
            assert name.removesuffix("_bucket") in told, name


def test_the_page_tells_the_defaults_that_the_flags_have():
    for group in (LimitFlags, QueueFlags):
        for name, field in group.__dataclass_fields__.items():
            row = re.search(rf"`--{name.replace('_', '-')}` \| ([\d,]+)", PAGE)
            assert row is None or float(row[1].replace(",", "")) == field.default, name
