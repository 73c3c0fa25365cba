"""The eight questions of the guided tour, in the order of the lecture."""

from __future__ import annotations

from pages._ui import tour_models, tour_priors
from pages._ui.tour import Step

STEPS = (
    Step(
        "Where do a VAE's samples come from?",
        tour_priors.samples,
        (r"z \sim p(z), \qquad x \sim p(x|z)",),
        "Nothing of the encoder is left when a VAE generates: a code is drawn from the prior and decoded. In "
        "training the decoder saw codes of images only, draws of $q(z|x)$. Where the two differ it makes up what it "
        "never learned.",
        "VAE limitations: poor prior distribution",
        (
            "holes",
            "classifier",
        ),
    ),
    Step(
        "Why is N(0, I) a poor prior?",
        tour_priors.standard,
        (
            r"q(z) = \frac1n\sum_{i=1}^n q(z|x_i)",
            r"\mathrm{KL}\big(q(z)\,\|\,p(z)\big) = \mathbb E_{q(z)}\big[\log q(z) - \log p(z)\big]",
        ),
        "The codes of all images together have the density $q(z)$, the aggregated posterior. Where the prior has "
        "mass and $q(z)$ has none there is a hole, the reverse is a leak; the marginal KL is the price of both in "
        "nats. A prior that is fixed beforehand pulls the codes towards itself: it regularises more than is needed.",
        "Optimal VAE prior: standard Gaussian, over-regularization",
        (
            "marginal-kl",
            "holes",
            "leaks",
        ),
    ),
    Step(
        "Which prior would be optimal?",
        tour_priors.optimal,
        (
            r"\frac1n\sum_{i=1}^n \mathrm{ELBO}(x_i) = \frac1n\sum_{i=1}^n \mathbb E_{q(z|x_i)}\log p(x_i|z)"
            r" - \mathrm I_q[x, z] - \mathrm{KL}\big(q(z)\,\|\,p(z)\big)",
            r"\mathrm{KL}\big(q(z)\,\|\,p(z)\big) = 0 \;\Longleftrightarrow\; "
            r"p(z) = q(z) = \frac1n\sum_{i=1}^n q(z|x_i)",
        ),
        "ELBO surgery: of the three parts only the last holds the prior, and it is 0 for the aggregated posterior. "
        "That is a mixture of as many Gaussians as there are training images, dear to evaluate, and made of these "
        "very images (Hoffman and Johnson, 2016).",
        "ELBO surgery; Optimal VAE prior: overfitting and highly expensive",
        (
            "elbo",
            "marginal-kl",
        ),
    ),
    Step(
        "Do we need many modes?",
        tour_priors.modes,
        (r"p(z) = \sum_{k=1}^K w_k\, \mathcal N\big(z;\, \mu_k, \mathrm{diag}\,\sigma_k^2\big), \qquad K \ll n",),
        "Between one Gaussian and the aggregated posterior lie mixtures of $K$ components. Here the encoder is "
        "frozen and each prior is fitted to its codes of the training images; what counts is what it gains on "
        "images that it has not seen.",
        "VampPrior: do we really need the multimodal prior?",
        ("marginal-kl",),
    ),
    Step(
        "Mixture of Gaussians or VampPrior?",
        tour_models.coupled,
        (
            r"p(z) = \frac1K\sum_{k=1}^K q(z|u_k), \qquad u_1, \dots, u_K \text{ learned}",
            r"p(z) = \sum_{k=1}^K w_k\, \mathcal N\big(z;\, \mu_k, \mathrm{diag}\,\sigma_k^2\big)",
        ),
        "A mixture learns its means and variances as numbers. The VampPrior learns images, the pseudo-inputs $u_k$, "
        "and takes what the encoder makes of them: prior and posterior move together (Tomczak and Welling, 2018, "
        "arXiv:1705.07120).",
        "VampPrior: is it beneficial to couple the prior with the variational posterior, or is the MoG prior enough?",
        (
            "effective-components",
            "elbo",
        ),
    ),
    Step(
        "Can the prior be a flow, and why not an IAF?",
        tour_models.flows,
        (
            r"\log p(z) = \log p(u) - \log\left|\det\frac{\partial g(u)}{\partial u}\right|, \qquad z = g(u)",
            r"\text{MAF: } z_i = \sigma_i(z_{<i})\,u_i + \mu_i(z_{<i}) \qquad "
            r"\text{IAF: } z_i = \sigma_i(u_{<i})\,u_i + \mu_i(u_{<i})",
        ),
        "Training asks for $\\log p(z)$ of codes that the encoder gives. A MAF knows $z_{<i}$ then and needs one "
        "pass; an IAF needs $u_{<i}$, one coordinate after the other: $d$ passes. Generating is the mirror image. "
        "RealNVP takes one pass either way (Papamakarios et al., 2017, arXiv:1705.07057; Kingma et al., 2016, "
        "arXiv:1606.04934).",
        "Flows-based VAE prior: why it is not a good idea to use IAF for the VAE prior",
        (
            "time-quartiles",
            "slope",
        ),
    ),
    Step(
        "Is the posterior rich enough?",
        tour_models.rich,
        (r"\log p(x) - \mathrm{ELBO}(x) = \mathrm{KL}\big(q(z|x)\,\|\,p(z|x)\big)",),
        "A better prior cannot mend this: the bound stays loose by how far $q(z|x)$ is from the true posterior. A "
        "Gaussian has one mode and no bends; a flow in the posterior bends it. Every model has a decoder of its "
        "own, so a tighter bound need not be a better model.",
        "Variational posterior: how to use flows in the VAE posterior?",
        (
            "looseness",
            "elbo",
        ),
    ),
    Step(
        "What did the prior really gain?",
        tour_models.gained,
        (
            r"\Delta\,\mathrm{ELBO} = \Delta\,\mathrm{reconstruction} - \Delta\,\mathrm I_q[x,z] "
            r"- \Delta\,\mathrm{KL}\big(q(z)\,\|\,p(z)\big)",
        ),
        "For an encoder that stays, a better prior can only win back the marginal KL. Trained together with it, it "
        "lets encoder and decoder change too: codes that need not look like N(0, I) may carry more and be decoded "
        "better.",
        "Summary",
        (
            "elbo",
            "reconstruction",
            "information-i-n-z",
            "marginal-kl",
        ),
    ),
)
