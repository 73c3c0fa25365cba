"""What a flow prior costs: every case once, both inversions, refusals, files. No absolute time is asserted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.errors import CheckpointError
from core.flows.inversion import set_inversion
from core.ladder_fit import fitted_numbers
from core.prior_bill import _runs, make_vae, measure_bill
from core.prior_bill_file import STORE, list_bills, read_bill, save_bill, write_bill
from core.prior_bill_records import BillRun, BillSettings, Cost, PriorBill
from core.prior_bill_settings import check_bill_settings
from tests.contracts import seeded
from tests.core.commands import answer, complaint
from tests.core.timings import LATER, MACHINE, STAMP

TINY = BillSettings(dims=(1, 3), batch=4, samples=6, pixels=5, hidden=(7,), layers=2, width=8, repeats=2)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRIORSCOPE_TIMINGS", str(tmp_path / "timings"))
    return tmp_path / "timings" / "prior-bill"


def small_run(stamp: str = STAMP) -> BillRun:
    costs = [Cost((0.01, 0.02, 0.05)), Cost((0.01,)), Cost((0.03,)), Cost((0.04,))]
    bills = (
        PriorBill("maf", "naive", 3, 50, *costs, 1, 3),
        PriorBill("maf", "default", 3, 50, *costs, 1, 3),
        PriorBill("realnvp", "", 3, 51, *costs, 1, 1),
    )
    return BillRun(stamp, replace(TINY, priors=("maf", "realnvp")), MACHINE, bills, ())


def test_every_prior_and_method_is_measured_once() -> None:
    told: list[tuple[int, int, str]] = []
    found = measure_bill(replace(TINY, priors=("standard", "maf", "iaf", "realnvp")), lambda *t: told.append(t))
    keys = {(bill.prior, bill.method, bill.dim) for bill in found.bills}
    flows = {(prior, method, dim) for prior in ("maf", "iaf") for method in ("naive", "default") for dim in (1, 3)}
    assert keys == flows | {("standard", "", 1), ("standard", "", 3), ("realnvp", "", 3)}
    assert len(found.bills) == len(keys) and "realnvp at d = 1" in found.left_out[0]
    for bill in found.bills:
        assert all(len(cost.seconds) == 2 for cost in (bill.step, bill.density, bill.sampling, bill.generating))
    assert {(b.passes_density, b.passes_sampling) for b in found.bills if b.prior == "maf" and b.dim == 3} == {(1, 3)}
    assert {(b.passes_density, b.passes_sampling) for b in found.bills if b.prior == "iaf" and b.dim == 3} == {(3, 1)}
    assert {(b.passes_density, b.passes_sampling) for b in found.bills if b.prior == "standard"} == {(0, 0)}
    maf, coupling = found.bill("maf", 3, "default"), found.bill("realnvp", 3, "default")
    assert maf is not None and coupling is not None and abs(coupling.parameters / maf.parameters - 1) < 0.1
    assert found.bill("realnvp", 1, "default") is None and any(done == total > 0 for done, total, _ in told)


def test_both_inversions_are_the_same_model() -> None:
    vae = make_vae(TINY, "iaf", 3).requires_grad_(False)
    z = torch.randn(20, 3, generator=seeded(1))
    default = vae.prior.log_prob(z)
    set_inversion(vae.prior, "naive")
    assert vae.prior.log_prob(z) == pytest.approx(default, abs=1e-4)
    assert (vae.prior.log_prob(z) + 0.5 * (z**2).sum(1)).std() > 1e-2, "the flow is bent"
    assert fitted_numbers(vae.prior) == fitted_numbers(make_vae(TINY, "maf", 3).prior)


def test_a_step_is_a_step_and_changes_nothing_that_matters() -> None:
    vae = make_vae(TINY, "maf", 3)
    before = {name: value.clone() for name, value in vae.state_dict().items()}
    runs = _runs(vae, TINY)
    runs["step"]()
    assert all(parameter.grad is not None for parameter in vae.posterior.parameters())
    moved = [not torch.equal(value, before[name]) for name, value in vae.state_dict().items()]
    assert any(moved), "Adam did its work"
    assert all((value - before[name]).abs().max() < 1e-6 for name, value in vae.state_dict().items())
    z, images = runs["generating"]()  # type: ignore[misc]
    assert z.shape == (6, 3) and images.shape == (6, 5) and runs["sampling"]().shape == (6, 3)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dims": ()}, "dims is"),
        ({"dims": (3, 2)}, "ascending"),
        ({"dims": (0,)}, "dims is 0, expected 1 to 256"),
        ({"priors": ()}, "priors is"),
        ({"priors": ("vamp",)}, "expected some of standard, maf, iaf, realnvp"),
        ({"priors": ("maf", "maf")}, "each once"),
        ({"dims": (1,), "priors": ("realnvp",)}, "nothing is left to measure"),
        ({"batch": 0}, "batch is 0"),
        ({"samples": 0}, "samples is 0"),
        ({"repeats": 0}, "repeats is 0"),
        ({"threads": 3}, "threads is 3, expected 1 to 2, one for each core"),
        ({"seed": -1}, "seed is -1"),
        ({"hidden": ()}, "hidden is"),
        ({"dims": (256,), "batch": 10_000}, "lower batch, layers or width"),
    ],
)
def test_settings_that_cannot_be_measured_are_refused(change: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_bill_settings(replace(BillSettings(), **change), cores=2)


def test_the_file_keeps_everything(tmp_path: Path, folder: Path) -> None:
    file = save_bill(small_run())
    assert file.parent == folder and read_bill(file) == small_run()
    later = save_bill(small_run(LATER))
    (folder / "broken.json").write_text("[]")
    mine = [item for item in list_bills() if not item.shipped]
    assert [item.name for item in mine] == [later.name, file.name, "broken.json"] and mine[2].run is None
    assert small_run().bills[0].step.median == 0.02 and small_run().bills[0].step.low == 0.015


def test_the_shipped_run_is_whole() -> None:
    shipped = [item.run for item in list_bills() if item.shipped]
    assert len(shipped) == 1 and shipped[0] is not None and STORE.shipped.stat().st_size < 60_000
    assert {bill.prior for bill in shipped[0].bills} >= {"maf", "iaf", "realnvp"}


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (["bills", 0, "prior"], "glow", "bills.0.prior"),
        (["bills", 0, "prior"], "iaf", "prior iaf at d = 3 is not among the settings"),
        (["bills", 0, "method"], "", "prior maf has the method ''"),
        (["bills", 2, "method"], "naive", "prior realnvp has the method 'naive'"),
        (["bills", 1, "method"], "naive", "none of them twice"),
        (["bills", 0, "dim"], 2, "not among the settings"),
        (["bills", 0, "step", "seconds"], [], "step: seconds must be one or more"),
        (["bills", 0, "density", "seconds"], [0.0], "density: seconds"),
        (["bills", 0, "passes_sampling"], 4, "passes from 0 to d"),
        (["bills", 0, "step", "mean"], 1.0, "bills.0.step.mean is no field"),
        (["bills"], [], "there must be bills"),
        (["stamp"], "now", "stamp must be"),
        (["settings", "priors"], ["vamp"], "settings: priors"),
        (["machine", "cores"], 0, "machine: cores"),
        (["kind"], "flow-timing", "measure again"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(path: list, value, reason: str, tmp_path: Path) -> None:
    write_bill(tmp_path / "bill.json", small_run())
    content = json.loads((tmp_path / "bill.json").read_text())
    part = content
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    (tmp_path / "bill.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=reason):
        read_bill(tmp_path / "bill.json")


def test_the_subcommand_keeps_what_it_tells(tmp_path: Path, capsys) -> None:
    quick = ("prior-bill", "--dims", "2", "--priors", "iaf", "--batch", "3", "--samples", "4", "--repeats", "1")
    told = answer(capsys, *quick, "--json", "--output", str(tmp_path / "out.json"))
    assert read_bill(tmp_path / "out.json") == read_bill(Path(told["file"]))
    assert {"file": told["file"], **STORE.as_dict(read_bill(Path(told["file"])))} == told
    from core.cli import main

    assert main(quick) == 0
    table = capsys.readouterr().out
    assert "iaf        naive" in table and "iaf        default" in table and "4 images" in table and "batch 3" in table
    for wrong, reason in (
        (("--priors", "vamp"), "expected some of standard"),
        (("--dims", "0"), "dims is 0"),
        (("--output", str(tmp_path / "no" / "x")), "there is no folder"),
    ):
        assert reason in complaint(capsys, *quick, *wrong)
