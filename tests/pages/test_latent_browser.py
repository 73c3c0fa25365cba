"""The latent browser on the server's side: ways that were asked for, places, and what is said where nothing can be."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.checkpoint import checkpoint_root
from tests.pages.test_pages import words

Open = Callable[..., AppTest]
PAGE = "latent_browser"


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("vamp", {"z1": "0.5", "z2": "0.25", "end1": "-1", "end2": "0"}),
        ("three-d-maf", {"across": "0.5", "up": "0.25", "end1": "-1", "end2": "0"}),
        ("posterior-three-d", {"end1": "-1", "end2": "0"}),
    ],
)
def test_a_way_to_an_end_that_was_set(open_page: Open, kind: str, query: dict[str, str]) -> None:
    app = open_page(PAGE, models=kind, **query)
    assert not app.exception
    said = words(app)
    assert "to the end that was set." in said and "Along the prior, the way" in said


def test_a_way_does_not_follow_a_place_until_its_end_is_set(open_page: Open) -> None:
    """Or three ways and their pictures are made anew with every click in the map."""
    said = {words(open_page(PAGE, models="vamp", **query)) for query in ({}, {"z1": "1", "z2": "0.5"})}
    ways = {re.findall(r"From .*? to .*?\. ", each)[0] for each in said}
    assert len(said) == 2 and len(ways) == 1 and ways.pop().count("the code of test image") == 2


def test_a_region_counts_and_another_seed_forgets_it(open_page: Open) -> None:
    app = open_page(PAGE, models="vamp", region="-9 9 -9 9")
    assert not app.exception and "Ellipses in the map" in words(app)
    app.number_input(key="seed").set_value(5).run()
    assert not app.exception and "Ellipses in the map" not in words(app)


@pytest.mark.parametrize("colour", ["log q", "log p", "log q − log p"])
@pytest.mark.parametrize("kind", ["vamp", "three-d-maf"])
def test_every_colour(open_page: Open, kind: str, colour: str) -> None:
    app = open_page(PAGE, models=kind, colour=colour)
    assert not app.exception and app.selectbox(key="colour").value != "label"


@pytest.mark.parametrize(("kind", "reason"), [("no-latents", "holds no latents"), ("one-d", "one")])
def test_a_model_that_cannot_be_browsed_says_why(open_page: Open, kind: str, reason: str) -> None:
    app = open_page(PAGE, models=kind)
    assert not app.exception and reason in " ".join(one.value for one in app.warning)


def test_an_image_without_a_code_is_said(open_page: Open) -> None:
    app = open_page(PAGE, models="three-d", base="7")
    assert not app.exception and "code of image 7" in words(app)


@pytest.mark.parametrize("base", ["7", ""])
def test_where_an_image_is_encoded_its_own_posterior_is_left_out(open_page: Open, base: str) -> None:
    app = open_page(PAGE, root=checkpoint_root(), models="mnist-40d-vamp", **({"base": base} if base else {}))
    assert not app.exception and "No draw comes here" not in words(app)
    assert ("and so is that of the image encoded here, which adds" in words(app)) is bool(base)
