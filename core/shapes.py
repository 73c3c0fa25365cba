"""Names of tensor shapes, checked by jaxtyping and beartype while the tests run and free at any other time.

n counts examples or draws, d is the latent dimension, K the number of mixture components, S the number of Monte Carlo
samples per example. An image is a flat row of pixels in [0, 1]; its height and width live in the configuration.
"""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

Images = Float[Tensor, "n pixels"]
Latents = Float[Tensor, "n d"]
Context = Float[Tensor, "n context"]
LogProb = Float[Tensor, " n"]
ComponentMeans = Float[Tensor, "K d"]
ComponentLogVars = Float[Tensor, "K d"]
LogWeights = Float[Tensor, " K"]
Covariances = Float[Tensor, "K d d"]
Index = Int[Tensor, " n"]
