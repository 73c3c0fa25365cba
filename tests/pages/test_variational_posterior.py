"""The page of single images' posteriors: with the data set, without it, and over addresses that somebody mistyped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.checkpoint import load
from core.datasets import DataError
from core.figures.ready import ready
from core.latents import cloud
from pages._ui import cache_posterior, cache_store, posterior
from tests.pages.test_pages import charts, words
from tests.pages.zoo import tiny_data, trained

Open = Callable[..., AppTest]
PAGE = "variational_posterior"


@pytest.fixture
def with_images(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("core.gallery.data_of", lambda *_, **__: tiny_data())
    cache_store.clear()
    yield
    cache_store.clear()  # the images are kept by digest


@pytest.mark.usefixtures("with_images")
def test_both_posteriors_of_one_image_and_whose_fault_the_gap_is(open_page: Open) -> None:
    app = open_page(PAGE, models="maf", row="7")
    assert not app.exception and not app.error
    text = words(app)
    assert "Row 7" in text and "seed 0" in text
    assert "The best single Gaussian would be" in text and "0 within its noise" in text
    drawn = json.dumps(charts(app)[0], ensure_ascii=False)
    assert "p(z|x)" in drawn and "q(z|x)" in drawn
    assert "with the flow in the posterior and in the decoder" in text and "another model" in text


@pytest.mark.usefixtures("with_images")
def test_a_flow_posterior_stands_beside_the_gaussian_one_of_the_same_prior(open_page: Open) -> None:
    app = open_page(PAGE, models="posterior-iaf", row="0")
    assert not app.exception
    assert "IAF posterior" in words(app) and "Gaussian posterior" in words(app)


@pytest.mark.usefixtures("with_images")
def test_a_model_whose_numbers_are_none_is_named_and_the_others_are_shown(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = cache_posterior.image_posterior

    def some(name: str, *question: Any) -> Any:
        if name == "posterior-iaf":
            raise FloatingPointError("the decoder gives this image a probability that is no number")
        return real(name, *question)

    monkeypatch.setattr(cache_posterior, "image_posterior", some)
    app = open_page(PAGE, models="posterior-iaf", row="0")
    assert not app.exception and len(app.error) == 1
    assert "IAF posterior: the decoder gives this image a probability that is no number" in app.error[0].value
    assert "Gaussian posterior: the bound lies" in words(app) and charts(app)


@pytest.mark.usefixtures("with_images")
def test_a_row_that_there_is_not_falls_back_and_says_so(open_page: Open) -> None:
    app = open_page(PAGE, models="vamp", row="4000")
    assert not app.exception
    assert "There is no row 4,000: the split has 40 images" in words(app)


@pytest.mark.usefixtures("with_images")
def test_what_the_loosest_images_ask_for_is_made_ahead(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(posterior.ahead, "ask", lambda *question: asked.append(question))
    app = open_page(PAGE, models="posterior-iaf", seed="3")
    offered = {int(key.removeprefix("loosest-")) for key in [button.key or "" for button in app.button] if "loo" in key}
    assert not app.exception and offered
    integrals = [rest for function, *rest in asked if function is cache_posterior.image_posterior]
    assert {(name, row, seed) for name, _, row, seed in integrals} >= {("posterior-iaf", row, 3) for row in offered}
    assert len({name for name, *_ in integrals}) > 1, "of the models beside it too"
    pictures = [rest for function, *rest in asked if function is cache_posterior.panels]
    assert {(row, seed) for _, row, seed in pictures} == {(row, 3) for row in offered}
    shown = []
    monkeypatch.setattr(posterior, "ready", lambda build, *of: shown.append(ready(build, *of)) or shown[-1])
    app.button(key=f"loosest-{pictures[1][1]}").click().run()
    assert not app.exception
    assert shown[-1].to_dict() is cache_posterior.panels(*pictures[1]).to_dict(), "the picture itself, not one like it"


@pytest.mark.usefixtures("with_images")
def test_two_models_of_one_posterior_have_their_own_names(open_page: Open, zoo: Path, tmp_path: Path) -> None:
    for name, source in (("standard", "standard"), ("one", "posterior-iaf"), ("two", "posterior-iaf")):
        shutil.copytree(zoo / source, tmp_path / name)
    app = open_page(PAGE, tmp_path, models="standard")
    assert not app.exception
    assert "IAF posterior, one:" in words(app) and "IAF posterior, two:" in words(app)
    assert "- Gaussian posterior:" in words(app)


def test_an_image_whose_posterior_is_not_stored(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tiny_data()
    monkeypatch.setattr("tests.pages.zoo.cloud", partial(cloud, limit=10))
    trained(tmp_path, "few", "standard", data)
    monkeypatch.setattr("core.gallery.data_of", lambda *_, **__: data)
    stored = load("few", tmp_path).latents
    assert stored is not None and len(stored) == 10
    missing = next(row for row in range(40) if row not in stored.split_rows())
    app = open_page(PAGE, tmp_path, models="few", row=str(missing))
    cache_store.clear()
    assert not app.exception and f"Row {missing};" in words(app)


def test_without_the_data_set_the_page_says_what_is_missing(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> None:
        raise DataError("not here")

    monkeypatch.setattr("core.gallery.data_of", absent)
    cache_store.clear()
    app = open_page(PAGE, models="maf")
    cache_store.clear()
    assert not app.exception
    assert "not here" in words(app) and "python -m core data digits" in words(app)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("three-d", "needs two latent dimensions; this model has 3"),
        ("one-d", "needs two latent dimensions; this model has 1"),
        ("no-latents", "holds no latents"),
        ("latents", "without a decoder"),
    ],
)
def test_a_model_without_drawable_posteriors_says_why(open_page: Open, kind: str, says: str) -> None:
    app = open_page(PAGE, models=kind)
    assert not app.exception
    assert says in words(app) and not charts(app)
