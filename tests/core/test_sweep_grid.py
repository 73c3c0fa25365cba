"""Grid files: each combination is a model with a name of its own, and a wrong one is refused before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.sweep_grid import MOST, Grid, read_grid
from tests.core.commands import complaint


def grid(tmp_path: Path, text: str, device: str | None = None) -> Grid:
    file = tmp_path / "grid.toml"
    file.write_text(text)
    return read_grid(file, device)


def test_every_combination_is_a_model_with_its_settings_in_its_name(tmp_path: Path) -> None:
    found = grid(
        tmp_path,
        'dataset = ["mnist", "fashion_mnist"]\nprior = ["mog", "vamp"]\nprior-option.components = [50, 500]\n'
        "seed = [0, 1]\nlatent-dim = 40\nhalf = true\nlearning-rate = 0.0005\n",
    )
    assert found.combinations == len(found.recipes) == 16 and found.size == "grid.toml: 16 models"
    names = list(found.recipes)
    assert names[:3] == ["mnist-40d-mog-k50-s0", "mnist-40d-mog-k50-s1", "mnist-40d-mog-k500-s0"]
    assert "fashion-mnist-40d-vamp-k500-s1" in names
    request = found.recipes["mnist-40d-vamp-k500-s1"].request
    assert (request.dataset, request.prior, request.prior_options) == ("mnist", "vamp", {"components": 500})
    assert (request.latent_dim, request.settings["seed"], request.settings["learning_rate"]) == (40, 1, 0.0005)
    assert "--half" in found.recipes["mnist-40d-vamp-k500-s1"].words


def test_an_option_that_a_prior_lacks_makes_no_second_model(tmp_path: Path) -> None:
    found = grid(tmp_path, 'prior = ["standard", "mog"]\nprior-option.components = [5, 6]\nseed = [3]')
    assert list(found.recipes) == ["digits-2d-standard-s3", "digits-2d-mog-k5-s3", "digits-2d-mog-k6-s3"]
    assert found.size == "grid.toml: 3 models of 4 combinations (standard has no components)"
    assert found.recipes["digits-2d-standard-s3"].request.prior_options == {}


def test_what_is_listed_is_in_the_name_and_what_is_not_is_not(tmp_path: Path) -> None:
    text = 'prior = "maf"\nprior-option.layers = [4]\nposterior = ["iaf"]\nposterior-option.layers = [2]\nepochs = 5\n'
    assert list(grid(tmp_path, text + "bf16 = [false, true]").recipes) == [
        "digits-2d-maf-iaf-layers4-posterior-layers2-s0",
        "digits-2d-maf-iaf-layers4-posterior-layers2-bf16-s0",
    ]
    assert list(grid(tmp_path, "hidden = [[30], [30, 20]]\nlearning-rate = [1e-3]").recipes) == [
        "digits-2d-standard-hidden30-learning-rate0.001-s0",
        "digits-2d-standard-hidden30-20-learning-rate0.001-s0",
    ]


def test_a_longer_list_keeps_the_names_that_were_there(tmp_path: Path) -> None:
    one = grid(tmp_path, 'prior = ["mog"]\nprior-option.components = [5]\nseed = [0]').recipes
    assert set(one) < set(grid(tmp_path, 'prior = ["mog"]\nprior-option.components = [5, 6]\nseed = [0, 1]').recipes)


def test_widths_in_one_list_are_one_value(tmp_path: Path) -> None:
    (recipe,) = grid(tmp_path, "hidden = [30, 20]").recipes.values()
    assert recipe.name == "digits-2d-standard-s0" and recipe.request.hidden == (30, 20)


def test_graphics_cards_make_cuda_the_device_unless_the_grid_says_it(tmp_path: Path) -> None:
    (recipe,) = grid(tmp_path, "", "cuda").recipes.values()
    assert recipe.request.settings["device"] == "cuda" and recipe.name == "digits-2d-standard-s0"
    (recipe,) = grid(tmp_path, 'device = "cpu"', "cuda").recipes.values()
    assert recipe.request.settings["device"] == "cpu"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epochs = ", "grid.toml is not TOML"),
        ("epoch = 3", "epoch is not known here, expected one of dataset, prior,"),
        ("name = 'a'", "name is not known here"),
        ("restart = true", "restart is not known here"),
        ("prior-option = 3", "prior-option is not known here, expected a table, as in prior-option.components"),
        ("[grid]\nepochs = 3", "grid is not known here"),
        ("seed = []", "seed is an empty list"),
        ("seed = [1, 2, 1]", "seed holds 1 twice"),
        ("seed = [1, '1']", "seed holds '1' twice"),
        ("seed = [[1]]", "seed is '[1]', expected text or a number"),
        ("seed = true", "seed is 'True', expected text or a number"),
        ("half = 1", "half is '1', expected true or false"),
        ("hidden = 300", "hidden is '300', expected a list of widths"),
        ("hidden = [300, 'x']", "hidden is"),
        ("epochs = 'many'", "digits-2d-standard-s0: argument --epochs: invalid int value: 'many'"),
        ("epochs = [3, 0]", "digits-2d-standard-epochs0-s0: epochs: Input should be greater than or equal to 1"),
        ("learning-rate = nan", "learning_rate: Input should be"),
        ("dataset = ['digits', 'nothing']", "nothing-2d-standard-s0: data set is 'nothing'"),
        ("dataset = '--restart'", "data set is '--restart'"),
        ("prior = ['mog', 'vampire']", "unknown prior 'vampire'"),
        ("prior = ['mog', 'maf']\nprior-option.componentz = 3", "componentz is an option of none of mog, maf; "
         "these have components, hidden, init_scale, layers"),
        ("prior-option.components = [3]", "components is an option of none of standard; these have none"),
        ("prior = 'mog'\nprior-option.components = [3, 0]", "digits-2d-mog-k0-s0: Mixture of Gaussians, prior option"),
        ("prior = 'vamp'\nposterior = 'iaf'", "is a mixture of posteriors"),
        ("posterior-option.layers = 3", "posterior-option.layers is an option of none of gaussian"),
        ("dataset = ['npz:/a/x.npz', 'npz:/b/x.npz']", "x-2d-standard-s0 would be the name of two models"),
        ("dataset = ['npz:/a/x.npz', 'npz:/b/X.npz']", "X-2d-standard-s0 would be the name of two models"),
        (f"dataset = 'npz:/{'x' * 70}.npz'", "a name has letters"),
        (f"seed = [{', '.join(map(str, range(101)))}]\nepochs = [{', '.join(map(str, range(1, 101)))}]",
         f"10,100 combinations, expected at most {MOST:,}"),
    ],
)  # fmt: skip
def test_a_wrong_grid_is_answered_in_one_line(text: str, reason: str, tmp_path: Path, capsys) -> None:
    (tmp_path / "grid.toml").write_text(text)
    told = complaint(capsys, "sweep", "--json", "--root", str(tmp_path), str(tmp_path / "grid.toml"))
    assert reason in told and "grid.toml" in told
    assert [path.name for path in tmp_path.iterdir()] == ["grid.toml"]
