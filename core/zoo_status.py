"""How far the zoo is: which of its models are there, begun, broken or not trained yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from core.checkpoint_folders import place_of
from core.checkpoint_list import list_checkpoints
from core.errors import CheckpointError
from core.measures_only import folder_of, list_measured
from core.metrics_file import read_metrics
from core.records import CheckpointInfo, Estimate
from core.results_records import nll_of
from core.seed_spread import over_seeds
from core.training_cost import training_cost
from core.training_file import curve_file, read_curve
from core.zoo_recipes import Recipe

THERE, NOT_TRAINED, MEASURED = "there", "not trained", "measured, without weights"


@dataclass(frozen=True)
class ZooModel:
    """One recipe and what has become of it.

    Attributes:
        name: of the checkpoint.
        state: ``THERE``, ``NOT_TRAINED``, how far a training is, or why the folder cannot be used.
        usable: whether the checkpoint is there and can be used.
        epochs: that were trained, 0 before it is finished.
        most: epochs that the recipe allows.
        minutes: that the training took, None where that is not known.
        nll: -log p(x) on the test images in nats, as in the results; None where it was not measured.
        seeds: training seeds behind it.
    """

    name: str
    state: str
    usable: bool
    epochs: int
    most: int
    minutes: float | None
    nll: Estimate | None
    seeds: int

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def zoo_status(recipes: Sequence[Recipe], root: Path) -> list[ZooModel]:
    """The state of every recipe, in their order."""
    infos = {info.name: info for info in list_checkpoints(root)}
    measured = {info.name: info for info in list_measured(root) if not info.error}
    return [
        _measured(recipe, root, measured[recipe.name])
        if recipe.name in measured
        else _model(recipe, root, infos.get(recipe.name))
        for recipe in recipes
    ]


def _measured(recipe: Recipe, root: Path, info: CheckpointInfo) -> ZooModel:
    """A model of which only the measures are here: to be trained, unless somebody is content with them."""
    begun = _begun(recipe.name, root)
    state = MEASURED if begun == NOT_TRAINED else f"{MEASURED}; {begun}"
    return replace(_there(recipe, info, folder_of(root, recipe.name)), state=state, usable=False)


def _model(recipe: Recipe, root: Path, info: CheckpointInfo | None) -> ZooModel:
    most = int(recipe.request.settings["epochs"])
    if info is None:
        return ZooModel(recipe.name, _begun(recipe.name, root), False, 0, most, None, None, 0)
    if info.error:
        return ZooModel(recipe.name, f"broken: {info.error}", False, 0, most, None, None, 0)
    return _there(recipe, info, place_of(root / recipe.name))


def _there(recipe: Recipe, info: CheckpointInfo, folder: Path) -> ZooModel:
    cost = training_cost(read_metrics(folder))
    spread = over_seeds(info, "nll")
    return ZooModel(
        name=recipe.name,
        state=THERE,
        usable=True,
        epochs=cost.epochs or 0,
        most=int(recipe.request.settings["epochs"]),
        minutes=None if cost.seconds is None else cost.seconds / 60,
        nll=nll_of(info.metrics.get("test", {})),
        seeds=0 if spread is None else spread.n,
    )


def _begun(name: str, root: Path) -> str:
    try:
        curve = read_curve(curve_file(root, name))
    except (CheckpointError, OSError) as error:
        return f"begun, but its curve cannot be read: {error}"
    return NOT_TRAINED if curve is None else f"begun, epoch {curve.done:,} of {curve.epochs:,}"


def status_table(models: Sequence[ZooModel]) -> str:
    """The models as lines of text under a header, and a last line that counts them."""
    rows = [("model", "state", "epochs", "minutes", "-log p(x), nats", "seeds")]
    for model in models:
        epochs = f"{model.epochs:,} of {model.most:,}" if model.usable else f"{model.most:,}"
        minutes = "" if model.minutes is None else f"{model.minutes:.1f}"
        nll = "" if model.nll is None else str(model.nll)
        rows.append((model.name, model.state, epochs, minutes, nll, f"{model.seeds or ''}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    there = sum(model.usable for model in models)
    return "\n".join(
        [*lines, f"{there} of {len(models)} models are there; test split, ± one standard error over images"]
    )
