"""The command as deployers run it."""

import json
import signal
import subprocess
import sys

import pytest
from chat_bodies import image_part, message
from running_proxy import environment, running_proxy

KNOB = "longest_side=8,16,24,32,48"

# Ends the process if a policy, a request's features or the proxy itself load torch.
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
sys.modules["transformers"] = None
from experiments.cli import run
sys.exit(run(sys.argv[1:]))
"""


def refusal(*arguments):
    command = [sys.executable, "-m", "experiments.cli", "proxy", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(), timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    return line


def test_it_says_where_it_is_decides_without_torch_and_ends_on_a_signal(
    recorder, recorder_url, client, tmp_path
):
    script = tmp_path / "run.py"
    script.write_text(WITHOUT_TORCH)
    arguments = ["--upstream", f"{recorder_url[0]}/v1", "--dialect", "resize", "--policy", "m3"]
    command = [sys.executable, str(script), "proxy", *arguments, "--port", "0", "--knob", KNOB]
    with subprocess.Popen(
        [*command, "--price", "1.0", "--decision-ms", "60000"],
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
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) in {0, -signal.SIGTERM}


def test_a_url_of_a_private_network_is_fetched_only_where_it_is_allowed(recorder, recorder_url):
    # What the recorder answers is no image; that it was asked at all is what counts.
    import openai

    port = recorder_url[0].rpartition(":")[2]
    common = ["--upstream", recorder_url[0], "--dialect", "vllm", "--policy", "m3"]
    common += ["--knob", "max_pixels=1,2,3,4,5", "--decision-ms", "60000", "--allow-remote-images"]
    allowed = ["--allow-remote-network", "127.0.0.0/8", "--allow-remote-port", port]
    picture = message(image_part(f"{recorder_url[0]}/picture.png"))
    for arguments, asked in (([], []), (allowed, ["GET /picture.png"])):
        recorder.paths.clear()
        with (
            running_proxy(*common, *arguments) as said,
            openai.OpenAI(base_url=said["url"] + "/v1", api_key="x", max_retries=0) as client,
        ):
            raw = client.chat.completions.with_raw_response.create(model="m", messages=[picture])
        assert raw.headers["x-visual-budget-fallback"] == "image"
        assert recorder.paths == [*asked, "POST /v1/chat/completions"]


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
        ({"--host": "203.0.113.1"}, "budget: "),
    ],
)
def test_bad_options_are_one_line(wrong, message):
    line = refusal(*[word for pair in {**GOOD, **wrong}.items() for word in pair])
    assert line.startswith("budget: ")
    assert message in line


def test_a_policy_that_needs_the_model_is_refused_by_its_tier():
    from budget.shipped import shipped_folder

    folder = str(shipped_folder("m3") / "post-vision")
    line = refusal(*[w for pair in {**GOOD, "--policy": folder}.items() for w in pair])
    assert "tier post-vision" in line
