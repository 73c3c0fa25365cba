"""The guide to the numbers, as a page, and the links that lead to it from every page with figures."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.reading import DIFFERENCES, GUIDE, anchor_of, guide
from tests.pages.addresses import PAGES, Open, arriving, nodes, said

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_FORMULA = {"your_data": "it hands files over and measures nothing", "reading": "it is what is linked to"}
MODELS = {"variational_posterior": "standard", "pseudo_inputs": "vamp"}


@pytest.fixture
def arrive(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    return arriving(zoo, monkeypatch)


def anchors_asked(source: str) -> list[str]:
    """What is given to ``reading.link`` in a source."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    given = [arg for call in calls if ast.unparse(call.func) == "reading.link" for arg in call.args]
    steps = [call for call in calls if ast.unparse(call.func) == "Step"]  # of the tour: their anchors come last
    given += [anchor for call in steps if isinstance(call.args[-1], ast.Tuple) for anchor in call.args[-1].elts]
    known = {"reading.DIFFERENCES": DIFFERENCES}
    return [str(arg.value) if isinstance(arg, ast.Constant) else known[ast.unparse(arg)]
            for arg in given if not isinstance(arg, ast.Starred)]  # fmt: skip


def shown_anchors(app: AppTest) -> list[str]:
    return [element.proto.anchor for element in app.get("header")]


def test_the_guide_is_read_as_it_is_written() -> None:
    found = guide()
    assert len(found.numbers) == GUIDE.read_text("utf-8").count("\n|") - 2
    names = {number.anchor: number for number in found.numbers}
    assert len(names) == len(found.numbers), "an anchor twice"
    assert names["marginal-kl"].what.startswith("KL(q(z) ‖ p(z))")
    assert "log p(x|z)" in names["reconstruction"].what and "\\|" not in names["reconstruction"].what
    assert "paired" in found.below and "standard error" in found.above


@pytest.mark.parametrize("text", ["", "# A\n\nno table", "# A\n|a|b|\n|-|-|\n|1|2|", "# A\n|a|\n|-|\nx\n|1|"])
def test_a_guide_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "g.md").write_text(text)
    with pytest.raises(ValueError, match=r"guide|must hold"):
        guide(tmp_path / "g.md")
    with pytest.raises(ValueError, match="cannot be read"):
        guide(tmp_path / "none.md")


def test_the_page_shows_every_number_under_its_anchor(arrive: Open) -> None:
    app = arrive("reading")
    assert not app.exception
    assert shown_anchors(app) == [*(number.anchor for number in guide().numbers), DIFFERENCES]
    for number in guide().numbers:
        assert number.fooled in said(app), number.name
        assert f"(#{number.anchor})" in said(app)


def test_whatever_is_linked_is_there(arrive: Open) -> None:
    there = set(shown_anchors(arrive("reading")))
    asked = {file: anchors_asked(file.read_text("utf-8")) for file in (ROOT / "pages").rglob("*.py")}
    assert {file.stem.removesuffix("_steps") for file in asked if asked[file]} >= {*PAGES} - {*WITHOUT_FORMULA}
    assert {anchor for anchors in asked.values() for anchor in anchors} <= there
    for file in ROOT.rglob("*.md"):
        if ".venv" not in file.parts:
            for anchor in re.findall(r"/reading#([\w-]+)", file.read_text("utf-8")):
                assert anchor in there, file


@pytest.mark.parametrize("page", [page for page in PAGES if page not in WITHOUT_FORMULA])
def test_every_page_has_its_formula_and_leads_to_its_numbers(arrive: Open, page: str) -> None:
    app = arrive(page, models=MODELS.get(page, "recorded"))
    assert not app.exception
    folded = [node for node in nodes(app._tree) if node.type == "expander" and node.label.startswith("How is")]
    inside = [child for node in folded for child in nodes(node)]
    assert any(child.type == "latex" for child in inside), "no formula"
    words = " ".join(child.value for child in inside if child.type == "markdown")
    linked = re.findall(r"\(reading#([\w-]+)\)", words)
    assert linked and set(linked) <= {DIFFERENCES, *(number.anchor for number in guide().numbers)}


def test_names_of_the_guide_have_anchors() -> None:
    assert anchor_of("information I(n; z)") == "information-i-n-z" and anchor_of("time [quartiles]") == "time-quartiles"
