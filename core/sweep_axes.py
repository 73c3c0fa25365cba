"""Settings of a grid file, each with the values that it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.config import TrainConfig
from core.posteriors import POSTERIORS
from core.priors import PRIORS

PARTS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "prior-option": ("prior", "standard", PRIORS),
    "posterior-option": ("posterior", "gaussian", POSTERIORS),
}
"""Tables of options: the key that says whose they are, its default, and where these are known."""

_TRAIN = {name.replace("_", "-"): getattr(TrainConfig.model_validate({}), name) for name in TrainConfig.model_fields}
SWITCHES = ("half", *(key for key, default in _TRAIN.items() if isinstance(default, bool)))
KEYS = ("dataset", "prior", "posterior", "latent-dim", "hidden", *_TRAIN, "samples", "half")


@dataclass(frozen=True)
class Axis:
    """One setting and its values.

    Attributes:
        key: of ``KEYS`` or of ``PARTS``.
        option: name within a table of options, "" for other keys.
        values: that it takes.
        varies: whether the file gives a list, whose values stand in the names.
    """

    key: str
    option: str
    values: tuple[Any, ...]
    varies: bool

    @property
    def title(self) -> str:
        """As the file says it."""
        return f"{self.key}.{self.option}" if self.option else self.key


def read_axes(content: dict[str, Any], device: str | None) -> list[Axis]:
    """The settings of a grid file, in its order.

    Args:
        content: of the file.
        device: of the models where the file does not say it; None says nothing.

    Raises:
        ValueError: naming the key that is not known, or whose values cannot be.
    """
    axes = list(_axes(content))
    if device is not None and "device" not in content:
        axes.append(Axis("device", "", (device,), False))
    _require_owners(axes)
    return axes


def _axes(content: dict[str, Any]) -> Iterator[Axis]:
    for key, value in content.items():
        if key in PARTS and isinstance(value, dict):
            yield from (_axis(key, option, values) for option, values in value.items())
        elif key in KEYS:
            yield _axis(key, "", value)
        else:
            hint = f"a table, as in {key}.components = [50, 500]" if key in PARTS else f"one of {', '.join(KEYS)}"
            more = "" if key in PARTS else ", prior-option.NAME, posterior-option.NAME"
            raise ValueError(f"{key[:80]} is not known here, expected {hint}{more}")


def _axis(key: str, option: str, given: Any) -> Axis:
    one = not isinstance(given, list) or (key == "hidden" and not any(isinstance(value, list) for value in given))
    axis = Axis(key, option, (given,) if one else tuple(given), not one)
    if not axis.values:
        raise ValueError(f"{axis.title} is an empty list, expected one value or more")
    for value in axis.values:
        _require_value(axis, value)
    for number, value in enumerate(axis.values):
        if str(value) in map(str, axis.values[:number]):
            raise ValueError(f"{axis.title} holds {value!r} twice")
    return axis


def _require_value(axis: Axis, value: Any) -> None:
    if axis.key == "hidden":
        good, expected = isinstance(value, list) and all(type(width) is int for width in value), "a list of widths"
    elif axis.key in SWITCHES:
        good, expected = isinstance(value, bool), "true or false"
    else:
        good, expected = isinstance(value, str | int | float), "text or a number"
        good = good and (bool(axis.option) or not isinstance(value, bool))
    if not good:
        raise ValueError(f"{axis.title} is {str(value)[:80]!r}, expected {expected}, or a list of such")


def _require_owners(axes: list[Axis]) -> None:
    """Every option belongs to one of the grid's priors or posteriors: a misspelt one would else be left out."""
    for axis in axes:
        if not axis.option:
            continue
        kinds = _kinds(axes, axis.key)
        known = PARTS[axis.key][2]
        if all(kind in known and axis.option not in known[kind].options.model_fields for kind in kinds):
            has = sorted({name for kind in kinds for name in known[kind].options.model_fields})
            raise ValueError(
                f"{axis.title} is an option of none of {', '.join(kinds)}; these have {', '.join(has) or 'none'}"
            )


def _kinds(axes: list[Axis], table: str) -> list[str]:
    """The priors, or posteriors, of a grid."""
    part, default, _ = PARTS[table]
    return [str(kind) for axis in axes if axis.key == part for kind in axis.values] or [default]
