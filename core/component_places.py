"""Where the components of a mixture prior lie in a plane, and which one is responsible for a place there."""

from __future__ import annotations

import numpy as np
import torch

from core import projections
from core.priors import MixturePrior
from core.records import Plane


@torch.no_grad()
def places(prior: MixturePrior, plane: Plane) -> tuple[np.ndarray, np.ndarray]:
    """The components in a plane, where they stay Gaussian: means (K, 2) and covariances (K, 2, 2), float64."""
    mean, log_var, _ = prior.components()
    means, covariances = projections.projected(plane, mean, log_var)
    return means.numpy(), covariances.numpy()


@torch.no_grad()
def owners(prior: MixturePrior, plane: Plane, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The component with the largest responsibility at places of a plane.

    Of the marginal in the plane: w_k N(y; W mu_k, W diag(sigma_k^2) W^T) over its sum. Where the plane is the latent
    space itself, that is p(k|z).

    Args:
        prior: of K components.
        plane: two directions.
        at: (m, 2) places in it.

    Returns:
        (m,) int64 component, from 0, and (m,) its responsibility in [0, 1].
    """
    mean, log_var, log_weight = prior.components()
    means, covariances = projections.projected(plane, mean, log_var)
    precision = torch.linalg.inv(covariances)  # (K, 2, 2)
    offset = torch.from_numpy(at).double()[:, None] - means  # (m, K, 2)
    squared = torch.einsum("mka,kab,mkb->mk", offset, precision, offset)
    joint = log_weight.double() - 0.5 * (squared + torch.logdet(covariances))  # log 2 pi is common to all
    share, found = joint.softmax(1).max(1)
    return found.numpy(), share.numpy()
