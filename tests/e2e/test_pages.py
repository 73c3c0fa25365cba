"""The pages as a person sees them, over the shipped models: pictures are drawn, a click decodes there."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e

Settled = Callable[[Page], None]
CHART = ".js-plotly-plot .main-svg"


def drawn(page: Page) -> None:
    page.wait_for_selector(CHART, timeout=60_000)
    page.wait_for_function(
        "() => document.querySelectorAll('.js-plotly-plot .gl-canvas, .js-plotly-plot .cartesianlayer path').length > 0"
    )


def click_in_chart(page: Page, across: float, up: float) -> None:
    """Click into the first panel, at a share of its width and height."""
    panel = page.locator(".js-plotly-plot .nsewdrag").first
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"])


def drag(page: Page, low: float, high: float) -> None:
    """Draw a box in the first panel, between shares of its width and height."""
    panel = page.locator(".js-plotly-plot .nsewdrag").first
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + low * box["width"], box["y"] + low * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + high * box["width"], box["y"] + high * box["height"], steps=8)
    page.mouse.up()


def place_in(url: str) -> tuple[float, float]:
    query = parse_qs(urlsplit(url).query)
    return float(query["z1"][0]), float(query["z2"][0])


@pytest.mark.parametrize("path", ["/", "/prior_vs_posterior?models=digits-2d-vamp"])
def test_a_click_in_the_picture_decodes_there(server: str, page: Page, settled: Settled, path: str) -> None:
    page.goto(server + path)
    settled(page)
    drawn(page)
    click_in_chart(page, 0.5, 0.5)
    page.wait_for_url(lambda url: "z1=" in url and "z2=" in url)
    settled(page)
    expect(page.get_by_text("mean of p(x|z)")).to_be_visible()
    expect(page.get_by_text("of the data’s codes").or_(page.get_by_text("of the data's codes"))).to_be_visible()
    first = place_in(page.url)
    click_in_chart(page, 0.75, 0.5)
    page.wait_for_function("before => !location.search.includes(before)", arg=f"z1={first[0]:g}")
    second = place_in(page.url)
    assert second[0] > first[0]
    assert second[1] == pytest.approx(first[1], abs=0.3)


def test_a_link_to_two_models_and_a_place_shows_both(server: str, page: Page, settled: Settled) -> None:
    names = ["digits-2d-standard", "digits-2d-maf"]
    page.goto(f"{server}/prior_vs_posterior?models={names[0]}&models={names[1]}&z1=0.5&z2=-0.5&seed=3")
    settled(page)
    drawn(page)
    expect(page.locator("[class*=st-key-panels] .js-plotly-plot")).to_have_count(2)
    expect(page.get_by_text("mean of p(x|z)")).to_have_count(2)
    expect(page.get_by_text("seed 3").first).to_be_visible()


def test_a_box_in_a_plane_of_many_dimensions_shows_what_lives_there(server: str, page: Page, settled: Settled) -> None:
    page.goto(f"{server}/prior_vs_posterior?models=mnist-40d-standard")
    settled(page)
    drawn(page)
    page.locator(".modebar-btn[data-title='Box Select']").first.click(force=True)
    drag(page, 0.3, 0.7)
    page.wait_for_url(lambda url: "region=" in url)
    settled(page)
    expect(page.get_by_text("Encoded here")).to_be_visible()
    expect(page.get_by_text("Generated here")).to_be_visible()
    left, right, bottom, top = map(float, parse_qs(urlsplit(page.url).query)["region"][0].split())
    assert left < right and bottom < top
    again = page.context.new_page()
    again.goto(page.url)
    settled(again)
    expect(again.get_by_text("Encoded here")).to_be_visible()
    again.close()


def test_a_map_is_calculated_beside_the_server_and_then_drawn(server: str, page: Page, settled: Settled) -> None:
    page.goto(f"{server}/prior_vs_posterior?models=mnist-40d-standard&view=t-SNE&draws=60&perplexity=5")
    settled(page)
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    page.get_by_role("button", name="Calculate this map").click()
    page.wait_for_selector(CHART, timeout=90_000)
    settled(page)
    expect(page.get_by_text("trustworthiness").first).to_be_visible()
    page.reload()
    settled(page)
    drawn(page)  # kept: nothing is calculated twice


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/compare?models=mnist-40d-realnvp",
        "/prior_vs_posterior?models=mnist-40d-standard",
        "/elbo_surgery",
        "/optimal_prior?models=digits-2d-standard",
        "/flow_timing",
    ],
)
def test_every_chart_and_picture_has_a_text(server: str, page: Page, settled: Settled, path: str) -> None:
    page.goto(server + path)
    settled(page)
    drawn(page)
    assert page.get_by_test_id("stPlotlyChart").count() > 0
    for image in page.get_by_test_id("stImage").locator("img").all():
        assert len(image.get_attribute("alt") or "") > 20
    for chart in page.get_by_test_id("stPlotlyChart").all():
        assert len(chart.get_attribute("aria-label") or "") > 40


def test_a_click_in_a_panel_of_the_line_up_names_the_true_one(server: str, page: Page, settled: Settled) -> None:
    page.goto(server + "/prior_vs_posterior?models=digits-2d-vamp&lineup=true")
    settled(page)
    chart = page.locator("[class*=st-key-lineup-] .js-plotly-plot")
    expect(chart.locator(".nsewdrag")).to_have_count(9)
    panel = chart.locator(".nsewdrag").nth(4)
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    page.mouse.click(box["x"] + 8, box["y"] + 8)  # a corner, where no draw lies
    expect(page.get_by_text("is the true one")).to_be_visible()
    assert "pick" not in page.url
    page.get_by_role("button", name="Another line-up").click()
    expect(page.get_by_text("Which one is true?")).to_be_visible()
    page.wait_for_url(lambda url: "round=2" in url)
