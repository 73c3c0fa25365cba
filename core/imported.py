"""Latents without a model: posteriors that somebody else's encoder made, under a prior of our own.

The file is an .npz with ``mean`` (n, d) and ``log_var`` (n, d), the parameters of q(z|x_i) = N(mean_i, exp(log_var_i)),
and where they are known ``labels`` (n,) and ``images`` (n, height, width[, channels]). It becomes a checkpoint without
encoder and decoder: all that is said of q(z), of p(z) and of the KL between them is known, and nothing of log p(x|z).

A prior that is fitted sees one half of the rows, drawn at random, and everything is measured and drawn with the other:
on its own rows a rich prior looks better than it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.absent import NONE
from core.build import build, resolved
from core.config import LATENTS, DataConfig, ModelConfig, PriorConfig
from core.datasets.archive import read_arrays
from core.datasets.base import DataError
from core.datasets.npz import pictures_of, to_classes
from core.flows import COUPLINGS
from core.ladder_fit import Fit, fit_rung
from core.ladder_fit import start as started
from core.ladder_target import Target
from core.latents import MAX_STORED, LatentCloud
from core.latents_file import LOG_VAR_LIMIT, MEAN_LIMIT, stored_rows
from core.metrics.points import POINTS, are_points
from core.metrics.repeats import repeated, repeats_sentence
from core.priors import PRIORS, Prior, PriorContext
from core.priors.standardised import StandardisedMixture, StandardisedPrior
from core.vae import VAE

LIMIT = 1024**3
"""Bytes that the arrays of a file may take as float32."""
MOST_DIMENSIONS = 4096
PRIOR_KINDS = ("standard", "gaussian", "mog", "realnvp", "maf")
"""Priors that need no encoder: N(0, I) as it is, the others fitted."""
HALF_SEED = 0
"""Of the choice of rows that a prior is fitted to."""
STEPS, BATCH = 2000, 500
ARRAYS = ("mean", "log_var", "labels", "images")

Tell = Callable[[int, int, str], object]


@dataclass(frozen=True, eq=False)
class LatentsFile:
    """What a file holds, checked.

    Attributes:
        title: of the file.
        mean: (n, d) float32.
        log_var: (n, d) float32.
        labels: (n,) int64, or None.
        class_names: what the labels stand for.
        images: (n, pixels) in [0, 1], or None.
        image_shape: (channels, height, width); (1, 1, 1) without images.
    """

    title: str
    mean: np.ndarray
    log_var: np.ndarray
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    images: np.ndarray | None
    image_shape: tuple[int, int, int]

    def __len__(self) -> int:
        return len(self.mean)


@dataclass(frozen=True, eq=False)
class Imported:
    """A checkpoint without networks, ready to be saved.

    Attributes:
        vae: the prior, and stand-ins for the networks.
        data, model: parts of its configuration.
        cloud: the posteriors that everything is measured with.
        images: their pictures, (n, pixels) in [0, 1], or None.
    """

    vae: VAE
    data: DataConfig
    model: ModelConfig
    cloud: LatentCloud
    images: np.ndarray | None


def read_latents_file(path: Path) -> LatentsFile:
    """Read and check a file; see the head of this module for what it holds.

    Raises:
        DataError: naming the array that is missing or wrong, and what was expected.
    """
    arrays = read_arrays(path, ARRAYS, limit=LIMIT)
    if lacking := [name for name in ("mean", "log_var") if name not in arrays]:
        raise DataError(f"{path} lacks {' and '.join(lacking)}, expected mean (n, d) and log_var (n, d)")
    mean, log_var = arrays["mean"], arrays["log_var"]
    if mean.ndim != 2 or mean.shape != log_var.shape or not 1 <= mean.shape[1] <= MOST_DIMENSIONS or len(mean) < 2:
        raise DataError(
            f"{path}: mean is {mean.shape} and log_var {log_var.shape}, expected one shape (n, d) for both, with two "
            f"images or more and 1 to {MOST_DIMENSIONS} dimensions"
        )
    mean, log_var = _floats(path, "mean", mean, MEAN_LIMIT), _floats(path, "log_var", log_var, LOG_VAR_LIMIT)
    labels, class_names = to_classes(path, arrays.get("labels"), len(mean))
    images, shape = None, (1, 1, 1)
    if "images" in arrays:
        images, shape = pictures_of(path, arrays["images"])
        if len(images) != len(mean):
            raise DataError(f"{path}: {len(images):,} images but {len(mean):,} rows of mean, expected one for each")
    classes = None if labels is None else labels.numpy()
    return LatentsFile(path.stem, mean, log_var, classes, class_names, images, shape)


def make(
    file: LatentsFile,
    prior: str = "standard",
    options: dict[str, Any] | None = None,
    *,
    steps: int = STEPS,
    seed: int = 0,
    on_progress: Tell = lambda *_: None,
) -> Imported:
    """A checkpoint of these latents under a prior.

    Args:
        file: the posteriors.
        prior: one of ``PRIOR_KINDS``.
        options: of the prior.
        steps: of Adam, where the prior is fitted by it.
        seed: of the fit.
        on_progress: told steps done, steps in all and what is being done.

    Raises:
        ValueError: for a prior that needs an encoder, an option that it does not know, or a fit that diverged.
    """
    if prior not in PRIOR_KINDS:
        raise ValueError(f"prior is {prior!r}, expected one that needs no encoder: {', '.join(PRIOR_KINDS)}")
    if prior in COUPLINGS and file.mean.shape[1] < 2:
        raise ValueError(f"prior {prior!r} couples dimensions and needs two or more; these latents have one")
    if prior == "mog" and "init_scale" in (options or {}):
        raise ValueError("init_scale has no meaning here: a mixture that is fitted starts at the codes; leave it out")
    fitted_rows, shown = _halves(len(file), fitted=prior != "standard")
    target = None
    if len(fitted_rows):
        target = Target(torch.from_numpy(file.mean[fitted_rows]), torch.from_numpy(file.log_var[fitted_rows]))
    framed = target is not None and target.unusual
    config = ModelConfig(
        image_shape=file.image_shape,
        likelihood=NONE,
        latent_dim=file.mean.shape[1],
        hidden=(1,),  # there are no layers
        prior=PriorConfig(kind=prior, options=options or {}, standardised=framed),
    )
    vae = build(config, generator=torch.Generator().manual_seed(seed))
    if target is not None:
        vae = VAE(vae.posterior, _fitted(vae, prior, config, target, steps, seed, on_progress), vae.decoder)
    vae.eval().requires_grad_(False)
    kept = shown[stored_rows(min(len(shown), MAX_STORED), len(shown))]
    cloud = LatentCloud(
        file.mean[kept],
        file.log_var[kept],
        None if file.labels is None else file.labels[kept],
        "test",
        len(shown),
    )
    data = DataConfig(
        name=f"{LATENTS}{file.title}",
        binarisation="none",
        train=len(fitted_rows),
        validation=0,
        test=len(shown),
        class_names=file.class_names,
        source=_source(file, len(fitted_rows), len(shown), framed=framed),
    )
    return Imported(vae, data, resolved(config, vae), cloud, None if file.images is None else file.images[kept])


def _source(file: LatentsFile, fitted: int, shown: int, *, framed: bool) -> str:
    words = f"imported latents of {len(file):,} images, {file.title}.npz"
    if fitted:
        words += f"; the prior was fitted to {fitted:,} of them, at random, the other {shown:,} are the test split"
    if framed:
        words += "; it was fitted over codes of mean 0 and deviation 1 in every dimension"
    if are_points(file.mean, file.log_var):
        words += f"; {POINTS}"
    if repeats := repeats_sentence(repeated(file.mean, file.log_var), len(file)):
        words += f"; {repeats.removesuffix('.')}"
    return words


def _halves(n: int, *, fitted: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rows that the prior is fitted to, none for a fixed one, and all others, in order."""
    if not fitted:
        return np.arange(0), np.arange(n)
    if n < 4:
        raise ValueError(f"a prior that is fitted needs the latents of four images or more, two in each half; got {n}")
    order = np.random.default_rng(HALF_SEED).permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])


def _fitted(
    vae: VAE, kind: str, config: ModelConfig, target: Target, steps: int, seed: int, on_progress: Tell
) -> Prior:
    """The prior pulled onto the aggregated posterior of the rows it may see, as a rung of the ladder is."""
    prior, generator = vae.prior, torch.Generator().manual_seed(seed)
    if kind == "mog":
        size = PRIORS[kind].options.model_validate(config.prior.options).model_dump()["components"]
        if size > len(target.mean):
            raise ValueError(
                f"components is {size:,}, expected at most as many as the {len(target.mean):,} latents it is fitted to"
            )
        context = PriorContext(config.latent_dim, config.pixels, vae.posterior)
        prior = started(kind, size, context, target, generator)
    elif isinstance(prior, StandardisedMixture | StandardisedPrior):
        target.place(prior.frame)
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        on_progress(done, steps, "fitting the prior")

    fit_rung(kind, prior, lambda: prior, Fit(target, steps, BATCH, generator, tell))
    return prior


def _floats(path: Path, name: str, array: np.ndarray, limit: float) -> np.ndarray:
    if array.dtype.kind != "f":
        raise DataError(f"{path}: {name} is {array.dtype}, expected floats; convert it, as in {name}.astype('float32')")
    low, high = float(array.min()), float(array.max())
    if not math.isfinite(low) or not math.isfinite(high):
        raise DataError(f"{path}: {name} contains NaN or infinite values")
    if max(-low, high) > limit:
        hint = "" if name == "mean" else "; log_var is the natural logarithm of the variance"
        raise DataError(f"{path}: {name} reaches {max(-low, high):g} in size, at most {limit:g} is possible{hint}")
    return array.astype(np.float32)
