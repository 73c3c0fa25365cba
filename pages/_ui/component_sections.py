"""Beyond one component: draws of the prior in two steps, ways between two components, usage, other data sets."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import component_table, figures
from core.component_records import Components, order
from core.figures import component_path, component_usage, component_words, theme
from core.figures.ready import ready
from core.figures.sheet_table import sheet_csv
from core.figures.sheets import Block, sheet
from core.records import CheckpointInfo
from pages._ui import cache, cache_components, charts, downloads, layout
from pages._ui.component_panel import WIDTH
from pages._ui.components import Choice, Look, key_of, word_of

DRAWN, ACROSS = 8, 5
GALLERIES = 4


def two_steps(info: CheckpointInfo, look: Look) -> None:
    """A handful of draws of the prior: first the component, then the code, then the image."""
    charts.heading("How is the prior sampled?")
    if info.prior == "vamp":
        st.latex(
            r"p(z) = \frac1K \sum_{k=1}^{K} q(z\,|\,u_k): \qquad k \sim \mathrm{Uniform}(1 \ldots K), \qquad "
            r"z \sim q(z|u_k), \qquad x \sim p(x|z)"
        )
    else:
        st.latex(
            r"p(z) = \sum_{k=1}^{K} w_k\, p(z|k): \qquad k \sim \mathrm{Categorical}(w), \qquad z \sim p(z|k), "
            r"\qquad x \sim p(x|z)"
        )
    model = (info.name, info.digest)
    steps = cache_components.two_steps(*model, DRAWN, look.seed, look.drawn)
    at = cache_components.places_of(*model, key_of(info, look.seed), steps.z)
    tiles = cache_components.tiles(*model, info.prior != "vamp")[steps.component]
    made = "a draw of p(x|z)" if look.drawn else "the mean of p(x|z)"
    law = "k ~ Uniform(1 … K)" if info.prior == "vamp" else "k ~ Categorical(w)"
    size = WIDTH / DRAWN * 0.86
    words = [f"({a:.2f}, {b:.2f})".replace("-", "−") for a, b in at.tolist()]
    name = "q(z|u<sub>k</sub>)" if info.prior == "vamp" else "p(z|k)"
    where = "" if info.latent_dim == 2 else ", its place in the plane above"
    blocks = [
        Block(tiles, 0, 0, DRAWN, size, f"<b>Step 1</b>: {law}", [f"k = {k + 1}" for k in steps.component.tolist()],
              [theme.PSEUDO] * DRAWN),
        Block(steps.images, 0, size + 0.85, DRAWN, size, f"<b>Step 2</b>: z ~ {name}{where}; decoded: {made}", words,
              [theme.PRIOR] * DRAWN),
    ]  # fmt: skip
    key = f"steps-{info.name}"
    ks = ", ".join(str(k + 1) for k in steps.component.tolist())
    sentence = f"{DRAWN} draws of the prior came from the components {ks}: chosen at random, never the first ones."
    charts.chart(ready(sheet, blocks, width=WIDTH), key, sentence)
    st.markdown(sentence)
    charts.caption(f"{layout.title_of(info)}, {DRAWN} independent draws, seed {look.seed}. Another seed gives others.")
    downloads.keep({"Prior draws": lambda: component_table.steps_csv(steps)}, info.name)


def between(info: CheckpointInfo, choice: Choice, found: Components) -> None:
    """Two ways from one component to another, decoded, with log q and log p along them."""
    first, second = (choice.k, choice.second) if choice.second is not None else _usual_ends(found)
    charts.heading(f"What lies between k = {first + 1} and k = {second + 1}?")
    if choice.second is None:
        st.markdown(
            "Type a second k above, or let a click set it, for the way from the chosen one. Until then: from the most "
            "used one to the most used one of another class."
        )
    if second == first:
        st.info("Both are the same component: choose another one.")
        return
    model = (info.name, info.digest)
    way = cache_components.interpolation(*model, first, second)
    usual = cache_components.usual(*model, choice.seed)
    size = WIDTH / len(way.in_z.shown)
    blocks, y = [], 0.0
    if way.in_u is not None and way.in_u.inputs is not None:
        blocks.append(_row(way.in_u.inputs, y, size, "<b>mixed pseudo-inputs</b> (1 − t) u + t u′", theme.PSEUDO))
        y += size + 0.4
        blocks.append(
            _row(way.in_u.images, y, size, "<b>through pseudo-inputs</b>: decoded at the mean of q(z | mixed u)")
        )
        y += size + 0.4
    steps = [f"t = {t:.3g}" for t in way.in_z.t[way.in_z.shown].tolist()]
    blocks.append(_row(way.in_z.images, y, size, "<b>straight in z</b>: decoded between the two means", words=steps))
    key, names = f"between-{info.name}", f"from k = {first + 1} to k = {second + 1}"
    alt = f"Images {names}, through mixed pseudo-inputs and straight between the two means."
    charts.chart(ready(sheet, blocks, width=WIDTH), key, alt)
    sentence = component_words.path_sentence(way.named(), usual)
    key = f"path-{info.name}"
    charts.chart(ready(component_path.path_figure, way.named(), usual), key, sentence)
    st.markdown(sentence)
    method = (
        f"{len(way.in_z.t)} places {names}; log q of the exact mixture of all posteriors; images are means of p(x|z); "
        f"bands: {usual.draws:,} draws of each distribution, a code's own posterior left out"
    )
    charts.caption(
        figures.caption(layout.dataset_title(info.dataset), layout.split_of(info), info.images, choice.seed, method)
    )
    downloads.keep({"Way": lambda: component_table.path_csv(way.named())}, info.name)


def usage(info: CheckpointInfo, look: Look, found: Components) -> None:
    """The entropy of the usage against log K, and the usage of every component."""
    charts.heading("How evenly are they used?")
    sentence = component_words.usage_sentence(found, word_of(info))
    key = f"usage-{info.name}"
    charts.chart(ready(component_usage.usage_figure, found), key, sentence)
    method = (
        f"Usage r_k = E_q(z)[p(k|z)] over {found.draws:,} draws spread evenly over the images; whiskers are 95 % "
        "intervals over the images; the entropy is the mean over sets of one draw of each image, its dashed line over "
        "sets of as many draws of the prior"
    )
    charts.caption(
        figures.caption(layout.dataset_title(info.dataset), layout.split_of(info), found.images, look.seed, method)
    )
    names = cache.class_names(info.name, info.digest)
    downloads.keep({"Usage": lambda: component_table.components_csv(found, names)}, key)


def across_data_sets(info: CheckpointInfo, look: Look, found: Components) -> None:
    """The lecture's figure from our own models: what some pseudo-inputs generate, and pseudo-inputs of other models."""
    charts.heading("What do pseudo-inputs look like across data sets?")
    model, step = (info.name, info.digest), ACROSS + 0.9
    top = _leaders(found)
    blocks = []
    for at, k in enumerate(top):
        own = cache_components.tiles(*model, False)[k : k + 1]
        made = cache_components.samples(*model, k, ACROSS**2 - 1, look.seed, look.drawn)
        frames = [theme.PSEUDO] + [theme.PRIOR] * len(made)
        head = f"<b>u{component_words.subscript(k + 1)}</b> and its samples"
        blocks.append(Block(np.concatenate([own, made]), at * step, 0, ACROSS, 1, head, (), frames))
    others, galleries = _galleries(info), []
    for at, other in enumerate(others):
        inputs = cache_components.inputs(other.name, other.digest)
        if inputs is None:
            continue
        rows = np.random.default_rng(look.seed).permutation(len(inputs))[: ACROSS**2]
        head = f"<b>{layout.dataset_title(other.dataset)}</b><br>d = {other.latent_dim}, K = {len(inputs):,}"
        frames = [theme.PSEUDO] * len(rows)
        galleries.append(Block(inputs[np.sort(rows)], at * step, 0, ACROSS, 1, head, (), frames))
    key, width = f"lecture-{info.name}", GALLERIES * step - 0.9
    sentences = (
        f"Top: for {len(top)} pseudo-inputs, in the upper left corner, {ACROSS**2 - 1} images generated from q(z|u).",
        f"Bottom: {ACROSS**2} pseudo-inputs of each of {len(others)} models, drawn at random.",
    )
    charts.chart(ready(sheet, blocks, width=width), key, sentences[0])
    charts.chart(ready(sheet, galleries, width=width), f"{key}-others", sentences[1])
    st.markdown(" ".join(sentences))
    made = "draws of p(x|z)" if look.drawn else "means of p(x|z)"
    charts.caption(
        f"{layout.title_of(info)}, seed {look.seed}. Top: the most used pseudo-input, then the most used ones of "
        f"other classes; generated images are {made} at independent z. Pseudo-inputs are not samples of the model and "
        "need not look like images. "
        + " ".join(f"{layout.dataset_title(other.dataset)}, d = {other.latent_dim}: {other.name}." for other in others)
    )
    downloads.keep({"Pictures": lambda: sheet_csv([*blocks, *galleries])}, key)


def _row(images: np.ndarray, y: float, size: float, title: str, frame: str = theme.PRIOR,
         words: list[str] | None = None) -> Block:  # fmt: skip
    return Block(images, 0, y, len(images), size, title, words or (), [frame] * len(images))


def _usual_ends(found: Components) -> tuple[int, int]:
    """The most used component, and the most used one of another class, or without classes the next; a lone one twice.

    A way that followed each chosen component would be made anew, with its pictures, by every click.
    """
    ranked, classes = order(found, "usage").tolist(), found.main_class
    first = int(ranked[0])
    different = [j for j in ranked if classes is not None and classes[j] != classes[first] and classes[j] >= 0]
    return first, int((different or ranked[1:] or ranked)[0])


def _leaders(found: Components) -> list[int]:
    """The most used component, then the most used ones of classes that are not there yet."""
    ranked, classes = order(found, "usage").tolist(), found.main_class
    top = [int(ranked[0])]
    for j in ranked:
        new = classes is None or classes[j] not in [classes[k] for k in top]
        if len(top) < GALLERIES and j not in top and new:
            top.append(int(j))
    return top


def _galleries(info: CheckpointInfo) -> list[CheckpointInfo]:
    """VampPriors, this one first, one of each data set and latent dimension."""
    kinds: dict[tuple[str, int], CheckpointInfo] = {}
    for other in [info, *layout.usable()]:
        if other.prior == "vamp":
            kinds.setdefault((other.dataset, other.latent_dim), other)
    return list(kinds.values())[:GALLERIES]
