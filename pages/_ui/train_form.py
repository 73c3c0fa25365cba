"""The form that asks for a training: data, prior, posterior, how long; checked while it is filled in."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import training_request, training_runs
from core.checkpoint import checkpoint_root
from core.config import TrainConfig
from core.datasets import DATASETS
from core.option_fields import fields_of
from core.plain_text import shown_error
from core.posteriors import POSTERIORS
from core.priors import PRIORS
from core.training_request import TrainingRequest
from pages._ui import layout, own_data
from pages._ui.option_widgets import widgets

PRIOR, POSTERIOR, DATASET = "vamp", "gaussian", "digits"
"""Chosen to begin with."""
MAIN = ("epochs", "learning_rate", "warmup_epochs", "seed")
LEFT_OUT = ("device", "compile", "bf16")
"""Settings that make sense on a graphics processor only: the command line has them."""
USUAL: dict[str, Any] = {"epochs": 400, "learning_rate": 0.003, "warmup_epochs": 20, "patience": 400, "snapshots": 20}
"""Where a small data set is trained otherwise than a large one."""
USUAL_OPTIONS: dict[str, dict[str, Any]] = {
    "vamp": {"components": 50, "init": "data"},
    "mog": {"components": 50},
}
FETCHED = "A data set that is not on this computer is fetched first, which the training tells if it cannot."


def show() -> None:
    """Draw the form, the command line that does the same, and the button."""
    request = _request(_settings())
    problem = _problem(request)
    if problem:
        st.warning(shown_error(problem))
    words = training_request.arguments(request)
    st.caption("The same from a terminal:")
    st.code(training_request.command_line(words), language="bash", wrap_lines=True)
    st.button(
        "Train", key="t-start", icon=":material/model_training:", type="primary", disabled=bool(problem),
        on_click=_start, args=(request,),
    )  # fmt: skip
    if told := st.session_state.pop("t-problem", None):
        st.error(shown_error(told))


def _settings() -> dict[str, Any]:
    """What is chosen, by name."""
    fields = {field.name: field for field in fields_of(TrainConfig)}
    own = own_data.titles(own_data.uploads())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dataset = _choice(
            "Data set",
            [*DATASETS, *own],
            "dataset",
            DATASET,
            _data_title,
            290,
        )
        prior = _choice("Prior", list(PRIORS), "prior", PRIOR, lambda key: PRIORS[key].title, 240)
        posterior = _choice(
            "Posterior", list(POSTERIORS), "posterior", POSTERIOR, lambda key: POSTERIORS[key].title, 150
        )
        dim = st.number_input(
            "Latent dimensions", 1, 4096, 2, key="t_dim", bind="query-params", width=150,
            help="Two can be drawn whole; many need a projection.",
        )  # fmt: skip
    if dataset not in ("digits", *own):
        st.caption(FETCHED)
    options = {}
    for part, kind, registry in (("prior", prior, PRIORS), ("posterior", posterior, POSTERIORS)):
        asked = fields_of(registry[kind].options)
        if asked:
            st.markdown(f"**{registry[kind].title} {part}**" if part not in registry[kind].title.lower() else
                        f"**{registry[kind].title}**")  # fmt: skip
        usual = USUAL_OPTIONS.get(kind) if part == "prior" else None
        options[part] = widgets(asked, f"t_{part}_{kind}_", usual)
    st.markdown("**Training**")
    values = widgets([fields[name] for name in MAIN], "t_", USUAL)
    with st.expander("More settings", key="t_more", on_change="rerun"):
        rest = [field for name, field in fields.items() if name not in (*MAIN, *LEFT_OUT)]
        values |= widgets(rest, "t_", USUAL)
        hidden = st.text_input(
            "Widths of the gated layers", "300 300", key="t_hidden", bind="query-params", max_chars=80, width=260,
            help="Of the encoder, and again of the decoder: whole numbers with spaces between them.",
        )  # fmt: skip
    name = own[dataset].dataset if dataset in own else dataset
    return {"dataset": name, "title": dataset, "prior": prior, "posterior": posterior, "dim": int(dim),
            "options": options, "values": values, "hidden": hidden}  # fmt: skip


def _choice(label: str, keys: list[str], name: str, first: str, title: Any, width: int) -> str:
    return st.selectbox(
        label, keys, index=keys.index(first), format_func=title, key=f"t_{name}", bind="query-params", width=width
    )


def _data_title(key: str) -> str:
    return layout.dataset_title(key) if key in DATASETS else key


def _request(chosen: dict[str, Any]) -> TrainingRequest:
    """What is asked for, under the name that is typed or else one that is free."""
    root = checkpoint_root()
    base = training_request.base_name(*(chosen[part] for part in ("title", "dim", "prior", "posterior")))
    proposed = training_request.proposed_name(base, root, _waiting())
    typed = st.text_input(
        "Name", key="t_name", bind="query-params", placeholder=proposed, max_chars=100, width=420,
        help="Letters, digits, '.', '_' and '-'. Left empty, it gets the one shown.",
    ).strip()  # fmt: skip
    return TrainingRequest(
        name=typed or proposed,
        dataset=chosen["dataset"],
        prior=chosen["prior"],
        posterior=chosen["posterior"],
        prior_options=chosen["options"]["prior"],
        posterior_options=chosen["options"]["posterior"],
        latent_dim=chosen["dim"],
        hidden=_widths(chosen["hidden"]),
        settings=chosen["values"],
    )


def _widths(text: str) -> tuple[int, ...]:
    """Whole numbers between spaces or commas; (0,), which no layer can have, where they are none."""
    words = text.replace(",", " ").split()
    return tuple(int(word) for word in words) if words and all(w.isascii() and w.isdigit() for w in words) else (0,)


def _waiting() -> list[str]:
    try:
        return training_runs.waiting()
    except ValueError:  # told where the trainings are listed
        return []


def _problem(request: TrainingRequest) -> str:
    """Why it would fail, "" where nothing is known against it."""
    try:
        training_request.check(request, checkpoint_root(), _waiting())
    except ValueError as error:
        return str(error)
    return ""


def _start(request: TrainingRequest) -> None:
    try:
        training_runs.start(request)
    except ValueError as error:
        st.session_state["t-problem"] = str(error)
        return
    st.session_state["t_name"] = ""
