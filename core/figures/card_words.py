"""A model's card in words: what it is, what it measured, what its folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.model_card import ModelCard, Training
from core.records import CheckpointInfo, Estimate

ABOUT_HEADER, MEASURES_HEADER, FILES_HEADER = ("what", "as it was trained"), ("measure", "value", "beside it"), (
    "file", "size", "SHA-256", "named in config.json",
)  # fmt: skip

_NO_DECODER = "none"
_TRAINED_HERE = "python -m core train"
_BINARISATIONS = {
    "dynamic": "dynamic: pixels are drawn again in every epoch; validation and test are drawn once",
    "fixed": "fixed: the images are binary",
    "none": "none: grey levels",
}
_LIKELIHOODS = {
    "bernoulli": "Bernoulli, one probability a pixel",
    "logistic": "discretised logistic, 256 grey levels",
    _NO_DECODER: "no decoder",
}
_MEASURES = (
    ("elbo", "ELBO"),
    ("reconstruction", "reconstruction"),
    ("average_kl", "average KL(q(z|x) ‖ p(z))"),
    ("mutual_information", "information I(n; z)"),
    ("marginal_kl", "marginal KL(q(z) ‖ p(z))"),
    ("identity_residual", "average KL − information − marginal KL"),
    ("nll", "−log p(x), at most: importance-weighted bound"),
    ("log_likelihood", "−log p(x), exact: by quadrature"),
    ("bound_gap", "looseness KL(q(z|x) ‖ p(z|x))"),
)


def about_rows(card: ModelCard, info: CheckpointInfo, dataset: str) -> list[tuple[str, str]]:
    """The configuration in words.

    Args:
        card: of the model.
        info: its line in the list, for the names of prior and posterior.
        dataset: name of the data set, as shown to a person.
    """
    data, model = card.config.data, card.config.model
    channels, height, width = model.image_shape
    images = f", {height} × {width}, {'grey' if channels == 1 else f'{channels} channels'}"
    split = f"{data.train:,} train, {data.validation:,} validation, {data.test:,} test; seed {data.seed}"
    if model.likelihood == _NO_DECODER:
        images, split = "", f"{data.train:,} that the prior was fitted to, {data.test:,} that are shown and measured"
    rows = [
        ("data", f"{dataset}{images}. {data.source}".strip()),
        ("split", split),
        ("classes", ", ".join(data.class_names)),
        ("binarisation", _BINARISATIONS[data.binarisation]),
        ("likelihood", _LIKELIHOODS.get(model.likelihood, model.likelihood)),
        ("latent dimension", f"{model.latent_dim}"),
        ("prior", _with_options(info.prior_title, model.prior.options)),
        ("posterior", _with_options(info.posterior_title, model.posterior.options)),
        ("networks", _networks(card)),
        ("training", _settings(card)),
        ("trained with", ", ".join(f"{name} {number}" for name, number in card.config.versions.items())),
        ("commit", card.config.commit or "not known"),
        ("digest", card.digest),
    ]
    return [(name, words) for name, words in rows if words]


def measure_rows(test: Mapping[str, Any], latent_dim: int) -> list[tuple[str, str, str]]:
    """What an evaluation measured, each with its error and with what it is to be compared with.

    Args:
        test: one split's evaluation, as it is stored.
        latent_dim: d.
    """
    beside = {
        "mutual_information": _told(test, "log_n", "from 0 to log n = {}"),
        "marginal_kl": _told(test, "marginal_kl_null", "a perfect prior: {}"),
        "identity_residual": "0 by definition: three separate sets of draws",
        "nll": _samples(test),
        "log_likelihood": _told(test, "quadrature_error", "error of the grid {}", precise=True),
        "bound_gap": "0 where the posterior is exact",
    }
    rows = [(label, f"{_shown(test, key)} nats", beside.get(key, "")) for key, label in _MEASURES if key in test]
    if "active_units" in test:
        rows.append(("active dimensions", f"{test['active_units']['value']:.0f}", f"of {latent_dim}"))
    mismatch = (test.get("distance") or {}).get("mismatch") or {}
    for key, label in (("holes", "holes: prior draws where no data is"), ("leaks", "leaks: codes where no prior is")):
        if key in mismatch:
            rows.append(
                (label, _share(mismatch[key]), f"a match: about 1 %, in one trial {100 * mismatch[key]['null']:.1f} %")
            )
    for found in (test.get("distance") or {}).get("classifiers") or []:
        share = found["accuracy"]
        label = f"told apart by {found['classifier']}"
        rows.append((label, _share(share), f"a match: 50 %, in one trial {100 * share['null']:.1f} %"))
    return rows


def file_rows(card: ModelCard) -> list[tuple[str, str, str, str]]:
    """Name, size, hash, and whether config.json vouches for the hash."""
    return [
        (
            f.name,
            _size(f.size),
            _blocks(f.sha256) or "not read: too large",
            "yes, and it matches" if f.vouched else "no",
        )
        for f in card.files
    ]


def training_words(training: Training, epochs: int) -> str:
    """How long it trained, and which epoch was kept.

    Args:
        training: its course.
        epochs: at most so many were allowed.
    """
    done, best = training.curve.done, training.best_epoch
    time = "" if training.seconds is None else f" in {_time(training.seconds)}"
    kept = "" if best is None else f"; the weights of epoch {best:,} were kept"
    early = "" if done >= epochs else f" of at most {epochs:,}: it was stopped early"
    return f"{done:,} epochs{early}{time}{kept}."


def _networks(card: ModelCard) -> str:
    if card.config.model.likelihood == _NO_DECODER:
        return ""
    hidden = " → ".join(str(width) for width in card.config.model.hidden)
    parts = ", ".join(f"{part} {count:,}" for part, count in card.parameters.items())
    total = sum(card.parameters.values())
    return f"gated dense layers {hidden}, in the decoder the other way; {total:,} numbers: {parts}"


def _settings(card: ModelCard) -> str:
    train = card.config.train
    if card.training is None and not card.config.command.startswith(_TRAINED_HERE):
        return ""
    parts = [
        f"at most {train.epochs:,} epochs, batches of {train.batch_size:,}",
        f"Adam, learning rate {train.learning_rate:g} falling along a half cosine to {train.final_rate:g} of it",
        f"KL warm-up over {train.warmup_epochs:,} epochs, patience {train.patience:,}, gradients clipped at a norm of "
        f"{train.clip_norm:g}",
        f"seed {train.seed}, on {train.device}{', bfloat16' if train.bf16 else ''}",
    ]
    return "; ".join(parts)


def _with_options(title: str, options: Mapping[str, Any]) -> str:
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in options.items())
    return f"{title}: {told}" if told else title


def _estimate(test: Mapping[str, Any], key: str) -> Estimate:
    return Estimate(test[key]["value"], test[key]["se"])


def _shown(test: Mapping[str, Any], key: str) -> Estimate:
    """A measure with the sign of its label: both likelihoods are told as what they cost."""
    found = _estimate(test, key)
    return Estimate(-found.value, found.se) if key == "log_likelihood" else found


def _told(test: Mapping[str, Any], key: str, words: str, *, precise: bool = False) -> str:
    """Words around a stored value; "" where it was not stored."""
    if key not in test:
        return ""
    found = _estimate(test, key)
    number = f"{found.value:.1e}" if precise else f"{found.value:.2f}" if found.se == 0 else str(found)
    return words.format(number)


def _samples(test: Mapping[str, Any]) -> str:
    told = f"{test['samples']:,} samples an image" if test.get("samples") else ""
    ess = test.get("ess_median")
    return f"{told}, median {ess:,.0f} effective" if told and isinstance(ess, int | float) else told


def _share(share: Mapping[str, float]) -> str:
    low, value, high = (100 * share[key] for key in ("low", "value", "high"))
    return f"{value:.1f} % [{low:.1f}, {high:.1f}]"


def _blocks(digits: str) -> str:
    """A long number in blocks, so that a narrow column can break it."""
    return " ".join(digits[at : at + 16] for at in range(0, len(digits), 16))


def _size(size: int) -> str:
    return f"{size / 1e6:.2f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def _time(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 100
        else f"{seconds / 60:.0f} min"
        if seconds < 6000
        else (f"{seconds / 3600:.1f} h")
    )
