"""The sections of the page that looks at single images' posteriors."""

from __future__ import annotations

import time
from collections.abc import Callable

import streamlit as st

from core import figures, tables
from core.figures import posterior_words
from core.figures.lattice import DIMENSIONS
from core.figures.posterior import posterior_panels
from core.figures.ready import ready
from core.gap_records import ImageGap
from core.plain_text import shown_error
from core.posterior_records import ImagePosterior
from core.records import CheckpointInfo, Estimate
from pages._ui import cache, cache_compare, cache_posterior, cards, charts, downloads, frame, layout
from pages._ui.cache_ahead import ahead

ROW, MOST_ROW = "row", 10_000_000
"""Key of the image's row, and the largest that can be typed."""
SHOWN = 12
"""Loosest images that are shown."""
THEOREM = "flow_prior"
WORTH_S = 0.2
"""Seconds that a posterior takes when it is made anew, at least."""
MEASURED = ("elbo", "log_likelihood", "bound_gap", "quadrature_error")
"""What a model's evaluation needs for the table."""


def why_not(info: CheckpointInfo) -> str | None:
    """Why the posteriors of a model cannot be drawn, None where they can."""
    if reason := layout.why_not_decoded(info):
        return reason
    if info.latent_dim != 2:
        return (
            f"{layout.title_of(info)}: the true posterior is integrated over the latent plane, which needs two latent "
            f"dimensions; this model has {info.latent_dim}. The page ELBO surgery tells how loose its bound is."
        )
    if not info.images:
        return f"{layout.title_of(info)}: the checkpoint holds no latents. Train it again."
    return None


def with_siblings(info: CheckpointInfo) -> list[CheckpointInfo]:
    """The model, and all others on the same images with the same prior but for their posterior."""
    same = [
        other
        for other in layout.usable()
        if other.name != info.name and why_not(other) is None and _setting(other) == _setting(info)
        and other.posterior != info.posterior
    ]  # fmt: skip
    return [info, *cards.in_order(same)]


def _setting(info: CheckpointInfo) -> tuple[object, ...]:
    return info.dataset, info.prior, info.image_shape, info.binarisation, info.likelihood, info.data_seed, info.total


def name_of(info: CheckpointInfo) -> str:
    """What a model is called on this page, where only the posterior tells them apart."""
    return "Gaussian posterior" if info.of_gaussians else f"{info.posterior_title} posterior"


def named(models: list[CheckpointInfo]) -> list[tuple[str, CheckpointInfo]]:
    """Models with what they are called, and with their own names where that is said of several."""
    names = [name_of(info) for info in models]
    return [
        (name if names.count(name) == 1 else f"{name}, {info.name}", info)
        for name, info in zip(names, models, strict=True)
    ]


def means(models: list[CheckpointInfo]) -> None:
    """The gap of each model over all test images."""
    rows = []
    for name, info in named(models):
        if all(key in info.metrics.get("test", {}) for key in MEASURED):
            rows.append(cache_compare.measured(info, name)[0])
        else:
            st.info(f"{layout.title_of(info)} is not evaluated: `python -m core evaluate {info.name} --save`")
    if rows:
        st.markdown(posterior_words.means_sentence(rows))
        charts.table(posterior_words.means_table(rows))


def choose(info: CheckpointInfo) -> tuple[int, int]:
    """The image to look at, by its row, and the seed of the draws; the loosest ones stand beside it to be clicked."""
    worst = cache_posterior.worst(info.name)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.number_input(
            f"Row in the {info.split} split, from 0", min_value=0, max_value=MOST_ROW, value=None, step=1, key=ROW,
            bind="query-params", width=220, placeholder="the loosest",
        )  # fmt: skip
        seed = st.number_input(
            "Seed", min_value=0, max_value=2**31 - 1, value=0, key="seed", bind="query-params", width=120,
            help="Of the draws of z behind the bound.",
        )  # fmt: skip
    loosest = worst.images[0].row if worst is not None and worst.images else 0
    row = loosest if typed is None else int(typed)
    if row >= info.total:
        st.warning(f"There is no row {row:,}: the split has {info.total:,} images. Shown is row {loosest:,}.")
        row = loosest
    if worst is None or not worst.images:
        st.info(f"The loosest images were not looked for: `python -m core evaluate {info.name} --only gaps --save`")
    else:
        _loosest(info, worst.images[:SHOWN], worst.draws, worst.seed)
    return row, int(seed)


def _loosest(info: CheckpointInfo, found: tuple[ImageGap, ...], draws: int, seed: int) -> None:
    """The images with the largest gaps, each over a button that chooses it."""
    try:
        pictures, real = cache.images(info.name, info.digest, tuple(image.row for image in found))
    except ValueError as error:  # neither the data set nor all of these posteriors are here
        _missing(info, error)
        return
    st.markdown(
        f"The loosest bounds of the {name_of(info)}, with log p(x) − ELBO in nats. Click on a number to look at it."
    )
    with st.container(key=frame.SMALL_COLUMNS):
        columns = st.columns(len(found))
    for picture, image, column in zip(pictures, found, columns, strict=True):
        alt = f"{info.split} image {image.row:,}, whose bound lies {image.gap} nats below log p(x)"
        column.image(figures.mosaic_uri(picture[None], at_least=64), alt=alt, width="stretch")
        column.button(
            f"{image.gap.value:.0f}" if image.gap.value >= 10 else f"{image.gap.value:.1f}",
            key=f"loosest-{image.row}", on_click=_set(image.row), type="tertiary", width="stretch",
            help=f"Row {image.row:,}: {image.gap} nats",
        )  # fmt: skip
    what = f"images of the {info.split} split"
    if not real:
        what += ", reconstructed, since the data set is not on this computer"
    st.caption(f"{len(found)} {what}; found with fewer draws, measured with {draws:,} others of each, seed {seed}.")


def _set(row: int) -> Callable[[], None]:
    def put() -> None:
        st.session_state[ROW] = row

    return put


def image(models: list[CheckpointInfo], row: int, seed: int) -> None:
    """True and approximate posteriors of one image, by model."""
    info = models[0]
    key, rows = f"posterior-{info.name}", list[tuple[str, ImagePosterior]]()
    pictures, slot = st.container(), st.empty()
    for name, one in named(models):
        began = time.monotonic()
        try:
            rows.append((name, cache_posterior.image_posterior(one.name, one.digest, row, seed)))
        except ValueError as error:
            _missing(info, error)
            return
        except FloatingPointError as error:
            st.error(f"{layout.title_of(one)}, {name}: {error}.")
            continue
        if len(rows) == 1:
            with pictures:
                _pictures(models, row)
        if time.monotonic() - began > WORTH_S and one is not models[-1]:  # the first is looked at while others are made
            panels = ready(posterior_panels, rows, len(models))
            charts.meanwhile(slot, panels, f"{key}-{len(rows)}", _sentence(one, *rows[-1]))
    if not rows:
        return
    of_name = dict(named(models))
    sentences = [_sentence(of_name[name], name, posterior) for name, posterior in rows]
    with slot.container():
        charts.chart(ready(posterior_panels, rows), key, " ".join(sentences))
    for sentence in sentences:
        st.markdown(f"- {sentence}")
    if rows[0][0] == named(models)[0][0]:
        _usual(info, rows[0][1].gap)
    method = (
        f"row {row:,}; regions of p(z|x) and q(z|x) hold 50, 80 and 95 % of their mass; the best Gaussian is the "
        "diagonal one of least KL(q ‖ p(z|x)) that gradient descent found from three starts; each model has a latent "
        "space and a decoder of its own, so each has a true posterior of its own: shapes can be compared, places cannot"
    )
    charts.caption(figures.caption(layout.dataset_title(info.dataset), info.split, 1, seed, method))
    downloads.keep(
        {f"{name}": _writer(posterior) for name, posterior in rows},
        f"{info.name}-row-{row}",
    )
    charts.table(posterior_words.image_table(rows))
    for name, posterior in rows:
        st.markdown(f"- {name}: {posterior_words.agreement_sentence(posterior)}")
    _ahead_of_clicks(models, seed)


def _sentence(info: CheckpointInfo, name: str, found: ImagePosterior) -> str:
    return posterior_words.image_sentence(name, found, gaussian=info.of_gaussians)


def _usual(info: CheckpointInfo, gap: Estimate) -> None:
    """How usual the gap of an image is among all of them, where those are stored."""
    stored = cache_compare.measured(info, name_of(info))[0].per_image
    gaps = None if stored is None else stored.of("bound_gap")
    if gaps is not None:
        st.markdown(f"- {name_of(info)}: {posterior_words.gap_place_sentence(gaps, gap)}.")


def _ahead_of_clicks(models: list[CheckpointInfo], seed: int) -> None:
    """What a click on any of the loosest images will ask for is made while nobody waits."""
    worst = cache_posterior.worst(models[0].name)
    called = tuple((name, one.name, one.digest) for name, one in named(models))
    for found in () if worst is None else worst.images[:SHOWN]:
        for one in models:
            ahead.ask(cache_posterior.image_posterior, one.name, one.digest, found.row, seed)
        ahead.ask(cache_posterior.panels, called, found.row, seed)


def _missing(info: CheckpointInfo, error: ValueError) -> None:
    reason, command = shown_error(error).rstrip("."), f"python -m core data {info.dataset}"
    more = "" if command in reason else f" {layout.code(command)} fetches what can be fetched."
    title = layout.dataset_title(info.dataset)
    st.info(f"The images of {title} are needed for this, and are not to be had: {reason}.{more}")


def _writer(found: ImagePosterior) -> Callable[[], str]:
    return lambda: tables.grid_csv(found.approximate, found.true, DIMENSIONS)


def _pictures(models: list[CheckpointInfo], row: int) -> None:
    """The image beside what each model makes of it."""
    shown = cache.images(models[0].name, models[0].digest, (row,))[0]
    pairs = [("the image", shown)]
    for name, info in named(models):
        pairs.append((name, cache_posterior.reconstruction(info.name, info.digest, row)))
    uris = [figures.mosaic_uri(picture, at_least=96) for _, picture in pairs]
    alt = [
        f"{name} itself, row {row:,} of the {models[0].split} split" if k == 0 else f"mean of p(x|z) by the {name}"
        for k, (name, _) in enumerate(pairs)
    ]
    st.image(uris, caption=[name for name, _ in pairs], width=110, alt=alt)


def theorem(info: CheckpointInfo, seed: int) -> None:
    """The bound of a model with a flow prior before and after its flow was moved."""
    known = [
        one for one in layout.usable()
        if one.dataset == info.dataset and one.latent_dim == info.latent_dim and one.decodes
        and cache_posterior.why_not_absorbed(one.name, one.digest) is None
    ]  # fmt: skip
    if not known:
        st.info(
            f"There is no model of {layout.dataset_title(info.dataset)} with a flow prior: "
            + layout.code(
                f"python -m core train --dataset {info.dataset} --latent-dim {info.latent_dim} --prior realnvp"
            )
        )
        return
    names = {one.name: one for one in known}
    first = info.name if info.name in names else known[0].name
    if st.session_state.get(THEOREM) not in (None, *names):
        st.session_state[THEOREM] = first
    chosen = names[
        st.selectbox(
            "Model with a flow prior",
            list(names),
            index=list(names).index(first),
            key=THEOREM,
            bind="query-params",
            width=420,
        )
    ]
    try:
        found = cache_posterior.absorption(chosen.name, chosen.digest, seed)
    except ValueError as error:
        _missing(chosen, error)
        return
    st.markdown(posterior_words.absorption_sentence(layout.title_of(chosen), found))
    some = f"{found.n:,} of {found.total:,} images, evenly spread" if found.n < found.total else f"{found.n:,} images"
    st.caption(
        f"{some}, {found.draws} draws of each posterior, the same for all three models, seed {found.seed}; ± one "
        "standard error over the images. Two different models would differ by whole nats, as the last one does."
    )
