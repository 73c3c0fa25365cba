"""What a flow costs as a prior, in training and in generating, the shipped models, and what it costs as a posterior."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core import figures, jobs, timing_tables
from core.figures import flow_timing_words as words
from core.figures.kept import once
from core.figures.ready import ready
from core.plain_text import shown_error
from core.prior_bill_file import list_bills
from core.prior_bill_records import BILLED_PRIORS, BillRun
from core.records import CheckpointInfo
from pages._ui import cache, charts, downloads, flow_measure, layout
from pages._ui.flow_runs import broken

MODELS = ("digits-2d-maf", "digits-2d-iaf", "digits-2d-realnvp")
"""The shipped models whose priors are flows."""
ARGUMENTS = ("prior-bill", "--priors", "standard", *BILLED_PRIORS, "--output", jobs.RESULT)


def show(posterior: str) -> None:
    """The bills measured last, the models, and the other side.

    Args:
        posterior: what drawing with the density costs, in a sentence; "" where it was not measured.
    """
    st.markdown(
        "A VAE asks its prior for two things. **Training** asks for log p(z) of codes that the encoder gives, in every "
        "step: one pass of a MAF, d of an IAF. **Generating** asks for draws: d passes of a MAF, one of an IAF. So an "
        "IAF prior is paid for in every step of training, a MAF prior only when it generates."
    )
    try:
        stored = list_bills()
    except ValueError as error:
        st.error(shown_error(error))
        return
    run = next((item.run for item in stored if item.run is not None), None)
    busy = flow_measure.progress("prior-bill")
    if run is None:
        st.info("These costs have not been measured yet.")
    else:
        _picture(run)
    broken(stored)
    flow_measure.say_how_it_ended("bill")
    left, right = st.columns([1, 3], vertical_alignment="center")
    left.button(
        "Measure the bills here", key="bill-run", icon=":material/timer:", disabled=busy, width="stretch",
        on_click=flow_measure.start, args=(ARGUMENTS, "bill"),
    )  # fmt: skip
    with right:
        st.caption("A minute or two. What was measured last is shown; every run is kept.")
    _models()
    st.subheader("The other side: IAF as a posterior")
    st.markdown(
        "A posterior q(z|x) is asked for a draw z and for log q(z|x) **of that very draw**. An IAF gives both in one "
        "pass, because drawing leaves u behind: the card *IAF: density of own samples* above. It is never asked for "
        "the density of a z that it has not drawn, which is what takes d passes. A MAF would take d passes for every "
        f"draw. {posterior}"
    )


def _picture(run: BillRun) -> None:
    sentence = once(figures.bill_sentence, run)
    st.markdown(sentence)
    charts.chart(ready(figures.bill_figure, run), "prior-bill", sentence)
    charts.caption(f"*As here* is the inversion that this program uses by itself. {figures.bill_caption(run)}")
    for reason in run.left_out:
        st.caption(f"Left out: {reason}.")
    downloads.keep({"Bills": partial(timing_tables.bills_csv, run)}, "prior-bill")
    with st.expander("All bills as a table"):
        charts.frame(once(figures.bill_table, run), "What a training step and generating cost with each prior")


def _models() -> None:
    """ELBO and training time of the shipped models, one row each; says which are missing."""
    st.subheader("The digits models trained with each")
    there = {info.name: info for info in layout.listed() if info.name in MODELS}
    rows, missing = [], []
    for name in MODELS:
        info = there.get(name)
        if info is None or info.error:
            why = f" ({shown_error(info.error)})" if info else ""
            missing.append(f"- There is no usable model {name} here{why}: `make train` trains what the zoo lacks.")
        else:
            rows.append(_row(info))
    if rows:
        charts.frame(rows, "Test ELBO and training time of the digits models, by prior")
        st.caption(
            "ELBO: mean over the test images ± one standard error. The errors share the images, so differences between "
            "rows are known better than that. One training each: do not rank on it. At d = 2 an IAF's density is two "
            "passes, so its bill is small here; layers and widths are not equal, they stand in the table."
        )
    for line in missing:
        st.markdown(line)


def _row(info: CheckpointInfo) -> dict[str, str | int]:
    found = layout.estimate_of(info, "elbo")
    model = cache.model(info.name, info.digest)
    training = model.metrics.get("training", {})
    options = model.config.model.prior.options
    seconds = training.get("seconds")
    return {
        "Model": layout.title_of(info),
        "Test ELBO, nats": "not evaluated" if found is None else str(found),
        "Test images": info.metrics.get("test", {}).get("n", 0),
        "Training": "not known" if seconds is None else words.duration(seconds),
        "Epochs": training.get("epochs", "not known"),
        "Flow layers": str(options.get("layers", "default")),
        "Width": str(options.get("hidden", "default")),
        "Seed": model.config.train.seed,
    }
