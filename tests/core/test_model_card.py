"""The card of a checkpoint: what its folder holds, read back."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from core.checkpoint import load
from core.errors import CheckpointError
from core.figures import card_words
from core.model_card import commands, files_as_text, model_card, written
from core.records import CheckpointInfo
from tests.pages.zoo import tiny_data, trained


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cards")
    trained(folder, "vamp", "vamp", tiny_data(), epochs=3)
    trained(folder, "bare", "standard", tiny_data(), evaluated=False)
    return folder


def test_parameters_are_counted_part_by_part(root: Path) -> None:
    card, vae = model_card("vamp", root), load("vamp", root).vae
    assert sum(card.parameters.values()) == sum(value.numel() for value in vae.parameters())
    assert card.parameters["prior"] == 5 * 16
    assert "prior" not in model_card("bare", root).parameters


def test_files_have_the_size_and_hash_of_their_content(root: Path) -> None:
    card = model_card("vamp", root)
    assert {file.name for file in card.files} == {file.name for file in (root / "vamp").iterdir()}
    for file in card.files:
        content = (root / "vamp" / file.name).read_bytes()
        assert (file.size, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert file.vouched == (file.name.endswith(".safetensors") and not file.name.startswith("per_image"))


def test_the_course_of_the_training_and_its_best_epoch(root: Path) -> None:
    folder = root / "vamp"
    config = json.loads((folder / "config.json").read_text())
    points = [
        {"epoch": e, "beta": 1.0, "reconstruction": -5.0, "kl": 1.0, "validation_elbo": -e, "seconds": 0.1}
        for e in (1, 2)
    ]
    metrics = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(
        json.dumps(metrics | {"training": {"curve": points, "best_epoch": 1, "seconds": 0.2}})
    )
    training = model_card("vamp", root).training
    assert training is not None and config["train"]["epochs"] == 3
    assert [point.validation_elbo for point in training.curve.points] == [-1, -2]
    assert (training.best_epoch, training.seconds, training.curve.done) == (1, 0.2, 2)
    assert card_words.training_words(training, 3) == (
        "2 epochs of at most 3: it was stopped early in 0 s; the weights of epoch 1 were kept."
    )
    assert model_card("bare", root).training is None


def test_commands_train_first_and_evaluate_as_it_was_evaluated(root: Path) -> None:
    config = load("vamp", root).config.model_copy(update={"command": "python -m core train --name vamp"})
    told = commands("vamp", config, {"test": {"samples": 5, "seed": 7}, "train": {}})
    assert told == (
        "python -m core train --name vamp",
        "python -m core evaluate vamp --split test --samples 5 --seed 7 --save",
        "python -m core evaluate vamp --split train --seed 0 --save",
    )


def test_only_the_two_text_files_are_given_away(root: Path) -> None:
    assert json.loads(files_as_text("vamp", "config.json", root))["model"]["latent_dim"] == 2
    for file in ("model.safetensors", "../vamp/config.json", "/etc/passwd"):
        with pytest.raises(ValueError, match="file must be"):
            files_as_text("vamp", file, root)
    with pytest.raises(CheckpointError):
        files_as_text("nobody", "config.json", root)


def test_what_is_written_again_is_seen_also_while_the_clock_is_set_back(root: Path) -> None:
    before, file = written("bare", root), root / "bare" / "metrics.json"
    content = file.read_text()
    file.write_text(content)
    os.utime(file, (1e9, 1e9))  # older than all other files of the folder
    assert written("bare", root) != before
    again, kept = written("bare", root), file.stat()
    file.write_text(content)
    os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert written("bare", root) != again, "the same size and time"
    assert written("bare", root) == written("bare", root) and written("nobody", root) == ""


def test_a_broken_checkpoint_has_no_card(root: Path) -> None:
    with pytest.raises(CheckpointError):
        model_card("nobody", root)


def test_the_words_tell_the_configuration(root: Path) -> None:
    card = model_card("vamp", root)
    info = CheckpointInfo("vamp", prior_title="VampPrior", posterior_title="Gaussian", latent_dim=2)
    rows = dict(card_words.about_rows(card, info, "Digits"))
    assert rows["prior"].startswith("VampPrior: components 5")
    assert rows["split"] == "60 train, 20 validation, 40 test; seed 777"
    assert f"{sum(card.parameters.values()):,} numbers" in rows["networks"]
    assert rows["digest"] == card.digest


def test_the_measures_stand_beside_what_they_are_compared_with(root: Path) -> None:
    test = model_card("vamp", root).evaluations["test"]
    rows = {label: (value, beside) for label, value, beside in card_words.measure_rows(test, 2)}
    assert rows["ELBO"][0].startswith(f"{test['elbo']['value']:.2f}".replace("-", "−"))
    assert rows["information I(n; z)"][1] == f"from 0 to log n = {test['log_n']['value']:.2f}"
    assert "perfect prior" in rows["marginal KL(q(z) ‖ p(z))"][1]
    assert all("±" in value for label, (value, _) in rows.items() if value.endswith("nats"))
    assert len(card_words.measure_rows({}, 2)) == 0


def test_both_likelihoods_have_one_sign() -> None:
    test = {"nll": {"value": 85.7, "se": 0.2}, "log_likelihood": {"value": -85.5, "se": 0.2}}
    rows = card_words.measure_rows(test, 2)
    assert [value for _, value, _ in rows] == ["85.70 ± 0.20 nats", "85.50 ± 0.20 nats"]
    assert all(label.startswith("−log p(x)") for label, _, _ in rows)


def test_files_are_told_with_sizes(root: Path) -> None:
    rows = card_words.file_rows(model_card("vamp", root))
    weights = next(row for row in rows if row[0] == "model.safetensors")
    assert weights[1].endswith("kB") and len(weights[2].replace(" ", "")) == 64 and weights[3].startswith("yes")
