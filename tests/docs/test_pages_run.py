"""Every page as a reader follows it: its blocks in order, in one shell, from an empty folder."""

import pytest
from page_blocks import PAGES, RUN, blocks_of, follow, page_text, script_of

# Pages that take a few seconds at most; the others are left to the slow tests.
QUICK = {"design"}
ELSEWHERE = {"deploy"}  # test_deploy_page.py looks at what it prints, too
TO_RUN = [
    page
    for page in PAGES
    if page not in ELSEWHERE and any(block.kind in RUN for block in blocks_of(page_text(page)))
]


@pytest.mark.timeout(1600)
@pytest.mark.parametrize(
    "page", [p if p in QUICK else pytest.param(p, marks=pytest.mark.slow) for p in TO_RUN]
)
def test_a_page_can_be_followed_from_an_empty_folder(page, tmp_path):
    follow(page, tmp_path)


def test_blocks_are_run_in_order_and_python_as_programs_of_its_own():
    text = "```bash\necho 1\n```\n\n```sh\npip install x\n```\n\n```python\nprint(2)\n```\n"
    assert [block.kind for block in blocks_of(text)] == ["bash", "sh", "python"]
    script = script_of(text)
    assert script.index("echo 1") < script.index("print(2)")
    assert "pip install" not in script


def test_a_page_that_fails_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("page_blocks.page_text", lambda page: "```bash\nbudget ask no.png Why\n```")
    with pytest.raises(AssertionError, match=r"no\.png"):
        follow("none", tmp_path)
