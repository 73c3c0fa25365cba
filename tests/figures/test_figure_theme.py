"""Colours and markers tell things apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from plotly.validator_cache import ValidatorCache

from core.figures import theme


def test_forty_classes_have_forty_looks():
    assert len({theme.class_style(k) for k in range(40)}) == 40
    assert len({theme.class_style(k)[1] for k in range(10)}) == 10


def test_symbol_numbers_are_plotlys():
    values = ValidatorCache.get_validator("scatter.marker", "symbol").values
    for name, code in theme.CLASS_SYMBOLS.items():
        assert values[values.index(code) + 2] == name


def test_class_scale_gives_each_class_its_colour():
    scale = theme.class_scale(3)
    assert [colour for _, colour in scale[::2]] == [theme.class_style(k)[0] for k in range(3)]
    assert [place for place, _ in scale] == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 1])


def test_signed_scale_is_orange_clear_blue_and_rises_on_both_sides():
    scale = theme.signed_scale()
    places = [place for place, _ in scale]
    alphas = [float(colour.rstrip(")").split(",")[-1]) for _, colour in scale]
    assert places == sorted(places)
    assert alphas == alphas[::-1]
    assert alphas[len(alphas) // 2] == 0
    half = alphas[len(alphas) // 2 :]
    assert half == sorted(half)


def test_the_colours_that_the_whole_lecture_uses():
    assert (theme.DATA, theme.PRIOR, theme.PSEUDO) == ("#0072B2", "#D55E00", "#F0E442")
    first, last = theme.signed_scale()[0][1], theme.signed_scale()[-1][1]
    assert first.startswith("rgba(230,159,0,")  # holes: orange
    assert last.startswith("rgba(0,114,178,")  # leaks: blue


def test_colours_are_checked():
    assert theme.rgba("#0072B2", 0.5) == "rgba(0,114,178,0.5)"
    with pytest.raises(ValueError, match="RRGGBB"):
        theme.rgb("blue")


def test_legend_rows_grow_with_long_names():
    assert theme.legend_rows([]) == 0
    assert theme.legend_rows([str(k) for k in range(10)]) == 1
    assert theme.legend_rows(["Ankle boot"] * 10) == 2


def test_no_colour_outside_the_theme():
    for path in Path(theme.__file__).parent.glob("*.py"):
        if path.name != "theme.py":
            assert not re.findall(r"\"#[0-9A-Fa-f]{3,6}\"|rgba?\(\d", path.read_text("utf-8")), path.name
