"""Foreign models: the code of the how-to runs, and what it writes is what the import reads."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from core.adapters import adapt, export_latents
from core.build import build
from core.imported import make, read_latents_file
from core.metrics.evaluate import evaluate
from tests.core.runs import run_config
from tests.pages.zoo import tiny_data

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "bring-your-own-model.md"


def test_the_code_of_the_guide_runs(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(GUIDE), "exec"), names)  # the guide's own code, from this repository
    found = read_latents_file(tmp_path / "latents.npz")
    assert len(found) == 200 and found.image_shape == (1, 8, 8) and len(found.class_names) == 10
    images, encoder = names["images"], names["encoder"]
    mean, log_var = encoder(images)
    assert np.allclose(found.mean, mean.detach(), atol=1e-6) and np.allclose(found.log_var, log_var.detach(), atol=1e-6)
    assert make(found, "gaussian").cloud.labels is not None


def pair(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return x[:, :2], torch.zeros(len(x), 2)


def test_batches_without_labels_and_without_images(tmp_path: Path) -> None:
    file = tmp_path / "out.npz"
    assert export_latents(pair, torch.rand(60, 5).split(25), file) == 60
    with np.load(file, allow_pickle=False) as arrays:
        assert set(arrays.files) == {"mean", "log_var"}
    assert export_latents(pair, [(torch.rand(10, 5), [1] * 10)], file) == 10
    assert read_latents_file(file).class_names == ("1",)


@pytest.mark.parametrize(
    ("encode", "batches", "name", "reason"),
    [
        (pair, [], "out.npz", "batches is empty"),
        (pair, [torch.rand(4, 5)], "out.txt", r"ends in \.npz"),
        (lambda x: (x[:, 0], x[:, 0]), [torch.rand(4, 5)], "out.npz", r"expected \(4, d\)"),
        (lambda x: (x[:, :2], x[:, :3]), [torch.rand(4, 5)], "out.npz", "log_var"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, encode, batches: list, name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        export_latents(encode, batches, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_an_adapted_model_has_the_bound_of_the_same_model_here() -> None:
    data = tiny_data()
    own = build(run_config(data).model, generator=torch.Generator().manual_seed(0)).eval()

    def encode(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        q = own.posterior(x)
        return q.mean, q.log_var

    foreign = adapt(encode, lambda z: own.decoder(z).logits, own.prior)
    found, expected = (evaluate(vae, data.fixed("test"), "test", samples=5) for vae in (foreign, own))
    assert found.estimates == expected.estimates
