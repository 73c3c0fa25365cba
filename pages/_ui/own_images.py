"""Own images: uploaded, checked, looked at, trained on or deleted."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core import figures, training_request, uploads
from core.plain_text import shown_error
from core.uploads import Preview, Upload
from pages._ui import cache_own, own_data

COLUMNS = 16
SPLITS = ("train", "validation", "test")
FORMAT = """
import numpy as np
np.savez_compressed("mine.npz", images=images, labels=labels)
# images: (n, height, width) or (n, height, width, 3); uint8 from 0 to 255 or floats from 0 to 1; 30 or more
# labels: (n,), integers or strings; may be left out
"""


def show() -> None:
    """The uploader, and the data set that is looked at."""
    own_data.uploader("images", "An .npz file of images", FORMAT)
    chosen = own_data.choose("images", "Data set")
    if chosen is None:
        return
    try:
        found = cache_own.preview(str(chosen.path))
    except ValueError as error:
        st.error(shown_error(error))
        own_data.delete_button("images", chosen)
        return
    _picture(chosen, found)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            Path(__file__).parents[1] / "train.py", label="Train on it", icon=":material/model_training:",
            query_params={"t_dataset": own_data.name_of(chosen)},
        )  # fmt: skip
        own_data.delete_button("images", chosen)
    st.caption("Also from a terminal:")
    words = training_request.command_line(
        ["train", "--dataset", chosen.dataset, "--prior", "vamp", "--prior-option", "init=data"]
    )
    st.code(words, language="bash", wrap_lines=True)


def _picture(chosen: Upload, found: Preview) -> None:
    sheet = figures.mosaic(found.pictures, COLUMNS, scale=figures.scale_for(found.pictures.shape[1], 56))
    st.image(figures.data_uri(sheet), alt=f"{len(found.pictures)} training images of {chosen.title}, drawn at random")
    channels, height, width = found.image_shape
    sizes = ", ".join(f"{found.sizes[split]:,} {split}" for split in SPLITS)
    grey = (
        f"{'Grey' if channels == 1 else 'Colour'} values are intensities: training draws fresh binary images from "
        "them, validation and test were drawn once"
        if found.binarisation == "dynamic"
        else "Every pixel is 0 or 1 and stays as it is"
    )
    st.caption(
        f"{chosen.title}: {len(found.pictures)} training images at random, seed {uploads.SAMPLE_SEED}; {height} × "
        f"{width} pixels, {channels} channel{'s' if channels > 1 else ''}; {sizes}. {grey}."
    )
    if "-of-" in chosen.title:
        st.info(f"The file held more than {uploads.MOST:,} images: a random sample is kept, as its name says.")
    if not found.counts:
        st.markdown("No labels: nothing is coloured by class.")
        return
    names = [name for name, _ in found.counts]
    counts = {split: [counted[split] for _, counted in found.counts] for split in SPLITS}
    st.dataframe(
        {"class": names, **counts}, hide_index=True, height=min(35 * len(names) + 40, 400), width="content",
        alt=f"Images of each class of {chosen.title}, by split",
    )  # fmt: skip
