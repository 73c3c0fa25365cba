"""Data sets: counts, splits, stored binarisation, and that whatever is wrong with a file comes out as a DataError."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torch import Tensor

from core.datasets import DATASETS, DataError, Dataset, Request, Split, binarise, data_root, load, mnist, omniglot
from core.datasets.base import partition
from tests.datasets_fixtures import npy_header, write_idx, write_member, write_mnist, write_omniglot

GREY = np.linspace(0, 255, 40 * 6 * 5).astype(np.uint8).reshape(40, 6, 5)
SMALL_MNIST = {
    "train-images-idx3-ubyte": (60, 28, 28),
    "train-labels-idx1-ubyte": (60,),
    "t10k-images-idx3-ubyte": (10, 28, 28),
    "t10k-labels-idx1-ubyte": (10,),
}


def digest(images: Tensor) -> str:
    return hashlib.sha256(images.numpy().tobytes()).hexdigest()[:16]


def labels_of(split: Split) -> Tensor:
    assert split.labels is not None
    return split.labels


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def real(request: pytest.FixtureRequest) -> Dataset:
    """A data set from PRIORSCOPE_DATA; skips where that is unset or lacks the files."""
    if not os.environ.get("PRIORSCOPE_DATA"):
        pytest.skip("PRIORSCOPE_DATA is unset")
    folder = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}.get(request.param) or str(request.param)
    if not (data_root() / folder).is_dir():
        pytest.skip(f"PRIORSCOPE_DATA has no {folder}")
    return load(request.param, download=False)


@pytest.fixture
def small_mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A root whose MNIST has 60 + 10 images, and a loader that expects so many."""
    monkeypatch.setattr(mnist, "SHAPES", SMALL_MNIST)
    monkeypatch.setattr(mnist, "N_TRAIN", 50)
    write_mnist(tmp_path / "MNIST" / "raw", SMALL_MNIST)
    return tmp_path


@pytest.fixture
def small_omniglot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(omniglot, "COUNTS", {omniglot.BACKGROUND: 24, omniglot.EVALUATION: 6})
    monkeypatch.setattr(omniglot, "N_VALIDATION", 4)
    write_omniglot(tmp_path / "omniglot-py" / "images_background", ["Latin", "Early_Aramaic"], 3, 4)
    write_omniglot(tmp_path / "omniglot-py" / "images_evaluation", ["Tibetan"], 2, 3)
    return tmp_path


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., str]:
    """Writes arrays to an .npz file and returns the name that `load` takes."""

    def write(**arrays: object) -> str:
        np.savez(tmp_path / "own.npz", **arrays)  # pyright: ignore[reportArgumentType]
        return f"npz:{tmp_path / 'own.npz'}"

    return write


# The values


def test_binarise_is_a_bernoulli_draw_and_keeps_certain_pixels() -> None:
    intensities = torch.tensor([0.0, 0.2, 0.5, 0.9, 1.0]).expand(40_000, 5)
    drawn = binarise(intensities, generator())
    assert drawn.dtype == torch.float32 and set(drawn.unique().tolist()) == {0.0, 1.0}
    assert drawn[:, 0].sum() == 0 and drawn[:, 4].sum() == 40_000
    torch.testing.assert_close(drawn.mean(0), intensities[0], atol=4 * 0.0025, rtol=0)  # 4 standard errors
    assert torch.equal(drawn, binarise(intensities, generator())), "one seed, one draw"
    assert not torch.equal(drawn, binarise(intensities, generator(1)))


def test_binarise_leaves_the_global_seed_alone() -> None:
    before = torch.get_rng_state()
    load("digits").fixed("train")
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("n,n_validation,n_test", [(1965, 200, 200), (30, 3, 3), (10, 4, 0)])
def test_partition_is_disjoint_and_complete(n: int, n_validation: int, n_test: int) -> None:
    parts = partition(n, n_validation, n_test)
    assert [len(part) for part in parts] == [n - n_validation - n_test, n_validation, n_test]
    assert sorted(torch.cat(parts).tolist()) == list(range(n))


def test_partition_never_changes() -> None:
    # Stored evaluations rest on this very shuffle; another one would put training images into the test split.
    train, validation, test = partition(1965, 200, 200)
    assert train[:5].tolist() == [439, 428, 344, 1536, 660]
    assert validation[:3].tolist() == [1522, 599, 995] and test[:3].tolist() == [1922, 569, 1543]


def test_dataset_refuses_shapes_that_do_not_fit() -> None:
    digits = load("digits")
    with pytest.raises(DataError, match="train images have shape"):
        replace(digits, image_shape=(1, 8, 9))
    with pytest.raises(DataError, match="300 test images but labels"):
        replace(digits, test=Split(digits.test.images, torch.zeros(299, dtype=torch.int64)))
    with pytest.raises(FrozenInstanceError):
        digits.seed = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_unknown_split_names_the_allowed_ones() -> None:
    digits = load("digits")
    for call in (digits.split, digits.fixed):
        with pytest.raises(ValueError, match="'val', expected one of train, validation, test"):
            call("val")


# Digits, which are always there


def test_digits_counts_classes_and_ranges() -> None:
    digits = load("digits")
    assert [len(digits.split(name)) for name in ("train", "validation", "test")] == [1297, 200, 300]
    assert (digits.image_shape, digits.likelihood, digits.binarisation) == ((1, 8, 8), "bernoulli", "dynamic")
    assert (digits.name, digits.seed, digits.class_names) == ("digits", 777, tuple("0123456789"))
    levels = digits.train.images * 16
    assert torch.equal(levels, levels.round()) and levels.max() == 16 and len(levels.unique()) == 17
    for split in (digits.validation, digits.test):
        assert split.images.dtype == torch.float32 and labels_of(split).dtype == torch.int64
        assert set(split.images.unique().tolist()) == {0.0, 1.0}
        shares = labels_of(split).bincount() / len(split)
        assert (shares - 0.1).abs().max() < 0.01, "the split is stratified"


def test_digits_are_the_source_cut_into_three() -> None:
    from sklearn.datasets import load_digits

    bunch = load_digits(return_X_y=True)
    pixels, labels = np.asarray(bunch[0]), np.asarray(bunch[1])
    digits = load("digits")
    source = sorted(map(tuple, (pixels / 16).astype(np.float32).tolist()))
    train = sorted(map(tuple, digits.train.images.tolist()))
    assert set(train) <= set(source) and len(train) == 1297
    together = torch.cat([labels_of(split) for split in (digits.train, digits.validation, digits.test)])
    assert sorted(together.tolist()) == sorted(labels.tolist())
    # An ink pixel of a drawn image needs ink at the same place of some source image of its class.
    for image, label in zip(digits.test.images, labels_of(digits.test), strict=True):
        assert not (image.bool() & torch.from_numpy(pixels[labels == int(label)].max(0) == 0)).any()


def test_stored_binarisation_never_changes() -> None:
    digits = load("digits")
    assert digest(digits.validation.images) == "b6f27f76cfc63e0e", "stored evaluations were made with other images"
    assert digest(digits.test.images) == "cc06bfdda74c2780", "stored evaluations were made with other images"


def test_seed_changes_the_binarisation_and_not_the_split() -> None:
    one, same, other = load("digits"), load("digits", seed=777), load("digits", seed=778)
    for name in ("train", "validation", "test"):
        assert torch.equal(one.fixed(name).images, same.fixed(name).images)
        assert not torch.equal(one.fixed(name).images, other.fixed(name).images)
        assert torch.equal(labels_of(one.split(name)), labels_of(other.split(name)))
    assert torch.equal(one.train.images, other.train.images)


def test_every_split_has_a_random_stream_of_its_own() -> None:
    digits = load("digits")
    half = Split(torch.full((300, 64), 0.5))
    from core.datasets.base import binarise_once

    drawn = [binarise_once(half, name, digits.seed).images for name in ("train", "validation", "test")]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        agreement = (drawn[first] == drawn[second]).float().mean()
        assert abs(agreement - 0.5) < 0.02, "shared noise would make the splits agree"


def test_fixed_train_is_one_binary_draw_of_train() -> None:
    digits = load("digits")
    fixed = digits.fixed("train")
    assert set(fixed.images.unique().tolist()) == {0.0, 1.0}
    assert not fixed.images[digits.train.images == 0].any() and fixed.images[digits.train.images == 1].all()
    assert abs(fixed.images.mean() - digits.train.images.mean()) < 0.005
    assert fixed.labels is labels_of(digits.train)
    assert digits.fixed("test") is digits.test


def test_training_batch_is_fresh_for_dynamic_and_plain_otherwise() -> None:
    digits, index = load("digits"), torch.tensor([5, 0, 5])
    stream = generator()
    first, second = digits.training_batch(index, stream), digits.training_batch(index, stream)
    assert first.shape == (3, 64) and set(first.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(first, second), "each step has its own draw"
    assert torch.equal(first, digits.training_batch(index, generator())), "and the generator decides it"
    mean = torch.stack([digits.training_batch(index, stream) for _ in range(4000)]).mean(0)
    torch.testing.assert_close(mean, digits.train.images[index], atol=0.04, rtol=0)
    grey = replace(digits, binarisation="none", likelihood="logistic")
    assert torch.equal(grey.training_batch(index, stream), digits.train.images[index])


# The real files


@pytest.mark.parametrize(
    "real,validation,test",
    [
        ("mnist", "381d16f66bf38fbd", "8924e80099d1c932"),
        ("fashion_mnist", "ee19ec5ec020dc72", "962b7930be619f49"),
    ],
    indirect=["real"],
)
def test_mnist_family(real: Dataset, validation: str, test: str) -> None:
    assert [len(split) for split in (real.train, real.validation, real.test)] == [50_000, 10_000, 10_000]
    assert (real.image_shape, real.likelihood, real.binarisation) == ((1, 28, 28), "bernoulli", "dynamic")
    assert real.train.images.min() == 0 and real.train.images.max() == 1 and len(real.class_names) == 10
    assert digest(real.validation.images) == validation and digest(real.test.images) == test
    folder = data_root() / ("MNIST" if real.name == "mnist" else "FashionMNIST") / "raw"
    pixels = np.fromfile(folder / "train-images-idx3-ubyte", dtype=np.uint8, offset=16).reshape(60_000, 784)
    labels = np.fromfile(folder / "train-labels-idx1-ubyte", dtype=np.uint8, offset=8)
    grey = torch.from_numpy(pixels).float() / 255
    assert torch.equal(real.train.images, grey[:50_000]), "train is the first 50,000"
    assert np.array_equal(labels_of(real.train).numpy(), labels[:50_000])
    assert np.array_equal(labels_of(real.validation).numpy(), labels[50_000:]), "validation is the last 10,000"
    assert not real.validation.images[grey[50_000:] == 0].any() and real.validation.images[grey[50_000:] == 1].all()
    assert abs(real.validation.images.mean() - grey[50_000:].mean()) < 1e-3


@pytest.mark.parametrize("real", ["caltech101_silhouettes"], indirect=True)
def test_silhouettes(real: Dataset) -> None:
    assert [len(split) for split in (real.train, real.validation, real.test)] == [4100, 2264, 2307]
    assert (real.image_shape, real.likelihood, real.binarisation) == ((1, 28, 28), "bernoulli", "fixed")
    assert len(real.class_names) == 101
    for name in ("train", "validation", "test"):
        split = real.fixed(name)
        images = split.images.reshape(-1, 28, 28)
        assert split is real.split(name) and int(labels_of(split).max()) == 100
        assert set(split.images.unique().tolist()) == {0.0, 1.0}
        assert images[:, 10:18, 10:18].mean() > 0.8 and images[:, 0].mean() < 0.1, "silhouettes are 1, not inverted"
    # Pyramids are narrow above, wide below, and left like right. Upside down or transposed they are not.
    pyramids = real.train.images[labels_of(real.train) == real.class_names.index("pyramid")].reshape(-1, 28, 28)
    assert pyramids[:, :9].mean() < 0.6 * pyramids[:, -9:].mean()
    assert abs(pyramids[:, :, :9].mean() - pyramids[:, :, -9:].mean()) < 0.1
    index = torch.arange(7)
    assert torch.equal(real.training_batch(index, generator()), real.train.images[:7])


@pytest.mark.parametrize("real", ["freyfaces"], indirect=True)
def test_freyfaces(real: Dataset) -> None:
    assert [len(split) for split in (real.train, real.validation, real.test)] == [1565, 200, 200]
    assert (real.image_shape, real.likelihood, real.binarisation) == ((1, 28, 20), "logistic", "none")
    levels = torch.cat([real.train.images, real.validation.images, real.test.images]) * 256 - 0.5
    assert torch.equal(levels, levels.round()) and levels.min() == 8 and levels.max() == 238
    with np.load(data_root() / "freyfaces" / "freyfaces.npz") as file:
        frames = file["images"].reshape(1965, -1)
    together = np.sort(np.array([row.tobytes() for row in levels.to(torch.uint8).numpy()]))
    assert np.array_equal(together, np.sort(np.array([row.tobytes() for row in frames]))), "every frame once"
    assert torch.equal(levels[0].to(torch.uint8), torch.from_numpy(frames[439])), "shuffled, not in order of time"
    assert real.train.labels is None and real.class_names == ()
    assert torch.equal(real.training_batch(torch.tensor([3]), generator()), real.train.images[[3]])
    assert torch.equal(real.test.images, load("freyfaces", seed=1, download=False).test.images)


# Files that are read, whole and damaged


def test_small_mnist_reads_back(small_mnist: Path) -> None:
    data = load("mnist", root=small_mnist, download=False)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [50, 10, 10]
    assert data.train.images[49, 0].item() == pytest.approx(49 / 255)
    assert labels_of(data.validation).tolist() == list(range(10))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def web_page(path: Path) -> None:
    path.write_bytes(b"<html>not found</html>" * 10)


def fewer(path: Path) -> None:
    write_idx(path, np.zeros((30, 28, 28) if "idx3" in path.name else 30, dtype=np.uint8))


def misdeclare(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[7] += 1  # last byte of the first size
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize("damage", [cut, lengthen, empty, web_page, fewer, misdeclare])
def test_damaged_idx_is_named_with_the_remedy(small_mnist: Path, file: str, damage: Callable[[Path], None]) -> None:
    damage(small_mnist / "MNIST" / "raw" / file)
    with pytest.raises(DataError, match=rf"{file} is damaged.*Delete it and run `python -m core data mnist`"):
        load("mnist", root=small_mnist, download=True)


def test_labels_beyond_nine_are_damage(small_mnist: Path) -> None:
    write_idx(small_mnist / "MNIST" / "raw" / "train-labels-idx1-ubyte", np.full(60, 10, dtype=np.uint8))
    with pytest.raises(DataError, match="label 10, expected 0 to 9"):
        load("mnist", root=small_mnist)


def test_omniglot_strokes_are_one_and_labels_are_alphabets(small_omniglot: Path) -> None:
    data = load("omniglot", root=small_omniglot, download=False)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [20, 4, 6]
    assert data.class_names == ("Early Aramaic", "Latin", "Tibetan")
    assert torch.cat([labels_of(data.train), labels_of(data.validation)]).bincount().tolist() == [12, 12]
    assert labels_of(data.test).tolist() == [2] * 6
    images = data.train.images.reshape(-1, 28, 28)
    assert (images[:, :, :9] == 1).all() and (images[:, :, 10:] == 0).all(), "ink is 1, paper 0"
    assert set(data.test.images.unique().tolist()) == {0.0, 1.0}


def test_omniglot_that_is_incomplete_or_broken(small_omniglot: Path) -> None:
    page = small_omniglot / "omniglot-py" / "images_background" / "Latin" / "character02" / "0002_01.png"
    page.write_bytes(page.read_bytes()[:60])
    with pytest.raises(DataError, match=r"0002_01\.png is damaged.*python -m core data omniglot"):
        load("omniglot", root=small_omniglot)
    page.unlink()
    with pytest.raises(DataError, match=r"images_background is damaged: it holds 23 drawings, expected 24"):
        load("omniglot", root=small_omniglot)


def write_silhouettes(root: Path, **changes: np.ndarray) -> None:
    image = np.zeros((28, 28), dtype=np.uint8)
    image[6:22, 6:22] = 255
    arrays: dict[str, np.ndarray] = {"class_names": np.array(["lamp", "cup"])}
    for part, n in (("train", 4), ("val", 2), ("test", 3)):
        arrays[part] = np.repeat(image[None], n, axis=0)
        arrays[f"{part}_labels"] = np.arange(n, dtype=np.uint8) % 2
    (root / "caltech101_silhouettes").mkdir()
    np.savez(
        root / "caltech101_silhouettes" / "caltech101_silhouettes_28_split1.npz",
        **{**arrays, **changes},  # pyright: ignore[reportArgumentType]
    )


def test_silhouettes_keep_their_splits(tmp_path: Path) -> None:
    write_silhouettes(tmp_path)
    data = load("caltech101_silhouettes", root=tmp_path)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [4, 2, 3]
    assert data.train.images.sum() == 4 * 256 and data.class_names == ("lamp", "cup")


@pytest.mark.parametrize(
    "changes,message",
    [
        ({"val": np.zeros((2, 28, 20), np.uint8)}, "val is uint8 of shape"),
        ({"test_labels": np.zeros(2, np.uint8)}, "test_labels is uint8 of shape"),
        ({"test_labels": np.full(3, 2, np.uint8)}, "for 2 class_names"),
        ({"train": np.arange(4 * 784, dtype=np.uint32).astype(np.uint8).reshape(4, 28, 28)}, "more than two values"),
        ({"train": np.ones((4, 28, 28), np.uint8)}, "train is inverted"),
    ],
)
def test_silhouettes_of_another_form(tmp_path: Path, changes: dict[str, np.ndarray], message: str) -> None:
    write_silhouettes(tmp_path, **changes)
    with pytest.raises(DataError, match=message):
        load("caltech101_silhouettes", root=tmp_path)


def test_freyfaces_of_another_form(tmp_path: Path) -> None:
    (tmp_path / "freyfaces").mkdir()
    for name, message in (("faces", "lacks the array images"), ("images", r"\(40, 6, 5\)")):
        np.savez(tmp_path / "freyfaces" / "freyfaces.npz", **{name: GREY})  # pyright: ignore[reportArgumentType]
        with pytest.raises(DataError, match=message):
            load("freyfaces", root=tmp_path)
    (tmp_path / "freyfaces" / "freyfaces.npz").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(DataError, match=r"freyfaces\.npz is not an \.npz file, or it is cut short"):
        load("freyfaces", root=tmp_path)


# Missing files and downloads


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "omniglot"])
def test_missing_without_download_says_what_to_do(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=rf"python -m core data {name}` to download it, or set PRIORSCOPE_DATA"):
        load(name, root=tmp_path, download=False)
    assert not list(tmp_path.iterdir()), "nothing is created"


@pytest.mark.parametrize(
    "name,file,array",
    [
        ("caltech101_silhouettes", "caltech101_silhouettes_28_split1.npz", "train_labels"),
        ("freyfaces", "freyfaces.npz", "images"),
    ],
)
def test_missing_with_no_download_names_file_and_arrays(tmp_path: Path, name: str, file: str, array: str) -> None:
    with pytest.raises(DataError) as caught:
        load(name, root=tmp_path, download=True)
    assert str(tmp_path / name / file) in str(caught.value) and array in str(caught.value)


@pytest.mark.usefixtures("small_mnist")
def test_download_lands_whole_and_prints_nothing_on_standard_output(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    import torchvision.datasets

    folders: list[Path] = []

    def fake(folder: str, *, train: bool, download: bool) -> None:
        assert train and download
        print("Downloading")
        folders.append(Path(folder))
        write_mnist(Path(folder) / "FashionMNIST" / "raw", SMALL_MNIST)

    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", fake)
    root = tmp_path_factory.mktemp("data")
    (root / "FashionMNIST" / "raw").mkdir(parents=True)
    (root / "FashionMNIST" / "raw" / "mine.txt").write_text("kept")
    data = load("fashion_mnist", root=root)
    output = capsys.readouterr()
    assert output.out == "" and "Downloading" in output.err
    assert len(data.train) == 50 and folders[0].parent == root, "downloaded beside the data, on one file system"
    assert [path.name for path in root.iterdir()] == ["FashionMNIST"], "no temporary folder is left"
    assert (root / "FashionMNIST" / "raw" / "mine.txt").read_text() == "kept"
    load("fashion_mnist", root=root)
    assert len(folders) == 1, "a second load does not download"


def test_failed_download_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torchvision.datasets

    def fake(folder: str, **_: object) -> None:
        (Path(folder) / "MNIST" / "raw").mkdir(parents=True)
        (Path(folder) / "MNIST" / "raw" / "train-images-idx3-ubyte").write_bytes(b"half")
        raise URLError("no route to host")

    monkeypatch.setattr(torchvision.datasets, "MNIST", fake)
    with pytest.raises(DataError, match=r"mnist: the download into .* failed .*no route to host.*PRIORSCOPE_DATA"):
        load("mnist", root=tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.usefixtures("small_omniglot")
def test_omniglot_downloads_both_parts(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import torchvision.datasets

    def fake(folder: str, *, background: bool, download: bool) -> None:
        assert download
        part, alphabets = ("images_background", ["A", "B"]) if background else ("images_evaluation", ["C"])
        sizes = (3, 4) if background else (2, 3)
        write_omniglot(Path(folder) / "omniglot-py" / part, alphabets, *sizes)

    monkeypatch.setattr(torchvision.datasets, "Omniglot", fake)
    data = load("omniglot", root=tmp_path_factory.mktemp("data"))
    assert data.class_names == ("A", "B", "C") and len(data.train) == 20


def test_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(DataError, match="the download into"):
        load("mnist", root=tmp_path / "data")
    with pytest.raises(DataError, match="is missing"):
        load("mnist", root=tmp_path / "data", download=False)


# Names, roots, seeds


def test_registry_order_and_laziness() -> None:
    names = ["digits", "mnist", "fashion_mnist", "omniglot", "caltech101_silhouettes", "freyfaces"]
    assert list(DATASETS) == names
    assert DATASETS["digits"](Request(root=Path())).name == "digits"
    code = "import sys, core.datasets; print([m for m in ('torchvision', 'sklearn', 'PIL') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", "importing the package must not import what single loaders need"


@pytest.mark.parametrize("name", ["minst", "", "MNIST", "npz", "NPZ:a.npz"])
def test_unknown_name_lists_the_known(name: str) -> None:
    with pytest.raises(DataError) as caught:
        load(name)
    assert all(known in str(caught.value) for known in (*DATASETS, "npz:PATH", repr(name)))


@pytest.mark.parametrize("seed", [-1, 2**63, True])
def test_bad_seeds(seed: int) -> None:
    with pytest.raises(DataError, match="seed is"):
        load("digits", seed=seed)


def test_data_root_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.delenv("PRIORSCOPE_DATA", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert data_root() == Path("/home/someone/.cache/priorscope")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert data_root() == Path("/home/someone/.cache/priorscope"), "the specification has it ignored"
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert data_root() == Path("/cache/priorscope")
    monkeypatch.setenv("PRIORSCOPE_DATA", "~/data")
    assert data_root() == Path("/home/someone/data")
    assert data_root("given") == Path("given")
    monkeypatch.setenv("PRIORSCOPE_DATA", "")
    assert data_root() == Path("/cache/priorscope"), "empty is unset"
    for bad in ("a\0b", "~no-such-user-here/data"):
        with pytest.raises(DataError):
            data_root(bad)


# Own images


def test_npz_grey_is_dynamic(save: Callable[..., str]) -> None:
    data = load(save(images=GREY, labels=np.arange(40) % 3 + 7), seed=5)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [32, 4, 4]
    assert (data.image_shape, data.likelihood, data.binarisation) == ((1, 6, 5), "bernoulli", "dynamic")
    assert data.class_names == ("7", "8", "9") and data.seed == 5 and data.name.startswith("npz:")
    rows = partition(40, 4, 4)
    assert torch.equal(data.train.images, torch.from_numpy(GREY.reshape(40, 30)[rows[0].numpy()]).float() / 255)
    assert labels_of(data.test).tolist() == (rows[2] % 3).tolist()
    assert set(data.test.images.unique().tolist()) == {0.0, 1.0}
    assert "own.npz" in data.source and str(Path(data.name[4:]).parent) not in data.source


@pytest.mark.parametrize(
    "images",
    [GREY > 99, (GREY > 99).astype(np.uint8), (GREY > 99).astype(np.uint8) * 255, (GREY > 99).astype(np.float64)],
)
def test_npz_binary_is_fixed(save: Callable[..., str], images: np.ndarray) -> None:
    data = load(save(images=images))
    assert (data.likelihood, data.binarisation) == ("bernoulli", "fixed")
    rows = partition(40, 4, 4)[2].numpy()
    assert torch.equal(data.test.images, torch.from_numpy((GREY > 99).reshape(40, 30)[rows]).float())


def test_npz_layouts_agree(save: Callable[..., str]) -> None:
    colour = np.stack([GREY, GREY // 2, GREY // 3], axis=1)
    first = load(save(images=colour))
    assert first.image_shape == (3, 6, 5)
    flat = colour.reshape(40, 90)
    for arrays in (
        {"images": colour.transpose(0, 2, 3, 1)},
        {"images": np.asfortranarray(colour)},
        {"images": flat, "image_shape": np.array([3, 6, 5])},
        {"images": colour.astype(">f8") / 255},
    ):
        other = load(save(**arrays))
        assert other.image_shape == (3, 6, 5)
        torch.testing.assert_close(other.train.images, first.train.images, atol=1e-7, rtol=0)
    assert load(save(images=GREY.reshape(40, 30), image_shape=(6, 5))).image_shape == (1, 6, 5)
    narrow = GREY.reshape(40, 3, 10, 1).repeat(3, axis=3)
    with pytest.raises(DataError, match="channels first or last"):
        load(save(images=narrow))
    assert load(save(images=narrow, image_shape=(3, 10, 3))).image_shape == (3, 10, 3)
    assert load(save(images=narrow, image_shape=(3, 3, 10))).image_shape == (3, 3, 10)


def test_npz_ready_made_splits(save: Callable[..., str]) -> None:
    parts = {"train_images": GREY[:25], "validation_images": GREY[25:30], "test_images": GREY[30:]}
    labels = {"train_labels": ["a"] * 25, "validation_labels": ["cc"] * 5, "test_labels": ["b"] * 10}
    data = load(save(**parts, **labels))
    assert [len(split) for split in (data.train, data.validation, data.test)] == [25, 5, 10]
    assert torch.equal(data.train.images, torch.from_numpy(GREY[:25].reshape(25, 30)).float() / 255), "in their order"
    assert data.class_names == ("a", "b", "cc")
    assert labels_of(data.validation).tolist() == [2] * 5
    assert load(save(**parts)).train.labels is None
    for arrays, message in (
        ({"train_images": GREY}, "lacks validation_images, test_images"),
        ({**parts, "images": GREY}, "both images and train_images"),
        ({**parts, "test_images": GREY[30:, :5]}, "one image shape"),
        ({**parts, "test_images": GREY[30:] / 255}, "one dtype"),
        ({**parts, "test_images": GREY[:0]}, "test_images has shape"),
        ({**parts, **labels, "test_labels": ["b"] * 9}, r"test_labels has shape \(9,\), expected \(10,\)"),
        ({**parts, **labels, "test_labels": [1] * 10}, "differ in kind"),
        ({**parts, "test_labels": ["b"] * 10}, "expected all of"),
        ({name: images[:5] for name, images in parts.items()}, "15 images, expected at least 30"),
    ):
        with pytest.raises(DataError, match=message):
            load(save(**arrays))


NAN, INFINITE = GREY / 255, GREY / 255
NAN[3, 2, 1], INFINITE[3, 2, 1] = np.nan, np.inf


@pytest.mark.parametrize(
    "arrays,message",
    [
        ({"pictures": GREY}, "lacks images"),
        ({"images": NAN}, "NaN or infinite"),
        ({"images": INFINITE}, "NaN or infinite"),
        ({"images": GREY.astype(np.float32)}, "floats from 0 to 255, expected 0 to 1"),
        ({"images": GREY / 255 - 0.5}, "floats from -0.5 to 0.5"),
        ({"images": GREY.astype(np.int64)}, "int64, expected uint8"),
        ({"images": GREY.astype(np.complex64)}, "complex64, expected uint8"),
        ({"images": np.full((40, 6, 5), "x")}, "expected uint8"),
        ({"images": GREY[:29]}, "29 images, expected at least 30"),
        ({"images": GREY[:0]}, r"shape \(0, 6, 5\)"),
        ({"images": np.zeros((40, 6, 5), np.uint8)}, "nothing to learn"),
        ({"images": GREY.reshape(-1)}, r"shape \(1200,\)"),
        ({"images": GREY.reshape(40, 30)}, "add image_shape"),
        ({"images": GREY.reshape(40, 30), "image_shape": [6, 6]}, r"image_shape is \(1, 6, 6\)"),
        ({"images": GREY, "image_shape": [5, 6]}, r"image_shape is \(1, 5, 6\)"),
        ({"images": GREY.reshape(40, 30), "image_shape": "6x5"}, "image_shape is '6x5'"),
        ({"images": GREY.reshape(40, 30), "image_shape": [-6, -5]}, "image_shape is"),
        ({"images": GREY.reshape(40, 2, 3, 5)}, "c = 1 or 3"),
        ({"images": np.uint8(3)}, r"shape \(\)"),
        ({"images": GREY, "labels": np.zeros(39, int)}, r"labels has shape \(39,\), expected \(40,\)"),
        ({"images": GREY, "labels": np.zeros((40, 1), int)}, r"expected \(40,\)"),
        ({"images": GREY, "labels": np.zeros(40)}, "labels are float64"),
        ({"images": GREY.astype(object)}, "images holds Python objects"),
        ({"images": GREY, "labels": np.array([{}] * 40)}, "labels holds Python objects"),
        ({"images": np.zeros((40, 6, 5), dtype=[("a", "u1"), ("b", "u1")])}, "expected uint8"),
        ({"images": np.zeros((40, 6, 5), dtype=[("a", "u1"), ("ж", "u1")])}, "structured"),
    ],
)
@pytest.mark.filterwarnings("ignore:Stored array in format 3.0:UserWarning")
def test_npz_of_another_form(save: Callable[..., str], arrays: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(save(**arrays))


@pytest.mark.parametrize("shape", [(2**20, 2**10, 2**10), (30, 2**12, 2**13), (2**70, 1, 1)])
def test_npz_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, shape: tuple[int, ...]) -> None:
    # (30, 2**12, 2**13) bytes are 0.9 GiB, but 3.75 GiB once they are float32.
    write_member(tmp_path / "own.npz", "images", npy_header(shape) + bytes(1000))
    with pytest.raises(DataError, match="more than the limit of 2 GiB"):
        load(f"npz:{tmp_path / 'own.npz'}")


@pytest.mark.parametrize(
    "content",
    [
        npy_header((40, 6, 5)) + bytes(100),
        npy_header((40, 6, -5)) + bytes(100),
        npy_header((40, 6, 5), descr="nonsense"),
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 1000,
        b"\x93NUMPY\x01\x00\x10\x00" + b"(" * 16,
        b"not an array",
        b"",
    ],
)
def test_npz_with_a_damaged_member(tmp_path: Path, content: bytes) -> None:
    write_member(tmp_path / "own.npz", "images", content)
    with pytest.raises(DataError, match=r"own\.npz"):
        load(f"npz:{tmp_path / 'own.npz'}")


def test_npz_with_a_flipped_byte_or_cut_short(save: Callable[..., str]) -> None:
    name = save(images=GREY)
    path = Path(name[4:])
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 255
    path.write_bytes(whole)
    with pytest.raises(DataError, match="CRC"):
        load(name)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cut short"):
        load(name)


def test_npz_ignores_what_it_does_not_read(save: Callable[..., str]) -> None:
    assert len(load(save(images=GREY, notes=np.array([{}], dtype=object))).train) == 32


def test_npz_paths(tmp_path: Path) -> None:
    np.save(tmp_path / "own.npy", GREY)
    for path, message in (
        ("", "followed by no path"),
        ("a\0b", "NUL"),
        (str(tmp_path), "is a folder"),
        (str(tmp_path / "none.npz"), "does not exist"),
        (str(tmp_path / "own.npy"), "is not an .npz file"),
        ("x" * 5000, "does not exist"),
    ):
        with pytest.raises(DataError, match=message):
            load(f"npz:{path}")
