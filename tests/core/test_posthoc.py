"""A trained model meets the data it was trained on or none, and can be given the prior that suits it best."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from core.build import build
from core.checkpoint import load
from core.cli import main
from core.config import ModelConfig, PriorConfig
from core.latents import encode
from core.posthoc import data_of, with_aggregated_posterior
from core.priors import PRIORS
from tests.contracts import seeded, small_options
from tests.core.commands import answer, check_evaluation, complaint, train_arguments, write_images


@pytest.fixture
def images(tmp_path: Path) -> str:
    return write_images(tmp_path)


def change_config(folder: Path, part: str, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    config[part].update(changes)
    (folder / "config.json").write_text(json.dumps(config))


EVALUATE = ("evaluate", "model", "--json", "--samples", "20", "--root")


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"seed": 2}, "source is 'own images, tiny.npz (SHA-256"),
        ({"width": 6}, "image_shape is (1, 3, 6), was (1, 3, 4)"),
        ({"n": 120}, "train images is 96, was 80; validation images is 12, was 10; test images is 12, was 10"),
    ],
)
@pytest.mark.parametrize("command", ["evaluate", "aggregate"])
def test_other_data_of_that_name_are_refused(
    command: str, other: dict, reason: str, images: str, tmp_path: Path, capsys
) -> None:
    answer(capsys, *train_arguments(images, tmp_path))
    write_images(tmp_path, **other)
    told = complaint(capsys, command, *EVALUATE[1:], str(tmp_path))
    assert reason in told and f"{images} is not the data this model was trained on" in told


def test_what_is_compared(images: str, tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(images, tmp_path))
    config = load("model", tmp_path).config
    assert config.data.source.startswith("own images, tiny.npz (SHA-256 ")
    assert data_of(config).source == config.data.source
    for name, value in {"binarisation": "dynamic", "train": 79, "test": 11, "source": "elsewhere"}.items():
        changed = config.model_copy(update={"data": config.data.model_copy(update={name: value})})
        with pytest.raises(ValueError, match=name):
            data_of(changed)
    logistic = config.model_copy(update={"model": config.model.model_copy(update={"likelihood": "logistic"})})
    with pytest.raises(ValueError, match="likelihood is 'bernoulli', was 'logistic'"):
        data_of(logistic)


def test_a_model_that_does_not_know_its_source_is_still_evaluated(images: str, tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(images, tmp_path))
    change_config(tmp_path / "model", "data", source="")
    check_evaluation(answer(capsys, *EVALUATE, str(tmp_path)), 10, 20)


# ---------------------------------------------------------------- the aggregated posterior


@pytest.mark.parametrize("kind", PRIORS)
def test_only_the_prior_is_another_one(kind: str) -> None:
    config = ModelConfig(
        image_shape=(1, 3, 4),
        likelihood="bernoulli",
        latent_dim=2,
        hidden=(8,),
        prior=PriorConfig(kind=kind, options=small_options(kind)),
    )
    images = torch.rand(30, 12, generator=seeded(1)).round()
    vae = build(config, images=images, generator=seeded(2)).eval()
    swapped = with_aggregated_posterior(vae, images)
    assert swapped.posterior is vae.posterior and swapped.decoder is vae.decoder and not swapped.training
    mean, log_var = encode(vae, images)
    for _ in range(2):  # and again after a round through training mode
        left, right, log_weight = swapped.prior.components()
        assert torch.equal(left, mean) and torch.equal(right, log_var)
        assert abs(float(log_weight.exp().sum()) - 1) < 1e-6 and swapped.prior.options.model_dump() == {"size": 30}
        swapped.train().eval()
    assert set(swapped.prior.state_dict()) == {"mean", "log_var"}, "never the images"


@pytest.mark.parametrize("half", [False, True])
def test_aggregate_gives_any_model_its_optimal_prior(half: bool, images: str, tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(images, tmp_path))
    more = ["--half"] if half else []
    told = answer(capsys, "aggregate", *EVALUATE[1:], str(tmp_path), *more)
    assert (told["name"], told["from"], told["components"]) == ("model-aggregated", "model", 80)
    check_evaluation(told["test"], 10, 20)
    before, after = load("model", tmp_path), load("model-aggregated", tmp_path)
    assert after.config.model.prior == PriorConfig(kind="aggregated", options={"size": 80})
    assert after.config.command.startswith("python -m core aggregate model ") and after.latents is not None
    assert after.config.data == before.config.data and after.config.train == before.config.train
    stored = dict(after.metrics["evaluations"]["test"])
    assert stored.pop("components")["count"] == told["components"]
    assert stored == told["test"]
    again = answer(capsys, "evaluate", "model-aggregated", *EVALUATE[2:], str(tmp_path))
    assert again == told["test"], "what was measured is what is stored, in half precision too"
    for name, value in before.vae.decoder.state_dict().items():
        kept = after.vae.decoder.state_dict()[name]
        assert torch.equal(kept, value.half().float() if half else value)
    mean, _ = encode(after.vae, data_of(after.config).fixed("train").images)
    components = after.vae.prior.components()[0]
    assert torch.equal(components, mean.half().float() if half else mean), "of the encoder as it is stored"


def test_on_its_own_images_no_prior_is_better(images: str, tmp_path: Path, capsys) -> None:
    """KL(q(z) || p(z)) = 0 where p is q, and the average KL is then the mutual information alone."""
    answer(capsys, *train_arguments(images, tmp_path))
    answer(capsys, "aggregate", *EVALUATE[1:], str(tmp_path), "--as", "best")
    old, new = (
        answer(capsys, "evaluate", name, *EVALUATE[2:], str(tmp_path), "--split", "train") for name in ("model", "best")
    )
    assert abs(new["marginal_kl"]["value"]) < 1e-4 < old["marginal_kl"]["value"]
    assert new["reconstruction"] == old["reconstruction"] and new["elbo"]["value"] > old["elbo"]["value"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nobody"], "config.json cannot be read"),
        (["model", "--as", "../x"], "checkpoint name '../x'"),
        (["model", "--as", "model"], "'model' is already there"),
    ],
)
def test_what_cannot_be_aggregated(arguments: list[str], reason: str, images: str, tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(images, tmp_path))
    assert reason in complaint(capsys, "aggregate", *arguments, "--json", "--root", str(tmp_path))
    assert not [path.name for path in tmp_path.iterdir() if path.is_dir() and path.name not in ("model", ".training")]


def test_aggregate_says_what_it_did(images: str, tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(images, tmp_path))
    assert main(["aggregate", "model", "--samples", "20", "--root", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "model with the posteriors of its 80 training images as prior" in told and "nats per image" in told
