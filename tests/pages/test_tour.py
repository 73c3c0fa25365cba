"""The guided tour: every step over the small models and over the shipped ones, with models missing, and its links."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from core.tour import FIRST
from tests.pages.addresses import PAGES, said
from tests.pages.zoo import FLOW_POSTERIORS

Open = Callable[..., AppTest]
SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"
STEPS = range(1, 9)
NUMBER = re.compile(r"\d ± \d|\d % \[|\d ms \[")
NEEDED = {1: (), 2: (), 3: (), 4: (), 5: ("mog", "vamp"), 6: ("realnvp",), 7: ("iaf", "realnvp"), 8: ("vamp",)}
"""Parts beside N(0, I) that a step asks for."""


def head(app: AppTest) -> str:
    return next(one.value for one in app.header if re.match(r"\d\. ", one.value))


def answers(app: AppTest) -> list[str]:
    """What stands between the question and the figure, as a person reads it."""
    return [one.value.replace("\\", "") for one in app.markdown if re.match(r"([^*]*: )?\*\*", one.value)]


def walked(app: AppTest) -> Iterator[tuple[int, AppTest]]:
    """All steps of one visit; every one must be free of errors."""
    for step in STEPS:
        app.segmented_control(key="step").set_value(step).run()
        assert not app.exception, (step, app.exception[0].value)
        yield step, app


def check(step: int, app: AppTest) -> None:
    """A question, its answer in numbers with their errors, one figure, the null, the formula and a way on."""
    assert not app.warning, step
    assert head(app).startswith(f"{step}. ") and head(app).endswith("?")
    assert f"Question {step} of 8" in [one.proto.text for one in app.get("progress")]
    assert len(app.get("plotly_chart")) == (2 if step == 5 else 1), step
    told, null = answers(app)[:-1], answers(app)[-1]
    assert told and all(NUMBER.search(answer) for answer in told), (step, told)
    assert null.startswith("**If there were no difference:**")
    assert app.get("expander") and "In the lecture: *" in said(app) and app.get("latex")
    assert any("See it in full" in link.proto.label for link in app.get("page_link"))


def test_every_step_over_small_models(open_page: Open) -> None:
    for step, app in walked(open_page("tour", warm=True)):
        check(step, app)


def test_every_step_over_the_shipped_models_needs_nothing_more_and_is_quick(open_page: Open) -> None:
    for step, app in walked(open_page("tour", root=SHIPPED, warm=True)):
        check(step, app)
        assert not app.info, (step, app.info[0].value)
        assert any(answer.startswith("MNIST, d = 40") for answer in answers(app)), step
        assert min(map(seconds, [app] * 2)) < 1, step


def seconds(app: AppTest) -> float:
    """Of the processor to draw the page again: those of a clock would be those of other tests as well."""
    start = time.process_time()
    app.run()
    return time.process_time() - start


@pytest.fixture
def few(zoo: Path, tmp_path: Path) -> Callable[..., Path]:
    """A folder with some of the small models."""

    def copied(*names: str) -> Path:
        for name in names:
            shutil.copytree(zoo / name, tmp_path / name)
        return tmp_path

    return copied


def test_what_is_missing_is_named_with_its_command(open_page: Open, few: Callable[..., Path]) -> None:
    for step, app in walked(open_page("tour", root=few("standard"), warm=True)):
        told = " ".join(one.value for one in app.info)
        for key in NEEDED[step]:
            assert re.search(rf"`python -m core train --dataset digits .*{key}", told), (step, key)
        assert bool(told) is bool(NEEDED[step]), step


@pytest.mark.parametrize("kind", ["vamp", "unlabelled", FLOW_POSTERIORS[0]])
def test_without_the_first_model_a_step_says_how_to_train_it(
    open_page: Open, few: Callable[..., Path], kind: str
) -> None:
    app = open_page("tour", root=few(kind), step="5", warm=True)
    assert not app.exception and not app.get("plotly_chart")
    assert "python -m core train --dataset digits --prior standard --latent-dim 2" in app.info[0].value


@pytest.mark.parametrize(
    ("kind", "step", "command"),
    [("no-latents", 1, ""), ("no-latents", 2, ""), ("no-latents", 4, "ladder no-latents")],
)
def test_a_model_that_lacks_something_says_what(
    open_page: Open, few: Callable[..., Path], kind: str, step: int, command: str
) -> None:
    app = open_page("tour", root=few(kind), step=str(step), warm=True)
    assert not app.exception
    told = " ".join(one.value for one in app.info)
    assert f"python -m core {command}" in told if command else "no latents" in told


def test_models_that_were_not_evaluated_say_so(open_page: Open, few: Callable[..., Path]) -> None:
    root = few("standard", "mog", "vamp", "realnvp")
    for name in ("standard", "mog", "vamp", "realnvp"):
        (root / name / "metrics.json").unlink()
        (root / name / "per_image-test.safetensors").unlink()
    for step, app in walked(open_page("tour", root=root, warm=True)):
        assert step == 4 or "python -m core evaluate" in said(app), step


def test_a_ladder_that_cannot_be_used_is_told(open_page: Open, few: Callable[..., Path]) -> None:
    root = few("standard")
    (root / "standard" / "ladder.json").write_text("{}")
    app = open_page("tour", root=root, step="4", warm=True)
    assert not app.exception and not app.get("plotly_chart")
    assert "The ladder of standard cannot be used" in app.info[0].value


@pytest.mark.parametrize("asked", ["0", "9", "-1", "2.5", "abc", "1e99", "<b>3</b>"])
def test_a_step_that_is_none_falls_back_to_the_first(open_page: Open, asked: str) -> None:
    app = open_page("tour", step=asked, warm=True)
    assert not app.exception and head(app).startswith("1. ")
    assert "step=" in app.warning[0].value


def test_an_empty_step_is_the_first(open_page: Open) -> None:
    app = open_page("tour", step="", warm=True)
    assert not app.exception and head(app).startswith("1. ")


def test_the_buttons_walk_through_all_steps_and_rest_at_the_ends(open_page: Open) -> None:
    app = open_page("tour", warm=True)
    assert app.button(key="tour-back").disabled
    seen = [head(app)]
    for _ in range(7):
        app.button(key="tour-next").click().run()
        seen.append(head(app))
    assert [text[:2] for text in seen] == [f"{k}." for k in STEPS] and len(set(seen)) == 8
    assert app.button(key="tour-next").disabled and app.query_params["step"] == "8"
    app.button(key="tour-back").click().run()
    assert head(app) == seen[6]
    app.segmented_control(key="step").set_value(3).run()
    assert head(app) == seen[2]
    shortcuts = [app.button(key=f"tour-{name}").proto.shortcut for name in ("back", "next")]
    assert shortcuts == ["left", "right"]


@pytest.mark.parametrize("root", [None, pytest.param(SHIPPED, marks=pytest.mark.slow)], ids=["small", "shipped"])
def test_every_link_leads_to_a_page_that_shows_its_models(open_page: Open, root: Path | None) -> None:
    tour = open_page("tour", root=root, warm=True)
    links = {(link.proto.page, link.proto.query_string) for _, app in walked(tour) for link in app.get("page_link")}
    assert len(links) >= 10
    for page, text in sorted(links):
        query = parse_qs(text)
        assert page in PAGES
        there = open_page(page, root=root, warm=True, **query)
        assert not there.exception, (page, text)
        assert not there.warning, (page, text, [one.value for one in there.warning])
        if "show" in query:
            assert there.session_state["models"] == query["show"]
        shown = {name: str(there.session_state[name]).lower() for name in query if name != "show"}
        assert all(value == query[name][0].lower() for name, value in shown.items()), (page, text)


def test_the_tour_can_be_walked_on_another_data_set(open_page: Open) -> None:
    app = open_page("tour", root=SHIPPED, step="2", tour_data="MNIST", warm=True)
    assert not app.exception and not app.warning
    assert answers(app)[0].startswith("MNIST, d = 2: ")
    app.segmented_control(key="tour_data").set_value(FIRST).run()
    assert answers(app)[0].startswith("Digits, d = 2: ")


def test_home_leads_to_the_tour(open_page: Open) -> None:
    links = {link.proto.label: link.proto.page for link in open_page("home", warm=True).get("page_link")}
    assert links["New here? Take the tour: eight questions"] == "tour"
