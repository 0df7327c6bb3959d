"""``budget ui`` in a real browser: load, upload, ask, slide, look; and no other host is asked."""

import base64
import io
import json
import re
import signal
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from echo_server import web
from PIL import Image
from ui_program import QUIET, Notes, browser_path, starting_ui, url_of

from budget.models import load_model
from budget.pictures import open_image
from experiments.ui.examples import draw_examples

pytestmark = pytest.mark.browser

SCALES = (1, 4, 9, 36, 144)
WAIT_MS = 30_000


class Server(NamedTuple):
    """The command, running.

    Attributes:
        process: of the command.
        url: of its page.
        folder: where it may put what is temporary.
    """

    process: subprocess.Popen
    url: str
    folder: Path


@pytest.fixture(scope="module")
def starting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("temporary")
    with starting_ui("--max-upload-mb", "0.5", TMPDIR=str(folder)) as process:
        yield process, folder


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return draw_examples(tmp_path_factory.mktemp("scenes"), 1)[0]


@pytest.fixture(scope="module")
def wanted(starting, scene):
    """The model's own answer at each scale, found while the server starts."""
    model, image = load_model("m3"), open_image(scene.path)
    return [
        model.answer([image], [scene.question], num_visual_tokens=scale)[0].text for scale in SCALES
    ]


@pytest.fixture(scope="module")
def browser(starting):
    from playwright.sync_api import sync_playwright

    path = browser_path()
    assert path, "no Chromium: install one, or name it in BUDGET_BROWSER"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(starting, wanted, browser):
    process, folder = starting
    return Server(process, url_of(process), folder)


@pytest.fixture(scope="module")
def url(server):
    return server.url


class Page:
    """The page as a user sees it.

    Args:
        context: of the browser.
        url: of the page.
    """

    def __init__(self, context, url):
        self.page, self.url = context.new_page(), url
        self.notes = Notes(self.page)
        self.page.set_default_timeout(WAIT_MS)
        self.page.goto(url)
        self.page.wait_for_selector("#ask")

    def upload(self, path):
        with self.page.expect_response(lambda response: "/upload" in response.url) as uploaded:
            self.page.set_input_files("#picture input[type=file]", path)
        # The page has taken in where the file lies, which a slow machine takes its time for.
        self.page.wait_for_selector("#picture img", state="attached")
        return uploaded.value.status

    def ask(self, question):
        self.page.fill("#question textarea", question)
        self.page.click("#ask")

    def ask_and_wait(self, question):
        self.ask(question)
        self.page.wait_for_selector("#maps img")

    def slide(self, place):
        """Move the slider by its keys, as those do who use no mouse."""
        slider = self.page.locator("#tokens input[type=range]")
        slider.focus()
        slider.press("Home")
        for _ in range(place):
            slider.press("ArrowRight")
        return slider

    def see(self, selector, text):
        self.page.locator(selector).filter(has_text=text).first.wait_for()

    @property
    def tokens(self):
        return int(self.page.get_attribute(".card .answer", "data-tokens"))

    @property
    def answer(self):
        return self.page.inner_text(".card .answer")

    def check(self):
        """Nothing failed in the page, and nobody else was asked for anything."""
        assert self.notes.others(self.url) == []
        assert self.notes.errors == []


@pytest.fixture(scope="module")
def context(browser, url):
    """One for most pages, so that the browser reads the page's scripts once."""
    with browser.new_context(viewport={"width": 1280, "height": 1000}) as context:
        yield context


@pytest.fixture
def page(context, url):
    opened = Page(context, url)
    yield opened
    opened.check()
    opened.page.close()


def test_a_scene_is_uploaded_asked_about_and_seen_at_every_scale(page, scene, wanted, tmp_path):
    assert page.upload(scene.path) == 200
    page.ask_and_wait(scene.question)
    assert page.answer == wanted[SCALES.index(page.tokens)]
    assert "chosen by the policy" in page.page.inner_text(".card .chosen")
    assert page.page.inner_text(".card .why").startswith("Why: ")
    rows = page.page.locator("#scales tbody tr")
    assert rows.locator("td:nth-child(2)").all_inner_texts() == wanted
    for unit in ("instead of 144", "FLOPs", "ms"):
        assert unit in page.page.inner_text(".savings")

    for place, scale in ((1, 1), (3, 9), (5, 144)):
        page.slide(place)
        page.see(".card .chosen", f"{scale} of 144 visual tokens, chosen by you")
        assert (page.tokens, page.answer) == (scale, wanted[place - 1])
        assert page.page.inner_text(".tick.here") == str(scale)
        assert page.page.inner_text("#maps figure.here b").split()[0] == str(scale)
    page.slide(0)
    page.see(".card .chosen", "chosen by the policy")

    shot = tmp_path / "page.png"
    page.page.screenshot(path=shot, full_page=True)
    with Image.open(shot) as image:
        assert image.width == 1280
        assert len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) > 1000


def test_heat_maps_are_not_blank_and_a_higher_price_takes_fewer_tokens(page, scene):
    page.upload(scene.path)
    page.ask_and_wait(scene.question)
    images = page.page.locator("#maps img")
    assert images.count() == len(SCALES)
    seen = []
    for i in range(len(SCALES)):
        assert images.nth(i).evaluate("image => image.complete && image.naturalWidth") == 320
        kind, data = images.nth(i).get_attribute("src").split(",")
        assert kind == "data:image/png;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            seen.append(np.asarray(image).astype(int))
        assert seen[-1].std() > 10
    # The picture is the same: what differs is the heat.
    assert all(np.abs(one - other).max() > 50 for one, other in pairwise(seen))

    before = page.tokens
    number = page.page.locator("#price input[type=number]")
    number.fill("1")
    number.press("Enter")
    page.page.wait_for_function(
        f"document.querySelector('.card .answer').dataset.tokens < {before}"
    )
    assert page.tokens < before


def test_a_shipped_scene_brings_its_question(page):
    page.page.locator("#examples button.thumbnail-item").nth(2).click()
    page.page.wait_for_function("document.querySelector('#question textarea').value.length > 5")
    page.page.keyboard.press("Escape")
    page.page.click("#ask")
    page.page.wait_for_selector("#maps img")
    assert page.answer


def test_what_is_missing_or_wrong_is_one_line_in_the_page(page, scene, tmp_path):
    page.ask("What is this?")
    page.see("#problem [role=alert]", "Choose a picture first")
    (tmp_path / "photo.png").write_bytes(b"this is no picture")
    page.upload(tmp_path / "photo.png")
    page.ask("What is this?")
    page.see("#problem [role=alert]", "The picture")
    assert page.page.locator("#problem p").count() == 1
    page.page.locator("#picture").get_by_label("Remove Image").click()
    page.upload(scene.path)
    page.ask("   ")
    page.see("#problem [role=alert]", "Ask a question")
    page.ask_and_wait("What color is the ring?")
    assert page.page.locator("#problem p").count() == 0
    page.page.fill("#question textarea", "Another one?")
    page.slide(2)
    page.see("#problem [role=alert]", "press Ask")


def test_a_file_that_is_too_large_is_refused(page, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    assert (tmp_path / "large.png").stat().st_size > 500_000
    page.page.set_input_files("#picture input[type=file]", tmp_path / "large.png")
    page.see(".toast-body", "exceed the maximum allowed size of 512")


def test_a_phone_shows_all_without_scrolling_sideways(browser, url, scene):
    size = {"width": 390, "height": 844}
    with browser.new_context(viewport=size, color_scheme="dark", has_touch=True) as context:
        phone = Page(context, url)
        phone.upload(scene.path)
        phone.ask_and_wait(scene.question)
        widths = phone.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert widths[0] <= widths[1]
        for part in ("#picture", "#question", "#ask", "#tokens", ".card", "#maps figure"):
            box = phone.page.locator(part).first.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
        phone.check()


def test_two_tabs_at_once_keep_their_own_answers(page, context, url, scene, wanted):
    tabs = [page, Page(context, url)]
    for tab, place in zip(tabs, (1, 5), strict=True):
        tab.page.bring_to_front()
        tab.upload(scene.path)
        tab.slide(place)
        tab.ask(scene.question)
    for tab, scale in zip(tabs, (1, 144), strict=True):
        tab.page.bring_to_front()
        tab.page.wait_for_selector("#maps img")
        assert (tab.tokens, tab.answer) == (scale, wanted[SCALES.index(scale)])
        tab.check()


def test_the_browser_may_ask_no_other_host(page):
    """Even a script in the page could not: the page's own policy forbids it."""
    asked = "fetch('http://192.0.2.1/x').then(() => 'sent', error => String(error))"
    assert "Failed to fetch" in page.page.evaluate(asked)
    assert page.notes.others(page.url) == []
    assert (
        json.loads(page.page.evaluate("JSON.stringify(window.gradio_config.analytics_enabled)"))
        is False
    )


def test_the_page_loads_nothing_from_another_host(url):
    answer = web.get(url)
    loaded = re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="([^"]+)"', answer.text)
    assert [each for each in loaded if "//" in each] == []
    allowed = answer.headers["content-security-policy"]
    assert "default-src 'self'" in allowed
    assert "http" not in allowed
    assert "*" not in allowed
    style = web.get(f"{url}/theme.css").text
    assert len(style) > 1000
    assert re.findall(r"url\(['\"]?https?:", style) == []


def test_the_server_gives_and_takes_what_the_page_needs_and_no_more(url):
    for size, status in ((500_000, 200), (600_000, 413)):
        file = {"files": ("a.png", b"x" * size)}
        assert web.post(f"{url}/gradio_api/upload", files=file).status_code == status
    assert web.get(f"{url}/gradio_api/file=/etc/passwd").status_code in (403, 404)
    assert web.get(f"{url}/gradio_api/info").json()["named_endpoints"] == {}
    assert web.get(f"{url}/monitoring").status_code in (403, 404)


def told(url, function, *sent):
    """Ask the page's function of that name as no widget would; return what it says went wrong."""
    known = web.get(f"{url}/config").json()["dependencies"]
    (number,) = (each["id"] for each in known if each["api_name"] == function)
    asked = {"data": sent, "fn_index": number, "session_hash": f"{function}-{hash(str(sent))}"}
    assert web.post(f"{url}/gradio_api/queue/join", json=asked).status_code == 200
    told = web.get(f"{url}/gradio_api/queue/data?session_hash={asked['session_hash']}").text
    events = [json.loads(line[5:]) for line in told.splitlines() if line.startswith("data:")]
    (done,) = (each for each in events if each["msg"] == "process_completed")
    return done["output"].get("error", "")


def test_a_file_of_the_machine_that_was_not_uploaded_is_not_read(url, scene):
    said = told(url, "ask", {"path": str(scene.path)}, "What?", 1, 0)
    assert said == "upload the picture: other files are not read"
    assert told(url, "ask", None, "What?", "1", 0).endswith("must be a whole number, got '1'")


def test_a_signal_ends_it_with_pages_open_and_uploads_are_deleted(server, context, scene):
    """The last test of this file: it ends the server that the others ask."""
    Page(context, server.url).upload(scene.path)
    assert list(server.folder.iterdir())
    server.process.send_signal(signal.SIGINT)
    _, said = server.process.communicate(timeout=30)
    assert (server.process.returncode, said) == (0, "")
    assert list(server.folder.iterdir()) == []
