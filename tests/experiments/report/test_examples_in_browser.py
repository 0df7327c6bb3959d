"""Filters of the examples in a real headless browser: by keyboard, counted, and whole without."""

import numpy as np
import pytest
from gap_world import Made, curves_of, drawn_scores, policy_of, run_of
from PIL import Image

from experiments.report.examples import examples_section

pytestmark = pytest.mark.browser

_PAGE = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>kept</title><main>{}</main>'
_EVIL = "</div></script><script>document.title = 'run'</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def html():
    """Two runs on one page, as a report of several has them."""
    rng = np.random.default_rng(0)
    sections = []
    for n in (40, 60):
        groups = [f'group "{i % 3}" <b>' for i in range(n)]
        curves = curves_of(drawn_scores(n), groups=groups, answers=[[_EVIL] * 3] * n)
        samples = Made([_EVIL] * n, [[Image.new("RGB", (30, 20), "teal")]] * n)
        run = run_of(curves, policy_of(rng.random((n, 3)), name=_EVIL), samples=samples)
        sections.append(examples_section(run, rng, num=3).html)
    return _PAGE.format("".join(sections))


def open_page(browser, html, **kwargs):
    page = browser.new_page(**kwargs)
    page.troubles = []
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("dialog", lambda dialog: page.troubles.append(dialog.message))
    page.set_content(html)
    return page


def shown(examples):
    return examples.locator(".ex-card:visible").count()


def said(examples):
    return examples.locator("output").inner_text()


def test_filters_work_by_keyboard_alone_and_count_what_is_shown(browser, html):
    page = open_page(browser, html)
    first, second = (page.locator(".ex").nth(i) for i in range(2))
    total, other = shown(first), shown(second)
    assert said(first) == f"{total} of {total} examples shown"
    first.locator("select[name=need]").focus()
    page.keyboard.press("ArrowDown")
    assert 0 < shown(first) < total
    assert said(first) == f"{shown(first)} of {total} examples shown"
    cards = first.locator(".ex-card:visible")
    assert {cards.nth(i).get_attribute("data-need") for i in range(cards.count())} == {"0"}
    assert first.locator(".ex-part:visible").count() < first.locator(".ex-part").count()
    assert shown(second) == other  # each run has filters of its own
    first.get_by_role("button", name="Show all").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('.ex')[0].querySelector('[hidden]') === null")
    assert said(first) == f"{total} of {total} examples shown"
    assert page.troubles == []
    page.close()


def test_filters_narrow_each_other_down(browser, html):
    page = open_page(browser, html)
    first = page.locator(".ex").first
    first.locator("select[name=group]").select_option('group "1" <b>')
    alone = shown(first)
    first.locator("select[name=policy0]").select_option("2")
    both = shown(first)
    wanted = "[data-group='group \"1\" <b>'][data-policy0='2']"
    assert both == first.locator(f".ex-card{wanted}").count() < alone
    page.close()


def test_texts_of_samples_are_shown_and_not_run(browser, html):
    page = open_page(browser, html)
    assert page.title() == "kept"
    assert page.locator(".ex-question").first.inner_text() == _EVIL
    assert page.locator("img:not([src^='data:'])").count() == 0
    assert page.troubles == []
    page.close()


def test_without_javascript_all_is_shown_and_no_filter(browser, html):
    page = open_page(browser, html, java_script_enabled=False)
    assert page.locator(".ex-card:visible").count() == page.locator(".ex-card").count() > 20
    assert page.locator("form:visible").count() == 0
    page.close()
