"""The command as deployers run it."""

import json
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
from chat_bodies import image_part, message
from running_proxy import environment, running_proxy

from experiments.cli import run

KNOB = "longest_side=8,16,24,32,48"

# Runs the command where neither torch nor transformers are installed.
WITHOUT_TORCH = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers"):
            raise ImportError(f"{name} is not there")
sys.meta_path.insert(0, Without())
from experiments.cli import run
sys.exit(run(sys.argv[1:]))
"""


def refusal(capsys, *arguments):
    code = run(["proxy", *arguments])
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    (line,) = said.err.splitlines()
    return line


def test_it_says_where_it_is_decides_without_torch_and_ends_on_a_signal(
    recorder, recorder_url, client, tmp_path
):
    script = tmp_path / "run.py"
    script.write_text(WITHOUT_TORCH)
    arguments = ["--upstream", f"{recorder_url[0]}/v1", "--dialect", "resize", "--policy", "m3"]
    command = [sys.executable, str(script), "proxy", *arguments, "--port", "0", "--knob", KNOB]
    with subprocess.Popen(
        [*command, "--price", "50", "--decision-ms", "60000"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        try:
            said = json.loads(process.stdout.readline())
            assert said["upstream"] == recorder_url[0]
            assert said["dialect"] == "resize"
            assert said["knobs"][4] == {"longest_side": 48}
            raw = client(said["url"]).chat.completions.with_raw_response.create(
                model="m", messages=[message(image_part())]
            )
            assert raw.headers["x-visual-budget"] == "0"  # at that price nothing else is worth it
            sent = recorder.last()["messages"][0]["content"][0]["image_url"]["url"]
            assert len(sent) < len(image_part()["image_url"]["url"])
            # Were small pieces held back on the socket, every answer would take 40 ms and more.
            assert min(_seconds(said["url"]) for _ in range(10)) < 0.035
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) in {0, -signal.SIGTERM}


def _seconds(url):
    start = time.perf_counter()
    with urllib.request.urlopen(f"{url}/budget/health", timeout=10) as answer:
        assert answer.status == 200
    return time.perf_counter() - start


def test_a_network_and_a_port_that_are_allowed_are_fetched_from(recorder, recorder_url, client):
    # What the recorder answers is no image; that it was asked at all is what counts.
    port = recorder_url[0].rpartition(":")[2]
    arguments = ["--upstream", recorder_url[0], "--dialect", "vllm", "--policy", "m3"]
    arguments += ["--knob", "max_pixels=1,2,3,4,5", "--decision-ms", "60000"]
    arguments += ["--allow-remote-images", "--allow-remote-network", "127.0.0.1"]
    with running_proxy(*arguments, "--allow-remote-port", port) as said:
        raw = client(said["url"]).chat.completions.with_raw_response.create(
            model="m", messages=[message(image_part(f"{recorder_url[0]}/picture.png"))]
        )
    assert raw.headers["x-visual-budget-fallback"] == "image"
    assert recorder.paths == ["GET /picture.png", "POST /v1/chat/completions"]


def test_a_policy_that_cannot_be_read_leaves_requests_as_they_came(
    recorder, recorder_url, client, tmp_path
):
    (tmp_path / "policy.json").write_text("{}")
    arguments = ["--upstream", recorder_url[0], "--dialect", "vllm", "--policy", str(tmp_path)]
    with running_proxy(*arguments, "--knob", "max_pixels=1,2,3") as said:
        create = client(said["url"]).chat.completions.with_raw_response.create
        unset = create(model="m", messages=[message(image_part())])
        assert "mm_processor_kwargs" not in recorder.last()
        low = create(model="m", messages=[message(image_part(detail="low"))])
    assert unset.headers["x-visual-budget-fallback"] == "no policy"
    assert low.headers["x-visual-budget"] == "0"
    assert recorder.last()["mm_processor_kwargs"] == {"images_kwargs": {"max_pixels": 1}}


GOOD = {
    "--upstream": "http://127.0.0.1:9",
    "--dialect": "vllm",
    "--policy": "m3",
    "--knob": "a=1,2,3,4,5",
}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"--upstream": "127.0.0.1"}, "--upstream must be such as"),
        ({"--dialect": "sglang"}, "--dialect must be one of"),
        ({"--policy": "/nowhere"}, "no policy folder /nowhere"),
        ({"--knob": "a=1,2"}, "5 rungs"),
        ({"--dialect": "resize"}, "to resize"),
        ({"--allow-remote-network": "intranet"}, "a network is written as"),
        ({"--mean-tokens": "0.001"}, "0.001"),
        ({"--host": "203.0.113.1"}, "budget: "),
    ],
)
def test_bad_options_are_one_line(capsys, wrong, message):
    line = refusal(capsys, *[word for pair in {**GOOD, **wrong}.items() for word in pair])
    assert line.startswith("budget: ")
    assert message in line


def test_a_policy_that_needs_the_model_is_refused_by_its_tier(capsys):
    from budget.shipped import shipped_folder

    folder = str(shipped_folder("m3") / "post-vision")
    line = refusal(capsys, *[w for pair in {**GOOD, "--policy": folder}.items() for w in pair])
    assert "tier post-vision" in line
