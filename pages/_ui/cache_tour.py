"""Cached answers of the guided tour; the rules are those of ``cache.py``."""

from __future__ import annotations

import numpy as np

from core import gallery
from core.errors import CheckpointError
from core.ladder_records import Ladder
from core.plain_text import shown_error
from core.records import CheckpointInfo
from pages._ui import cache, cache_ladder
from pages._ui.cache_store import kept


@kept(16)
def drawn_pictures(name: str, digest: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What is decoded at n draws of p(z) and at n draws of q(z), of a model in two dimensions."""
    found, model = cache.draws(name, digest, cache.WHOLE, n, seed), cache.model(name, digest)
    return gallery.decoded(model, found.p_z), gallery.decoded(model, found.q_z)


def ladder(info: CheckpointInfo) -> tuple[Ladder | None, str]:
    """The ladder stored with a checkpoint, and why it cannot be used, "" where it can or is not there."""
    try:
        return cache_ladder.ladder(info.name, info.digest), ""
    except CheckpointError as error:
        return None, shown_error(error)
