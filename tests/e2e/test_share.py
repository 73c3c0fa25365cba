"""A view that is shared: the same address gives the same figures elsewhere, and its report opens without a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.e2e

Settled = Callable[[Page], None]
ADDRESSES = {
    "prior_vs_posterior": "?models=digits-2d-vamp&models=digits-2d-mog&points=Means&n=700&seed=5&z1=0.5&z2=-0.25"
    "&region=-1+1+-1+1&classes=false&null=true",
    "elbo_surgery": "?models=digits-2d-vamp&models=digits-2d-standard&everyone=true",
    "compare": "?models=digits-2d-vamp&models=digits-2d-maf&against=MAF&row=12&images=200&seed=3&lasso=-1+1+-1+1"
    "&lasso_in=MAF&means=true",
    "pseudo_inputs": "?models=digits-2d-vamp&k=7&k2=3&sort=Class&seed=4&pixels=Draws&tiles=What+they+decode+to",
}
FIGURES = """() => Array.from(document.querySelectorAll('.js-plotly-plot')).map((plot) => JSON.stringify(
  plot.data.map(({type, name, x, y, z, text, customdata, marker}) => ({type, name, x, y, z, text, customdata,
    size: marker && marker.size, colour: marker && marker.color})),
  (key, value) => ArrayBuffer.isView(value) ? Array.from(value) : value))"""
DRAWN = "n => document.querySelectorAll('.js-plotly-plot .main-svg:first-child').length >= n"


def figures(browser: Browser, url: str, settled: Settled) -> tuple[list[str], str]:
    """All figures' data in a browser that was never here before, and the address afterwards."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(url)
    settled(page)
    charts = page.get_by_test_id("stPlotlyChart").count()
    page.wait_for_function(DRAWN, arg=charts)
    expect(page.get_by_test_id("stAlertContentWarning")).to_have_count(0)
    found, address = page.evaluate(FIGURES), page.url
    context.close()
    return found, address


@pytest.mark.parametrize(
    "name", [name if name == "prior_vs_posterior" else pytest.param(name, marks=pytest.mark.slow) for name in ADDRESSES]
)
def test_one_address_gives_the_same_figures_in_two_browsers(
    server: str, browser: Browser, settled: Settled, name: str
) -> None:
    url = f"{server}/{name}{ADDRESSES[name]}"
    first, address = figures(browser, url, settled)
    second, again = figures(browser, url, settled)
    assert first and first == second and address == again
    plain, _ = figures(browser, f"{server}/{name}?models=digits-2d-vamp", settled)
    assert set(first) - set(plain), "the state in the address changes nothing"


def test_an_address_that_cannot_be_followed_is_told_until_it_is_changed(
    server: str, page: Page, settled: Settled
) -> None:
    page.goto(f"{server}/prior_vs_posterior?models=digits-2d-vamp&seed=abc")
    settled(page)
    warning = page.get_by_test_id("stAlertContentWarning")
    expect(warning).to_contain_text("seed=abc")
    box = page.get_by_label("Seed", exact=True)
    box.fill("3")
    box.press("Enter")
    page.wait_for_url(lambda url: "seed=3" in url)
    settled(page)
    expect(warning).to_have_count(0)


def test_a_report_opens_without_a_server_and_draws_every_figure(
    server: str, page: Page, browser: Browser, settled: Settled, tmp_path: Path
) -> None:
    page.goto(f"{server}/prior_vs_posterior?models=digits-2d-vamp&models=digits-2d-maf&seed=3")
    settled(page)
    charts = page.get_by_test_id("stPlotlyChart").count()
    with page.expect_download() as download:
        page.locator(".st-key-report").get_by_role("button").first.click()
    file = tmp_path / "report.html"
    download.value.save_as(file)
    assert file.stat().st_size < 6e6
    for scheme in ("light", "dark"):
        context = browser.new_context(offline=True, color_scheme=scheme)
        paper, asked, wrong = context.new_page(), [], []
        paper.on("request", lambda request, asked=asked: asked.append(request.url))
        paper.on("pageerror", lambda error, wrong=wrong: wrong.append(str(error)))
        paper.on("console", lambda message, wrong=wrong: wrong.append(message.text))
        paper.goto(file.as_uri())
        paper.wait_for_selector(f"html[data-drawn='{charts}']", timeout=60_000)
        assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [file.as_uri()]
        assert not wrong
        assert paper.locator(".chart[role=img][aria-label] .main-svg").count() >= charts > 1
        expect(paper.get_by_text("python -m core train --name digits-2d-maf")).to_be_visible()
        expect(paper.get_by_text("seed=3")).to_be_visible()
        ink = "() => getComputedStyle(document.querySelector('.chart .xtick text')).fill"
        assert (sum(json.loads(paper.evaluate(ink).replace("rgb(", "[").replace(")", "]"))) > 384) == (scheme == "dark")
        context.close()
