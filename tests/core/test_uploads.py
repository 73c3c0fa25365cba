"""Uploads: good ones are kept once, bad ones refused with a sentence, and nothing of them stays or runs."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import jobs, uploads
from core.checkpoint_folders import NAME
from core.datasets import DataError, load
from core.job_files import JobStatus

SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("PRIORSCOPE_UPLOADS", str(tmp_path / "uploads"))
    monkeypatch.setenv("PRIORSCOPE_JOBS", str(tmp_path / "jobs"))
    return tmp_path / "uploads"


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def images(n: int = 60, side: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, side, side)).astype(np.uint8)


def codes(n: int = 30, d: int = 2) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {"mean": random.normal(size=(n, d)), "log_var": random.normal(size=(n, d)) - 2}


def left(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()) if root.exists() else []


def test_a_data_set_is_kept_once_shown_and_trained_on(root: Path) -> None:
    content = npz(images=images(), labels=np.array(["b", "a"] * 30))
    kept = uploads.keep("My images.npz", content)
    assert uploads.keep("other name.npz", content) == kept, "the content decides"
    assert left(root) == [f"images/{kept.id}/My-images.npz"] and uploads.uploads() == [kept]
    found = uploads.preview(kept.path)
    assert found.pictures.shape == (32, 4, 4) and set(found.labels) == {"a", "b"} and len(found.labels) == 32
    assert found.sizes == {"train": 48, "validation": 6, "test": 6} and found.image_shape == (1, 4, 4)
    assert [name for name, _ in found.counts] == ["a", "b"]
    assert sum(sum(counted.values()) for _, counted in found.counts) == 60
    data = load(kept.dataset)
    assert len(data.train) == 48 and data.class_names == ("a", "b") and "My-images.npz" in data.source
    uploads.delete(kept.id)
    assert not left(root) and not uploads.uploads()
    with pytest.raises(DataError, match="does not exist"):
        uploads.preview(kept.path)


def test_latents_are_kept_apart(root: Path) -> None:
    kept = uploads.keep("codes.npz", npz(**codes()), "latents")
    assert uploads.uploads("latents") == [kept] and not uploads.uploads()
    uploads.delete(kept.id, "latents")
    assert not left(root)


class Trap:
    """An object that leaves a mark when it is unpickled."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return Path(self.mark).touch, ()


def structured() -> np.ndarray:
    return np.zeros(40, dtype=[("a", "f4"), ("b", "f4")])


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({}, "lacks images"),
        ({"labels": np.arange(40)}, "lacks images"),
        ({"images": images(1)}, "at least 30"),
        ({"images": np.zeros((0, 4, 4), np.uint8)}, "shape"),
        ({"images": np.zeros((40, 4, 4), np.uint8)}, "nothing to learn"),
        ({"images": np.full((40, 4, 4), np.nan)}, "NaN"),
        ({"images": images() * 1.0}, "expected 0 to 1"),
        ({"images": images().astype(np.int64)}, "expected uint8"),
        ({"images": images().astype(np.complex64)}, "expected uint8"),
        ({"images": images(40, 1)[:, 0, 0]}, "shape"),
        ({"images": images().reshape(60, 16)}, "flat"),
        ({"images": images()[:, None, None, None]}, "shape"),
        ({"images": structured()}, "structured|shape"),
        ({"images": images(), "labels": np.arange(59)}, "one for each image"),
        ({"images": images(), "labels": np.linspace(0, 1, 60)}, "integers or strings"),
        ({"train_images": images(), "images": images()}, "either"),
    ],
)
def test_bad_images_are_refused_by_the_name_their_owner_gave(root: Path, arrays: dict, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as refusal:
        uploads.keep("mine.npz", npz(**arrays))
    assert "mine.npz" in str(refusal.value) and str(root) not in str(refusal.value)
    assert not left(root), "nothing stays"


def test_objects_are_refused_and_never_unpickled(tmp_path: Path, root: Path) -> None:
    mark = tmp_path / "mark"
    for kind, name in (("images", "images"), ("images", "labels"), ("latents", "mean"), ("latents", "labels")):
        good = {"images": images()} if kind == "images" else codes()
        trap = np.array([Trap(str(mark))] * len(next(iter(good.values()))), object)
        with pytest.raises(DataError, match="Python objects"):
            uploads.keep("trap.npz", npz(**{**good, name: trap}), kind)
    assert not mark.exists() and not left(root)


def test_a_file_that_declares_terabytes_is_refused_without_unpacking(root: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("images.npy", "w") as member:
        header = {"descr": "|u1", "fortran_order": False, "shape": (10**9, 28, 28)}
        np.lib.format.write_array_header_1_0(member, header)
        member.write(b"\0" * 10_000_000)
    with pytest.raises(DataError, match="more than the limit of 1 GiB"):
        uploads.keep("bomb.npz", file.getvalue())
    assert not left(root)


def test_too_many_images_become_a_sample_that_says_so(root: Path, monkeypatch) -> None:
    monkeypatch.setattr(uploads, "MOST", 50)
    content = npz(images=images(1000), labels=np.arange(1000) % 7)
    kept = uploads.keep("many.npz", content)
    assert kept.title == "many-50-of-1000" and "many-50-of-1000" in load(kept.dataset).source
    assert sum(uploads.preview(kept.path).sizes.values()) == 50
    original = {picture.tobytes(): label for picture, label in zip(images(1000), np.arange(1000) % 7, strict=True)}
    with np.load(kept.path, allow_pickle=False) as arrays:
        assert all(original[x.tobytes()] == y for x, y in zip(arrays["images"], arrays["labels"], strict=True))
    splits = {f"{split}_images": images(200) for split in ("train", "validation", "test")}
    parts = uploads.preview(uploads.keep("parts.npz", npz(**splits)).path)
    assert parts.sizes == {"train": 16, "validation": 16, "test": 16}


def test_ten_million_rows_are_read_and_sampled(root: Path) -> None:
    rows = np.zeros((10_000_000, 1, 2), np.uint8)
    rows[::3] = 255
    kept = uploads.keep("rows.npz", npz(images=rows))
    assert kept.title == "rows-100000-of-10000000"
    assert uploads.preview(kept.path).sizes == {"train": 80_000, "validation": 10_000, "test": 10_000}


def test_what_a_training_needs_is_not_deleted(root: Path, monkeypatch) -> None:
    kept = uploads.keep("mine.npz", npz(images=images()))
    words = ("train", "--dataset", kept.dataset)
    monkeypatch.setattr(jobs, "alive", lambda command: [JobStatus("0" * 16, words)] if command == "train" else [])
    with pytest.raises(ValueError, match="cancel it first"):
        uploads.delete(kept.id)
    monkeypatch.setattr(jobs, "alive", lambda _: [])
    for strange in ("..", "../images", "", "0" * 16, kept.id.upper() + "/"):
        uploads.delete(strange)
    assert len(left(root)) == 1


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(name=st.text(max_size=300))
def test_no_name_gets_out_of_its_folder(name: str) -> None:
    title = uploads.title_of(name, "own-images")
    assert NAME.fullmatch(title) and len(title) <= uploads.LONGEST and set(title) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
    )  # fmt: skip


@pytest.mark.parametrize("name", ["../../../etc/passwd", "C:\\Windows\\a.npz", "a\0b.npz", "<script>.npz", ".npz", "…"])
def test_a_hostile_name_becomes_a_harmless_one(root: Path, name: str) -> None:
    kept = uploads.keep(name, npz(images=images()))
    assert kept.path.resolve().is_relative_to(root.resolve()) and left(root) == [f"images/{kept.id}/{kept.title}.npz"]


GOOD = {"images": npz(images=images(), labels=np.arange(60) % 3), "latents": npz(**codes(), labels=np.arange(30) % 3)}


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(kind=st.sampled_from(["images", "latents"]), cut=st.integers(0, 2000), at=st.integers(0, 2000),
       noise=st.binary(min_size=1, max_size=8))  # fmt: skip
def test_damaged_files_are_refused_or_still_good(kind: uploads.Kind, cut: int, at: int, noise: bytes) -> None:
    content = GOOD[kind][: len(GOOD[kind]) - cut]
    at = min(at, len(content))
    mangled = content[:at] + noise + content[at + len(noise) :]
    before = left(uploads.uploads_root())
    try:
        kept = uploads.keep("mangled.npz", mangled, kind)
    except DataError as error:
        assert "mangled.npz" in str(error)
        assert left(uploads.uploads_root()) == before
    else:
        uploads.delete(kept.id, kind)


ELEMENTS = st.one_of(st.floats(width=32), st.integers(0, 255).map(float))
SHAPES = st.lists(st.integers(0, 40), min_size=0, max_size=5).filter(lambda shape: np.prod(shape or [1]) <= 4000)
DTYPES = ("float32", "float16", "uint8", "int32", "bool", "complex64", "U3", "S2", "M8[s]")


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
@given(kind=st.sampled_from(["images", "latents"]), shape=SHAPES, other=SHAPES, dtype=st.sampled_from(DTYPES),
       value=ELEMENTS, seed=st.integers(0, 9))  # fmt: skip
def test_arrays_of_any_shape_and_type_raise_nothing_else(
    kind: uploads.Kind, shape: list[int], other: list[int], dtype: str, value: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        raw = random.choice([0, 1, value], size=shape or ())
        array = (np.nan_to_num(raw) if dtype not in ("float32", "float16") else raw).astype(dtype)
    names = ("images", "labels") if kind == "images" else ("mean", "log_var")
    content = npz(**{names[0]: array, names[1]: random.integers(0, 3, other or ())})
    try:
        kept = uploads.keep("any.npz", content, kind)
    except DataError:
        return
    assert kept.path.is_file()
    uploads.delete(kept.id, kind)
