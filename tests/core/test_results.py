"""The results: what may stand in one table, what is said of it, and that the committed file is what is written."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from core import results_words
from core.checkpoint import checkpoint_root
from core.cli import main
from core.comparison import Rise, still_rising
from core.measures_only import folder_of
from core.published import PUBLISHED, published_for
from core.records import CheckpointInfo, Estimate
from core.results import _key, results
from core.results_records import ResultGroup, ResultRow
from core.results_tables import gains_csv, gains_table, group_title, quality_table, results_csv, split_table
from core.results_text import results_markdown
from core.seed_spread import SeedSpread
from core.training_cost import TrainingCost
from tests.core.commands import answer, complaint
from tests.pages.zoo import imported, tiny_data, trained

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models that may and that may not stand together, one broken, one not measured, two not trained."""
    folder = tmp_path_factory.mktemp("results")
    data = tiny_data()
    trained(folder, "a", "standard", data)
    trained(folder, "b", "mog", data)
    trained(folder, "three", "standard", data, dim=3)
    trained(folder, "iaf", "standard", data, posterior="iaf")
    trained(folder, "unmeasured", "vamp", data, evaluated=False)
    trained(folder, "grey", "standard", tiny_data("freyfaces", "logistic"), dim=3)
    fixed = replace(tiny_data(), binarisation="none")
    trained(folder, "other", "standard", fixed)
    imported(folder, "latents", "standard")
    (trained(folder, "broken", "standard", data) / "config.json").write_text("{}")
    lines = ("broken = ''", "later = '--prior maf'", "fashion = '--dataset fashion_mnist --latent-dim 40'", "a = ''")
    (folder / "zoo.toml").write_text("[models]\n" + "\n".join(lines))
    return folder


def test_only_what_may_be_compared_stands_together(root: Path) -> None:
    found = {(group.dataset, group.latent_dim, group.binarisation): group for group in results(root)}
    assert list(found) == [
        ("fashion_mnist", 40, ""), ("freyfaces", 3, "none"), ("digits", 3, "fixed"), ("digits", 2, "fixed"),
        ("digits", 2, "none"),
    ]  # fmt: skip
    names = [row.name for row in found["digits", 2, "fixed"].rows]
    assert names == ["a", "b", "iaf", "broken", "unmeasured", "later"], "simplest first, without numbers last"
    assert not any("latents" in [row.name for row in group.rows] for group in found.values())


@pytest.mark.parametrize(
    "change", [{"data_seed": 1}, {"likelihood": "logistic"}, {"image_shape": (1, 9, 9)}, {"dataset": "other"}]
)
def test_other_images_are_another_group(change: dict) -> None:
    one = CheckpointInfo("a", dataset="m", latent_dim=2, binarisation="dynamic", likelihood="bernoulli",
                         image_shape=(1, 8, 8), data_seed=777)  # fmt: skip
    assert _key(replace(one, name="b"), {"n": 9}) == _key(one, {"n": 9}) != _key(replace(one, **change), {"n": 9})
    assert _key(one, {"n": 8}) != _key(one, {"n": 9})


def test_every_row_says_its_number_or_why_there_is_none(root: Path) -> None:
    group = next(g for g in results(root) if (g.latent_dim, g.binarisation) == (2, "fixed"))
    table = quality_table(group)
    cells = {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    assert cells["a"]["S"] == "exact" and "±" in cells["a"]["−log p(x), nats"]
    assert cells["broken"]["−log p(x), nats"].startswith("cannot be used: config.json")
    assert "evaluate unmeasured --save" in cells["unmeasured"]["−log p(x), nats"]
    assert cells["later"]["−log p(x), nats"] == "not trained yet" and cells["later"]["prior"] == "MAF"
    assert cells["iaf"]["prior"] == "Standard normal, IAF posterior"
    exact = next(row for row in group.rows if row.name == "a")
    assert exact.nll == Estimate(-exact.test["log_likelihood"]["value"], exact.test["log_likelihood"]["se"])
    parts = split_table(group)
    assert parts is not None and [row[0] for row in parts.rows] == ["a", "b", "iaf"]
    fashion = next(group for group in results(root) if group.dataset == "fashion_mnist")
    assert split_table(fashion) is None and "228.70 ± 0.15" in str(quality_table(fashion).rows)


def test_grey_images_are_told_in_bits_per_dimension(root: Path) -> None:
    group = next(group for group in results(root) if group.in_bits)
    row = group.measured[0]
    assert "bits per dimension" in quality_table(group).header
    assert row.per_dimension(row.nll).value == pytest.approx(row.nll.value / (16 * math.log(2)))
    assert not any("bits per dimension" in quality_table(g).header for g in results(root) if not g.in_bits)


def test_the_csv_holds_every_number(root: Path) -> None:
    lines = list(csv.DictReader(io.StringIO(results_csv(results(root)))))
    assert [line["model"] for line in lines if line["source"] == "here"] == ["grey", "three", "a", "b", "iaf", "other"]
    assert sum(line["source"] != "here" for line in lines) == 3
    assert all(float(line["nats"]) and line["standard error"] for line in lines)


def row(name: str = "m", prior: str = "standard", nll: float = 84.0, **more) -> ResultRow:
    test = {"nll": {"value": nll, "se": 0.3}, "samples": 5000, "seed": 0, "n": 100, "ess_median": 50.0}
    cost = TrainingCost(100, 99, 60.0)
    made = ResultRow(name, prior, prior, True, "", test, SeedSpread({0: nll}), cost, 100, 50, 784, ("python",))
    return replace(made, **more)


def group_of(*rows: ResultRow) -> ResultGroup:
    return ResultGroup("mnist", "dynamic", "bernoulli", 40, 100, 0, rows, published_for("mnist", "dynamic", 40))


def test_ours_against_published_is_a_difference_with_its_error_and_its_conditions() -> None:
    better, worse = row(nll=84.0), row("v", "vamp", 83.43, seeds=SeedSpread({0: 83.43, 1: 84.43}))
    first, second = results_words.comparisons(group_of(better, worse))
    assert first.gained.value == pytest.approx(0.45) and first.gained.se == pytest.approx(math.hypot(0.3, 0.12))
    assert second.ours.value == pytest.approx(83.93) and second.gained.value == pytest.approx(-1.5)
    told = results_words.comparison_sentence(first)
    assert "0.45 nats better" in told and "1 training seed, 100 epochs in batches of 50" in told
    short = results_words.comparison_sentence(second)
    assert "1.50 nats short" in short and "2 training seeds" in short and "still improving when it ended" in short
    over = results_words.comparison_sentence(replace(second, row=replace(worse, cost=TrainingCost(100, 20, 1.0))))
    assert "The reason is not known" in over
    assert not results_words.comparisons(group_of(row("f", "standard", plain=False), row("r", "realnvp")))


def test_few_effective_samples_and_a_full_information_are_said() -> None:
    test = {**row().test, "ess_median": 2.5, "log_n": {"value": 5.3, "se": 0}}
    full = {**test, "mutual_information": {"value": 5.25, "se": 0.01}}
    told = " ".join(results_words.group_sentences(group_of(row(test=full))))
    assert "as low as 2.5" in told and "ceiling log n = 5.30" in told
    low = {**full, "mutual_information": {"value": 3.0, "se": 0.01}, "ess_median": 50.0}
    told = " ".join(results_words.group_sentences(group_of(row(test=low))))
    assert "effective sample size" not in told and "ceiling" not in told


def test_how_far_the_bounds_still_rise_is_said() -> None:
    def curve(*values: float) -> list[dict]:
        return [
            {"at": at, "estimate": {"value": v, "se": 0.1}} for at, v in zip((100, 1000, 5000), values, strict=True)
        ]

    rises = [{**row().test, "likelihood_curve": curve(-85.0, -84.5, -84.5 + by)} for by in (0.08, 0.14)]
    short = {**row().test, "likelihood_curve": curve(-85.0, -80.0, -70.0)[:2]}
    found = still_rising([*rises, short])
    assert found is not None and (found.start, found.end) == (1000, 5000)
    assert (found.least, found.most) == (pytest.approx(0.08), pytest.approx(0.14))
    assert still_rising([{**rises[0], "log_likelihood": {"value": -84, "se": 0}}, row().test]) is None
    told = " ".join(results_words.group_sentences(group_of(row("a", test=rises[0]), row("b", test=rises[1]))))
    assert "with 5,000 samples an image in place of 1,000 they still rose by 0.08 to 0.14 nats" in told
    assert "still rose by 0.08 nats" in results_words.rise_sentence(Rise(10, 100, 0.079, 0.081))


def test_what_importance_sampling_would_have_told_is_said_where_the_truth_is_known() -> None:
    exact = {**row().test, "nll": {"value": 131.0, "se": 0.4}, "log_likelihood": {"value": -129.5, "se": 0.4},
             "ess_median": 300.0, "samples": 1000}  # fmt: skip
    told = " ".join(results_words.group_sentences(group_of(row(test=exact))))
    assert "told −log p(x) 1.50 nats too high here, with 1,000 samples an image, of which 300 are effective" in told
    assert "no sign of it" in told


def test_published_numbers_name_their_source_and_are_of_this_data() -> None:
    assert {one.nll for one in published_for("mnist", "dynamic", 40)} >= {Estimate(84.45, 0.12), Estimate(82.43, 0.06)}
    assert published_for("mnist", "fixed", 40) == () == published_for("mnist", "dynamic", 2)
    for one in PUBLISHED:
        assert one.study.read and one.study.address.startswith("https://") and one.nll.se > 0


def test_the_command_writes_what_it_prints(root: Path, tmp_path: Path, capsys) -> None:
    told = answer(capsys, "results", "--json", "--root", str(root), "--write", str(tmp_path / "r.md"))
    assert (tmp_path / "r.md").read_text() == told["markdown"] == results_markdown(results(root))
    assert list(tmp_path.iterdir()) == [tmp_path / "r.md"]
    assert main(["results", "--root", str(root)]) == 0 and "## Digits, d = 3" in capsys.readouterr().out
    (tmp_path / "zoo.toml").write_text("[models]\na = '--epoch 1'")
    assert "a: unrecognized arguments" in complaint(capsys, "results", "--json", "--root", str(tmp_path))


def test_the_committed_results_are_what_the_generator_writes() -> None:
    """After an evaluation or a new model: ``python -m core results --write docs/results.md``."""
    groups = results(checkpoint_root())
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert text == results_markdown(groups)
    for group in groups:
        assert f"## {group_title(group)}" in text
        for one in group.measured:
            stored = json.loads((folder_of(checkpoint_root(), one.name) / "metrics.json").read_text())["evaluations"][
                "test"
            ]
            number = -stored["log_likelihood"]["value"] if one.exact else stored["nll"]["value"]
            assert re.search(rf"\| {one.name} \|[^|]*\| {number:.2f} ", text), one.name
            assert one.commands and all(command in text for command in one.commands)


def test_gains_are_over_the_standard_prior_of_the_same_images_and_paired(root: Path) -> None:
    group = next(g for g in results(root) if (g.latent_dim, g.binarisation) == (2, "fixed"))
    rows = {row.name: row for row in group.rows}
    assert not rows["a"].gains and not rows["unmeasured"].gains
    assert rows["iaf"].gains["elbo"].paired, "another posterior may gain something too"
    gained = rows["b"].gains["log_likelihood"]
    both = [rows[name].nll for name in ("a", "b")]
    assert all(both) and math.isclose(gained.estimate.value, both[0].value - both[1].value, abs_tol=1e-4)  # type: ignore[union-attr]
    table = gains_table(group)
    assert table is not None and [row[0] for row in table.rows] == ["b", "iaf"]
    assert gains_table(next(g for g in results(root) if g.latent_dim == 40)) is None
    lines = list(csv.reader(io.StringIO(gains_csv([group]))))
    assert len(lines) == 1 + len(rows["b"].gains) + len(rows["iaf"].gains)
    assert float(lines[1][6]) == rows["b"].gains["elbo"].estimate.value
