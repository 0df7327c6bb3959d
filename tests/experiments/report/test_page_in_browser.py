"""The page of a report in a real headless browser: whole, offline, readable, on any screen."""

import pytest

pytestmark = pytest.mark.browser

# Ratio of the luminances of a text and of what lies behind it, as WCAG 2 counts it; the smallest.
CONTRAST = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).slice(0, 3).map((each) => {
      const c = each / 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor, parts = numbers(colour);
      if (parts.length < 4 || parts[3] === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  let least = { ratio: 21, text: "" };
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.getClientRects().length) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least.ratio) least = { ratio, text: element.textContent.trim().slice(0, 60) };
  }
  return least;
}"""


@pytest.fixture
def opened(browser, whole_report):
    """The page, and what went wrong or was asked for while it was open."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.troubles, page.asked = [], []
    page.on("console", lambda said: page.troubles.append(said.text))
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto((whole_report / "report.html").as_uri())
    yield page
    page.close()


def test_it_opens_without_a_fault_and_asks_for_nothing(opened):
    assert opened.troubles == []
    outside = [url for url in opened.asked if not url.startswith("data:")]
    assert [url.rpartition("/")[2] for url in outside] == ["report.html"]


def test_every_picture_is_drawn(opened):
    drawn = opened.eval_on_selector_all(
        "img", "all => Promise.all(all.map(i => { i.loading = 'eager'; return i.decode(); }))"
    )
    widths = opened.eval_on_selector_all("img", "all => all.map(i => i.naturalWidth)")
    assert len(widths) == len(drawn) > 8
    assert min(widths) > 0


@pytest.mark.parametrize("width", [320, 400, 800, 1400])
def test_nothing_is_cut_off_or_makes_the_page_scroll_sideways(opened, width):
    opened.set_viewport_size({"width": width, "height": 900})
    assert opened.evaluate("document.documentElement.scrollWidth") <= width


def test_texts_stand_out_from_what_is_behind_them(opened):
    least = opened.evaluate(CONTRAST)
    assert least["ratio"] >= 4.5, least


def test_what_scrolls_can_be_reached_by_keyboard(opened):
    opened.set_viewport_size({"width": 400, "height": 900})
    opened.wait_for_function(
        "[...document.querySelectorAll('.scroll')].every("
        "each => (each.scrollWidth > each.clientWidth) === (each.tabIndex === 0))"
    )
    assert opened.locator(".scroll[tabindex='0']").count() > 0


def test_the_first_link_leads_to_the_answers(opened):
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.getAttribute('href')") == "#answers"
    opened.keyboard.press("Enter")
    assert opened.evaluate("location.hash") == "#answers"


def test_what_is_folded_is_printed(opened):
    folded = "document.querySelectorAll('details:not([open])').length"
    before = opened.evaluate(folded)
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert opened.evaluate(folded) == 0
    opened.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.evaluate(folded) == before


def test_it_prints(opened):
    paper = opened.pdf(format="A4")
    assert paper.startswith(b"%PDF")
    assert paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") > 3
