"""One measure of a model over its training seeds: how much of a difference between two models is luck."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from core.records import CheckpointInfo


@dataclass(frozen=True)
class SeedSpread:
    """A measure under several training seeds of one recipe, in the measure's own unit.

    Attributes:
        values: by seed, that of the stored weights first.
    """

    values: dict[int, float]

    @property
    def n(self) -> int:
        """Number of training seeds."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return statistics.fmean(self.values.values())

    @property
    def sd(self) -> float | None:
        """Sample standard deviation, with n - 1 below; None of a single seed."""
        return statistics.stdev(self.values.values()) if self.n > 1 else None

    @property
    def se(self) -> float | None:
        """Standard error of the mean; None of a single seed."""
        return None if self.sd is None else self.sd / self.n**0.5

    def minus(self, other: SeedSpread) -> dict[int, float]:
        """Of each seed that both have, how far this value is above that one.

        Example:
            >>> SeedSpread({0: 3.0, 1: 5.0}).minus(SeedSpread({1: 4.0}))
            {1: 1.0}
        """
        return {seed: value - other.values[seed] for seed, value in self.values.items() if seed in other.values}

    def __str__(self) -> str:
        """Mean, ± one standard deviation over the seeds where there are several."""
        return (f"{self.mean:.2f}" + ("" if self.sd is None else f" ± {self.sd:.2f}")).replace("-", "−")


def over_seeds(info: CheckpointInfo, key: str, split: str = "test") -> SeedSpread | None:
    """The value of a measure under every training seed that was evaluated in the same way.

    Args:
        info: of the checkpoint.
        key: of an estimate, such as "nll".
        split: whose evaluation is read.

    Returns:
        The values; a seed counts where it was measured on as many images with as many importance samples as the stored
        weights. None where these were not measured.

    Example:
        >>> def test(nll):
        ...     return {"test": {"n": 10, "samples": 5, "nll": {"value": nll, "se": 0.1}}}
        >>> info = CheckpointInfo("a", metrics=test(80.0), seeds=(0, 1), other_seeds={1: test(82.0)})
        >>> print(over_seeds(info, "nll"))
        81.00 ± 1.41
    """
    own = info.metrics.get(split, {})
    if key not in own or not info.seeds:
        return None
    values = {info.seeds[0]: float(own[key]["value"])}
    for seed, evaluations in info.other_seeds.items():
        other = evaluations.get(split, {})
        if key in other and all(other.get(size) == own.get(size) for size in ("n", "samples")):
            values[seed] = float(other[key]["value"])
    return SeedSpread(values)


def seeds_sentence(spreads: Mapping[str, SeedSpread]) -> str:
    """How many training seeds stand behind each model, and how far apart they are: the end of a caption.

    Args:
        spreads: the ELBO in nats over the training seeds, by what the model is called.

    Example:
        >>> print(seeds_sentence({"MAF": SeedSpread({0: 1.0})}))
        One training seed a model: differences of a few tenths of a nat, which another seed may turn, are no ranking
        >>> seeds_sentence({"MAF": SeedSpread({0: 1.0}), "VampPrior": SeedSpread({0: 1.0, 3: 2.0})}).split(". ")[0]
        'ELBO over training seeds, mean ± one standard deviation: VampPrior 1.50 ± 0.71 (2 seeds); one seed of MAF'
    """
    several = {label: spread for label, spread in spreads.items() if spread.n > 1}
    if not several:
        return (
            "One training seed a model: differences of a few tenths of a nat, which another seed may turn, "
            "are no ranking"
        )
    told = ", ".join(f"{label} {spread} ({spread.n} seeds)" for label, spread in several.items())
    single = [label for label in spreads if label not in several]
    rest = f"; one seed of {', '.join(single)}" if single else ""
    return (
        f"ELBO over training seeds, mean ± one standard deviation: {told}{rest}. Standard errors over the images are "
        "of the stored weights and know nothing of other seeds: differences of the size of this spread are no ranking"
    )
