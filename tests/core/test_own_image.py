"""Images of one's own: read as the data sets are, put where the encoder puts them, and refused with a reason."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core import own_image
from core.checkpoint import Checkpoint, load
from core.datasets.base import DataError
from tests.core.test_hostile_files import Bomb

GREY, COLOUR = (1, 8, 6), (3, 8, 6)


def png(values: np.ndarray, mode: str | None = None) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values, mode).save(file, "PNG")
    return file.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_png_of_the_right_size_is_its_intensities(random: np.random.Generator) -> None:
    values = random.integers(0, 256, (8, 6), dtype=np.uint8)
    found, told = own_image.read_image("A.PNG", png(values), GREY)
    np.testing.assert_allclose(found, values.ravel() / 255, atol=1e-6)
    assert told == "" and found.dtype == np.float32


def test_a_png_in_colour_is_read_channel_by_channel(random: np.random.Generator) -> None:
    values = random.integers(0, 256, (8, 6, 3), dtype=np.uint8)
    found, _ = own_image.read_image("a.png", png(values), COLOUR)
    np.testing.assert_allclose(found.reshape(3, 8, 6), values.transpose(2, 0, 1) / 255, atol=1e-6)
    assert own_image.read_image("a.png", png(values), GREY)[0].shape == (48,)


def test_another_size_is_scaled_and_said() -> None:
    large = np.kron(np.arange(48, dtype=np.uint8).reshape(8, 6) * 5, np.ones((10, 10), np.uint8))
    found, told = own_image.read_image("a.png", png(large), GREY)
    np.testing.assert_allclose(found, np.arange(48) * 5 / 255, atol=1e-6)
    assert "Scaled from 60 × 80 to 6 × 8" in told


def test_transparency_and_sixteen_bits() -> None:
    clear = np.zeros((8, 6, 4), np.uint8)
    clear[..., :3], clear[:4, :, 3] = 255, 255
    found, told = own_image.read_image("a.png", png(clear), GREY)
    assert found[:24].min() == 1 and found[24:].max() == 0 and "transparent" in told
    deep = np.full((8, 6), 65535 // 2, np.uint16)
    np.testing.assert_allclose(own_image.read_image("a.png", png(deep), GREY)[0], 0.5, atol=0.003)


@pytest.mark.parametrize("shape", [(8, 6), (1, 8, 6), (48,), (8, 6, 1)])
def test_a_row_of_an_npz(random: np.random.Generator, shape: tuple[int, ...]) -> None:
    values = random.random((5, 8, 6)).astype(np.float32)
    found, told = own_image.read_image("a.npz", npz(images=values.reshape(5, *shape)), GREY, row=3)
    np.testing.assert_array_equal(found, values[3].ravel())
    assert told == "Row 3 of 5."
    np.testing.assert_array_equal(own_image.read_image("a.npz", npz(image=values[0]), GREY)[0], values[0].ravel())
    ints = (values[1] * 255).astype(np.uint8)
    np.testing.assert_allclose(own_image.read_image("a.npz", npz(image=ints), GREY)[0], ints.ravel() / 255, atol=1e-6)


FLOATS = np.zeros((2, 8, 6), np.float32)
WRONG = {
    "kind": ("a.jpg", b"", r"ends in '\.jpg', expected \.png or \.npz"),
    "nothing": ("README", b"", "ends in 'nothing'"),
    "text": ("a.png", b"hello", "cannot be read as a PNG"),
    "empty": ("a.png", b"", "cannot be read as a PNG"),
    "cut": ("a.png", png(np.arange(4800, dtype=np.uint8).reshape(80, 60))[:-60], "cannot be read as a PNG"),
    "proportions": ("a.png", png(np.zeros((8, 8), np.uint8)), "8 × 8, expected 6 × 8"),
    "side": ("a.png", png(np.zeros((1, 5000), np.uint8)), "at most 4096"),
    "not a zip": ("a.npz", b"hello", "the file is not an .npz"),
    "names": ("a.npz", npz(pictures=FLOATS), 'no array "images"'),
    "shape": ("a.npz", npz(images=np.zeros((2, 9, 6))), r"shape \(9, 6\), expected \(8, 6\)"),
    "scalar": ("a.npz", npz(images=np.float32(1)), r"shape \(\), expected"),
    "no rows": ("a.npz", npz(images=FLOATS[:0]), "expected"),
    "row": ("a.npz", npz(images=FLOATS), "2 images, so there is none at row 7"),
    "nan": ("a.npz", npz(image=np.full((8, 6), np.nan)), "nan or infinite"),
    "range": ("a.npz", npz(image=np.full((8, 6), 3.0)), "holds 3 to 3, expected"),
    "complex": ("a.npz", npz(image=np.full((8, 6), 1j)), "complex128"),
    "text array": ("a.npz", npz(image=np.full((8, 6), "x")), "expected"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_bad_file_is_refused_with_what_came_and_what_was_expected(case: str) -> None:
    name, content, reason = WRONG[case]
    with pytest.raises(DataError, match=reason) as told:
        own_image.read_image(name, content, GREY, row=7 if case == "row" else 0)
    assert "/tmp" not in str(told.value) and "priorscope-" not in str(told.value)


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    content = npz(images=np.array([Bomb(trace)], object))
    with pytest.raises(DataError, match="object"):
        own_image.read_image("a.npz", content, GREY)
    assert not trace.exists()


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("images.npy", "w") as member:
        header = {"descr": "|u1", "fortran_order": False, "shape": (10**9, 8, 6)}
        np.lib.format.write_array_header_1_0(member, header)
        member.write(bytes(1000))
    with pytest.raises(DataError, match="GiB"):
        own_image.read_image("a.npz", file.getvalue(), GREY)


@pytest.fixture(scope="module")
def vamp() -> Checkpoint:
    return load("digits-2d-vamp")


def test_an_image_lands_where_the_encoder_puts_it(vamp: Checkpoint) -> None:
    ink = np.zeros((8, 8), np.uint8)
    ink[1:7, 3:5] = 255
    found, told = own_image.read_image("a.png", png(ink), (1, 8, 8))
    landed = own_image.landing(vamp, found, told, inverted=False)
    with torch.no_grad():
        q = vamp.vae.posterior(torch.from_numpy((ink.ravel() / 255).astype(np.float32))[None])
        again = vamp.vae.decode(q.mean)[0].reshape(8, 8)
    np.testing.assert_allclose(landed.mean, q.mean[0].detach(), atol=1e-5)
    np.testing.assert_allclose(landed.log_var, q.log_var[0].detach(), atol=1e-5)
    np.testing.assert_allclose(landed.reconstruction, again, atol=1e-5)
    np.testing.assert_array_equal(landed.seen, ink / 255)
    turned = own_image.landing(vamp, 1 - found, told, inverted=True)
    np.testing.assert_array_equal(turned.mean, landed.mean)
    assert "exchanged" in turned.told


def test_a_flow_posterior_gives_a_centre_and_a_spread() -> None:
    landed = own_image.landing(load("digits-2d-standard-iaf"), np.zeros(64, np.float32), "", inverted=False)
    assert landed.mean.shape == landed.log_var.shape == (2,) and np.isfinite(landed.log_var).all()


def test_grey_levels_are_the_data_set_s(random: np.random.Generator) -> None:
    frey = load("frey-40d-vamp")
    levels = random.permutation(np.resize(np.arange(256, dtype=np.uint8), 28 * 20)).reshape(28, 20)
    found, told = own_image.read_image("a.png", png(levels), (1, 28, 20))
    landed = own_image.landing(frey, found, told, inverted=False)
    np.testing.assert_allclose(landed.seen, (levels + 0.5) / 256, atol=1e-6)  # middles of 256 equal cells
