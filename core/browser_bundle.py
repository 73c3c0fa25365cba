"""What the browser needs to know of a model: its decoder, and the densities that are known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from core import decoder_export
from core.browser_records import Reference
from core.bundle import pack
from core.checkpoint import Checkpoint
from core.prepared import reach
from core.priors import MixturePrior

LARGEST = 1_000_000
"""Numbers (components times dimensions) up to which a mixture is sent: 8 MB, and 4 ms a place."""


def model_bundle(checkpoint: Checkpoint, compared: Reference, identity: str, *, seed: int = 0) -> bytes:
    """Decoder, mixtures and reference densities as one block for ``core.bundle``.

    Args:
        checkpoint: the model.
        compared: log-densities at draws of q and p.
        identity: under which the browser keeps it.
        seed: of the noise of draws of p(x|z).

    Returns:
        meta: ``id``, ``dim``; ``decoder`` (the layout, or None) and ``why`` it is None; ``q`` and ``p``: whether the
        mixture is there; ``reach`` of a posterior of q. Arrays: the decoder's; ``q_mean``, ``q_log_var`` (n, d);
        ``p_mean``, ``p_log_var`` (K, d), ``p_log_weight`` (K,); ``q_reference``, ``p_reference`` ascending.
    """
    vae, shape = checkpoint.vae, checkpoint.config.model.image_shape
    arrays: dict[str, np.ndarray] = {}
    meta: dict[str, Any] = {"id": identity, "dim": vae.prior.dim, "decoder": None, "q": False, "p": False}
    meta["why"] = decoder_export.why_not(vae.decoder) if checkpoint.config.model.decodes else "there is no decoder"
    if meta["why"] is None:
        meta["decoder"], arrays = decoder_export.export(vae.decoder, shape, seed=seed)
    cloud = checkpoint.latents
    if cloud is not None and cloud.mean.size <= LARGEST:
        meta["q"], meta["reach"] = True, reach(vae.prior.dim)
        arrays |= {"q_mean": cloud.mean.astype(np.float32), "q_log_var": cloud.log_var.astype(np.float32)}
    if compared.log_q is not None:
        arrays["q_reference"] = compared.log_q.astype(np.float32)
    arrays["p_reference"] = compared.log_p.astype(np.float32)
    if (found := _mixture(vae.prior)) is not None:
        meta["p"] = True
        arrays |= dict(zip(("p_mean", "p_log_var", "p_log_weight"), found, strict=True))
    return pack(meta, arrays)


@torch.no_grad()
def _mixture(prior: torch.nn.Module) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The components of a prior of diagonal Gaussians, None where it has none or too many."""
    if not isinstance(prior, MixturePrior):
        return None
    mean, log_var, log_weight = (part.detach().float().cpu().numpy().copy() for part in prior.components())
    return (mean, log_var, log_weight) if mean.size <= LARGEST else None
