"""A widget for each setting of a part of a model, as its own options class describes them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from core.option_fields import OptionField

WIDTH = 170
SMALLEST = 1e-6
"""Least value of a number that has to be above zero."""
CONTINUED = {
    "bf16": "Matrix products in bfloat16",
    "clip_norm": "Limit of the gradient",
    "final_rate": "Final share of the rate",
    "init": "Start of pseudo-inputs",
    "init_noise": "Noise of the start",
    "init_scale": "Spread of the start",
    "rate_scale": "Rate of the prior, ×",
    "warmup_epochs": "Warm-up epochs",
}
"""Labels that are more than the setting's own name in words."""


def widgets(
    fields: Iterable[OptionField], prefix: str, usual: Mapping[str, Any] | None = None, disabled: bool = False
) -> dict[str, Any]:
    """Draw them in a row that wraps, each bound to the address, and give their values by name.

    Args:
        fields: the settings.
        prefix: of the keys, which are also the names in the address.
        usual: values to begin with where they are not the defaults.
        disabled: whether they can only be looked at.
    """
    usual = usual or {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        return {
            field.name: _widget(field, f"{prefix}{field.name}", usual.get(field.name, field.default), disabled)
            for field in fields
        }


def _widget(field: OptionField, key: str, value: Any, disabled: bool) -> Any:
    label = CONTINUED.get(field.name, field.name.replace("_", " ").capitalize())
    common: dict[str, Any] = {"key": key, "bind": "query-params", "help": _sentence(field.about), "disabled": disabled}
    if field.kind == "switch":
        return st.toggle(label, value=bool(value), **common)
    if field.kind == "choice":
        choices = list(field.choices)
        return st.selectbox(label, choices, index=choices.index(value), width=WIDTH, **common)
    if field.kind == "text":
        return st.text_input(label, str(value), max_chars=200, width=WIDTH, **common)
    if field.kind == "whole":
        low, high = (None if end is None else int(end) for end in (field.low, field.high))
        return int(st.number_input(label, low, high, int(value), width=WIDTH, **common))
    low, high = (None if end is None else float(end) for end in (field.low, field.high))
    low = max(low, SMALLEST) if low is not None and field.above else low
    step = 10.0 ** math.floor(math.log10(value)) if value > 0 else 0.1
    return float(st.number_input(label, low, high, float(value), step=step, format="%.6g", width=WIDTH, **common))


def _sentence(text: str) -> str | None:
    """A remark of the code as help: a capital first, no marks of code."""
    plain = text.replace("``", "").strip()
    return f"{plain[0].upper()}{plain[1:]}" if plain else None
