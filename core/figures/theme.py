"""Every colour, marker, font size and the common layout of the figures: change the look here and nowhere else.

The figures are shown in light and in dark themes, so backgrounds are transparent and text takes the theme's own colour.
Source is never told by colour alone: the data is filled and solid, the prior is dashed, pseudo-inputs are diamonds.
Colours are those of Okabe and Ito (2008), told apart under all common kinds of colour blindness.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

DATA = "#0072B2"
"""Aggregated posterior q(z) and everything that comes from data: filled, solid."""
PRIOR = "#D55E00"
"""Prior p(z) and everything that the model makes up: dashed."""
PSEUDO = "#F0E442"
"""Pseudo-inputs: yellow diamonds with a black edge."""
PSEUDO_EDGE = "#000000"
DEAD = "#E00000"
"""Frame and cross of a component that nothing uses."""
RIGHT = "#009E73"
"""Frame and name of what was to be found."""
LEAK, HOLE = "#0072B2", "#E69F00"
"""Ends of the signed map: data that the prior misses (log q > log p), prior mass with no data (log q < log p)."""
INFORMATION, MARGINAL, RECONSTRUCTION = "#009E73", "#CC79A7", "#707070"
"""Terms of the ELBO: mutual information, marginal KL, reconstruction."""
KL = "#D55E00"
"""KL(q(z|x) ‖ p(z)) where it is not taken apart into information and marginal KL."""
LOOSENESS = "#E69F00"
"""What the bound leaves out: KL(q(z|x) ‖ p(z|x))."""
NEUTRAL = "#808080"
"""Frames, ceilings, gaps between pictures: a grey that shows on white and on near-black."""
PICKED, PICKED_HALO = "#000000", "#FFFFFF"
"""The picked place: a black cross in a white halo, seen on any background."""
TEXT = "#000037"
"""The theme's own text: in the place of this colour, which it keeps for that (``GRAY_90`` of its Plotly theme),
Streamlit's front end puts near-black or near-white. Its own choice for the numbers of axes is a grey of 3.7:1."""
HATCH = "rgba(255,255,255,0.8)"
POINT_EDGE = "rgba(255,255,255,0.75)"
TRANSPARENT = "rgba(0,0,0,0)"

CLASS_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#CC79A7", "#D55E00", "#0072B2", "#999999")
CLASS_SYMBOLS = {
    "circle": 0, "square": 1, "diamond": 2, "cross": 3, "x": 4, "triangle-up": 5, "triangle-down": 6, "hexagon": 14,
    "star": 17, "bowtie": 26,
}  # fmt: skip
"""Symbols with the numbers under which plotly knows them. Eight colours against ten shapes: forty different pairs."""

MODEL_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#808080")
MODEL_DASHES = ("solid", "8px,4px", "2px,4px", "10px,3px,2px,3px", "14px,5px")
MODEL_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "triangle-down", "hexagon", "star")
"""Lines of several models in one panel: seven colours, five dashes and eight symbols, 280 different looks."""
FAMILIES = {
    "standard": ("#808080", "square"), "gaussian": ("#56B4E9", "hexagon"), "realnvp": ("#E69F00", "triangle-up"),
    "maf": ("#D55E00", "triangle-down"), "mog": ("#009E73", "circle"), "vamp": ("#CC79A7", "diamond"),
    "aggregated": ("#0072B2", "star"),
}  # fmt: skip
"""Colour and symbol of a family of priors, where several are fitted to one q(z)."""
FLOW_LOOKS = {
    "maf": ("#D55E00", "triangle-down"), "iaf": ("#009E73", "circle"), "realnvp": ("#E69F00", "triangle-up"),
    "nice": ("#CC79A7", "diamond"),
}  # fmt: skip
"""Colour and symbol of a flow, where flows are timed."""
METHOD_DASHES = {"naive": "solid", "incremental": "9px,4px", "fixed_point": "2px,4px", "": "solid"}
"""Dash of a method of inversion."""
WAYS = {
    "straight in z": ("#808080", "solid", "square-open"), "linear": ("#808080", "solid", "square-open"),
    "through pseudo-inputs": ("#E69F00", "8px,4px", "diamond"), "spherical": ("#009E73", "2px,4px", "circle-open"),
    "along the prior": ("#D55E00", "8px,4px", "triangle-up"),
}  # fmt: skip
"""Colour, dash and symbol of a way between two codes, in a map and where densities along it are drawn."""
UNPICKED_ALPHA = 0.12
"""Opacity that points keep while others are selected."""

BAND_ALPHAS = (0.34, 0.26, 0.18)
"""Opacity that the bands of the 50, 80 and 95 % regions add, one over the other."""
FAINT_ALPHA = 0.07
"""Opacity of the fill under the prior's dashed lines."""

FONT, FONT_SMALL, FONT_TITLE = 15, 14, 18
"""Pixels; chosen to be read from the back of a lecture hall."""
HEIGHT, HEIGHT_COMPACT = 470, 440
NARROWEST = 720
"""Pixels that a figure has at least on a 1280-pixel screen beside the sidebar."""
AXIS = {
    "showgrid": False, "zeroline": False, "showline": True, "mirror": True, "linecolor": NEUTRAL, "linewidth": 1,
    "ticks": "outside", "tickcolor": NEUTRAL, "nticks": 6,
    "tickfont": {"size": FONT_SMALL, "color": TEXT},
}  # fmt: skip
"""A framed axis without a grid."""


def rgba(colour: str, alpha: float) -> str:
    """The colour ``#RRGGBB`` with an opacity, as plotly writes it."""
    red, green, blue = rgb(colour)
    return f"rgba({red},{green},{blue},{alpha:.3g})"


def rgb(colour: str) -> tuple[int, int, int]:
    """The three bytes of a colour ``#RRGGBB``."""
    if len(colour) != 7 or colour[0] != "#":
        raise ValueError(f"colour must be '#RRGGBB', got {colour!r}")
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def signed_scale(steps: int = 8) -> list[list[Any]]:
    """Colour scale of the signed map: orange at 0, transparent in the middle, blue at 1.

    The opacity grows as the power 0.7 of the distance from the middle, so that one nat is already seen.
    """
    sides = [(0.5 - 0.5 * k / steps, HOLE, (k / steps) ** 0.7) for k in range(steps, 0, -1)]
    sides += [(0.5, NEUTRAL, 0.0)]
    sides += [(0.5 + 0.5 * k / steps, LEAK, (k / steps) ** 0.7) for k in range(1, steps + 1)]
    return [[place, rgba(colour, 0.92 * alpha)] for place, colour, alpha in sides]


def class_style(index: int) -> tuple[str, str]:
    """Colour and marker symbol of a class; the pair is unique among the first forty."""
    return CLASS_COLOURS[index % len(CLASS_COLOURS)], list(CLASS_SYMBOLS)[index % len(CLASS_SYMBOLS)]


def class_scale(count: int) -> list[list[Any]]:
    """Stepwise colour scale for marker colours 0 .. count - 1 with ``cmin=-0.5, cmax=count-0.5``."""
    scale: list[list[Any]] = []
    for index in range(count):
        colour = class_style(index)[0]
        scale += [[index / count, colour], [(index + 1) / count, colour]]
    return scale


def class_symbol_code(index: int) -> int:
    """The number under which plotly knows the class's symbol."""
    return CLASS_SYMBOLS[class_style(index)[1]]


def model_style(index: int) -> tuple[str, str, str]:
    """Colour, dash and symbol of a model among several; unique among the first 280."""
    return (
        MODEL_COLOURS[index % len(MODEL_COLOURS)],
        MODEL_DASHES[index % len(MODEL_DASHES)],
        MODEL_SYMBOLS[index % len(MODEL_SYMBOLS)],
    )


def point_size(count: int) -> tuple[int, float]:
    """Size in pixels and opacity of scattered points: the more there are, the smaller and lighter."""
    return (7, 0.9) if count <= 500 else (5, 0.75) if count <= 2500 else (4, 0.6)


def words(text: str, colour: str) -> str:
    """Bold text in one of the colours above, for headings that are the legend as well."""
    return f'<span style="color:{colour}"><b>{text}</b></span>'


def legend_rows(names: Sequence[str]) -> int:
    """Rows that a legend on top takes at the least width that a page has; plotly sets it in columns of one width."""
    columns = max(1, NARROWEST // (45 + 8 * max((len(name) for name in names), default=1)))
    return -(-len(names) // columns)


def axis_title(text: str, standoff: int) -> dict[str, Any]:
    """Title of an axis, so many pixels from its numbers."""
    return {"text": text, "standoff": standoff, "font": {"size": FONT, "color": TEXT}}


def layout(*, height: int, legend: Sequence[str] = (), heads: bool = False, title: str | None = None) -> dict[str, Any]:
    """The common layout: transparent, projector-sized type, legend on top, zoom kept over reruns.

    Args:
        height: pixels.
        legend: names in the legend, which set the room that it gets.
        heads: whether panels have headings of two lines.
        title: heading of the figure.

    Returns:
        Keyword arguments of a plotly layout.
    """
    legend_top = 36 if title else 2
    top = legend_top + 22 * legend_rows(legend)
    common: dict[str, Any] = {
        "height": height, "paper_bgcolor": TRANSPARENT, "plot_bgcolor": TRANSPARENT,
        "font": {"size": FONT, "color": TEXT},
        "hoverlabel": {"font": {"size": FONT_SMALL}}, "uirevision": "keep", "hovermode": "closest", "hoverdistance": 60,
        "margin": {"l": 62, "r": 12, "t": top + (58 if heads else 10), "b": 56, "pad": 0},
        "legend": {
            "orientation": "h", "x": 0, "xanchor": "left", "y": 1 - legend_top / height, "yref": "container",
            "yanchor": "top", "font": {"size": FONT_SMALL}, "title": {"text": ""}, "itemclick": False,
            "itemdoubleclick": False,
        },
    }  # fmt: skip
    if title:
        common["title"] = {"text": title, "font": {"size": FONT_TITLE}, "x": 0, "y": 1, "yanchor": "top"}
        common["title"]["pad"] = {"t": 6}
    return common


# Colours of single places: buttons, pictures and their frames.
HEX_16202B = "#16202B"
HEX_E8EDF2 = "#E8EDF2"
HEX_FFFFFF = "#FFFFFF"
HEX_000000 = "#000000"
