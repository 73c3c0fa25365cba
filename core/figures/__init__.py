"""Figures: arrays and records in, plotly figures, pictures and sentences out. No torch, no streamlit.

densities.py  q(z) against p(z) in a plane: `density_panels`, `hero`
    layers.py, signed.py, lattice.py, contours.py   what lies in those panels; `clicked` reads a click
elbo.py       `elbo_split`
images.py     `mosaic`, `png`, `data_uri`
verdicts.py   `mismatch_sentence`, `caption`
theme.py      every colour and size

Show a figure with ``st.plotly_chart(figure, theme="streamlit", key=...)``: text takes the theme's colour, backgrounds
are transparent.
"""

from core.figures.densities import density_panels, hero
from core.figures.elbo import elbo_split
from core.figures.images import data_uri, mosaic, png, scale_for
from core.figures.lattice import clicked
from core.figures.signed import signed_map
from core.figures.verdicts import caption, mismatch_sentence

__all__ = [
    "caption",
    "clicked",
    "data_uri",
    "density_panels",
    "elbo_split",
    "hero",
    "mismatch_sentence",
    "mosaic",
    "png",
    "scale_for",
    "signed_map",
]
