"""Models side by side in a browser: a click and a lasso in one panel are seen in all, and a link shows them again."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e

Settled = Callable[[Page], None]
PATH = "/compare?models=digits-2d-standard&models=digits-2d-vamp&models=digits-2d-maf"
ELLIPSES = """() => {
    const chart = [...document.querySelectorAll('.js-plotly-plot')].find(one => one.data.length > 20);
    return [...new Set(chart.data.filter(t => t.name === 'q(z|x) of the chosen image').map(t => t.xaxis))].sort();
}"""
FADED = """() => {
    const chart = [...document.querySelectorAll('.js-plotly-plot')].find(one => one.data.length > 20);
    const points = chart._fullData.filter(t => t.customdata);
    return points.map(t => Array.from(t.marker.opacity).filter(o => o > 0.5).length);
}"""


def panel(page: Page, place: int) -> dict[str, float]:
    """Where the upper panel of a model stands on the screen."""
    drag = page.locator(".js-plotly-plot").nth(1).locator(".nsewdrag").nth(place)
    drag.scroll_into_view_if_needed()
    box = drag.bounding_box()
    assert box is not None
    return dict(box)


@pytest.fixture
def opened(server: str, page: Page, settled: Settled) -> Page:
    page.goto(server + PATH)
    settled(page)
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=60_000)
    return page


def test_a_lasso_in_one_panel_selects_the_same_images_in_all(opened: Page, settled: Settled) -> None:
    opened.locator(".js-plotly-plot").nth(1).locator(".modebar-btn[data-title='Lasso Select']").click(force=True)
    box = panel(opened, 1)
    across, up = box["x"], box["y"]
    corners = [(0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7), (0.3, 0.32)]
    places = [(across + x * box["width"], up + y * box["height"]) for x, y in corners]
    opened.mouse.move(*places[0])
    opened.mouse.down()
    for place in places[1:]:
        opened.mouse.move(*place, steps=6)
    opened.mouse.up()
    opened.wait_for_url(lambda url: "lasso=" in url)
    settled(opened)
    expect(opened.get_by_text("images lie in the selection in VampPrior")).to_be_visible()
    counts = opened.evaluate(FADED)
    assert len(counts) == 3 and len(set(counts)) == 1 and 0 < counts[0] < 300
    query = parse_qs(urlsplit(opened.url).query)
    assert query["lasso_in"] == ["VampPrior"]
    text = opened.get_by_text("images lie in the selection").inner_text()
    opened.goto(opened.url)
    settled(opened)
    expect(opened.get_by_text("images lie in the selection")).to_have_text(text)


def test_an_image_is_found_by_number_or_click_in_every_panel(opened: Page, settled: Settled) -> None:
    field = opened.get_by_role("spinbutton", name="Image (row of the split)")
    field.fill("12")
    field.press("Enter")
    opened.wait_for_url(lambda url: "row=12" in url)
    settled(opened)
    opened.wait_for_function(f"({ELLIPSES})().length === 3")
    assert opened.evaluate(ELLIPSES) == ["x", "x2", "x3"]
    box = panel(opened, 0)
    opened.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    opened.wait_for_url(lambda url: "row=" in url and "row=12" not in url)
    settled(opened)
    assert opened.evaluate(ELLIPSES) == ["x", "x2", "x3"]
