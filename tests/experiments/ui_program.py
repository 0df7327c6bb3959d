"""Start ``budget ui`` as a program, and a browser that notes every host it asks."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
START = [sys.executable, "-m", "experiments.cli", "ui", "--port", "0", "--threads", "1"]
NAMES = ("chromium", "chromium-browser", "google-chrome")
# A browser that asks for nothing by itself.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def browser_path():
    """Return where a Chromium lies; None if there is none."""
    return os.environ.get("BUDGET_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running_ui(*words, **environment):
    """Run the command; yields its process and its address."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*START, *words], env=variables, cwd=ROOT, **pipes) as process:
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield process, json.loads(line)["url"]
        finally:
            process.kill()


class Hosts:
    """Notes what pages ask for, and what goes wrong in them."""

    def __init__(self, context):
        self.asked, self.failed, self.errors = [], [], []
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("requestfailed", lambda request: self.failed.append(request.url))
        context.on("weberror", lambda error: self.errors.append(str(error.error)))

    def others(self, url):
        """Return what was asked of any host but the page's own; data in the page is no request."""
        own = urlsplit(url).netloc
        parts = [urlsplit(each) for each in self.asked]
        return [
            each.geturl()
            for each in parts
            if each.scheme not in ("data", "blob") and each.netloc != own
        ]
