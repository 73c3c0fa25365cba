"""One component: what it generates, what it is responsible for, and the training images nearest to it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core import figures
from core.component_records import Components
from core.figures import component_words, theme
from core.figures.ready import ready
from core.figures.sheet_table import sheet_csv
from core.figures.sheets import Block, sheet
from core.nearest_records import PIXEL_UNIT, Nearest
from core.records import CheckpointInfo
from pages._ui import cache, cache_components, charts, downloads, layout
from pages._ui.components import Choice, word_of

SAMPLES, NEAREST = 16, 5
WIDTH = 12.6
"""Of a sheet, in tiles: all sheets of the page have pictures of about one size."""


def chosen(info: CheckpointInfo, choice: Choice, found: Components) -> None:
    """u_k, what its mean decodes to, and 16 samples of the component, with its numbers."""
    model, k = (info.name, info.digest), choice.k
    names = cache.class_names(*model)
    sentence = component_words.component_sentence(found, k, names)
    name = component_words.symbol(k, info.prior == "vamp")
    made = "one draw of p(x|z) each" if choice.drawn else "the mean of p(x|z) each"
    pictures = cache_components.samples(*model, k, SAMPLES, choice.seed, choice.drawn)
    blocks: list[Block] = []
    inputs = cache_components.inputs(*model)
    if inputs is not None:
        head = f"<b>u{component_words.subscript(k + 1)}</b>"
        blocks.append(Block(inputs[k : k + 1], 0, 0, 1, 2, head, (), [theme.PSEUDO]))
    mean = cache_components.decoded_means(*model)[k : k + 1]
    blocks.append(Block(mean, 2.3 * len(blocks), 0, 1, 2, "<b>at its mean</b>", (), [theme.PRIOR]))
    head = f"<b>{SAMPLES} samples</b> z ~ {name}, {made}"
    blocks.append(Block(pictures, 2.3 * len(blocks), 0, 8, 1, head, (), [theme.PRIOR] * len(pictures)))
    charts.heading(f"What does k = {k + 1} generate?")
    key = f"chosen-{info.name}"
    alt = f"Component {k + 1}: its pseudo-input where it has one, what its mean decodes to, and {SAMPLES} samples."
    charts.chart(ready(sheet, blocks, width=WIDTH), key, f"{alt} {sentence}")
    st.markdown(sentence)
    method = f"Samples: {made}, at independent draws of the component; class shares with 95 % Wilson intervals"
    charts.caption(
        figures.caption(layout.dataset_title(info.dataset), layout.split_of(info), found.images, choice.seed, method)
    )
    downloads.keep({"Pictures": partial(sheet_csv, blocks)}, key)


def memorised(info: CheckpointInfo, choice: Choice, found: Components) -> None:
    """The nearest training images in pixels and in latent space; without the data set, stored test images."""
    charts.heading("Has it memorised a training image?")
    model, k, classes = (info.name, info.digest), choice.k, found.main_class
    of_class = None if classes is None or classes[k] < 0 else int(classes[k])
    try:
        latent, pixel = cache_components.nearest(*model, k, NEAREST, of_class)
        copies = cache_components.copies(*model, choice.seed)
    except ValueError:  # not kept, so that the images are there as soon as the data set is
        _without_images(info, choice, "so that training images cannot be compared")
        return
    names = cache.class_names(*model)
    sentence = component_words.nearest_sentence(latent, pixel, names)
    told = f"{sentence}  \n{component_words.copies_sentence(copies, word_of(info))}"
    near_pixel, near_latent = (cache_components.training_pictures(*model, one.rows) for one in (pixel, latent))
    if near_pixel is None or near_latent is None:
        st.markdown(told)
        charts.caption(_caption(info, pixel))
        _without_images(info, choice, "so that the training images themselves are not shown")
        return
    tile = cache_components.tiles(*model, info.prior != "vamp")[k : k + 1]
    own = Block(tile, 0, 0, 1, 1.2, f"<b>k = {k + 1}</b>", (), [theme.PSEUDO])
    sheets = [own]
    for x, title, one, images in (
        (1.5, "<b>nearest in pixels</b>", pixel, near_pixel),
        (7.1, "<b>nearest in latent space</b>", latent, near_latent),
    ):
        sheets.append(
            Block(
                images,
                x,
                0,
                NEAREST,
                1.06,
                title,
                component_words.nearest_words(one, names),
                [theme.DATA] * len(images),
            )
        )
    key = f"nearest-{info.name}"
    charts.chart(ready(sheet, sheets, width=WIDTH), key, sentence)
    st.markdown(told)
    charts.caption(_caption(info, pixel))
    downloads.keep({"Pictures": partial(sheet_csv, sheets)}, key)


def _without_images(info: CheckpointInfo, choice: Choice, so_that: str) -> None:
    """Stored test images in the place of training images, reconstructed."""
    nearest, pictures = cache_components.nearest_stored(info.name, info.digest, choice.k, NEAREST)
    names = cache.class_names(info.name, info.digest)
    words = component_words.nearest_words(nearest, names)
    block = Block(
        pictures, 0, 0, NEAREST, 1.2, "<b>nearest stored test images, reconstructed</b>", words,
        [theme.DATA] * len(pictures),
    )  # fmt: skip
    key = f"nearest-{info.name}"
    sentence = (
        f"The data set is not on this computer, {so_that}. The nearest of the "
        f"{info.images:,} stored {info.split} images lies "
        f"{component_words.distance_words(nearest)} away in latent space; shown are reconstructions."
    )
    charts.chart(ready(sheet, [block], width=WIDTH), key, sentence)
    st.markdown(sentence)
    method = "Distance of the centres of two codes in standard deviations of the posteriors, root mean square over d"
    charts.caption(
        figures.caption(layout.dataset_title(info.dataset), layout.split_of(info), info.images, choice.seed, method)
    )
    downloads.keep({"Pictures": partial(sheet_csv, [block])}, key)


def _caption(info: CheckpointInfo, pixel: Nearest) -> str:
    n = cache_components.train_size(info.name, info.digest)
    what = "the pseudo-input" if info.prior == "vamp" else "what the component's mean decodes to"
    pixels = (
        f"the share that differs between a draw of {what} and the image, expected over the draw"
        if pixel.unit == PIXEL_UNIT
        else f"the root mean square difference between {what} and the image, of images that are binarised afresh in "
        "every epoch the intensities or the stored binarisation, whichever is nearer"
    )
    method = (
        f"All training images are searched; in pixels: {pixels}; in latent space: distance of the centres of the codes "
        f"in standard deviations (sd) of the posteriors, root mean square over the {info.latent_dim} dimensions; "
        f"compared with how near {pixel.compared:,} test images come to their own nearest training image, with 95 % "
        "Wilson intervals; of new images every share would be equally likely"
    )
    return figures.caption(layout.dataset_title(info.dataset), "train", n, cache_components.UNSEEN_SEED, method)
