import json
import subprocess
import sys

import pytest

from experiments.load.server_process import find_url, running_server

BENCH = [sys.executable, "-m", "experiments.cli", "bench", "serve"]


def bench(*words, seconds=300):
    return subprocess.run([*BENCH, *words], capture_output=True, text=True, timeout=seconds)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--pid", "1"], "--pid and --api-key go with --url"),
        (["--api-key", "x"], "--pid and --api-key go with --url"),
    ],
)
def test_options_that_do_not_go_together_are_refused_in_a_line(words, why):
    done = bench(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_server_that_cannot_start_is_told_with_its_own_words():
    with pytest.raises(ValueError, match=r"ended with code 2: budget: .*no-such-model"):
        running_server(["--model", "no-such-model"]).__enter__()


def test_the_address_is_found_among_other_lines():
    assert find_url('{"note": 1}\nx\n{"url": "http://a:1", "model": "m3"}\n') == "http://a:1"
    assert find_url('{"url": "http://a') is None
    assert find_url("") is None


@pytest.mark.slow
def test_the_quick_run_against_a_server_of_its_own_passes():
    done = bench("--quick", seconds=500)
    figures = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stderr
    wrong = {name: figures[name] for name in ("lost", "wrong_answer", "server_errors")}
    assert wrong == {"lost": 0, "wrong_answer": 0, "server_errors": 0}
    assert figures["ok"] == figures["requests"] == 200
    assert figures["answers_checked"] > 100
