"""ladder.json: everything is kept, nothing wrong is read; and the subcommand that writes it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.cli import main
from core.cli_ladder import _show
from core.errors import CheckpointError
from core.ladder_file import as_dict, read_ladder, read_ladder_file, write_ladder
from core.ladder_records import Ladder, Rung
from core.records import Estimate
from tests.core.commands import answer, complaint, train_arguments, write_images

DIGEST = "0123456789abcdef"


def small_ladder() -> Ladder:
    keys = [("standard", 1), ("mog", 1), ("mog", 3), ("maf", None)]
    marginal = [[Estimate(1 / 3 + 0.1 * k - 0.3 * place, 0.01 * k) for k in range(3)] for place in range(4)]
    gains = [[Estimate(0.3 * place, 0.002 * k) for k in range(3)] for place in range(4)]
    rungs = tuple(Rung(kind, f"{kind} {k}", k, 7, 1.5, *marginal[i], *gains[i]) for i, (kind, k) in enumerate(keys))
    root = np.random.default_rng(1).normal(size=(4, 9))
    nulls = Estimate(0.1, 0.01), Estimate(0.2, 0.02), None
    return Ladder(rungs, np.cov(root), *nulls, 120, 60, 80, 2000, 0, DIGEST)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    write_ladder(tmp_path / "ladder.json", small_ladder())
    return tmp_path


def test_the_file_keeps_everything(stored: Path) -> None:
    ladder, found = small_ladder(), read_ladder(stored)
    assert found is not None and [path.name for path in stored.iterdir()] == ["ladder.json"]
    assert np.array_equal(found.covariance, ladder.covariance) and found.covariance.dtype == np.float64
    assert as_dict(found) == as_dict(ladder) and found.rungs == ladder.rungs
    assert (found.train_null, found.test_null) == (Estimate(0.1, 0.01), None)
    assert found.gain(2, "validation") == Estimate(0.6, 0.002) and found.digest == DIGEST
    assert read_ladder(stored / "elsewhere") is None


def test_a_ladder_is_read_under_any_name(stored: Path) -> None:
    (stored / "ladder.json").rename(stored / "result")
    assert read_ladder(stored) is None and read_ladder_file(stored / "result").rungs == small_ladder().rungs
    with pytest.raises(CheckpointError, match="missing cannot be read: FileNotFoundError"):
        read_ladder_file(stored / "missing")


def change(path: list, value) -> callable:
    def apply(content: dict) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return apply


@pytest.mark.parametrize(
    ("corrupt", "reason"),
    [
        (change(["schema_version"], 1), "schema version 1; this program reads 2: fit the ladder again"),
        (change(["schema_version"], "2"), "schema_version"),
        (lambda content: content.pop("schema_version"), "schema_version"),
        (
            change(["rungs", 1, "test_gain", "value"], 0.31),
            "rungs.1.test_gain is 0.31, but the marginal KLs differ by 0.3",
        ),
        (
            change(["rungs", 0, "train", "value"], 0.34),
            "rungs.1.train_gain is 0.3, but the marginal KLs differ by 0.306667",
        ),
        (change(["rungs", 3, "validation_gain"], None), "rungs.3.validation_gain"),
        (lambda content: content["rungs"][0].pop("train_gain"), "rungs.0.train_gain"),
        (change(["digest"], "../secret"), "digest"),
        (change(["standardised"], 1), "standardised"),
        (change(["left_out"], [{"title": "MAF", "reason": ""}]), "left_out.0.reason"),
        (change(["left_out"], [{"title": "MAF", "reason": "see [this](http://x)"}]), "what was left out is 'MAF'"),
        (change(["digest"], ""), "digest"),
        (change(["n_test"], 1), "n_test"),
        (change(["n_train"], True), "n_train"),
        (change(["steps"], 0), "steps"),
        (change(["seed"], "0"), "seed"),
        (change(["rungs"], []), "rungs"),
        (change(["rungs", 0, "kind"], "magic"), "unknown kind of rung 'magic'"),
        (change(["rungs", 0, "title"], "x" * 500), "title"),
        (change(["rungs", 0, "parameters"], -1), "parameters"),
        (change(["rungs", 0, "components"], 0), "components"),
        (change(["rungs", 0, "components"], None), "kind standard has components = None"),
        (change(["rungs", 2, "components"], 1), "two rungs are the same"),
        (change(["rungs", 0, "test", "se"], -0.1), "rungs.0.test.se"),
        (change(["rungs", 0, "test", "value"], 1e300), "rungs.0.test.value"),
        (change(["rungs", 0, "extra"], 1), "rungs.0.extra"),
        (change(["test_null"], {"value": 1.0}), "test_null.se"),
        (change(["covariance"], [[1.0]]), "covariance must be 4 x 4"),
        (change(["covariance", 0], [1.0]), "covariance must be 4 x 4"),
        (change(["covariance", 0, 1], 99.0), "symmetric"),
        (change(["covariance", 0, 0], -1.0), "no negative variance"),
        (change(["covariance", 0, 0], None), "covariance.0.0"),
        (lambda content: content.pop("train_null"), "train_null"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(corrupt, reason: str, stored: Path) -> None:
    content = json.loads((stored / "ladder.json").read_text())
    corrupt(content)
    (stored / "ladder.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=reason):
        read_ladder(stored)


@pytest.mark.parametrize("text", ["", "[]", '{"n_test": NaN}', '{"n_test": 1e999}', "{" * 5000])
def test_what_is_no_object_of_finite_numbers_is_refused(text: str, stored: Path) -> None:
    (stored / "ladder.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"ladder\.json"):
        read_ladder(stored)


# ---------------------------------------------------------------- the subcommand


def test_the_subcommand_stores_what_it_tells(tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(write_images(tmp_path), tmp_path))
    quick = ("ladder", "model", "--root", str(tmp_path), "--steps", "3", "--seed", "4")
    told = answer(capsys, *quick, "--json", "--kinds", "standard", "mog", "aggregated", "--components", "2", "5")
    kept = read_ladder(tmp_path / "model")
    assert kept is not None and {"name": "model", "file": str(tmp_path / "model/ladder.json"), **as_dict(kept)} == told
    assert [(rung.kind, rung.components) for rung in kept.rungs] == [
        ("standard", 1),
        ("mog", 2),
        ("mog", 5),
        ("aggregated", 80),
    ]
    listed = answer(capsys, "list", "--json", "--root", str(tmp_path))["checkpoints"]
    assert listed[0]["digest"] == kept.digest and listed[0]["error"] is None
    assert (kept.steps, kept.seed, kept.n_train) == (3, 4, 80)
    other = tmp_path / "other.json"
    assert main([*quick, "--kinds", "gaussian", "--output", str(other)]) == 0
    table = capsys.readouterr().out
    assert "Gaussian, full covariance" in table and "a perfect prior (null)" in table and "80 train" in table
    assert "ELBO won over Gaussian, full covariance" in table and "0.000 ± 0.000" in table
    assert main([*quick, "--kinds", "standard", "--output", str(other), "--digest", kept.digest]) == 0
    assert read_ladder_file(other).rungs[0].kind == "standard" and read_ladder(tmp_path / "model").rungs == kept.rungs
    for wrong, reason in (
        (["--kinds", "iaf"], "unknown kind of rung iaf"),
        (["--components", "0"], "components must be at least 1"),
        (["--output", str(tmp_path / "nowhere" / "x.json")], "there is no folder"),
        (["--digest", "feed"], f"checkpoint 'model' has the digest {kept.digest}, not feed"),
        (["--steps", "0"], "steps must be at least 1"),
    ):
        assert reason in complaint(capsys, *quick, *wrong)


def test_the_table_says_what_is_won_and_what_cannot_be_known() -> None:
    table = _show({"file": "f", **as_dict(small_ladder())}).splitlines()
    assert table[3].split()[-9:] == ["0.600", "±", "0.000", "0.600", "±", "0.002", "0.600", "±", "0.004"]
    assert table[5].startswith("ELBO won over standard 1, nats ± paired standard error")
    assert "marginal KL of standard 1" in table[6] and "0.333 ± 0.000" in table[6]
    assert "0.100 ± 0.010" in table[7] and table[7].endswith("not known")
    assert table[8] == "not known: the posteriors hardly overlap"
    assert len({len(line) for line in (*table[:5], *table[6:8])}) == 1
