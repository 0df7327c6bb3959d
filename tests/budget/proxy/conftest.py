from contextlib import contextmanager

import openai
import pytest
from served import Recorder, served

from budget.proxy.app import create_app
from budget.proxy.dialects import make_dialect
from budget.proxy.knobs import parse_knobs
from budget.proxy.rewrite import Rewriter
from budget.proxy.upstream import Upstream
from budget.serving.limits import Limits
from budget.serving.request_images import RequestImages
from budget.shipped import shipped_folder
from policies.policy_files import load_policy

KNOB = "max_pixels=100,400,900,1600,2500"  # one a rung of the shipped M3: 1, 4, 9, 36, 144 tokens


@pytest.fixture(scope="session")
def policy():
    return load_policy(shipped_folder("m3") / "policy")


@pytest.fixture(scope="session")
def recorder_url():
    recorder = Recorder()
    with served(recorder.app()) as url:
        yield url, recorder


@pytest.fixture
def recorder(recorder_url):
    """The recorder behind the proxies, empty."""
    recorder = recorder_url[1]
    for kept in (recorder.bodies, recorder.headers, recorder.paths):
        kept.clear()
    recorder.gone.clear()
    recorder.asked.clear()
    return recorder


@pytest.fixture
def proxied(policy, recorder_url):
    """Start a proxy in front of the recorder: ``with proxied("vllm") as url``."""

    @contextmanager
    def start(dialect, *, chooser=policy, knob=KNOB, upstream=None, body=1_000_000, **settings):
        limits = settings.pop("limits", Limits())
        timeout_s = settings.pop("timeout_s", 60.0)
        knobs = parse_knobs([knob], None, len(chooser.ladder))
        rewriter = Rewriter(
            chooser,
            make_dialect(dialect, knobs, limits.max_pixels),
            settings.pop("images", None) or RequestImages(limits),
            **{"deadline_s": 20.0, **settings},
        )
        behind = Upstream(upstream or recorder_url[0], timeout_s=timeout_s)
        with served(create_app(behind, rewriter, max_body_bytes=body)) as url:
            yield url

    return start


@pytest.fixture
def client():
    """Make the unmodified client of a server: ``client(url)``."""
    made = []

    def make(url, **settings):
        settings = {"api_key": "sk-mine", "max_retries": 0, **settings}
        made.append(openai.OpenAI(base_url=f"{url}/v1", **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()
