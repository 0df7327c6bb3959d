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
def starting_ui(*words, **environment):
    """Start the command; yields its process, which is killed in the end."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*START, *words], env=variables, cwd=ROOT, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def url_of(process):
    """Return the address that the command prints once it is ready."""
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return json.loads(line)["url"]


class Notes:
    """What a page asks for, and what goes wrong in it.

    Args:
        page: of the browser.
    """

    def __init__(self, page):
        self.asked, self.errors = [], []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def others(self, url):
        """Return what was asked of any host but the page's own; data in the page is no request."""
        own = urlsplit(url).netloc
        parts = [urlsplit(each) for each in self.asked]
        inside = ("data", "blob")
        return [p.geturl() for p in parts if p.scheme not in inside and p.netloc != own]
