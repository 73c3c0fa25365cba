"""What somebody asks for: refused where it would fail, written as a command line that the command understands."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli import _parser
from core.cli_train import settings_of
from core.config import TrainConfig
from core.priors import PRIORS
from core.training_request import TrainingRequest, arguments, check, command_line, proposed_name, require_free


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "../evil"}, "expected letters"),
        ({"name": ""}, "expected letters"),
        ({"name": "x" * 65}, "expected letters"),
        ({"name": "there"}, "already there"),
        ({"name": "queued"}, "already waiting"),
        ({"name": "stopped"}, "can go on"),
        ({"dataset": "/etc/passwd"}, "expected one of digits"),
        ({"prior": "wavelet"}, "unknown prior"),
        ({"posterior": "iaf", "prior": "vamp"}, "mixture of posteriors"),
        ({"prior": "mog", "prior_options": {"components": 0}}, "components"),
        ({"prior": "mog", "prior_options": {"wings": 2}}, "wings"),
        ({"prior": "realnvp", "latent_dim": 1}, "two or more"),
        ({"latent_dim": 0}, "latent_dim"),
        ({"hidden": (0,)}, "hidden"),
        ({"settings": {"learning_rate": 5.0}}, "learning_rate"),
        ({"settings": {"epochs": 0}}, "epochs"),
    ],
)
def test_what_would_fail_is_refused_with_the_reason(tmp_path: Path, change: dict, reason: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / ".training").mkdir()
    (tmp_path / ".training" / "stopped.safetensors").touch()
    good = {"name": "mine", "dataset": "digits", "prior": "standard"}
    check(TrainingRequest(**good), tmp_path, ["queued"])
    with pytest.raises(ValueError, match=reason):
        check(TrainingRequest(**{**good, **change}), tmp_path, ["queued"])


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("core.training_request.os.access", lambda *_: False)
    with pytest.raises(ValueError, match="PRIORSCOPE_CHECKPOINTS"):
        require_free("mine", tmp_path)


@pytest.mark.parametrize("prior", PRIORS)
def test_the_command_line_says_what_was_asked_for(prior: str) -> None:
    options = PRIORS[prior].options.model_validate({}).model_dump()
    changed = {name: value * 2 for name, value in options.items() if isinstance(value, int | float) and value}
    settings = {"epochs": 7, "learning_rate": 0.0025, "bf16": True, "seed": 0}
    request = TrainingRequest("mine", "digits", prior, prior_options=changed, latent_dim=3, hidden=(8, 9),
                              settings=settings)  # fmt: skip
    read = _parser().parse_args(arguments(request))
    assert (read.name, read.dataset, read.prior, read.latent_dim) == ("mine", "digits", prior, 3)
    assert tuple(read.hidden) == (8, 9)
    assert settings_of("--prior-option", read.prior_option) == changed
    assert {name: getattr(read, name) for name in settings} == settings
    assert TrainConfig.model_validate({name: getattr(read, name) for name in TrainConfig.model_fields}).epochs == 7


def test_defaults_are_left_out_and_the_folder_is_not_shown() -> None:
    words = arguments(TrainingRequest("mine", "digits", "standard", settings=TrainConfig().model_dump()))
    assert words == ["train", "--dataset", "digits", "--name", "mine", "--prior", "standard", "--latent-dim", "2"]
    shown = command_line([*words, "--root", "/somewhere/else"])
    assert shown.startswith("python -m core train --dataset digits") and "somewhere" not in shown


def test_a_proposed_name_is_one_that_can_be_had(tmp_path: Path) -> None:
    assert proposed_name("Ünsere <Daten>-2d-vamp", tmp_path) == "nsere--Daten--2d-vamp"
    (tmp_path / "a").mkdir()
    assert proposed_name("a", tmp_path, ["a-2"]) == "a-3"
    assert proposed_name("///", tmp_path) == "model"
    (tmp_path / ".training").mkdir()
    (tmp_path / ".training" / "b.safetensors").touch()
    assert proposed_name("b", tmp_path) == "b-2"
    require_free(proposed_name("x" * 300, tmp_path), tmp_path)
