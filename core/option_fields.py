"""The settings of a part of a model as somebody can be asked for them: name, range, default, and what each means.

Read off the options class that the part itself validates with, so that a new prior has its form without another line.
"""

from __future__ import annotations

import re
import types
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

Kind = Literal["whole", "number", "switch", "choice", "text"]


@dataclass(frozen=True)
class OptionField:
    """One setting.

    Attributes:
        name: of the field.
        kind: "whole" or "number" with a range, "switch", "choice" among ``choices``, or "text".
        default: its value unless another is given.
        low, high: ends of the range, both allowed; None where there is no end.
        above: whether ``low`` itself is not allowed.
        choices: of a "choice".
        about: what it means, "" where the class does not say.
    """

    name: str
    kind: Kind
    default: Any
    low: int | float | None = None
    high: int | float | None = None
    above: bool = False
    choices: tuple[str, ...] = ()
    about: str = ""


def fields_of(options: type[BaseModel]) -> tuple[OptionField, ...]:
    """The settings of an options class, in their order.

    Example:
        >>> from core.priors import PRIORS
        >>> [field.name for field in fields_of(PRIORS["mog"].options)]
        ['components', 'init_scale']
    """
    said = _attributes(options.__doc__ or "")
    return tuple(_field(name, field, said.get(name, "")) for name, field in options.model_fields.items())


def _field(name: str, field: FieldInfo, about: str) -> OptionField:
    kind, choices = _kind(field.annotation)
    low = high = None
    above = False
    for limit in field.metadata:
        if isinstance(limit, annotated_types.Ge):
            low = limit.ge
        elif isinstance(limit, annotated_types.Gt):
            low, above = limit.gt, True
        elif isinstance(limit, annotated_types.Le):
            high = limit.le
    default = field.get_default(call_default_factory=True, validated_data={})
    return OptionField(name, kind, default, low, high, above, choices, about)  # type: ignore[arg-type]


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    if get_origin(annotation) is Literal:
        return "choice", tuple(map(str, get_args(annotation)))
    if get_origin(annotation) in (Union, types.UnionType):
        return "text", ()
    plain: dict[Any, Kind] = {bool: "switch", int: "whole", float: "number"}
    return plain.get(annotation, "text"), ()


def _attributes(doc: str) -> dict[str, str]:
    """What the section "Attributes" of a docstring says of each name, or of each of several names before one colon."""
    section = re.search(r"^\s*Attributes:\n(.*?)(?=\n\s*\n|\Z)", doc, re.DOTALL | re.MULTILINE)
    said: dict[str, str] = {}
    names: list[str] = []
    for line in section[1].splitlines() if section else ():
        head = re.match(r"\s{4,8}((?:\w+)(?:, \w+)*): (.*)", line)
        if head:
            names = head[1].split(", ")
            said |= dict.fromkeys(names, head[2].strip())
        else:
            said |= {name: f"{said[name]} {line.strip()}" for name in names}
    return {name: re.sub(r"\s*\(docs/[^)]*\)", "", text) for name, text in said.items()}
