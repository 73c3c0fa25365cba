"""Figures: arrays and records in, plotly figures, pictures and sentences out. No torch, no streamlit.

densities.py  q(z) against p(z) in a plane: `density_panels`, `hero`
    layers.py, signed.py, lattice.py, contours.py   what lies in those panels; `clicked` reads a click
elbo.py       `elbo_split`
flow_timing.py  `flow_timing_figure`; flow_timing_words.py, flow_timing_tables.py  its sentences and tables
dependency.py `dependency_figure`, prior_bill.py `bill_figure`
component_mosaic.py, component_map.py, component_usage.py, component_path.py  the components of a mixture prior;
    component_words.py  their sentences; sheets.py  blocks of pictures with words
history.py    a recorded training, epoch by epoch; history_words.py  its sentences
images.py     `mosaic`, `png`, `data_uri`, `mosaic_uri`
lineup.py     `lineup_figure`, the true picture among deals of the same draws; lineup_words.py  its sentences
drawing.py    what every builder ends in;  ready.py, kept.py  figures, pictures and contours by content, made once
verdicts.py   `mismatch_sentence`, `caption`
tour_words.py, tour_model_words.py   the answers of the guided tour
theme.py      every colour and size

Show a figure with ``st.plotly_chart(figure, theme="streamlit", key=...)``: text takes the theme's colour, backgrounds
are transparent.
"""

from core.figures.curves import information_curve, likelihood_curve
from core.figures.densities import density_panels, hero
from core.figures.dependency import dependency_figure, dependency_table
from core.figures.dimension_words import dimensions_sentence
from core.figures.elbo import elbo_split
from core.figures.flow_timing import flow_timing_figure
from core.figures.flow_timing_tables import check_table, comparison_table, run_label, run_table, timing_table
from core.figures.images import data_uri, mosaic, mosaic_uri, png, scale_for
from core.figures.ladder import ladder_figure, ladder_table
from core.figures.ladder_axis import reference_name
from core.figures.ladder_words import ladder_answers, left_out_words, standardised_words
from core.figures.lattice import clicked, outlined, touched
from core.figures.layers import marks
from core.figures.maps import embedding_map, plane_scatter
from core.figures.per_dimension import dimension_bars, dimension_top
from core.figures.prior_bill import bill_caption, bill_figure, bill_sentence, bill_table
from core.figures.signed import signed_map
from core.figures.surgery_words import residual_sentence, surgery_sentence
from core.figures.verdicts import NULL_WORDS, better, caption, classifier_sentence, mismatch_sentence, mixing_sentence
from core.figures.waterfall import elbo_waterfall

__all__ = [
    "NULL_WORDS",
    "better",
    "bill_caption",
    "bill_figure",
    "bill_sentence",
    "bill_table",
    "caption",
    "check_table",
    "classifier_sentence",
    "clicked",
    "comparison_table",
    "data_uri",
    "density_panels",
    "dependency_figure",
    "dependency_table",
    "dimension_bars",
    "dimension_top",
    "dimensions_sentence",
    "elbo_split",
    "elbo_waterfall",
    "embedding_map",
    "flow_timing_figure",
    "hero",
    "information_curve",
    "ladder_answers",
    "ladder_figure",
    "ladder_table",
    "left_out_words",
    "likelihood_curve",
    "marks",
    "mismatch_sentence",
    "mixing_sentence",
    "mosaic",
    "mosaic_uri",
    "outlined",
    "plane_scatter",
    "png",
    "reference_name",
    "residual_sentence",
    "run_label",
    "run_table",
    "scale_for",
    "signed_map",
    "standardised_words",
    "surgery_sentence",
    "timing_table",
    "touched",
]
