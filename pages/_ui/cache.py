"""The only ``st.cache_*`` of the project.

Every function takes names and numbers, never a model or an array: the digest of the checkpoint's content is part of the
key, so a checkpoint that was replaced on disk is never answered from the cache, and nothing large is ever hashed.
Models and latents are shared by all sessions and never changed; results are small numpy records.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import checkpoint, density, generate, typicality
from core.errors import CheckpointError
from core.latents import LatentCloud, PointKind
from core.metrics import coverage
from core.priors import PRIORS
from core.records import CheckpointInfo, DensityGrid, Mismatch, Place


def checkpoints() -> list[CheckpointInfo]:
    """Every checkpoint, broken ones with their reason; the files' times are looked at in every call."""
    return checkpoint.list_checkpoints()


@st.cache_resource(max_entries=24, show_spinner="Loading the model")
def model(name: str, digest: str) -> checkpoint.Checkpoint:
    """A trained model with its latents.

    Raises:
        CheckpointError: where the folder was written again since it was listed.
    """
    loaded = checkpoint.load(name)
    if loaded.digest != digest:
        raise CheckpointError(f"checkpoint {name} was replaced just now; reload the page")
    return loaded


@st.cache_data(max_entries=64, show_spinner="Evaluating densities")
def grids(name: str, digest: str, cells: int) -> tuple[DensityGrid, DensityGrid]:
    """q(z) and p(z) on one window."""
    loaded = model(name, digest)
    cloud, prior = latents(name, digest), loaded.vae.prior
    view = density.window(cloud, [prior])
    return density.cloud_grid(cloud, view, cells), density.prior_grid(prior, view, cells)


@st.cache_data(max_entries=32, show_spinner="Evaluating densities")
def null_grids(name: str, digest: str, cells: int) -> tuple[DensityGrid, DensityGrid]:
    """q(z) of two halves of the images on one window: what the picture shows when there is no difference."""
    cloud = latents(name, digest)
    view = density.window(cloud, [model(name, digest).vae.prior])
    first, second = cloud.halves()
    return density.cloud_grid(first, view, cells), density.cloud_grid(second, view, cells)


@st.cache_data(max_entries=64, show_spinner=False)
def posterior_points(
    name: str, digest: str, n: int, seed: int, kind: PointKind
) -> tuple[np.ndarray, np.ndarray | None]:
    """n draws of q(z), or n posterior means, (n, d) float32, and the class of each, (n,)."""
    return latents(name, digest).points(n, kind, seed=seed)


@st.cache_data(max_entries=64, show_spinner=False)
def pseudo_input_means(name: str, digest: str) -> np.ndarray | None:
    """Posterior means of the pseudo-inputs, (K, d), for a VampPrior; None for any other prior."""
    return generate.pseudo_input_means(model(name, digest))


@st.cache_data(max_entries=64, show_spinner="Counting holes and leaks")
def mismatch(name: str, digest: str, n: int, seed: int) -> Mismatch | None:
    """Holes and leaks with their null; None with too few images for that."""
    cloud = latents(name, digest)
    if len(cloud) < coverage.FEWEST:
        return None
    return coverage.mismatch(cloud, model(name, digest).vae.prior, n=n, seed=seed)


@st.cache_data(max_entries=256, show_spinner=False)
def place(name: str, digest: str, z: tuple[float, ...], seed: int) -> Place:
    """Log-densities and typicality at z."""
    return typicality.place(z, latents(name, digest), model(name, digest).vae.prior, seed=seed)


@st.cache_data(max_entries=256, show_spinner=False)
def decoded_around(name: str, digest: str, z: tuple[float, ...], step: float, side: int) -> np.ndarray:
    """Decoded means on a square around z."""
    return generate.decoded_around(model(name, digest), z, step, side)


@st.cache_data(max_entries=128, show_spinner=False)
def prior_samples(name: str, digest: str, n: int, seed: int) -> np.ndarray:
    """Decoded means at n draws of the prior."""
    return generate.prior_samples(model(name, digest), n, seed=seed)


def prior_kinds() -> tuple[str, ...]:
    """Keys of the priors, from the simplest on."""
    return tuple(PRIORS)


def class_names(name: str, digest: str) -> tuple[str, ...]:
    """Names of the classes of the model's data set."""
    return model(name, digest).config.data.class_names


def latents(name: str, digest: str) -> LatentCloud:
    """The stored posteriors.

    Raises:
        ValueError: where the checkpoint has none; its ``CheckpointInfo.images`` is 0 then.
    """
    stored = model(name, digest).latents
    if stored is None:
        raise ValueError(f"checkpoint {name} holds no latents")
    return stored
