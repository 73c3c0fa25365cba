"""Missing files, downloads that land whole or leave nothing, and roots that cannot be used."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import pytest

from core.datasets import DataError, load
from tests.datasets.files import write_mnist, write_omniglot
from tests.datasets.values import SMALL_MNIST


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
