"""A real ``transformers serve`` process with a tiny random Idefics3."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import tiny_idefics3
from running_proxy import environment

KNOBS = [
    {"do_image_splitting": False},
    {"size": {"longest_edge": 64}},
    {"size": {"longest_edge": 64}, "resample": 0},
    {"size": {"longest_edge": 96}},
    {"size": {"longest_edge": 128}},
]


def by_hand(knob):
    return {"chat_template_kwargs": {"processor_kwargs": {"images_kwargs": knob}}}


# The processor as it comes makes every image larger; so that smaller ones are fewer tokens, not.
DEFAULTS = json.dumps(by_hand({"do_resize": False})["chat_template_kwargs"])


@contextmanager
def transformers_serving(tmp_path_factory):
    """Start the server, and give its URL and the name of its model."""
    folder = tiny_idefics3.build(tmp_path_factory.mktemp("idefics3"))
    home = tmp_path_factory.mktemp("hub")
    (home / "hub").mkdir()  # without this folder its /v1/models fails
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder)]
    command += ["--chat-template-kwargs", DEFAULTS, "--device", "cpu"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    log = (home / "log").open("w")
    process = subprocess.Popen(
        command, stdout=log, stderr=log, env=environment(HF_HOME=str(home), HF_HUB_OFFLINE="1")
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 300
        while not _is_up(url):
            assert process.poll() is None, (home / "log").read_text()
            assert time.monotonic() < deadline, "transformers serve takes no requests"
            time.sleep(0.2)
        yield url, str(folder)
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def _is_up(url):
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
