"""Every page in a browser: names that a screen reader finds, the keyboard's way, and a telephone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from core.figures import theme
from tests.pages.addresses import PAGES

pytestmark = pytest.mark.e2e

Settled = Callable[[Page], None]
PHONE = {"width": 390, "height": 844}
UNTOLD = """() => [...document.querySelectorAll('[data-testid=stElementContainer]')].filter(place =>
    place.scrollWidth > place.clientWidth + 1 && place.querySelector('.js-plotly-plot')
    && getComputedStyle(place).boxShadow === 'none').length"""
"""Charts that scroll sideways without a shadow."""
PHONE_AGENT = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36"
SHOWN = {
    "compare": "models=digits-2d-vamp",
    "prior_vs_posterior": "models=digits-2d-vamp&null=true&z1=0&z2=0",
    "latent_browser": "models=digits-2d-vamp",
    "pseudo_inputs": "models=digits-2d-vamp",
    "elbo_surgery": "models=digits-2d-standard",
    "optimal_prior": "models=digits-2d-standard",
    "variational_posterior": "models=digits-2d-standard",
    "model_card": "models=digits-2d-vamp",
}
QUICK = ("home", "elbo_surgery", "train")
"""Pages of every kind of element; the others take a minute together and are looked at with the slow tests."""
STREAMLITS = {
    "list": "the navigation puts its sections between the list and its items",
    "listitem": "the same",
    "presentation-role-conflict": "the uploader's drop zone",
    "scrollable-region-focusable": "a formula wider than its place; browsers themselves let the keyboard scroll it",
}
"""Rules of axe that Streamlit's own elements break, with what breaks them. None of them is ours to mend."""
NOT_OURS = [[".katex"], ["code .token"]]
"""Formulas, which carry their MathML beside them, and the colours of Streamlit's highlighted code."""
OPEN_ALL = """() => {
    const closed = document.querySelectorAll('[data-testid=stMain] details:not([open]) > summary');
    closed.forEach(summary => summary.click());
    return closed.length;
}"""
UNNAMED = """() => [...document.querySelectorAll(
        '[data-testid=stPlotlyChart], [data-testid=stImage] img, canvas[role=application], canvas[role=img]')]
    .filter(shown => (shown.getAttribute('aria-label') || shown.getAttribute('alt') || '').trim().length < 25)
    .map(shown => shown.outerHTML.slice(0, 200))"""
HEADINGS = (
    """() => [...document.querySelectorAll('[data-testid=stMain] :is(h1, h2, h3, h4)')].map(h => +h.tagName[1])"""
)
FOCUSED = """() => {
    const at = document.activeElement;
    return (at.getAttribute('aria-label') || (at.labels && at.labels[0] || at).innerText || '').trim();
}"""
BREADTHS = """() => {
    const main = document.querySelector('[data-testid=stMain]');
    const charts = [...document.querySelectorAll('.js-plotly-plot')].filter(chart => chart.offsetParent);
    const place = chart => chart.closest('[data-testid=stElementContainer]');
    return {
        page: Math.max(document.documentElement.scrollWidth, main.scrollWidth),
        charts: charts.map(chart => [chart.offsetWidth, place(chart).clientWidth, place(chart).scrollWidth]),
        beyond: [...main.querySelectorAll('button, input:not([type=range]), p, h1, h2, h3, img')].filter(element => {
            const scroller = element.closest('.katex-display, table, [data-testid=stPlotlyChart], pre, .stDataFrame');
            return !scroller && element.offsetParent && element.getBoundingClientRect().right > innerWidth + 1;
        }).map(element => element.outerHTML.slice(0, 200)),
    };
}"""


def violations(page: Page) -> list[str]:
    """What axe finds serious or critical, of ours."""
    page.wait_for_timeout(700)  # what was faded while the page ran has its colours again
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found: dict[str, Any] = page.evaluate(
        "exclude => axe.run({include: [['body']], exclude}, {resultTypes: ['violations']})", NOT_OURS
    )
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical") and one["id"] not in STREAMLITS
        for node in one["nodes"]
    ]


def address_of(page: str) -> str:
    return f"/{'' if page == PAGES[0] else page}?{SHOWN.get(page, '')}"


def open_all(page: Page, settled: Settled) -> None:
    """Open every section, those within sections too."""
    for _ in range(4):
        if not page.evaluate(OPEN_ALL):
            break
        page.wait_for_timeout(300)
        settled(page)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in PAGES]
)
def test_a_page_is_read_by_a_machine_and_fits_a_telephone(server: str, page: Page, settled: Settled, name: str) -> None:
    page.goto(server + address_of(name))
    settled(page)
    open_all(page, settled)
    assert violations(page) == []
    assert page.evaluate(UNNAMED) == []
    levels = page.evaluate(HEADINGS)
    assert levels[0] == 1 and levels.count(1) == 1

    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.wait_for_function(
        """least => [...document.querySelectorAll('.js-plotly-plot')].every(
            chart => !chart.offsetParent || chart.closest('[class*=st-key-hero]') || chart.offsetWidth >= least)""",
        arg=theme.NARROWEST,
    )
    with suppress(PlaywrightTimeoutError):  # tables take their time; what is still too broad is told below
        page.wait_for_function(f"least => ({BREADTHS})().page <= least", arg=PHONE["width"], timeout=10_000)
    breadths = page.evaluate(BREADTHS)
    assert breadths["page"] <= PHONE["width"], "the page scrolls sideways"
    assert breadths["beyond"] == []
    for chart, place, scrolls in breadths["charts"]:
        assert place <= PHONE["width"] and scrolls >= chart, "a chart is cut off where it cannot be scrolled"
    page.wait_for_function(f"() => ({UNTOLD})() === 0", timeout=10_000)  # a shadow tells that a chart goes on beside it


def test_the_checks_can_fail(page: Page) -> None:
    page.set_content(
        "<html lang='en'><title>t</title><body><main data-testid='stMain'><h1>t</h1><h3>u</h3><button></button>"
        "<div data-testid='stPlotlyChart' aria-label='short'></div><p style='width: 900px'>p</p></main></body></html>"
    )
    assert any(found.startswith("button-name") for found in violations(page))
    assert len(page.evaluate(UNNAMED)) == 1 and page.evaluate(HEADINGS) == [1, 3]
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    breadths = page.evaluate(BREADTHS)
    assert breadths["page"] > PHONE["width"] and len(breadths["beyond"]) == 1


def test_dark_pages_have_contrast(server: str, browser: Browser, settled: Settled) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    page = context.new_page()
    page.goto(server + address_of("elbo_surgery"))
    settled(page)
    assert violations(page) == []
    context.close()


def test_the_keyboard_reaches_the_controls(server: str, page: Page, settled: Settled) -> None:
    page.goto(server + address_of("prior_vs_posterior"))
    settled(page)
    page.evaluate("() => document.activeElement.blur()")
    wanted = ["Models", "Number of points", "Seed", "z₁", "Region", "How is this computed?"]
    met: list[str] = []
    found: list[str] = []
    for _ in range(150):
        page.keyboard.press("Tab")
        met.append(page.evaluate(FOCUSED))
        found = reached(met, wanted)
        if found == wanted:
            break
    assert found == wanted, met


def reached(met: list[str], wanted: list[str]) -> list[str]:
    """How far the names in a list are met in its order."""
    found: list[str] = []
    for name in met:
        if len(found) < len(wanted) and wanted[len(found)] in name:
            found.append(wanted[len(found)])
    return found


def test_a_finger_on_a_chart_moves_the_page(server: str, browser: Browser, settled: Settled) -> None:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, user_agent=PHONE_AGENT)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(server + address_of("elbo_surgery"))
    settled(page)
    panel = page.locator(".js-plotly-plot .nsewdrag").first
    panel.wait_for()
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    assert box is not None
    x, y = box["x"] + 30, box["y"] + box["height"] / 2
    before = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTop")
    finger = context.new_cdp_session(page)
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 11):
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y - 10 * step}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("was => document.querySelector('[data-testid=stMain]').scrollTop > was + 20", arg=before)
    context.close()
