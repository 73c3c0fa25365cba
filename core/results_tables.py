"""The results as tables: how good each model is, what its bound is made of, and all of it as CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.better_classifier import better
from core.comparison import PARTS
from core.datasets.titles import dataset_title
from core.metrics_records import RECORDS
from core.records import Estimate
from core.report import Table
from core.results_records import ResultGroup, ResultRow
from core.tables import write_csv

NOTHING = "–"
"""What is not known, or has no meaning for a model."""
_BINARISATIONS = {"dynamic": ", dynamic binarisation", "fixed": ", binary images", "none": ", 256 grey levels", "": ""}
_TERMS = (
    ("ELBO", "elbo"),
    ("reconstruction", "reconstruction"),
    ("information", "mutual_information"),
    ("marginal KL", "marginal_kl"),
    ("its null", "marginal_kl_null"),
    ("looseness", "bound_gap"),
)

_NAMES = {"elbo": "ELBO", "reconstruction": "reconstruction", "mutual_information": "information",
          "marginal_kl": "marginal KL", "average_kl": "KL", "log_likelihood": "log p(x)",
          "nll": "importance-weighted log p(x)"}  # fmt: skip
"""What may be gained, by its name in ``core.comparison.gains``."""


def group_title(group: ResultGroup) -> str:
    """Data set, latent dimension and binarisation in words."""
    return f"{dataset_title(group.dataset)}, d = {group.latent_dim}{_BINARISATIONS[group.binarisation]}"


def short_title(group: ResultGroup) -> str:
    """Data set, latent dimension and number of test images."""
    return f"{dataset_title(group.dataset)}, d = {group.latent_dim}, n = {group.n:,}"


def quality_table(group: ResultGroup) -> Table:
    """-log p(x) of every model beside what was published, with what it cost."""
    columns: dict[str, Callable[[ResultRow], str]] = {
        "model": lambda row: row.name,
        "prior": lambda row: row.title,
        "−log p(x), nats": _likelihood,
    }
    if group.in_bits:
        columns["bits per dimension"] = _bits
    if group.published:
        columns["published, nats"] = lambda row: _published(group, row)
    columns |= {
        "over training seeds": _seeds,
        "S": lambda row: "exact" if row.exact else f"{row.test['samples']:,}" if row.nll else NOTHING,
        "effective": lambda row: NOTHING if row.exact or not row.nll else f"{row.test.get('ess_median', 0):.1f}",
        "epochs, best": _epochs,
        "minutes": lambda row: NOTHING if row.cost.seconds is None else f"{row.cost.seconds / 60:.1f}",
    }
    rows = [tuple(cell(row) for cell in columns.values()) for row in group.rows]
    rows += [_without_ours(one, list(columns)) for one in _unmatched(group)]
    return Table(tuple(columns), tuple(rows))


def split_table(group: ResultGroup) -> Table | None:
    """What the bound of every measured model is made of; None where none was measured."""
    if not group.measured:
        return None
    known = [(label, key) for label, key in _TERMS if any(key in row.test for row in group.measured)]
    last: dict[str, Callable[[ResultRow], str]] = {"active units": _active}
    if any("components" in row.test for row in group.measured):
        last["effective components"] = _components
    last |= {"holes": _holes, "classifier": _classifier}
    rows = [
        (row.name, *(_estimate(row.test, key) for _, key in known), *(cell(row) for cell in last.values()))
        for row in group.measured
    ]
    return Table(("model", *(label for label, _ in known), *last), tuple(rows))


def gains_table(group: ResultGroup) -> Table | None:
    """What every other prior or posterior gains over N(0, I) with the Gaussian one, in nats; None without any."""
    rows = [row for row in group.measured if row.gains]
    if not rows:
        return None
    told = [key for key in _NAMES if any(key in row.gains for row in rows)]
    heads = [("from " if key in PARTS else "") + _NAMES[key] for key in told]
    header = ("model", *heads, "paired", "ELBO, other training seeds")
    cells = [
        (
            row.name,
            *(_gain(row, key) for key in told),
            _paired(row),
            ", ".join(_signed(f"{value:.2f}") for value in row.seed_gains.values()) or NOTHING,
        )
        for row in rows
    ]
    bold = [
        (line, column + 1)
        for line, row in enumerate(rows)
        for column, key in enumerate(told)
        if key in row.gains and row.gains[key].clear
    ]
    return Table(header, tuple(cells), bold=tuple(bold))


def results_csv(groups: Sequence[ResultGroup]) -> str:
    """Every measured model and every published number, one line each, in full precision."""
    header = ["data set", "binarisation", "d", "model", "prior", "source", "nats", "standard error", "exact", "n", "S",
              "bits per dimension", "seeds", "mean over seeds", "standard deviation over seeds", "epochs", "best epoch",
              "seconds"]  # fmt: skip
    lines: list[list[Any]] = []
    for group in groups:
        data = [group.dataset, group.binarisation, group.latent_dim]
        for row in group.measured:
            nll, seeds = row.nll, row.seeds
            if nll is None:
                continue
            bits = row.per_dimension(nll).value
            over = ["", "", ""] if seeds is None else [seeds.n, seeds.mean, "" if seeds.sd is None else seeds.sd]
            cost = [
                "" if value is None else value for value in (row.cost.epochs, row.cost.best_epoch, row.cost.seconds)
            ]
            lines.append([*data, row.name, row.title, "here", nll.value, nll.se, row.exact, group.n,
                          "" if row.exact else row.test["samples"], bits, *over, *cost])  # fmt: skip
        for one in group.published:
            lines.append([*data, one.title, one.prior, one.study.authors, one.nll.value, one.nll.se, False, "",
                          one.samples, *[""] * 7])  # fmt: skip
    return write_csv(header, lines)


def gains_csv(groups: Sequence[ResultGroup]) -> str:
    """Every gain over N(0, I), one line each, in full precision, those under other training seeds without an error."""
    header = ["data set", "binarisation", "d", "n", "model", "gain of", "nats", "standard error", "paired", "seed"]
    lines: list[list[Any]] = []
    for group in groups:
        for row in group.measured:
            data = [group.dataset, group.binarisation, group.latent_dim, group.n, row.name]
            for key, gain in row.gains.items():
                lines.append([*data, key, gain.estimate.value, gain.estimate.se, gain.paired, "stored weights"])
            for seed, value in row.seed_gains.items():
                lines.append([*data, "elbo", value, "", "", seed])
    return write_csv(header, lines)


def _gain(row: ResultRow, key: str) -> str:
    return _signed(str(row.gains[key].estimate)) if key in row.gains else NOTHING


def _paired(row: ResultRow) -> str:
    """Whether the differences were taken image by image; the likelihood's own may not be where the others are."""
    alone = [_NAMES[key] for key, one in row.gains.items() if not one.paired]
    if len(alone) == len(row.gains):
        return "no"
    return f"all but {', '.join(alone)}" if alone else "yes"


def _signed(number: str) -> str:
    number = number.replace("-", "−")
    return number if number.startswith("−") else f"+{number}"


def _likelihood(row: ResultRow) -> str:
    return str(row.nll) if row.nll else row.state


def _bits(row: ResultRow) -> str:
    return str(row.per_dimension(row.nll)) if row.nll else NOTHING


def _published(group: ResultGroup, row: ResultRow) -> str:
    found = group.published_of(row)
    return NOTHING if found is None else str(found.nll)


def _unmatched(group: ResultGroup) -> list[Any]:
    """Published models with no counterpart here."""
    matched = [group.published_of(row) for row in group.rows]
    return [one for one in group.published if one not in matched]


def _without_ours(one: Any, columns: Sequence[str]) -> tuple[str, ...]:
    cells = {"model": one.title, "published, nats": str(one.nll), "S": f"{one.samples:,}"}
    return tuple(cells.get(column, NOTHING) for column in columns)


def _seeds(row: ResultRow) -> str:
    if row.seeds is None:
        return NOTHING
    return "one seed" if row.seeds.sd is None else f"{row.seeds} ({row.seeds.n})"


def _epochs(row: ResultRow) -> str:
    if row.cost.epochs is None:
        return NOTHING
    best = "" if row.cost.best_epoch is None else f", {row.cost.best_epoch:,}"
    return f"{row.cost.epochs:,}{best}"


def _estimate(test: Mapping[str, Any], key: str) -> str:
    return str(Estimate(test[key]["value"], test[key]["se"])) if key in test else NOTHING


def _active(row: ResultRow) -> str:
    return f"{row.test['active_units']['value']:.0f}" if "active_units" in row.test else NOTHING


def _components(row: ResultRow) -> str:
    """How many components of a mixture are used, with its interval, and of how many."""
    if "components" not in row.test:
        return NOTHING
    found = RECORDS["components"].validate_python(row.test["components"])
    used = found.effective
    return f"{used.value:.0f} [{used.low:.0f}, {used.high:.0f}] of {found.count:,}, match {used.null:.0f}"


def _holes(row: ResultRow) -> str:
    if "distance" not in row.test:
        return NOTHING
    holes = RECORDS["distance"].validate_python(row.test["distance"]).mismatch.holes
    return _share(holes.value, holes.low, holes.high)


def _classifier(row: ResultRow) -> str:
    """The better of the classifiers that tell prior from q(z)."""
    if "distance" not in row.test:
        return NOTHING
    best, low, high = better(RECORDS["distance"].validate_python(row.test["distance"]).classifiers)
    return _share(best.accuracy.value, low, high)


def _share(value: float, low: float, high: float) -> str:
    return f"{100 * value:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
