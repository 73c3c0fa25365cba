"""The page of results: what stands in a table, what is said where there is no number, and what Home makes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.results_records import ResultGroup
from pages._ui import results
from tests.pages.test_pages import charts, words
from tests.pages.zoo import tiny_data, trained

Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two comparable models, one with grey images, one not measured, and recipes of some that are not there."""
    folder = tmp_path_factory.mktemp("results")
    data = tiny_data()
    for name, prior in (("a", "standard"), ("b", "vamp")):
        trained(folder, name, prior, data)
    trained(folder, "unmeasured", "mog", data, evaluated=False)
    trained(folder, "grey", "standard", tiny_data("freyfaces", "logistic"), dim=3)
    (folder / "zoo.toml").write_text("[models]\nfashion = '--dataset fashion_mnist --latent-dim 40'\n")
    return folder


def cells(app: AppTest) -> str:
    told = " ".join(" ".join(map(str, table.value.to_numpy().ravel())) for table in app.table)
    return told.replace("\\", "").replace("\N{NO-BREAK SPACE}", " ")


def test_every_model_has_its_number_or_the_reason_and_its_command(open_page: Open, root: Path) -> None:
    app = open_page("results", root=root, group="all data sets")
    assert not app.exception and not app.error
    told = cells(app)
    assert "not trained yet" in told and "228.70 ± 0.15" in told and "evaluate unmeasured --save" in told
    assert [chart["layout"]["xaxis"]["title"]["text"] for chart in charts(app)] == [
        "−log p(x), bits per dimension: lower is better",
        "−log p(x), nats per image: lower is better",
    ]
    assert any("train --name fashion --dataset fashion_mnist" in code.value for code in app.code)
    assert "n = 0" not in words(app), "what is not measured has no number of images"


def test_two_own_data_sets_of_one_name_are_two_groups() -> None:
    found = [ResultGroup(f"npz:/{place}/teeth.npz", "fixed", "bernoulli", 2, 40, 0, (), ()) for place in "ab"]
    assert list(results.keyed(found)) == ["teeth-2-fixed-40", "teeth-2-fixed-40-2"]
    assert list(results.keyed(found).values()) == found


def test_one_data_set_at_a_time_or_all(open_page: Open, root: Path) -> None:
    app = open_page("results", root=root)
    picker = app.selectbox(key="group")
    assert len(picker.options) == 4 and picker.options[-1] == "all data sets" and len(app.header) == 1
    others = []
    for title in picker.options:
        app.selectbox(key="group").set_value(title).run()
        assert not app.exception
        others.append([head.value for head in app.header])
    assert others[3] == [head for one in others[:3] for head in one] and len(set(others[3])) == 3
    assert not open_page("results", root=root, group="nonsense").exception


def test_a_recipe_file_that_cannot_be_read_is_told_and_the_models_stay(
    open_page: Open, root: Path, tmp_path: Path
) -> None:
    trained(tmp_path, "a", "standard", tiny_data())
    (tmp_path / "zoo.toml").write_text("[models]\na = '--no-such-flag'\n")
    app = open_page("results", root=tmp_path)
    assert not app.exception and len(charts(app)) == 1
    assert "no-such-flag" in words(app)


def test_home_tells_what_priors_gain_and_nothing_where_there_is_none(
    open_page: Open, root: Path, tmp_path: Path
) -> None:
    app = open_page("home", root=root)
    assert not app.exception
    figure = next(chart for chart in charts(app) if "xaxis4" in chart["layout"])
    assert figure["layout"]["yaxis"]["ticktext"][1:] == ["VampPrior"]
    trained(tmp_path, "alone", "vamp", tiny_data())
    alone = open_page("home", root=tmp_path)
    assert not alone.exception and not any("xaxis4" in chart["layout"] for chart in charts(alone))


def test_a_name_in_a_table_leads_to_the_card_of_the_model(open_page: Open, root: Path) -> None:
    app = open_page("results", root=root, group="all data sets")
    first = [str(cell) for table in app.table for cell in table.value.iloc[:, 0]]
    assert first.count("[a](model_card?models=a)") == 2 and "fashion" in first, "one that is not there leads nowhere"
    card = open_page("model_card", root=root, models="a")
    assert not card.exception and "checkpoints/a." in words(card)
