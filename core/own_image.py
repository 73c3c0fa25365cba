"""One image that somebody uploads to see where the encoder puts it: a PNG, or a row of an npz file. Never unpickled."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

from core.checkpoint import Checkpoint
from core.config import RunConfig
from core.datasets.archive import read_arrays
from core.datasets.base import DataError, binarise
from core.generate import as_pictures
from core.latents import posteriors
from core.posteriors import FlowedNormal

LARGEST_SIDE = 4096
LIMIT = 256 * 1024**2
"""Bytes that the array of an npz file may take."""
PROPORTIONS = 0.02
"""A PNG of another size is scaled where its proportions differ by less than this."""
NAMES = ("image", "images")
DRAWS = 256
"""Of a flow posterior, behind its spread."""


@dataclass(frozen=True)
class Landing:
    """Where an uploaded image lands.

    Attributes:
        picture: (height, width[, 3]) what was uploaded, in the model's size, in [0, 1].
        seen: the same as the encoder sees it: binarised, or in 256 levels.
        reconstruction: mean of p(x|z) at the code.
        mean: (d,) centre of q(z|x).
        log_var: (d,) of q(z|x); of draws of it where it is a flow.
        told: what was done to the file, in words.
    """

    picture: np.ndarray
    seen: np.ndarray
    reconstruction: np.ndarray
    mean: np.ndarray
    log_var: np.ndarray
    told: str


def read_image(name: str, content: bytes, image_shape: tuple[int, int, int], row: int = 0) -> tuple[np.ndarray, str]:
    """The intensities in a file, and what was done to get them.

    Args:
        name: of the file; its ending says what it is.
        content: of the file.
        image_shape: (channels, height, width) that the model takes.
        row: of an npz file's ``images``, from 0.

    Returns:
        (pixels,) float32 in [0, 1], channel by channel, and a sentence.

    Raises:
        DataError: saying what came and what was expected.
    """
    ending = Path(name).suffix.lower()
    if ending == ".png":
        return _read_png(content, image_shape)
    if ending == ".npz":
        return _read_npz(content, image_shape, row)
    raise DataError(f"the file ends in {ending or 'nothing'!r}, expected .png or .npz")


@torch.no_grad()
def landing(checkpoint: Checkpoint, intensities: np.ndarray, told: str, *, inverted: bool, seed: int = 0) -> Landing:
    """Encode an image.

    Args:
        checkpoint: with an encoder.
        intensities: (pixels,) in [0, 1].
        told: what was done to them so far.
        inverted: dark ink on a light ground is made light on dark, as the data sets have it.
        seed: of the binarisation.

    Raises:
        DataError: where the model has no encoder.
    """
    if not checkpoint.config.model.decodes:
        raise DataError(f"{checkpoint.name} holds latents only: its encoder stayed where they came from")
    shape, pixels = checkpoint.config.model.image_shape, torch.from_numpy(intensities)[None]
    pixels = 1 - pixels if inverted else pixels
    seen, how = _as_seen(checkpoint.config, pixels, seed)
    q = posteriors(checkpoint.vae, seen)
    if isinstance(q, FlowedNormal):
        draws = q.sample(DRAWS, generator=torch.Generator().manual_seed(seed))[:, 0]
        mean, log_var = q.centre[0], draws.double().var(0).log()
    else:
        mean, log_var = q.mean[0], q.log_var[0]
    made = checkpoint.vae.decode(mean[None].float())
    picture, shown, again = (as_pictures(part, shape)[0] for part in (pixels, seen, made))
    words = " ".join(filter(None, [told, "Dark and light were exchanged." if inverted else "", how]))
    return Landing(picture, shown, again, mean.double().numpy(), log_var.double().numpy(), words)


def _as_seen(config: RunConfig, pixels: torch.Tensor, seed: int) -> tuple[torch.Tensor, str]:
    """The image as the images of the test split are seen."""
    if config.model.likelihood != "bernoulli":
        return (torch.floor(pixels * 255) + 0.5) / 256, ""
    if config.data.binarisation == "fixed" or bool(((pixels == 0) | (pixels == 1)).all()):
        return (pixels >= 0.5).float(), "Pixels of one half and more count as 1."
    drawn = binarise(pixels, torch.Generator().manual_seed(seed))
    return drawn, f"Its grey values were drawn to 0 or 1 once, seed {seed}, as those of the test images were."


def _read_png(content: bytes, image_shape: tuple[int, int, int]) -> tuple[np.ndarray, str]:
    channels, height, width = image_shape
    try:
        picture = Image.open(io.BytesIO(content), formats=("PNG",))
        if max(picture.size) > LARGEST_SIDE:
            raise DataError(
                f"the picture has {picture.size[0]} × {picture.size[1]} pixels, at most {LARGEST_SIDE} a side"
            )
        picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError("the file cannot be read as a PNG picture: it is damaged, or of another kind") from error
    told = []
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture.convert("RGBA"))
        told.append("What is transparent became black.")
    if picture.mode.startswith("I"):  # 16 bits
        picture = Image.fromarray((np.asarray(picture, np.float64) / 257).round().clip(0, 255).astype(np.uint8))
    picture = picture.convert("RGB" if channels == 3 else "L")
    if picture.size != (width, height):
        if abs(picture.width * height / (picture.height * width) - 1) > PROPORTIONS:
            raise DataError(
                f"the picture is {picture.width} × {picture.height}, expected {width} × {height} or the same "
                "proportions: cut it to them first"
            )
        told.append(f"Scaled from {picture.width} × {picture.height} to {width} × {height} pixels.")
        picture = picture.resize((width, height), Image.Resampling.BOX)
    values = np.asarray(picture, np.float32) / 255
    values = values.transpose(2, 0, 1) if channels == 3 else values
    return values.ravel().copy(), " ".join(told)


def _read_npz(content: bytes, image_shape: tuple[int, int, int], row: int) -> tuple[np.ndarray, str]:
    with tempfile.TemporaryDirectory(prefix="priorscope-") as folder:
        file = Path(folder) / "upload.npz"
        file.write_bytes(content)
        try:
            arrays = read_arrays(file, NAMES, limit=LIMIT)
        except DataError as error:
            raise DataError(str(error).replace(str(file), "the file")) from error
    if not arrays:
        raise DataError('the file holds no array "images" (n, height, width) and no array "image" (height, width)')
    name, values = next(iter(arrays.items()))
    if name == "images":
        if values.ndim < 2 or not len(values):
            raise DataError(f"images has the shape {values.shape}, expected (n, height, width)")
        if not 0 <= row < len(values):
            raise DataError(f"the file has {len(values):,} images, so there is none at row {row}: count from 0")
        told, values = f"Row {row} of {len(values):,}.", values[row]
    else:
        told = ""
    return _unit(_shaped(values, image_shape)), told


def _shaped(values: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """One image as (pixels,), channel by channel."""
    channels, height, width = image_shape
    fits = [(channels, height, width), (channels * height * width,)] + ([(height, width)] if channels == 1 else [])
    if values.shape == (height, width, channels):
        values = values.transpose(2, 0, 1)
    if values.shape not in fits:
        raise DataError(f"the image has the shape {values.shape}, expected {fits[-1]}")
    return values.ravel()


def _unit(values: np.ndarray) -> np.ndarray:
    """Intensities in [0, 1], float32."""
    if values.dtype == np.uint8:
        binary = values.max(initial=0) <= 1
        return values.astype(np.float32) / (1 if binary else 255)
    if values.dtype.kind not in "fb":
        raise DataError(f"the image holds {values.dtype}, expected uint8 from 0 to 255 or floats from 0 to 1")
    values = values.astype(np.float32)
    if not np.isfinite(values).all():
        raise DataError("the image holds nan or infinite values, expected floats from 0 to 1")
    if values.min() < 0 or values.max() > 1:
        raise DataError(f"the image holds {values.min():g} to {values.max():g}, expected floats from 0 to 1")
    return values
