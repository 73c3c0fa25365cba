"""The pseudo-inputs in a browser: a click on a tile or in the map chooses that component and nothing else."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e

Settled = Callable[[Page], None]
PATH = "/pseudo_inputs?models=digits-2d-vamp"


def click(page: Page, chart: int, across: float, down: float) -> None:
    """Click into a chart, at a share of the width and height of its panel."""
    panel = page.locator(".js-plotly-plot").nth(chart).locator(".nsewdrag").first
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])


def chosen(page: Page, key: str = "k") -> int | None:
    found = parse_qs(urlsplit(page.url).query).get(key)
    return int(found[0]) if found else None


@pytest.fixture
def opened(server: str, page: Page, settled: Settled) -> Page:
    page.goto(server + PATH)
    settled(page)
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=60_000)
    return page


def test_a_click_on_a_tile_or_in_the_map_chooses_that_component(opened: Page, settled: Settled) -> None:
    cards = opened.locator("[data-testid=stMetric]").all_inner_texts()
    seen = [None]
    for chart, across, down in ((0, 0.44, 0.4), (0, 0.18, 0.7), (1, 0.5, 0.65)):
        click(opened, chart, across, down)
        before = seen[-1]
        opened.wait_for_url(lambda url, before=before: f"k={before}" not in url.split("&") and "k=" in url)
        settled(opened)
        seen.append(chosen(opened))
        expect(opened.get_by_role("heading", name=f"What does k = {seen[-1]} generate?")).to_be_visible()
        assert opened.locator("[data-testid=stMetric]").all_inner_texts() == cards
    assert len(set(seen)) == len(seen)
    assert set(parse_qs(urlsplit(opened.url).query)) == {"models", "k"}


def test_the_arrow_keys_go_through_the_tiles(opened: Page, settled: Settled) -> None:
    click(opened, 0, 0.44, 0.4)
    opened.wait_for_url(lambda url: "k=" in url)
    settled(opened)
    first = chosen(opened)
    opened.keyboard.press("ArrowRight")
    opened.wait_for_url(lambda url: f"k={first}" not in url.replace("?", "&").split("&"))
    settled(opened)
    opened.keyboard.press("ArrowLeft")
    opened.wait_for_url(lambda url: f"k={first}" in url.replace("?", "&").split("&"))


def test_a_second_click_makes_a_way_that_a_link_shows_again(opened: Page, settled: Settled) -> None:
    click(opened, 0, 0.44, 0.4)
    opened.wait_for_url(lambda url: "k=" in url)
    settled(opened)
    opened.get_by_text("second k", exact=True).click()
    settled(opened)
    click(opened, 0, 0.18, 0.7)
    opened.wait_for_url(lambda url: "k2=" in url)
    settled(opened)
    name = f"What lies between k = {chosen(opened)} and k = {chosen(opened, 'k2')}?"
    expect(opened.get_by_role("heading", name=name)).to_be_visible()
    again = opened.context.new_page()
    again.goto(opened.url)
    settled(again)
    expect(again.get_by_role("heading", name=name)).to_be_visible()
