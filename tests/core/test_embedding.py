"""t-SNE maps: what is near stays near, the same seed gives the same map, and a file is believed only after a look."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from sklearn.manifold import trustworthiness as reference

from core import embedding as module
from core.embedding import embed, read_embedding, trustworthiness, write_embedding
from core.latents import LatentCloud
from core.priors import Prior
from core.records import Embedding
from tests.contracts import registered_prior
from tests.core.commands import answer, complaint, train_arguments, write_images

N = 40
F32 = np.float32


def far_cloud(dim: int = 5, at: float = 30.0, images: int = N) -> LatentCloud:
    """Posteriors of variance 1 around one place, ``at`` in every dimension."""
    centre = np.full((images, dim), at, np.float32)
    return LatentCloud(centre, np.zeros_like(centre), None, "test", images)


def standard(dim: int = 5) -> Prior:
    return registered_prior("standard")(dim)


@pytest.fixture(scope="module")
def far() -> tuple[Embedding, list[tuple[int, int, str]]]:
    reports: list[tuple[int, int, str]] = []
    made = embed(far_cloud(), standard(), n=N, perplexity=10, on_progress=lambda *told: reports.append(told))
    return made, reports


def separated(made: Embedding) -> bool:
    """Whether the two sides lie further apart than any point lies from the middle of its own."""
    gap = np.linalg.norm(made.q.mean(0) - made.p.mean(0))
    spread = max(np.linalg.norm(side - side.mean(0), axis=1).max() for side in (made.q, made.p))
    return bool(gap > 1.5 * spread)


def test_two_clusters_stay_apart_and_one_cluster_stays_one(far) -> None:
    made, _ = far
    assert separated(made) and made.q.shape == made.p.shape == (N, 2) and made.q.dtype == np.float32
    assert not separated(embed(far_cloud(at=0.0), standard(), n=N, perplexity=10))


def test_the_draws_are_kept_with_their_images(far) -> None:
    made, _ = far
    assert sorted(made.q_index) == list(range(N)), "one draw for each image"
    assert abs(made.q_z - 30).max() < 6 and abs(made.p_z).max() < 6
    assert made.perplexity == made.asked == 10 and made.divergence > 0 and made.seconds > 0
    assert "scikit-learn" in made.method and "1,000 iterations" in made.method


def test_progress_is_told_and_standard_output_given_back(far) -> None:
    _, reports = far
    done = [told[0] for told in reports]
    assert done == sorted(done) and done[0] == 0 and done[-1] == 1000 and {50, 500} <= set(done)
    assert {told[1] for told in reports} == {1000} and not isinstance(sys.stdout, module._Lines)


def test_other_threads_still_print_while_iterations_are_caught(capsys) -> None:
    told: list[int] = []
    with module._printed_iterations(100, lambda done, total, message: told.append(done)):
        print("[t-SNE] Iteration 50: error = 1.0")
        thread = threading.Thread(target=print, args=("Iteration 7: of somebody else",))
        thread.start()
        thread.join()
    assert told == [50] and capsys.readouterr().out == "Iteration 7: of somebody else\n"


def test_the_same_seed_gives_the_same_map_and_touches_no_global_state(far) -> None:
    made, _ = far
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    again = embed(far_cloud(), standard(), n=N, perplexity=10)
    other = embed(far_cloud(), standard(), n=N, perplexity=10, seed=1)
    assert np.array_equal(again.q, made.q) and np.array_equal(again.p, made.p) and again.divergence == made.divergence
    assert not np.array_equal(other.q_z, made.q_z) and not np.array_equal(other.q, made.q)
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


def test_too_large_a_perplexity_is_lowered_and_both_are_told() -> None:
    made = embed(far_cloud(), standard(), n=15, perplexity=500)
    assert made.asked == 500 and made.perplexity == pytest.approx(29 / 3)


def test_more_draws_than_images_and_constant_or_single_dimensions_are_fine() -> None:
    assert np.bincount(embed(far_cloud(images=10), standard(), n=20, perplexity=5).q_index).tolist() == [2] * 10
    still = far_cloud()
    still.mean[:, 2:], still.log_var[:, 2:] = 0, -30
    assert np.isfinite(embed(still, standard(), n=20).q).all()
    line = embed(far_cloud(1), standard(1), n=N, perplexity=10)
    assert line.q.std(0).min() > 1 and line.trustworthiness > 0.9, "a line may bend in the plane"


def test_beyond_the_threshold_opentsne_makes_the_map(monkeypatch) -> None:
    monkeypatch.setattr(module, "EXACT_POINTS", 2 * N - 1)
    monkeypatch.setattr(module, "_OPENTSNE_STEPS", (50, 100))
    reports: list[tuple[int, int, str]] = []
    made, again = (
        embed(far_cloud(), standard(), n=N, perplexity=10, on_progress=lambda *told: reports.append(told))
        for _ in range(2)
    )
    assert separated(made) and "openTSNE" in made.method and made.trustworthiness > 0.8
    assert np.array_equal(made.q, again.q) and made.q.dtype == np.float32
    done = [told[0] for told in reports[: len(reports) // 2]]
    assert done == [0, 50, 100, 150, 150] and reports[0][1] == 150


class Broken(Prior):
    """Draws that no map can be made of."""

    def __init__(self, value: float, dim: int = 5) -> None:
        super().__init__(dim, standard().options)
        self.value = value

    def log_prob(self, z):
        return z[:, 0]

    def sample(self, n, *, generator=None):
        return torch.full((n, self.dim), self.value)


POINT = replace(far_cloud(at=1.0), log_var=np.full((N, 5), -200, F32))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"n": 14}, "n is 14, expected 15 to 10,000"),
        ({"n": 10_001}, "n is 10001"),
        ({"perplexity": float("nan")}, "perplexity is nan"),
        ({"perplexity": 1.0}, "perplexity is 1.0"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"prior": standard(4)}, "5 dimensions and the prior 4"),
        ({"prior": Broken(float("nan"))}, r"draws of p\(z\) hold NaN"),
        ({"cloud": POINT, "prior": Broken(1.0)}, "the same point"),
    ],
)
def test_what_makes_no_map_is_refused_with_a_reason(changes: dict, named: str) -> None:
    settings = {"cloud": far_cloud(), "prior": standard(), "n": 20, **changes}
    with pytest.raises(ValueError, match=named):
        embed(settings.pop("cloud"), settings.pop("prior"), **settings)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_trustworthiness_is_that_of_the_literature(k: int, monkeypatch) -> None:
    generator = np.random.default_rng(1)
    points, positions = generator.normal(size=(120, 4)), generator.normal(size=(120, 2))
    positions[:, 0] += points[:, 0]
    monkeypatch.setattr(module, "TILE", 1000)  # several tiles
    assert trustworthiness(points, positions, k) == pytest.approx(
        reference(points, positions, n_neighbors=k), abs=1e-12
    )


def test_trustworthiness_of_a_faithful_and_of_a_shuffled_map() -> None:
    generator = np.random.default_rng(2)
    points = generator.normal(size=(600, 2))
    assert trustworthiness(points, 3 * points) == 1
    assert trustworthiness(points, generator.permutation(points)) == pytest.approx(0.5, abs=0.03)
    with pytest.raises(ValueError, match="k is 300"):
        trustworthiness(points, points, 300)


def test_a_map_survives_its_file(far, tmp_path: Path) -> None:
    made, file = far[0], tmp_path / "map"
    write_embedding(made, file)
    back = read_embedding(file)
    for name, value in vars(made).items():
        assert np.array_equal(getattr(back, name), value), name
    assert [path.name for path in tmp_path.iterdir()] == ["map"]


def spoilt(made: Embedding, file: Path, **changes) -> Path:
    """A stored map with tensors (arrays, None to leave out) or words of its caption (strings) replaced."""
    write_embedding(made, file)
    from safetensors import safe_open

    with safe_open(file, framework="numpy") as handle:
        words = handle.metadata()
    tensors = load_file(file)
    for name, value in changes.items():
        if isinstance(value, str):
            words[name] = value
        elif value is None:
            (words if name in words else tensors).pop(name)
        else:
            tensors[name] = value
    save_file(tensors, file, metadata=words)
    return file


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"q": np.full((N, 2), np.nan, F32)}, "q must be finite"),
        ({"p_z": np.full((N, 5), np.inf, F32)}, "p_z must be finite"),
        ({"q": np.zeros((N, 2))}, "q must be finite float32"),
        ({"q": np.zeros((N - 1, 2), F32)}, "it holds"),
        ({"q": np.zeros((N, 3), F32)}, "it holds"),
        ({"q_z": np.zeros(N, F32)}, "it holds"),
        ({"q_z": np.zeros((N, 4), F32)}, "it holds"),
        ({"more": np.zeros(1, F32)}, "it holds"),
        ({"p": None}, "it holds"),
        ({"q_index": np.full(N, -1)}, "q_index"),
        ({"q_index": np.zeros(N, F32)}, "q_index"),
        ({"seed": None}, "seed is missing"),
        ({"seed": "x"}, "invalid literal"),
        ({"divergence": "nan"}, "divergence is nan"),
        ({"seconds": "-1"}, "seconds is -1"),
        ({"trustworthiness": "1.5"}, "larger than possible"),
        ({"perplexity": "30"}, "larger than possible"),
    ],
)
def test_a_file_that_cannot_be_is_refused(far, changes: dict, named: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"the map bad cannot be used: .*{named}"):
        read_embedding(spoilt(far[0], tmp_path / "bad", **changes))


def test_a_missing_truncated_or_foreign_file_is_refused(far, tmp_path: Path) -> None:
    file = tmp_path / "map"
    with pytest.raises(ValueError, match="cannot be used"):
        read_embedding(file)
    write_embedding(far[0], file)
    whole = file.read_bytes()
    for content in (b"", whole[: len(whole) // 2], whole[:-1], b"{}" * 500):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="cannot be used"):
            read_embedding(file)


def test_the_subcommand_stores_the_map_of_a_checkpoint(tmp_path: Path, capsys) -> None:
    answer(capsys, *train_arguments(write_images(tmp_path), tmp_path))
    arguments = ["embed", "model", "--root", str(tmp_path), "--draws", "20", "--perplexity", "30", "--json"]
    told = answer(capsys, *arguments, "--output", str(tmp_path / "map"))
    made = read_embedding(tmp_path / "map")
    assert told["perplexity"] == made.perplexity == 13 and told["asked"] == 30 and told["draws"] == len(made.q) == 20
    assert told["trustworthiness"] == made.trustworthiness and json.dumps(told)
    assert "has the digest" in complaint(capsys, *arguments, "--digest", "0" * 16)
    assert "n is 3" in complaint(capsys, *arguments[:4], "--draws", "3")
    (tmp_path / "model" / "latents.safetensors").unlink()
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    del config["files"]["latents.safetensors"]
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    assert "stores no posteriors" in complaint(capsys, *arguments)
