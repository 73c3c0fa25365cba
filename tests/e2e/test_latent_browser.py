"""The latent browser in a browser: what it decodes by itself is what torch decodes, and a hover asks nobody."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect

from core import mixture
from core.browser_bundle import model_bundle
from core.bundle import unpack
from core.checkpoint import Checkpoint, load
from core.figures import latent_canvas
from core.prepared import Prepared
from core.priors import MixturePrior
from core.typicality import reference
from tests.core.decoding import decode as decode_again

pytestmark = pytest.mark.e2e

Settled = Callable[[Page], None]
Opened = Callable[[str], Page]
PATH = "/latent_browser?models=digits-2d-vamp"
SCRIPT = latent_canvas.script("bundle", "decode")
READ = f"""([text, codes, drawn]) => {{
  {SCRIPT}
  const model = makeModel(unpack(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))));
  return codes.map((z) => ({{
    pixels: Array.from(model.decode(z, drawn)), q: model.q?.(z).log, others: model.q?.(z).others, p: model.p?.(z).log
  }}));
}}"""
TIME = f"""([text, codes]) => {{
  {SCRIPT}
  const model = makeModel(unpack(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))));
  const times = codes.map((z) => {{
    const began = performance.now();
    model.decode(z, false);
    return performance.now() - began;
  }});
  return times.sort((a, b) => a - b);
}}"""


def sent(checkpoint: Checkpoint) -> tuple[bytes, str]:
    compared = reference(checkpoint.latents, checkpoint.vae.prior)
    block = model_bundle(checkpoint, compared, "here")
    return block, base64.b64encode(block).decode()


def codes_for(checkpoint: Checkpoint, n: int) -> torch.Tensor:
    """Codes near and far: draws of N(0, I), up to three times as long as usual."""
    z = torch.randn((n, checkpoint.vae.prior.dim), generator=torch.Generator().manual_seed(0))
    return z * torch.linspace(0.2, 3, n)[:, None]


@pytest.mark.parametrize("name", ["mnist-2d-vamp", "mnist-40d-vamp", "frey-40d-vamp", "digits-2d-standard-iaf"])
def test_the_browser_decodes_as_torch_does(page: Page, name: str) -> None:
    loaded = load(name)
    block, text = sent(loaded)
    z = codes_for(loaded, 120)
    if loaded.latents is not None:  # and where images are encoded
        z[:60] = loaded.latents.sample(60, generator=torch.Generator().manual_seed(1))[0]
    found = page.evaluate(READ, [text, z.tolist(), False])
    assert isinstance(loaded.vae.prior, MixturePrior)
    with torch.no_grad():
        parts = [part.double() for part in loaded.vae.prior.components()]
        images = loaded.vae.decode(z).numpy()
        log_p = mixture.log_prob(z.double(), *parts, double=True).numpy()
    np.testing.assert_allclose([one["pixels"] for one in found], images, atol=1e-4)
    np.testing.assert_allclose([one["p"] for one in found], log_p, rtol=1e-5, atol=1e-3)
    if loaded.latents is not None:
        log_q = mixture.log_prob(z.double(), *loaded.latents.components(), double=True)
        np.testing.assert_allclose([one["q"] for one in found], log_q, rtol=1e-5, atol=1e-3)
        q = Prepared(*loaded.latents.components())
        others = q.log_prob(z, exclude=q.own(z)).numpy()
        np.testing.assert_allclose([one["others"] for one in found], others, rtol=1e-5, atol=1e-3)
    meta, arrays = unpack(block)
    draws = np.array([one["pixels"] for one in page.evaluate(READ, [text, z[:30].tolist(), True])])
    expected = decode_again(meta["decoder"], arrays, z[:30].numpy(), drawn=True)
    assert (np.abs(draws - expected) > 1e-4).mean() < 1e-3  # a uniform number may fall between two roundings


def test_how_long_one_decode_takes(page: Page) -> None:
    """Printed, not asserted: run with -s to read it."""
    loaded = load("mnist-40d-vamp")
    times = page.evaluate(TIME, [sent(loaded)[1], codes_for(loaded, 600).tolist()])
    print(f"\none decode, d = 40, 28 x 28: p50 {times[300]:.2f} ms, p95 {times[570]:.2f} ms, n = 600")
    assert len(times) == 600


@pytest.fixture
def opened(server: str, page: Page, settled: Settled) -> Opened:
    def go(path: str) -> Page:
        page.goto(server + path)
        ready(page, settled)
        return page

    return go


def ready(page: Page, settled: Settled) -> None:
    settled(page)
    page.wait_for_selector("canvas.map[data-ready]", timeout=60_000)


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def spot(page: Page, across: float, up: float) -> tuple[float, float]:
    """Pixels of the page at a share of the map."""
    canvas = page.locator("canvas.map")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    return box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"]


def where(page: Page, part: str) -> tuple[float, float]:
    """The place that stands under a picture."""
    words = page.locator(f"figure.{part} .where").inner_text().replace("−", "-")
    left, right = words[words.index("(") + 1 : words.index(")")].split(",")
    return float(left), float(right)


def pixels(page: Page, part: str) -> np.ndarray:
    """The picture as it stands on the page, one number a square, (height, width) in [0, 1]."""
    url = page.locator(f"figure.{part} canvas").evaluate("canvas => canvas.toDataURL('image/png')")
    large = Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("L")
    side = large.width // 8
    return np.asarray(large)[side // 2 :: side, side // 2 :: side] / 255


def decoded(z: tuple[float, float]) -> np.ndarray:
    with torch.no_grad():
        return load("digits-2d-vamp").vae.decode(torch.tensor([z]))[0].reshape(8, 8).numpy()


def test_a_hover_changes_the_picture_and_sends_nothing(server: str, page: Page, settled: Settled) -> None:
    frames: list[Any] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(frame)))
    page.goto(server + PATH)
    ready(page, settled)
    page.mouse.move(*spot(page, 0.5, 0.5))
    page.wait_for_timeout(300)
    before, seen = len(frames), []
    assert before > 0
    for across, up in ((0.3, 0.4), (0.45, 0.6), (0.6, 0.3), (0.7, 0.7)):
        page.mouse.move(*spot(page, across, up), steps=4)
        page.wait_for_timeout(120)
        seen.append(pixels(page, "cursor"))
        np.testing.assert_allclose(seen[-1], decoded(where(page, "cursor")), atol=0.03)  # the place has two decimals
    assert all(np.abs(one - other).max() > 0.1 for one, other in pairwise(seen))
    page.wait_for_timeout(300)
    assert len(frames) == before


def test_the_map_follows_however_many_views_were_looked_at(opened: Opened, settled: Settled) -> None:
    page = opened(PATH)
    seen = set()
    for number in range(8):
        count = page.get_by_role("spinbutton", name="Number of points")
        before = page.locator("canvas.map").get_attribute("data-ready") or ""
        count.fill(str(1000 + 100 * number))
        count.press("Enter")
        expect(page.locator("canvas.map[data-ready]")).not_to_have_attribute("data-ready", before, timeout=30_000)
        seen.add(page.locator("canvas.map").get_attribute("data-ready"))
    assert len(seen) == 8


def test_a_click_fills_the_inputs_and_typing_moves_the_marker(opened: Opened, settled: Settled) -> None:
    page = opened(PATH)
    page.mouse.click(*spot(page, 0.62, 0.55))
    page.wait_for_url(lambda url: "z1=" in url and "z2=" in url)
    settled(page)
    clicked = float(query(page)["z1"]), float(query(page)["z2"])
    typed = page.get_by_label("Place: z₁")
    assert float(typed.input_value()) == pytest.approx(clicked[0], abs=0.006)
    assert where(page, "fixed") == pytest.approx(clicked, abs=0.006)
    typed.fill("0.25")
    typed.press("Enter")
    page.wait_for_url(lambda url: "z1=0.25" in url)
    settled(page)
    expect(page.locator("figure.fixed .where")).to_contain_text("(0.25,")
    place = float(query(page)["z1"]), float(query(page)["z2"])
    np.testing.assert_allclose(pixels(page, "fixed"), decoded(place), atol=0.5 / 255 + 1e-4)


def test_the_keyboard_goes_everywhere(opened: Opened, settled: Settled) -> None:
    page = opened(PATH)
    canvas = page.locator("canvas.map")
    canvas.focus()
    begun = where(page, "fixed")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    moved = where(page, "cursor")
    assert moved[0] > begun[0] and moved[1] > begun[1]
    expect(page.locator(".live")).to_contain_text("log q")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "z1=" in url and "z2=" in url)
    settled(page)
    assert (float(query(page)["z1"]), float(query(page)["z2"])) == pytest.approx(moved, abs=0.006)


def test_a_lasso_counts_classes_and_a_link_shows_it_again(opened: Opened, server: str, settled: Settled) -> None:
    page = opened(PATH + "&z1=0.5&z2=-0.25&seed=2&n=600")
    page.mouse.move(*spot(page, 0.35, 0.35))
    page.mouse.down()
    for corner in ((0.7, 0.35), (0.7, 0.75), (0.35, 0.75)):
        page.mouse.move(*spot(page, *corner), steps=5)
    page.mouse.up()
    page.wait_for_url(lambda url: "region=" in url)
    settled(page)
    expect(page.get_by_role("heading", name="What lies in the region?")).to_be_visible()
    legend = page.locator("ul.legend").inner_text()
    counts = [word.split(": ")[1].split(" / ") for word in legend.splitlines() if " / " in word]
    assert len(counts) == 10 and sum(int(of) for _, of in counts) == 600
    inside = sum(int(one) for one, _ in counts)
    assert 0 < inside < 600
    expect(page.get_by_text(f"{inside} of 600", exact=False).first).to_be_visible()
    again = page.context.new_page()
    again.goto(page.url)
    ready(again, settled)
    assert again.locator("ul.legend").inner_text() == legend
    assert where(again, "fixed") == (0.5, -0.25)
    again.close()


def test_an_upload_lands_where_the_encoder_puts_it(opened: Opened, settled: Settled) -> None:
    page = opened(PATH)
    ink = np.zeros((8, 8), np.uint8)
    ink[1:7, 3:5] = 255
    file = io.BytesIO()
    Image.fromarray(ink).save(file, "PNG")
    page.locator("input[type=file]").set_input_files(
        {"name": "one.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    with torch.no_grad():
        z = load("digits-2d-vamp").vae.posterior(torch.from_numpy(ink.ravel() / 255).float()[None]).mean[0].tolist()
    page.get_by_text("It lands at").wait_for()
    expect(page.get_by_text("the star in the map")).to_contain_text(f"({z[0]:.2f}, {z[1]:.2f})".replace("-", "−"))
    page.get_by_role("button", name="Go there").click()
    page.wait_for_url(lambda url: "z1=" in url and "z2=" in url)
    assert (float(query(page)["z1"]), float(query(page)["z2"])) == pytest.approx(z, abs=0.006)
    settled(page)
    page.locator("input[type=file]").set_input_files(
        {"name": "bad.npz", "mimeType": "application/zip", "buffer": b"hello"}
    )
    expect(page.get_by_text("This image cannot be used")).to_be_visible()
