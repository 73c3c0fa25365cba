"""Answers that are kept for all sessions; only this file and its parts, ``cache_<subject>.py``, keep any.

Every function takes names and numbers, never a model or an array: the digest of the checkpoint's content is part of the
key, so a checkpoint that was replaced on disk is never answered from the cache, and nothing large is ever hashed.
Models and latents are shared by all sessions and never changed; results are small numpy records.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from core import checkpoint, checkpoint_list, embedding_file, generate, jobs, region, typicality, views
from core import gallery as galleries
from core.browser_records import Place, Reference
from core.errors import CheckpointError
from core.figures.images import mosaic_uri
from core.gallery import Gallery
from core.latents import LatentCloud, PointKind
from core.metrics import per_image
from core.metrics.dimension_information import dimension_information
from core.plain_text import shown
from core.prepared import Prepared
from core.priors import PRIORS
from core.records import CheckpointInfo, DensityGrid, DimensionInformation, Draws, Embedding
from pages._ui.cache_store import kept
from pages._ui.turns import turns

ViewKey = tuple[str, int, int, int]
"""A view of latent space: its kind, for a pair its dimensions from 1 on (0: the most active one), and a seed."""

MAP = "tsne:"
"""What the kind of a view starts with that is a map; the id of the job that made it follows."""

MOST_DRAWS = 256 * 2**20
"""Bytes of all draws that are kept: those of many dimensions are large."""

DIMENSIONS_SEED = 0
"""Of the draws by which the information of each dimension is measured."""

WHOLE: ViewKey = ("plane", 0, 0, 0)
"""The latent space itself, where it has two dimensions."""


def checkpoints() -> list[CheckpointInfo]:
    """Every checkpoint, broken ones with their reason; the files' times are looked at in every call."""
    return checkpoint_list.list_checkpoints()


@kept(24, "Loading the model")
def model(name: str, digest: str) -> checkpoint.Checkpoint:
    """A trained model with its latents.

    Raises:
        CheckpointError: where the folder was written again since it was listed.
    """
    loaded = checkpoint.load(name)
    if loaded.digest != digest:
        raise CheckpointError(f"checkpoint {name} was replaced just now; reload the page")
    return loaded


@kept(64)
def view(name: str, digest: str, key: ViewKey) -> views.View:
    """The plane, and the posteriors drawn in it.

    Raises:
        ValueError: where there is no such view of this model, with the reason.
    """
    kind, first, second, seed = key
    dims = (first - 1 if first else None, second - 1 if second else None)
    return views.view(kind, latents(name, digest), model(name, digest).vae.prior, dims=dims, seed=seed)


@kept(64, "Evaluating densities")
def grids(name: str, digest: str, key: ViewKey, cells: int) -> tuple[DensityGrid, DensityGrid | None]:
    """q(z) and p(z) on one window of a view; no p(z) for a flow in a plane of more dimensions."""
    shown, prior = view(name, digest, key), model(name, digest).vae.prior
    with turns.beside():
        part = views.window(shown, prior)
        return (
            views.cloud_grid(shown.cloud, shown.plane, part, cells),
            views.prior_grid(prior, shown.plane, part, cells),
        )


@kept(32, "Evaluating densities")
def null_grids(name: str, digest: str, key: ViewKey, cells: int) -> tuple[DensityGrid, DensityGrid]:
    """q(z) of two halves of the images on one window: what the picture shows when there is no difference."""
    shown, prior = view(name, digest, key), model(name, digest).vae.prior
    with turns.beside():
        part, (first, second) = views.window(shown, prior), shown.cloud.halves()
        return views.cloud_grid(first, shown.plane, part, cells), views.cloud_grid(second, shown.plane, part, cells)


def _bytes_of(found: Draws) -> int:
    return 4096 + sum(value.nbytes for value in vars(found).values() if value is not None)


@kept(MOST_DRAWS, size=_bytes_of)
def draws(name: str, digest: str, key: ViewKey, n: int, seed: int) -> Draws:
    """n draws of q(z) and n of p(z) with their places in a view; of a map, those that it was made of."""
    if key[0].startswith(MAP):
        made = embedding(key[0])
        cloud = latents(name, digest)
        labels = None if cloud.labels is None else cloud.labels[made.q_index]
        return Draws(made.q, made.p, made.q_z, made.p_z, cloud.split_rows()[made.q_index], labels)
    return views.draws(view(name, digest, key), model(name, digest).vae.prior, n, seed=seed)


@kept(16)
def embedding(kind: str) -> Embedding:
    """The map that a job has made.

    Raises:
        ValueError: where it has none, or its file cannot be used.
    """
    return embedding_file.read_embedding(jobs.result(kind.removeprefix(MAP)))


@kept(128, "Looking into the region")
def gallery(name: str, digest: str, key: ViewKey, n: int, seed: int, text: str) -> Gallery:
    """What lies in a region of a view."""
    found, corners = draws(name, digest, key, n, seed), region.parse(text)
    return galleries.gallery(found, corners, latents(name, digest), model(name, digest).vae.prior, seed=seed)


def region_images(
    name: str, digest: str, key: ViewKey, n: int, seed: int, text: str, count: int
) -> tuple[np.ndarray, bool]:
    """The first images that are encoded in a region, and whether they are the images themselves.

    Where the data set is not on this computer they are the model's reconstructions of them.
    """
    inside = gallery(name, digest, key, n, seed, text).q_rows
    rows = draws(name, digest, key, n, seed).rows[inside]
    return images(name, digest, tuple(dict.fromkeys(rows.tolist()))[:count])  # an image may have several draws inside


@kept(128)
def region_generated(name: str, digest: str, key: ViewKey, n: int, seed: int, text: str, count: int) -> np.ndarray:
    """What is decoded at the first draws of the prior in a region."""
    inside = gallery(name, digest, key, n, seed, text).p_rows[:count]
    return galleries.decoded(model(name, digest), draws(name, digest, key, n, seed).p_z[inside])


def images(name: str, digest: str, rows: tuple[int, ...]) -> tuple[np.ndarray, bool]:
    """Images of the stored split by row, and True; their reconstructions, and False, where the data set is not here."""
    loaded = model(name, digest)
    if loaded.images is not None:
        return galleries.stored_pictures(loaded, np.array(rows)), True
    try:
        everything = split_images(name, digest)
    except ValueError:  # not kept, so that the images are there as soon as the data set is
        return reconstructed(name, digest, rows), False
    return galleries.pictures(loaded, everything, np.array(rows)), True


def split_images(name: str, digest: str) -> Any:
    """All images of the split whose posteriors are stored.

    Raises:
        ValueError: where the data set is not on this computer.
    """
    loaded = model(name, digest)
    stored = loaded.flow_latents or latents(name, digest)
    data, shape = loaded.config.data, loaded.config.model
    version = data.source, data.train, data.validation, data.test
    same = data.name, version, data.seed, data.binarisation, shape.image_shape, shape.likelihood, stored.split
    return _split_images(same, loaded.config)


@kept(4, "Reading the data set")
def _split_images(same: tuple[Any, ...], _config: Any) -> Any:
    """Those of all models with the same images: they are large, and take long to read."""
    return galleries.split_images(_config, same[-1])


@kept(64)
def points(
    name: str, digest: str, key: ViewKey, n: int, seed: int, kind: PointKind
) -> tuple[np.ndarray, np.ndarray | None]:
    """n draws of q(z), or n posterior means, in a view, (n, 2) float32, and the class of each, (n,)."""
    shown = view(name, digest, key)
    z, labels = shown.cloud.points(n, kind, seed=seed)
    return views.places(shown, z), labels


@kept(64)
def pseudo_input_places(name: str, digest: str, key: ViewKey) -> np.ndarray | None:
    """Posterior means of the pseudo-inputs in a view, (K, 2), for a VampPrior; None for any other prior."""
    means = generate.pseudo_input_means(model(name, digest))
    return None if means is None else views.places(view(name, digest, key), means)


@kept(256)
def place(name: str, digest: str, z: tuple[float, ...], seed: int) -> Place:
    """Log-densities and typicality at z; what is said of q is nan where its density is not known."""
    prior = model(name, digest).vae.prior
    return typicality.place(z, q_density(name, digest), prior, reference(name, digest, seed))


@kept(6)
def q_density(name: str, digest: str) -> Prepared | None:
    """q(z) for a few places at a time, 6 MB with 10,000 posteriors in 40 dimensions; None where it is not known."""
    cloud = model(name, digest).latents
    return None if cloud is None else Prepared(*cloud.components())


@kept(32, "Asking what is usual")
def reference(name: str, digest: str, seed: int) -> Reference:
    """The log-densities at draws of q(z) and of p(z) themselves."""
    loaded = model(name, digest)
    with turns.beside():
        return typicality.reference(loaded.latents, loaded.vae.prior, seed=seed)


@kept(32)
def decoded_around(name: str, digest: str, z: tuple[float, ...], step: float, side: int) -> np.ndarray:
    """Decoded means on a square around z."""
    return generate.decoded_around(model(name, digest), z, step, side)


@kept(128)
def prior_samples(name: str, digest: str, n: int, seed: int) -> np.ndarray:
    """Decoded means at n draws of the prior."""
    return generate.prior_samples(model(name, digest), n, seed=seed)


@kept(256)
def sample_uri(name: str, digest: str, n: int, columns: int, size: int) -> str:
    """Decoded means at n draws of the prior as one picture."""
    return mosaic_uri(prior_samples(name, digest, n, 0), columns, at_least=size)


@kept(64, "Reading the code of every image")
def image_kl(name: str, digest: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """KL(q(z|x) || p(z)) of every stored image, its standard error, and the image's row in its split, (n,) each."""
    loaded = model(name, digest)
    stored = loaded.flow_latents or latents(name, digest)
    with turns.beside():
        values, errors = per_image.image_kl(galleries.stored_posteriors(loaded), loaded.vae.prior, seed=seed)
    return values.numpy(), errors.numpy(), stored.split_rows()


@kept(64, "Reading the code of every image")
def dimensions(name: str, digest: str) -> DimensionInformation:
    """What each dimension of a Gaussian code tells of the images."""
    cloud = latents(name, digest)
    with turns.beside():
        return dimension_information(*cloud.components(), seed=DIMENSIONS_SEED)


@kept(64)
def reconstructed(name: str, digest: str, rows: tuple[int, ...]) -> np.ndarray:
    """Means of p(x|z) at the posteriors' centres of images of the stored split, by row."""
    return galleries.reconstructed(model(name, digest), np.array(rows))


def stored_rows(name: str, digest: str) -> np.ndarray:
    """Rows of the split whose posteriors are stored, ascending; none where there are none."""
    loaded = model(name, digest)
    stored = loaded.latents or loaded.flow_latents
    return np.array([], int) if stored is None else stored.split_rows()


def prior_kinds() -> tuple[str, ...]:
    """Keys of the priors, from the simplest on."""
    return tuple(PRIORS)


def class_names(name: str, digest: str) -> tuple[str, ...]:
    """Names of the classes of the model's data set, as they may be shown."""
    return tuple(shown(each) for each in model(name, digest).config.data.class_names)


def latents(name: str, digest: str) -> LatentCloud:
    """The stored Gaussian posteriors.

    Raises:
        ValueError: where the checkpoint has none; its ``CheckpointInfo.images`` is 0 then, or it is not
            ``of_gaussians``.
    """
    stored = model(name, digest).latents
    if stored is None:
        raise ValueError(f"checkpoint {name} holds no Gaussian latents")
    return stored
