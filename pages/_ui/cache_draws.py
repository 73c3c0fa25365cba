"""What is kept of draws beside one another: line-ups, and how mixed the draws of a map are."""

from __future__ import annotations

from core import lineup
from core.lineup import Lineup
from core.metrics.neighbours import Mixing, mixing
from pages._ui import cache
from pages._ui.cache_store import kept
from pages._ui.turns import turns


@kept(64)
def hidden(name: str, digest: str, key: cache.ViewKey, n: int, seed: int) -> Lineup:
    """A line-up of n draws of each side in a view; of a map, of the draws that it was made of.

    Raises:
        ValueError: where there are too few images for one.
    """
    found = cache.draws(name, digest, key, min(n, most(name, digest, key)), seed)
    return lineup.hide(found, n, seed=seed)


def most(name: str, digest: str, key: cache.ViewKey) -> int:
    """Draws of each side at most, one an image."""
    if key[0].startswith(cache.MAP):
        return len(cache.embedding(key[0]).q)
    return len(cache.view(name, digest, key).cloud)


@kept(16, "Counting neighbours")
def mixed(kind: str) -> tuple[Mixing, Mixing] | None:
    """How mixed the draws of a map are in latent space, and on the map; None where images have several draws each."""
    made = cache.embedding(kind)
    if len(set(made.q_index.tolist())) < len(made.q_index):
        return None
    with turns.beside():
        return mixing(made.q_z, made.p_z, seed=made.seed), mixing(made.q, made.p, seed=made.seed)
