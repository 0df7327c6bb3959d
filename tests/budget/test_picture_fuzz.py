"""Mutated files: each is an image or is refused by its name, without a crash, a hang or a word."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("picture_fuzz.py")
SECONDS_PER_FILE = 5  # a hundredth on an idle machine


def fuzz(seed, count, seconds):
    """Read mutated files in another process, as a decoder may take its process down."""
    command = [sys.executable, "-W", "always", str(PROGRAM), str(seed), str(count)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as hang:
        pytest.fail(f"hangs at {hang.stdout.decode().splitlines()[-1]}")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"{lines[-1:]}\n{done.stderr}"
    assert done.stderr == ""
    return [line.split(": ") for line in lines[:-1]], int(lines[-1].split(": ")[1])


def check(files, grown_megabytes, count):
    assert len(files) == count
    outcomes = Counter(outcome for _, _, outcome, _ in files)
    assert min(outcomes["image"], outcomes["refused"]) > count // 10
    assert max(float(seconds) for *_, seconds in files) < SECONDS_PER_FILE
    assert grown_megabytes < 1500  # 100 megapixels and what is around them


def test_a_few_thousand_mutated_files():
    check(*fuzz(seed=0, count=3000, seconds=60), count=3000)


@pytest.mark.slow
def test_fifty_thousand_mutated_files():
    check(*fuzz(seed=1, count=50_000, seconds=300), count=50_000)
