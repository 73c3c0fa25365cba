"""Which models the guided tour speaks of: found by what they are, never by their names.

A cast is the models of one data set and latent dimension that may stand in one sentence, one for each part.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.comparison import why_apart
from core.datasets.titles import DATASET_TITLES, dataset_title
from core.metrics_file import record
from core.posteriors import POSTERIORS
from core.priors import PRIORS
from core.records import CheckpointInfo, Estimate

SPLIT = "test"
FIRST, DIMENSION = "digits", 2
"""Where the tour starts: the models of this data set come with the program, and so do its images."""
LARGE = ("mnist", 40)
"""Whose stored measures are told beside them, where they are there."""


@dataclass(frozen=True)
class Part:
    """What a model of the tour is.

    Attributes:
        prior, posterior: keys of ``PRIORS`` and ``POSTERIORS``.
    """

    prior: str
    posterior: str = "gaussian"


STANDARD, MOG, VAMP, REALNVP = Part("standard"), Part("mog"), Part("vamp"), Part("realnvp")
WITH_IAF, WITH_REALNVP = Part("standard", "iaf"), Part("standard", "realnvp")
PARTS = (STANDARD, MOG, VAMP, REALNVP, WITH_IAF, WITH_REALNVP)


@dataclass(frozen=True)
class Cast:
    """The models of one data set and latent dimension.

    Attributes:
        dataset, latent_dim: that they share.
        models: by part; a part that is not there has no model here.
    """

    dataset: str
    latent_dim: int
    models: Mapping[Part, CheckpointInfo]

    @property
    def title(self) -> str:
        """Data set and latent dimension in words."""
        return f"{dataset_title(self.dataset)}, d = {self.latent_dim}"

    def find(self, *parts: Part) -> list[CheckpointInfo]:
        """The models of these parts that are there, in this order."""
        return [self.models[part] for part in parts if part in self.models]


def offered(infos: Iterable[CheckpointInfo]) -> list[str]:
    """Data sets that the tour can be walked on, the first one to start with: those with an evaluated N(0, I), d = 2."""
    known = set()
    for info in infos:
        is_base = (info.prior, info.posterior, info.latent_dim) == (STANDARD.prior, STANDARD.posterior, DIMENSION)
        if is_base and not info.error and info.decodes and "elbo" in info.metrics.get(SPLIT, {}):
            known.add(info.dataset)
    return [name for name in dict.fromkeys((FIRST, *DATASET_TITLES)) if name in known] or [FIRST]


def cast(infos: Iterable[CheckpointInfo], dataset: str, latent_dim: int) -> Cast:
    """For each part the model that tells most: evaluated, with its latents, of the usual name.

    All others must be comparable with the one of N(0, I): same images, binarised alike, as many of them.

    Args:
        infos: all checkpoints, broken ones too.
        dataset: of the models that are looked for.
        latent_dim: theirs.
    """
    fit = [
        info
        for info in infos
        if not info.error and info.decodes and (info.dataset, info.latent_dim) == (dataset, latent_dim)
    ]
    found: dict[Part, CheckpointInfo] = {}
    for part in PARTS:
        same = [info for info in fit if (info.prior, info.posterior) == (part.prior, part.posterior)]
        base = found.get(STANDARD)
        if base is not None:
            same = [info for info in same if why_apart(base, info) is None]
        if same:
            found[part] = min(same, key=_rank)
    return Cast(dataset, latent_dim, found)


def _rank(info: CheckpointInfo) -> tuple[bool, bool, bool, str]:
    usual = usual_name(info.dataset, info.latent_dim, Part(info.prior, info.posterior))
    return "elbo" not in info.metrics.get(SPLIT, {}), not info.images, info.name != usual, info.name


def usual_name(dataset: str, latent_dim: int, part: Part) -> str:
    """What ``python -m core train`` calls such a model."""
    beside = "" if part.posterior == "gaussian" else f"-{part.posterior}"
    return f"{dataset}-{latent_dim}d-{part.prior}{beside}"


def missing_model(of: Cast, part: Part) -> str:
    """That there is no such model, and the command that trains one; the command in backquotes.

    Example:
        >>> print(missing_model(Cast("digits", 2, {}), Part("vamp")))
        There is no model of Digits, d = 2, with the prior VampPrior: `python -m core train --dataset digits --prior vamp --latent-dim 2` trains one.
    """  # noqa: E501
    words = ["python", "-m", "core", "train", "--dataset", of.dataset, "--prior", part.prior]
    words += ["--latent-dim", str(of.latent_dim)]
    posterior = ""
    if part.posterior != "gaussian":
        words += ["--posterior", part.posterior]
        posterior = f" and the posterior {POSTERIORS[part.posterior].title}"
    return (
        f"There is no model of {of.title}, with the prior {PRIORS[part.prior].title}{posterior}: "
        f"`{shlex.join(words)}` trains one."
    )


def missing_measure(info: CheckpointInfo, what: str) -> str:
    """That something of a model was not measured, and the command that measures it; the command in backquotes.

    Args:
        info: the model.
        what: that is missing, in words.
    """
    return (
        f"{info.name} is there, but its {what} was not measured: "
        f"`{shlex.join(['python', '-m', 'core', 'evaluate', info.name, '--save'])}`."
    )


def missing_ladder(info: CheckpointInfo) -> str:
    """That no ladder was fitted to a model's encoder, and the command that does; the command in backquotes."""
    return (
        f"{info.name} is there, but no ladder of priors was fitted to its encoder: "
        f"`{shlex.join(['python', '-m', 'core', 'ladder', info.name])}` fits one in some minutes."
    )


def estimate(info: CheckpointInfo, key: str) -> Estimate | None:
    """A stored measure of the test images in nats, None where it was not measured."""
    found = info.metrics.get(SPLIT, {}).get(key)
    return None if found is None else Estimate(float(found["value"]), float(found["se"]))


def stored(info: CheckpointInfo, key: str) -> Any:
    """A record of the stored evaluation of the test images, None where there is none; no weights are read.

    Args:
        info: the model.
        key: one of ``core.metrics_records.RECORDS``.
    """
    return record({"evaluations": info.metrics}, SPLIT, key)
