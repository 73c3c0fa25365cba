"""A model is trained from the page, in a real browser: started, left alone, gone on with, and found in the sidebar."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e
Settled = Callable[[Page], None]


@pytest.fixture
def own_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_server: Callable[[], str]) -> str:
    """A server whose models, uploads and jobs are this test's."""
    monkeypatch.setenv("PRIORSCOPE_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("PRIORSCOPE_UPLOADS", str(tmp_path / "uploads"))
    return fresh_server()


def test_a_model_is_trained_while_nobody_looks_and_is_in_the_sidebar(
    own_server: str, page: Page, settled: Settled
) -> None:
    page.goto(f"{own_server}/train?t_epochs=12&t_warmup_epochs=2&t_prior_vamp_components=5&t_name=tiny")
    settled(page)
    expect(page.get_by_test_id("stCode").first).to_contain_text("--name tiny --prior vamp")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("heading", name="Training now")).to_be_visible(timeout=20_000)
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Home").click()  # it goes on without the page
    settled(page)
    page.goto(f"{own_server}/train")
    done = page.get_by_text("is trained and in the sidebar")
    expect(done).to_be_visible(timeout=120_000)
    settled(page)
    expect(page.get_by_text(re.compile(r"After 12 epochs"))).to_be_visible()
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    page.get_by_test_id("stMultiSelect").get_by_role("combobox").click()
    expect(page.get_by_text("tiny", exact=True).first).to_be_visible()
    page.keyboard.press("Escape")
    # the link chooses the model, although another choice, none, was made before
    page.get_by_test_id("stPageLink").filter(has_text="Open").first.click()
    page.wait_for_url(re.compile("/prior_vs_posterior"))
    settled(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_role("heading", name="Digits, VampPrior, d = 2").first).to_be_visible()


@pytest.mark.slow
def test_a_training_is_cancelled_and_goes_on(own_server: str, page: Page, settled: Settled) -> None:
    page.goto(f"{own_server}/train?t_epochs=100000&t_prior_vamp_components=5&t_name=long")
    settled(page)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text(re.compile(r"^After \d+ epochs")).first).to_be_visible(timeout=60_000)
    expect(
        page.get_by_text(re.compile(r"s for the [\d,]+ epochs left|(min|h) for the [\d,]+ epochs left"))
    ).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("long: cancelled")).to_be_visible(timeout=20_000)
    again = page.get_by_role("button", name=re.compile("Go on from where it was|Start again"))
    again.click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=20_000)
    page.reload()
    settled(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("long: cancelled")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("long: cancelled")).to_have_count(0, timeout=20_000)


def test_an_upload_is_refused_or_shown(own_server: str, page: Page, settled: Settled, tmp_path: Path) -> None:
    np.savez(tmp_path / "objects.npz", images=np.array([{}] * 40, object))
    np.savez(tmp_path / "mine & <b>.npz", images=np.random.default_rng(0).random((60, 6, 6)), labels=np.arange(60) % 2)
    page.goto(f"{own_server}/your_data")
    settled(page)
    upload = page.locator("input[type=file]").first
    upload.set_input_files(tmp_path / "objects.npz")
    expect(page.get_by_text("Python objects, which are refused")).to_be_visible(timeout=20_000)
    upload.set_input_files(tmp_path / "mine & <b>.npz")
    expect(page.get_by_text("48 train, 6 validation, 6 test")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("Python objects, which are refused")).to_have_count(0)
    page.get_by_test_id("stPageLink").filter(has_text="Train on it").click()
    page.wait_for_url(re.compile(r"/train\?t_dataset=mine-b"))
    settled(page)
    expect(page.get_by_test_id("stCode").first).to_contain_text("mine-b.npz --name mine-b-2d-vamp")
