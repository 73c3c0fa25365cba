"""t-SNE maps: calculated in a process of their own, stored, and drawn only with the parameters that made them."""

from __future__ import annotations

import streamlit as st

from core import figures, jobs, tables
from core.figures.ready import ready
from core.records import CheckpointInfo, Embedding
from core.region import Corners
from pages._ui import cache, cache_draws, cache_measures, charts, downloads, layout, numbers, place
from pages._ui import jobs as job_panel
from pages._ui.controls import Projection, View

FEW, MANY = 1000, 2500
REACH = 0.02


def draw(info: CheckpointInfo, projection: Projection, view: View, corners: Corners | None) -> cache.ViewKey | None:
    """The map of a model, its sentence, numbers and caption; the key of the view where there is one.

    Args:
        info: the model.
        projection: with perplexity and number of draws.
        view: with the seed, and whether classes are coloured.
        corners: a region to outline.
    """
    charts.heading(layout.title_of(info))
    made = require(info, projection, view.seed)
    if made is None:
        return None
    _picture(info, *made, view, corners)
    return made[0]


def require(info: CheckpointInfo, projection: Projection, seed: int) -> tuple[cache.ViewKey, Embedding] | None:
    """The map with the key of its view; until there is one, what can be done about it, and None.

    Args:
        info: the model.
        projection: with perplexity and number of draws.
        seed: of draws and map.
    """
    arguments = ["embed", info.name, "--digest", info.digest, "--draws", str(projection.draws)]
    arguments += ["--perplexity", f"{projection.perplexity:g}", "--seed", str(seed), "--output", jobs.RESULT]
    takes = "some seconds" if projection.draws <= FEW else "a minute" if projection.draws <= MANY else "minutes"
    about = f"{projection.draws:,} draws of q(z) and as many of p(z), embedded together: it takes {takes}, once."
    key = (f"{cache.MAP}{jobs.job_id(arguments)}", 0, 0, seed)

    def read(_: str) -> Embedding:
        found = cache.embedding(key[0])
        if found.q_index.max() >= info.images or found.q_z.shape[1] != info.latent_dim:
            raise ValueError("it is a map of another model")
        return found

    embedding = job_panel.require(arguments, read, button="Calculate this map", about=about)
    return None if embedding is None else (key, embedding)


def _picture(
    info: CheckpointInfo, key: cache.ViewKey, embedding: Embedding, view: View, corners: Corners | None
) -> None:
    model = (info.name, info.digest)
    found = cache.draws(*model, key, view.n, view.seed)
    names = cache.class_names(*model)
    labels = found.labels if view.classes else None
    figure = ready(
        figures.embedding_map, embedding, labels, names, over=figures.marks(None, corners, 1 if labels is None else 2)
    )
    sentence = numbers.verdict(info, cache_measures.distance(*model, view.seed))
    reach = REACH * float(max(*found.q.max(0) - found.q.min(0), *found.p.max(0) - found.p.min(0)))
    place.region_chart(figure, f"map-{info.name}", sentence, reach=reach, decodes=False)
    st.markdown(sentence)
    if (mixed := cache_draws.mixed(key[0])) is not None:
        st.markdown(figures.mixing_sentence(*mixed))
    lowered = "" if embedding.perplexity == embedding.asked else f" ({embedding.asked:g} is too much for so few draws)"
    charts.caption(
        figures.caption(
            layout.dataset_title(info.dataset),
            layout.split_of(info),
            info.images,
            embedding.seed,
            f"t-SNE of {len(found.q):,} draws of q(z) and {len(found.p):,} of p(z) together, perplexity "
            f"{embedding.perplexity:g}{lowered}, {embedding.method}, {embedding.seconds:.0f} s; trustworthiness "
            f"{embedding.trustworthiness:.3f}, final divergence {embedding.divergence:.2f} nats. Neighbours mean "
            "something here; sizes, gaps and densities mean nothing, and a new code has no place in this map. The "
            "numbers below are of the full latent space",
        )
    )
    writers = {"Draws": lambda: tables.draws_csv(found, ("map 1", "map 2"), names)}
    downloads.keep(writers, f"{info.name}-tsne")
    numbers.metric_strip(info, cache_measures.distance(*model, view.seed))
