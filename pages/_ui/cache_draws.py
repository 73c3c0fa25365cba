"""What is kept of draws beside one another: line-ups, and how mixed the draws of a map are."""

from __future__ import annotations

from core import lineup, views
from core.lineup import Lineup
from core.metrics.neighbours import Mixing, mixing
from pages._ui import cache
from pages._ui.cache_store import kept
from pages._ui.turns import turns


@kept(64)
def hidden(name: str, digest: str, key: cache.ViewKey, n: int, number: int, seed: int) -> Lineup:
    """A line-up of n draws of each side in a view; no image is in two of them.

    Raises:
        ValueError: for a number, from 1, that the images are not enough for.
    """
    prior = cache.model(name, digest).vae.prior
    q, p = views.draws_of_block(cache.view(name, digest, key), prior, n, number - 1, seed=seed)
    return lineup.hide(q, p, seed=lineup.seed_of(name, digest, *key, n, number, seed))


def images(name: str, digest: str, key: cache.ViewKey) -> int:
    """Images whose posteriors are drawn in a view."""
    return len(cache.view(name, digest, key).cloud)


@kept(16, "Counting neighbours")
def mixed(kind: str) -> tuple[Mixing, Mixing] | None:
    """How mixed the draws of a map are in latent space, and on the map; None where images have several draws each."""
    made = cache.embedding(kind)
    if len(set(made.q_index.tolist())) < len(made.q_index):
        return None
    with turns.beside():
        return mixing(made.q_z, made.p_z, seed=made.seed), mixing(made.q, made.p, seed=made.seed)
