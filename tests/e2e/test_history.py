"""A recorded training in a browser: its slider by keyboard, by a click in the curve, and by itself until stopped."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.e2e

Settled = Callable[[Page], None]


def epoch(page: Page) -> int | None:
    found = parse_qs(urlsplit(page.url).query).get("epoch")
    return int(found[0]) if found else None


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Epoch")


def opened(server: str, page: Page, settled: Settled, path: str) -> Page:
    page.goto(f"{server}/{path}?models=digits-2d-vamp&epoch=3")
    settled(page)
    page.wait_for_selector("[class*=st-key-history-curve] .main-svg", timeout=60_000)
    expect(slider(page)).to_have_attribute("aria-valuetext", "3")
    return page


@pytest.mark.parametrize("path", ["prior_vs_posterior", "pseudo_inputs"])
def test_the_arrow_keys_and_a_click_in_the_curve_choose_the_epoch(
    server: str, page: Page, settled: Settled, path: str
) -> None:
    opened(server, page, settled, path)
    slider(page).focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: "epoch=4" in url)
    settled(page)
    expect(page.get_by_text("Epoch 4, β = 0.2:")).to_be_visible()
    points = page.locator("[class*=st-key-history-curve] .scatterlayer .points path.point")
    points.nth(8).scroll_into_view_if_needed()
    box = points.nth(8).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url(lambda url: "epoch=12" in url)
    settled(page)
    expect(slider(page)).to_have_attribute("aria-valuetext", "12")


def test_it_plays_until_it_is_stopped_and_a_link_shows_the_same_epoch(
    server: str, page: Page, settled: Settled
) -> None:
    opened(server, page, settled, "prior_vs_posterior")
    page.get_by_role("button", name="Play").click()
    page.wait_for_url(lambda url: "epoch=4" in url)
    page.wait_for_url(lambda url: "epoch=5" in url)
    # At once, not when the button rests: every step of a play moves what is on the page.
    page.get_by_role("button", name="Stop").dispatch_event("click")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.wait_for_timeout(300)
    stopped = epoch(page)
    page.wait_for_timeout(2500)
    assert stopped is not None and epoch(page) == stopped, "three steps later it is still there"
    again = page.context.new_page()
    again.goto(page.url)
    settled(again)
    expect(slider(again)).to_have_attribute("aria-valuetext", str(stopped))
