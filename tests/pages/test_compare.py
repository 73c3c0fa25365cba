"""The page that compares models: what stands in one table, what does not, and one selection in all panels."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.per_image import file_of
from tests.pages.test_pages import charts, words
from tests.pages.zoo import tiny_data, trained

Open = Callable[..., AppTest]
PAGE = "compare"
THREE = ["vamp", "standard", "maf"]


def chosen(open_page: Open, names: list[str], **query: str) -> AppTest:
    app = open_page(PAGE, models=names, **query)
    assert not app.exception and not app.error
    return app


def lines(app: AppTest) -> list[str]:
    """Names of the lines of the table."""
    return [name.replace("\\", "") for name in app.table[0].value.iloc[:, 0]]


def test_the_standard_prior_comes_first_and_the_others_are_compared_with_it(open_page: Open) -> None:
    app = chosen(open_page, THREE)
    assert list(app.table[0].value.columns) == ["measure", "Standard normal", "VampPrior", "MAF"]
    gains = charts(app)[0]
    assert gains["layout"]["yaxis"]["ticktext"] == ["VampPrior", "MAF"]
    assert "gained over Standard normal" in gains["layout"]["xaxis"]["title"]["text"]
    assert "taken image by image" in words(app) and "n = 40, seed 0" in words(app)
    app.selectbox(key="against").set_value("maf").run()
    assert list(app.table[0].value.columns)[1] == "MAF"


def test_what_is_bold_is_beyond_two_standard_errors(open_page: Open) -> None:
    rows = chosen(open_page, THREE).table[0].value
    cells = [cell for _, row in rows.iterrows() if row.iloc[0] == "… difference" for cell in row.iloc[2:] if cell]
    assert len(cells) >= 8 and any(cell.startswith("**") for cell in cells)
    for cell in cells:
        value, error = (float(part) for part in re.findall(r"[\d.]+", cell.replace("\\", ""))[:2])
        assert cell.startswith("**") == (value > 2 * error) or abs(value - 2 * error) < 0.02, cell


def test_a_model_alone_gets_company_of_its_kind(open_page: Open) -> None:
    app = chosen(open_page, ["three-d"])
    names = list(app.table[0].value.columns)[1:]
    assert set(names) >= {"Standard normal", "MAF", "Gaussian, full covariance"} and len(names) == 4
    assert "a flow's density in a plane" in str(charts(app)[1]["layout"]["annotations"])


def test_one_that_is_alone_of_its_kind(open_page: Open) -> None:
    app = chosen(open_page, ["grey"])
    assert "There is no other model of these images yet" in words(app)
    assert "log p(x), exact, nats" in lines(app) and "… difference" not in lines(app)


@pytest.mark.parametrize(
    ("other", "reason"),
    [("grey", "its data set is freyfaces, not digits"), ("unlabelled", "its data set is npz:own.npz, not digits")],
)
def test_other_images_never_stand_in_the_table(open_page: Open, other: str, reason: str) -> None:
    app = chosen(open_page, ["standard", other, "vamp"])
    assert reason in words(app)
    assert list(app.table[0].value.columns) == ["measure", "Standard normal", "VampPrior"]


def test_models_that_lack_something(open_page: Open) -> None:
    app = chosen(open_page, ["standard", "posterior-iaf", "unevaluated", "no-latents"])
    assert "q(z) is no mixture of Gaussians" in words(app) and "holds no latents" in words(app)
    assert "core evaluate unevaluated" in words(app)
    assert "Mixture of Gaussians" in app.table[0].value.columns, "what is not evaluated keeps its column"
    latent = charts(app)[1]
    assert {trace.get("xaxis", "x") for trace in latent["data"]} == {"x", "x2", "x3", "x4"}, "two of four have a panel"


def test_models_of_other_dimensions_share_the_table_and_not_the_noise(open_page: Open) -> None:
    app = chosen(open_page, ["standard", "three-d"])
    assert list(app.table[0].value.columns) == ["measure", "Standard normal, d = 2", "Standard normal, d = 3"]
    assert "share the seed, not the noise" in words(app)


def test_a_box_selects_the_same_images_in_every_panel(open_page: Open) -> None:
    app = chosen(open_page, THREE, lasso="-9 9 -9 9", lasso_in="VampPrior")
    assert "**40 of 40** images lie in the selection in VampPrior" in words(app).replace("\\", "")
    found = re.search(r"(left|top): (\d+) / (\d+)", words(app).replace("\\", ""))
    assert found is not None and found[2] == found[3]
    app = chosen(open_page, THREE, lasso="0 9 -9 9", lasso_in="VampPrior")
    points = [trace for trace in charts(app)[1]["data"] if trace.get("customdata") and trace["type"] == "scattergl"]
    assert len(points) == 3
    assert len({str(trace["customdata"]) for trace in points}) == 1, "the same images in the same order"
    assert len({str(trace["marker"]["opacity"]) for trace in points}) == 1
    assert "the first of the selection" in words(app)


def test_a_selection_goes_with_the_panel_that_it_was_drawn_in(open_page: Open) -> None:
    app = chosen(open_page, THREE, lasso="-9 9 -9 9", lasso_in="VampPrior")
    app.multiselect(key="models").set_value([name for name in THREE if name != "vamp"]).run()
    assert not app.exception and not app.text_input(key="lasso").value and "lie in the selection" not in words(app)


def test_the_posterior_of_one_image_is_outlined_everywhere(open_page: Open) -> None:
    app = chosen(open_page, THREE, row="7")
    ellipses = [trace for trace in charts(app)[1]["data"] if trace["name"] == "q(z|x) of the chosen image"]
    assert {trace["xaxis"] for trace in ellipses} == {"x", "x2", "x3"}
    assert "rows 7, " in words(app) and "the chosen one, then at random" in words(app)


def test_a_row_that_is_not_there(open_page: Open) -> None:
    app = chosen(open_page, THREE, row="4000")
    assert "The posterior of image 4,000 is not stored" in words(app).replace("\\", "")


def test_a_selection_that_is_none(open_page: Open) -> None:
    app = open_page(PAGE, models=THREE, lasso="here and there")
    assert not app.exception and "A region is four numbers" in app.error[0].value


def test_neighbours_stand_beside_chance(open_page: Open) -> None:
    app = chosen(open_page, ["standard", "vamp"])
    assert "Unrelated spaces would share 26 %" in words(app)
    shown = app.table[1].value
    assert shown.iloc[0, 2] == shown.iloc[1, 1] and "±" in shown.iloc[0, 2]


def test_an_address_that_names_what_is_shown_anyway_is_followed(open_page: Open) -> None:
    app = chosen(open_page, ["vamp", "maf"], against="MAF", lasso="-1 1 -1 1", lasso_in="MAF")
    assert not app.warning and app.selectbox(key="lasso_in").value == "maf"
    app = chosen(open_page, ["vamp", "maf"], against="Nobody")
    assert "against=Nobody" in app.warning[0].value and "VampPrior" in app.warning[0].value


def test_a_model_that_is_gone_is_not_compared_with(open_page: Open) -> None:
    app = chosen(open_page, THREE)
    app.selectbox(key="against").set_value("maf").run()
    app.multiselect(key="models").set_value(["three-d", "three-d-gaussian"]).run()
    assert not app.exception and app.selectbox(key="against").value == "three-d"
    app.run()
    assert list(app.table[0].value.columns)[1] == "Standard normal"


def test_values_of_another_evaluation_are_not_paired(open_page: Open, tmp_path: Path) -> None:
    data = tiny_data()
    for name in ("standard", "vamp"):
        trained(tmp_path, name, name, data)
    file_of(tmp_path / "vamp", "test").write_bytes(file_of(tmp_path / "standard", "test").read_bytes())
    app = open_page(PAGE, root=tmp_path, models=["standard", "vamp"])
    assert not app.exception and "differences are not paired" in words(app) and "another evaluation" in words(app)


def test_the_numbers_leave_as_csv(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, Callable[[], str]] = {}
    monkeypatch.setattr("pages._ui.downloads.keep", lambda tables, name: kept.update(tables))
    chosen(open_page, THREE)
    rows = list(csv.DictReader(io.StringIO(kept["Differences"]())))
    assert {line["model"] for line in rows} == set(THREE) and {line["compared with"] for line in rows} == {"standard"}
    own = next(line for line in rows if line["model"] == "standard" and line["measure"] == "elbo")
    assert float(own["difference"]) == 0 and own["paired"] == "True"
    assert len(list(csv.reader(io.StringIO(kept["Codes"]())))) == 41
