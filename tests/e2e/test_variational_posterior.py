"""The page of single images' posteriors in a browser, over the shipped digits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e


def test_a_loose_image_is_chosen_by_its_button_and_both_posteriors_are_drawn(
    server: str, page: Page, settled: Callable[[Page], None]
) -> None:
    page.goto(f"{server}/variational_posterior?models=digits-2d-standard-iaf")
    settled(page)
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=60_000)
    button = page.locator("[class*=st-key-loosest-] button:visible").nth(3)
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "row=" in url)
    settled(page)
    row = page.url.split("row=")[1].split("&")[0]
    expect(page.get_by_role("heading", name=f"What should the code of image {int(row):,} be?")).to_be_visible()
    panels = page.locator(".js-plotly-plot").first
    for name in ("IAF posterior", "Gaussian posterior"):
        expect(panels.get_by_text(name)).to_be_visible()
    expect(page.get_by_text("bounds differs by more than").first).to_be_visible()
