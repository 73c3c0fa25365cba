"""Sweeps without Ray: what is trained, tried again, skipped, kept and told."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest

from core.checkpoint import load
from core.checkpoint_list import list_checkpoints
from core.cli import main
from core.sweep_order import Outcome
from core.sweep_transport import Store
from tests.core.commands import answer, complaint, write_images
from tests.core.sweeps import HerePool, Trouble, given, interrupted, lost

pytestmark = pytest.mark.usefixtures("place")
ROOT = Path(__file__).resolve().parents[2]
QUICK = "hidden = [8]\nbatch-size = 20\nsamples = 20\nwarmup-epochs = 1\nepochs = 2\nsnapshots = 2\n"


def arguments(place: Path, text: str, *more: str) -> list[str]:
    """A sweep over the tiny images."""
    (place / "grid.toml").write_text(f"dataset = '{write_images(place)}'\n{QUICK}{text}\n")
    return ["sweep", str(place / "grid.toml"), "--json", "--root", str(place / "root"), *more]


def pool(monkeypatch: pytest.MonkeyPatch, trouble: Trouble | None = None) -> HerePool:
    made = HerePool(trouble)
    monkeypatch.setattr("core.sweep_ray.ray_pool", lambda *_: given(made))
    return made


def test_every_model_is_trained_and_nothing_of_it_stays_behind(place: Path, capsys, monkeypatch) -> None:
    workers = pool(monkeypatch)
    told = answer(
        capsys, *arguments(place, "prior = ['standard', 'mog']\nprior-option.components = [3]\nseed = [0, 1]")
    )
    names = ["tiny-2d-standard-s0", "tiny-2d-standard-s1", "tiny-2d-mog-k3-s0", "tiny-2d-mog-k3-s1"]
    assert told["models"] == dict.fromkeys(names, "there") and not told["failed"] and not told["reasons"]
    assert {info.name: info.error for info in list_checkpoints(place / "root")} == dict.fromkeys(sorted(names))
    assert workers.forgotten == names and not list((place / "scratch").iterdir())
    one = load("tiny-2d-mog-k3-s1", place / "root")
    assert one.config.command.startswith("python -m core train --name tiny-2d-mog-k3-s1 --dataset=npz:")
    assert one.config.train.seed == 1 and one.metrics["training"]["epochs"] == 2


def test_the_sweep_trains_what_the_command_line_trains(place: Path, capsys, monkeypatch) -> None:
    pool(monkeypatch)
    answer(capsys, *arguments(place, "prior = 'vamp'\nprior-option.components = 3"))
    swept = load("tiny-2d-vamp-k3-s0", place / "root")
    words = swept.config.command.split()[3:]
    answer(capsys, *words, "--json", "--root", str(place / "alone"))
    alone = load("tiny-2d-vamp-k3-s0", place / "alone")
    weights = [one.config.files["model.safetensors"] for one in (swept, alone)]
    assert weights[0] == weights[1], "the same weights, bit for bit"
    elbo = [one.metrics["evaluations"]["test"]["elbo"]["value"] for one in (swept, alone)]
    assert elbo[0] == pytest.approx(elbo[1], abs=1e-4)


def test_what_is_there_is_left_alone_and_a_longer_list_trains_the_rest(place: Path, capsys, monkeypatch) -> None:
    pool(monkeypatch)
    answer(capsys, *arguments(place, "seed = [0]"))
    before = load("tiny-2d-standard-s0", place / "root").digest
    workers = pool(monkeypatch)
    told = answer(capsys, *arguments(place, "seed = [0, 1]"))
    assert [order.name for order in workers.orders] == ["tiny-2d-standard-s1"]
    assert list(told["models"].values()) == ["there", "there"]
    assert load("tiny-2d-standard-s0", place / "root").digest == before


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("seed = 0\nlearning-rate = 0.01", "learning-rate is 0.001, expected 0.01"),
        ("half = true", "half is False, expected True"),
        ("latent-dim = 2\nprior = ['standard']\nclip-norm = 1.0", "clip-norm is 10.0, expected 1.0"),
    ],
)
def test_a_checkpoint_of_the_name_with_other_settings_is_not_taken_for_it(
    text: str, reason: str, place: Path, capsys, monkeypatch
) -> None:
    pool(monkeypatch)
    answer(capsys, *arguments(place, ""))
    workers = pool(monkeypatch)
    told = complaint(capsys, *arguments(place, text))
    assert f"tiny-2d-standard-s0 is in {place / 'root'} already, made by other settings: {reason}" in told
    assert not workers.orders
    assert reason in complaint(capsys, *arguments(place, text, "--status"))


def test_options_of_the_prior_are_compared_too(place: Path, capsys, monkeypatch) -> None:
    pool(monkeypatch)
    answer(capsys, *arguments(place, "prior = 'vamp'\nprior-option.components = 3"))
    told = complaint(
        capsys, *arguments(place, "prior = 'vamp'\nprior-option.components = 3\nprior-option.init = 'data'")
    )
    assert "prior-option.init is 'mean', expected 'data'" in told
    answer(capsys, *arguments(place, "prior = 'aggregated'"))
    assert not pool(monkeypatch).orders
    answer(capsys, *arguments(place, "prior = 'aggregated'"))  # its number of images, filled in, is no other setting


def test_a_broken_folder_is_told_left_alone_and_kept_from_the_store(place: Path, capsys, monkeypatch) -> None:
    name = "tiny-2d-standard-s0"
    pool(monkeypatch)
    answer(capsys, *arguments(place, "seed = [0]"))
    weights = place / "root" / name / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    workers = pool(monkeypatch)
    capsys.readouterr()
    assert main(arguments(place, "seed = [0, 1]", "--store", f"file://{place / 'store'}")) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["failed"] == [name] and told["models"]["tiny-2d-standard-s1"] == "there"
    assert told["models"][name].startswith("broken: model.safetensors")
    assert [order.name for order in workers.orders] == ["tiny-2d-standard-s1"]
    assert [path.name for path in (place / "store").iterdir()] == ["tiny-2d-standard-s1"]


def test_what_fails_is_tried_again_and_the_reasons_are_kept(place: Path, capsys, monkeypatch) -> None:
    name = "tiny-2d-standard-s0"
    workers = pool(monkeypatch, {(name, 1): lost, (name, 2): lambda _: Outcome({}, "no memory")})
    told = answer(capsys, *arguments(place, ""))
    assert told["models"] == {name: "there"}
    assert told["reasons"] == {name: ["its machine was lost", "no memory"]}
    assert [(order.attempt, order.afresh) for order in workers.orders] == [(1, False), (2, False), (3, False)]


def test_attempts_come_to_an_end_and_the_others_are_trained(place: Path, capsys, monkeypatch) -> None:
    name = "tiny-2d-standard-s0"
    workers = pool(monkeypatch, {(name, attempt): lost for attempt in range(1, 9)})
    capsys.readouterr()
    assert main(arguments(place, "seed = [0, 1]", "--retries", "1")) == 1
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert told["models"] == {name: "failed: its machine was lost", "tiny-2d-standard-s1": "there"}
    assert told["failed"] == [name] and len(told["reasons"][name]) == 2 and len(workers.orders) == 3
    assert f"{name}: failed in attempt 2 of 2: its machine was lost" in captured.err


def test_a_training_that_diverges_is_not_tried_again(place: Path, capsys, monkeypatch) -> None:
    name = "tiny-2d-standard-s0"
    workers = pool(monkeypatch, {(name, 1): lambda _: Outcome({}, "training diverged in epoch 1", final=True)})
    capsys.readouterr()
    assert main(arguments(place, "")) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["reasons"] == {name: ["training diverged in epoch 1"]} and len(workers.orders) == 1


def test_what_cannot_be_stored_stays_with_the_worker_and_the_next_sweep_fetches_it(
    place: Path, capsys, monkeypatch
) -> None:
    workers = pool(monkeypatch)
    with monkeypatch.context() as full:
        full.setattr("core.sweep_transport.sync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
        capsys.readouterr()
        assert main(arguments(place, "")) == 1
    told = json.loads(capsys.readouterr().out)
    assert "cannot be stored: [Errno 28] No space left" in told["models"]["tiny-2d-standard-s0"]
    assert not list((place / "root").iterdir()) and not workers.forgotten
    monkeypatch.setattr("core.sweep_worker._trained", lambda *_: pytest.fail("it was trained already"))
    assert answer(capsys, *arguments(place, ""))["models"] == {"tiny-2d-standard-s0": "there"}


def test_ctrl_c_asks_the_workers_to_stop_and_the_same_command_goes_on(place: Path, capsys, monkeypatch) -> None:
    stops = {("tiny-2d-standard-s1", 1): interrupted}
    workers = pool(monkeypatch, stops)
    stops["tiny-2d-standard-s2", 1] = lambda _: Outcome({}, stopped=True)
    capsys.readouterr()
    assert main(arguments(place, "seed = [0, 1, 2, 3]")) == 130
    told = json.loads(capsys.readouterr().out)
    assert told["interrupted"] and not told["failed"] and len(workers.stopped) == 2
    assert list(told["models"].values()) == ["there", "not trained", "stopped, its worker keeps its state", "there"]
    pool(monkeypatch)
    assert set(answer(capsys, *arguments(place, "seed = [0, 1, 2, 3]"))["models"].values()) == {"there"}


def test_a_store_gets_every_model_and_gives_what_the_folder_lacks(place: Path, capsys, monkeypatch) -> None:
    url = f"file://{place / 'store'}"
    pool(monkeypatch)
    answer(capsys, *arguments(place, "seed = [0]"))  # before there was a store
    answer(capsys, *arguments(place, "seed = [0, 1]", "--store", url))
    store = Store(url)
    assert all(store.config(f"tiny-2d-standard-s{seed}") for seed in (0, 1))
    workers = pool(monkeypatch)
    told = answer(capsys, *arguments(place, "seed = [0, 1]", "--store", url, "--root", str(place / "elsewhere")))
    assert set(told["models"].values()) == {"there"} and not workers.orders
    assert all(info.error is None for info in list_checkpoints(place / "elsewhere"))
    told = complaint(capsys, *arguments(place, "patience = 3", "--store", url))
    assert "made by other settings: patience is 50, expected 3" in told


def test_a_store_that_refuses_does_not_cost_the_training(place: Path, capsys, monkeypatch) -> None:
    pool(monkeypatch)
    puts: list[str] = []

    def put(_: Store, name: str, files: dict[str, bytes]) -> None:
        puts.append(name)
        if len(puts) == 1:
            raise OSError("the store cannot take it: timed out")

    trained: list[int] = []
    from core import sweep_worker

    train = sweep_worker._trained
    monkeypatch.setattr(Store, "put", put)
    monkeypatch.setattr("core.sweep_worker._trained", lambda *both: trained.append(1) or train(*both))
    told = answer(capsys, *arguments(place, "", "--store", f"file://{place / 'store'}"))
    assert told["reasons"] == {"tiny-2d-standard-s0": ["the store cannot take it: timed out"]}
    assert len(puts) == 2 and len(trained) == 1


def test_the_status_trains_nothing(place: Path, capsys, monkeypatch) -> None:
    workers = pool(monkeypatch)
    told = answer(capsys, *arguments(place, "seed = [0, 1]", "--status"))
    assert set(told["models"].values()) == {"not trained"} and told["combinations"] == 2 and not workers.orders
    assert main([word for word in arguments(place, "seed = [0, 1]", "--status") if word != "--json"]) == 0
    captured = capsys.readouterr()
    assert "0 of 2 models are there" in captured.out and "grid.toml: 2 models" in captured.err


@pytest.mark.parametrize(
    ("text", "more", "reason"),
    [
        ("", ["--cpus", "0"], "--cpus is 0, expected 1 or more"),
        ("", ["--gpus", "-1"], "--gpus is -1, expected 0 or more"),
        ("", ["--gpus", "nan"], "--gpus is nan, expected 0 or more"),
        ("", ["--retries", "-1"], "--retries is -1"),
        ("", ["--workers", "0"], "--workers is 0"),
        ("", ["--workers", "2", "--address", "auto"], "--workers is for a cluster that is started here"),
        ("device = 'cuda'", [], "device is cuda and --gpus is 0, expected device cpu, or --gpus 1"),
        ("device = 'cpu'", ["--gpus", "1"], "device is cpu and --gpus is 1, expected device cuda"),
        ("device = 'cuda:1'", ["--gpus", "1"], "device is cuda:1 and --gpus is 1, expected device cuda"),
        ("", ["--store", "bucket"], "the store is 'bucket', expected an address"),
    ],
)
def test_what_cannot_be_is_refused_at_once(
    text: str, more: list[str], reason: str, place: Path, capsys, monkeypatch
) -> None:
    workers = pool(monkeypatch)
    assert reason in complaint(capsys, *arguments(place, text, *more)) and not workers.orders


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_trained(place: Path, capsys, monkeypatch) -> None:
    workers = pool(monkeypatch)
    (place / "file").write_text("")
    told = complaint(capsys, *arguments(place, "", "--root", str(place / "file" / "root")))
    assert "cannot be written" in told and not workers.orders


def test_own_images_must_be_there_and_found_by_every_worker(place: Path, capsys) -> None:
    (place / "grid.toml").write_text("dataset = 'npz:nothing.npz'")
    command = ["sweep", str(place / "grid.toml"), "--root", str(place / "root")]
    assert "npz:nothing.npz, but there is no such file" in complaint(capsys, *command)
    assert "expected an absolute path" in complaint(capsys, *command, "--address", "auto")


def test_a_cluster_that_nobody_runs_is_told_at_once(place: Path, capsys) -> None:
    told = complaint(capsys, *arguments(place, "", "--address", "127.0.0.1:1"))
    assert "the Ray cluster '127.0.0.1:1' does not answer" in told


def test_without_ray_it_says_what_to_install(place: Path, capsys, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert complaint(capsys, *arguments(place, "")) == "error: Sweeps need Ray: pip install -r requirements-sweep.txt"


def test_nothing_imports_ray_or_fsspec_before_it_is_needed() -> None:
    for file in (ROOT / "core").rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] in ("ray", "fsspec")], file
