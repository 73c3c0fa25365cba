"""Own latents: uploaded, given a prior, and turned into an entry of the sidebar."""

from __future__ import annotations

import streamlit as st

from core import import_runs, training_request
from core.checkpoint import checkpoint_root
from core.imported import PRIOR_KINDS, STEPS
from core.job_files import JobStatus
from core.option_fields import fields_of
from core.plain_text import shown_error
from core.priors import PRIORS
from core.uploads import Upload
from pages._ui import jobs as job_panel
from pages._ui import layout, own_data
from pages._ui.option_widgets import widgets

ENDED = 4
FITTED = "fitted"
USUAL = {"mog": {"components": 50}}
FORM = """
import numpy as np
np.savez_compressed("latents.npz", mean=mean, log_var=log_var, labels=labels, images=images)
# mean, log_var: (n, d) floats, of q(z|x_i) = N(mean_i, exp(log_var_i)); log_var is the log of the variance
# labels: (n,), integers or strings; images: (n, height, width) or (n, height, width, 3); both may be left out
"""


def show() -> None:
    """The uploader, the settings of the import, and the imports that wait, run or have ended."""
    own_data.uploader("latents", "An .npz file of posteriors", FORM)
    st.markdown(
        "Not known without a decoder: reconstruction, ELBO, likelihood, anything generated. Known: q(z), the prior, "
        "the KL between them and its parts, holes and leaks, the ladder of priors."
    )
    chosen = own_data.choose("latents", "File")
    if chosen is not None:
        with st.container(border=True):
            _form(chosen)
        own_data.delete_button("latents", chosen)
    _imports()


def _form(chosen: Upload) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        prior = st.selectbox(
            "Prior", list(PRIOR_KINDS), format_func=_title, key="l_prior", bind="query-params", width=300
        )
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="l_seed", bind="query-params", width=120)
        steps = STEPS
        if prior not in ("standard", "gaussian"):
            steps = st.number_input("Steps of the fit", 1, 100_000, STEPS, 500, key="l_steps", bind="query-params",
                                    width=160)  # fmt: skip
    asked = [field for field in fields_of(PRIORS[prior].options) if field.name != "init_scale"]
    options = widgets(asked, f"l_{prior}_", USUAL.get(prior))  # a mixture starts at the codes themselves
    if prior != "standard":
        st.caption(
            "One half of the rows, at random, is what the prior is fitted to; all pages show the other half: on its "
            "own rows a rich prior looks better than it is."
        )
    proposed = training_request.proposed_name(f"{chosen.title}-{prior}", checkpoint_root(), _waiting())
    name = st.text_input(
        "Name", key="l_name", bind="query-params", placeholder=proposed, max_chars=100, width=420
    ).strip()  # fmt: skip
    try:
        words = import_runs.arguments(chosen.path, name or proposed, prior, options, int(steps), int(seed))
        training_request.require_free(name or proposed, checkpoint_root(), _waiting())
    except ValueError as error:
        st.warning(shown_error(error))
        return
    st.caption("The same from a terminal:")
    st.code(training_request.command_line(words), language="bash", wrap_lines=True)
    st.button("Import", key="l-start", icon=":material/input:", type="primary", on_click=_start, args=(words,))


def _title(kind: str) -> str:
    return PRIORS[kind].title if kind == "standard" else f"{PRIORS[kind].title}, {FITTED}"


def _start(words: list[str]) -> None:
    try:
        import_runs.start(words)
    except ValueError as error:
        st.session_state["own-told-latents"] = str(error)
        return
    st.session_state["l_name"] = ""


def _imports() -> None:
    """What waits, runs, or has ended, the newest first."""
    found = _known()
    for job in found:
        if job.alive:
            st.markdown(f"**{import_runs.name_of(job)}**")
            job_panel.watch(job.id)
    by_name = {info.name: info for info in layout.usable()}
    for job in [job for job in found if not job.alive][:ENDED]:
        name = import_runs.name_of(job)
        if job.state == "done" and name in by_name:
            st.success(f"{name} is in the sidebar.")
            layout.link_to("prior_vs_posterior", f"Open {name}", by_name[name])
        elif job.state != "done":
            st.error(f"{name}: {job.state}" + (f": {shown_error(job.error)}" if job.error else ""))


def _known() -> list[JobStatus]:
    try:
        return import_runs.known()
    except ValueError as error:
        st.error(shown_error(error))
        return []


def _waiting() -> list[str]:
    return [import_runs.name_of(job) for job in _known() if job.alive]
