"""One image's posterior, true and approximate, and the theorem of flow priors in numbers: frozen, no torch."""

from __future__ import annotations

from dataclasses import dataclass

from core.records import DensityGrid, Estimate


@dataclass(frozen=True)
class ImagePosterior:
    """The true posterior p(z|x) of one image beside q(z|x), with two latent dimensions.

    Attributes:
        true, approximate: p(z|x) and q(z|x) on one window.
        log_likelihood: log p(x) by quadrature, in nats.
        error: of ``log_likelihood``: the largest difference from it by one of four grids with twice the
            spacing, with what was summed on a coarse grid only, and rounding.
        elbo: mean over ``draws`` of q(z|x), with its standard error over them.
        kl: KL(q(z|x) || p(z|x)) by quadrature, in nats.
        mass: of q(z|x) on the nodes of that quadrature; 1 where nothing of it is missed.
        family: KL of the best diagonal Gaussian that was found for this image, which is what remains of the gap with a
            Gaussian posterior whatever the encoder.
        best: mean and standard deviations of that Gaussian.
        draws, seed: of the Monte Carlo estimates.

    References:
        Cremer, Li, Duvenaud (2018), Inference suboptimality in variational autoencoders, arXiv:1801.03558.
    """

    true: DensityGrid
    approximate: DensityGrid
    log_likelihood: float
    error: float
    elbo: Estimate
    kl: float
    mass: float
    family: Estimate
    best: tuple[tuple[float, float], tuple[float, float]]
    draws: int
    seed: int

    @property
    def gap(self) -> Estimate:
        """log p(x) - ELBO, which KL(q(z|x) || p(z|x)) equals."""
        return Estimate(self.log_likelihood - self.elbo.value, self.elbo.se)

    @property
    def residual(self) -> Estimate:
        """What the gap by draws and the KL by quadrature differ by: 0 within the noise of the draws."""
        return Estimate(self.gap.value - self.kl, self.elbo.se)


@dataclass(frozen=True)
class Absorption:
    """A model with a flow prior, and the same model with the flow moved into posterior and decoder.

    Attributes:
        elbo: of the model with the flow prior, with its standard error over the images.
        absorbed: of N(0, I) as prior, the flow's inverse applied to q(z|x), the flow put before the decoder.
        kept_decoder: the same with the decoder left as it was.
        difference: largest difference of one image's ELBO between the first two, in float64.
        difference_single: the same in float32, the precision that models run in.
        n, total: images that were compared, evenly spread over so many.
        draws, seed: of each posterior (the same in all models), and their seed.
    """

    elbo: Estimate
    absorbed: Estimate
    kept_decoder: Estimate
    difference: float
    difference_single: float
    n: int
    total: int
    draws: int
    seed: int
