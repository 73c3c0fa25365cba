"""The guided tour in a browser: walked by the keyboard alone, and a step that is a link."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e

Settled = Callable[[Page], None]
CHART = ".js-plotly-plot .main-svg"


def at(page: Page, step: int, settled: Settled) -> None:
    expect(page.get_by_role("heading", level=2, name=f"{step}. ")).to_be_visible(timeout=60_000)
    settled(page)
    page.wait_for_selector(CHART, timeout=60_000)


def test_the_arrow_keys_walk_through_all_steps_and_back(server: str, page: Page, settled: Settled) -> None:
    page.goto(f"{server}/tour")
    at(page, 1, settled)
    for step in range(2, 9):
        page.keyboard.press("ArrowRight")
        page.wait_for_url(lambda url, step=step: f"step={step}" in url)
        at(page, step, settled)
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(lambda url: "step=7" in url)
    at(page, 7, settled)


def test_a_link_to_a_step_shows_it_and_leads_on_to_its_models(server: str, page: Page, settled: Settled) -> None:
    page.goto(f"{server}/tour?step=5")
    at(page, 5, settled)
    page.get_by_role("link", name="The models side by side").click()
    expect(page.get_by_role("heading", level=1, name="What does another prior change?")).to_be_visible(timeout=60_000)
    settled(page)
    for name in ("digits-2d-standard", "digits-2d-mog", "digits-2d-vamp"):
        expect(page.get_by_test_id("stSidebar").get_by_text(name)).to_be_visible()
    assert "models=digits-2d-vamp" in page.url and "show=" not in page.url
