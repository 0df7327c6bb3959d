"""What the deployers' page tells of a server, and what a reader who follows it sees."""

import re

import pytest
from page_blocks import follow, page_text

from budget.serving.flags import AccessFlags, LimitFlags, ModelFlags, QueueFlags
from budget.serving.metrics import Metrics

PAGE = page_text("deploy")


@pytest.mark.slow
@pytest.mark.timeout(1600)
def test_the_page_can_be_followed_from_an_empty_folder(tmp_path):
    told = follow("deploy", tmp_path)
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
