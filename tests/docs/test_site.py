"""The built site: strict, with every public name, and nothing in it comes from another host."""

import importlib
import json
import os
import re
import subprocess
import sys

import pytest
from page_blocks import PAGES, ROOT

from experiments.manual.interface import PACKAGES, homes, interface_page

# What a browser fetches by itself, unlike the links that a reader follows.
_FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?\s(?:src|srcset|data)=["']?([^"'\s>]+)
    |<link\b[^>]*?\shref=["']?([^"'\s>]+)""",
    flags=re.VERBOSE,
)
_STYLED = re.compile(r"""@import\s+(?:url\()?["']?([^"')]+)|url\(["']?([^"')]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def elsewhere(addresses):
    return [address for address in addresses if re.match(r"(?:https?:)?//", address)]


@pytest.mark.slow
def test_no_page_fetches_anything_from_another_host(site):
    pages = sorted(site.rglob("*.html"))
    assert {path.stem for path in pages} >= {*PAGES, "commands", "404", "changes", "findings"}
    for page in pages:
        found = [a or b for a, b in _FETCHED.findall(page.read_text(encoding="utf-8"))]
        assert found, page
        assert not elsewhere(found), page
    for sheet in site.rglob("*.css"):
        found = [a or b for a, b in _STYLED.findall(sheet.read_text(encoding="utf-8"))]
        assert not elsewhere(found), sheet


def test_what_is_fetched_from_another_host_is_found():
    page = '<script src="https://x.org/a.js"></script><link rel=icon href="//x.org/b"><a href="https://y.org">'
    assert elsewhere([a or b for a, b in _FETCHED.findall(page)]) == [
        "https://x.org/a.js",
        "//x.org/b",
    ]
    assert elsewhere(
        a or b for a, b in _STYLED.findall("@import 'https://x.org/f.css'; a {b: url(c)}")
    )


@pytest.mark.slow
def test_files_that_a_page_fetches_are_there(site):
    for page in site.glob("*.html"):
        for a, b in _FETCHED.findall(page.read_text(encoding="utf-8")):
            address = (a or b).partition("?")[0]
            assert (page.parent / address).exists() or page.stem == "404", (page, address)


@pytest.mark.slow
def test_the_search_works_without_a_server(site):
    """Its index is a script too, and its worker has a stand-in where pages are files."""
    text = (site / "search" / "search_index.js").read_text(encoding="utf-8")
    places = [
        entry["location"] for entry in json.loads(text.removeprefix("var __index = "))["docs"]
    ]
    assert "commands.html#budget-oracle-run" in places
    assert 'assets/iframe-worker.js"' in (site / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_on_its_page(site, package):
    page = (site / f"api-{package}.html").read_text(encoding="utf-8")
    for name, path in homes(package).items():
        assert re.search(rf'id="{re.escape(path)}"', page), name
    assert "<blockquote" not in page  # what an example becomes where it is not read as one


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_asked_for_where_it_is_defined(package):
    module = importlib.import_module(package)
    page = interface_page(package)
    assert sorted(homes(package)) == sorted(module.__all__)
    for name, path in homes(package).items():
        assert f"::: {path}\n" in page
        home, _, last = path.rpartition(".")
        assert getattr(importlib.import_module(home), last) is module.__getattr__(name)
