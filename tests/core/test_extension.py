"""A new prior is one class and one line in PRIORS: training, checkpoints, listing and evaluation follow."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import Field
from streamlit.testing.v1 import AppTest
from torch import Generator, Tensor, nn

from core.checkpoint import load
from core.checkpoint_list import list_checkpoints
from core.cli import main
from core.priors import PRIORS, Prior, PriorContext, PriorKind
from core.priors.base import Options
from tests import contracts
from tests.contracts import check_prior, registered_prior
from tests.core.commands import QUICK, check_evaluation

SHELL = Path(__file__).resolve().parents[2] / "pages" / "_shell.py"


class LaplaceOptions(Options):
    scale: float = Field(1.0, gt=0)


class LaplacePrior(Prior):
    """Independent Laplace distributions with a learned scale: no mixture of Gaussians and no flow."""

    def __init__(self, options: LaplaceOptions, context: PriorContext) -> None:
        super().__init__(context.dim, options)
        self.log_scale = nn.Parameter(torch.full((context.dim,), options.scale).log())

    def log_prob(self, z: Tensor) -> Tensor:
        return -(z.abs() * (-self.log_scale).exp() + self.log_scale + torch.tensor(2.0).log()).sum(1)

    @torch.no_grad()
    def sample(self, n: int, *, generator: Generator | None = None) -> Tensor:
        uniform = torch.rand(n, self.dim, generator=generator, dtype=self.log_scale.dtype, device="cpu")
        centred = (uniform - 0.5).to(self.log_scale.device).clamp(-0.4999999, 0.4999999)
        return -self.log_scale.exp() * centred.sign() * torch.log1p(-2 * centred.abs())


@pytest.fixture
def laplace(monkeypatch) -> str:
    """The one line."""
    monkeypatch.setitem(PRIORS, "laplace", PriorKind("Laplace", LaplaceOptions, LaplacePrior))
    return "laplace"


@pytest.fixture
def model(laplace: str, tmp_path: Path, capsys) -> Path:
    """A checkpoint with the new prior, trained by the command line like any other."""
    generator = np.random.default_rng(2)
    np.savez(tmp_path / "tiny.npz", images=generator.random((100, 3, 4)) < 0.5)
    arguments = ["train", "--json", "--root", str(tmp_path / "models"), "--dataset", f"npz:{tmp_path / 'tiny.npz'}"]
    option = ["--prior", laplace, "--prior-option", "scale=0.7", "--name", "new", "--epochs", "3", *QUICK]
    assert main([*arguments, *option]) == 0
    check_evaluation(json.loads(capsys.readouterr().out)["test"], 10, 20)
    return tmp_path / "models"


def test_it_obeys_the_laws(laplace: str) -> None:
    check_prior(registered_prior(laplace))


def test_it_is_stored_and_loaded(model: Path) -> None:
    checkpoint = load("new", model)
    assert isinstance(checkpoint.vae.prior, LaplacePrior)
    assert checkpoint.config.model.prior.options == {"scale": 0.7}
    assert not torch.equal(checkpoint.vae.prior.log_scale, torch.full((2,), 0.7).log()), "it was trained"


def test_it_is_listed(model: Path) -> None:
    (info,) = list_checkpoints(model)
    assert (info.name, info.prior, info.error) == ("new", "laplace", None)


def test_it_is_evaluated(model: Path, capsys) -> None:
    assert main(["evaluate", "new", "--json", "--root", str(model), "--samples", "20"]) == 0
    check_evaluation(json.loads(capsys.readouterr().out), 10, 20)


def test_it_samples_pictures(model: Path) -> None:
    z, images = load("new", model).vae.generate(5, generator=contracts.seeded(1))
    assert z.shape == (5, 2) and images.shape == (5, 12) and torch.isfinite(images).all()


def test_its_wrong_setting_is_named(laplace: str, tmp_path: Path, capsys) -> None:
    arguments = ["train", "--root", str(tmp_path), "--prior", laplace, "--prior-option", "scale=-1"]
    assert main(arguments) == 1
    assert "Laplace, prior option scale" in capsys.readouterr().err


def test_without_its_line_the_checkpoint_is_listed_as_broken(model: Path, monkeypatch) -> None:
    monkeypatch.delitem(PRIORS, "laplace")
    (model / "new").rename(model / "other")  # a folder that was not listed before
    (info,) = list_checkpoints(model)
    assert info.error is not None and "unknown prior 'laplace'" in info.error


def test_it_is_drawn(model: Path, monkeypatch) -> None:
    monkeypatch.setenv("PRIORSCOPE_CHECKPOINTS", str(model))
    app = AppTest.from_file(str(SHELL), default_timeout=60)
    app.run()
    assert not app.exception
    app.switch_page(str(SHELL.with_name("prior_vs_posterior.py"))).run()
    assert not app.exception
    assert any("Laplace prior" in heading.value for heading in app.header)
    (chart,) = app.get("plotly_chart")
    assert {trace.get("xaxis", "x") for trace in json.loads(chart.proto.spec)["data"]} == {"x", "x2", "x3"}
