"""Which direction of a flow is cheap? Both directions timed, the textbook's inversion beside a better one."""

import streamlit as st

from pages._ui import charts, drawn, flow_measure, flow_runs, flow_timing, prior_bill, reading
from pages._ui.turns import fragment

st.title("Which direction of a flow is cheap?")
drawn.about([])  # its flows are made for the measurement
progress, timings, measure, past = (st.container() for _ in range(4))
with past:
    shown = flow_runs.choose()
with progress:
    busy = flow_measure.progress("flow-timing")


@fragment
def timed(shown: flow_runs.Shown) -> None:
    """All that a dimension or a line of the picture changes: a click runs this part of the page alone."""
    verdict = st.container()
    dim = flow_timing.dimension(shown.run)
    flow_timing.cards(shown.run, dim)
    with verdict:
        flow_timing.say(shown.run, dim)
    flow_timing.picture(shown, flow_timing.lines(), dim)
    flow_timing.tables(shown, dim)


if shown is not None:
    with timings:
        timed(shown)
with measure:
    flow_measure.show(shown, busy)

charts.heading("Why does one direction wait?")
flow_timing.dependency()

charts.heading("Why is IAF a poor prior and a good posterior?")
prior_bill.show("" if shown is None else flow_timing.of_own_samples(shown.run))

with st.expander("How is this computed?"):
    st.latex(
        r"\text{MAF: } z_i = \sigma_i(z_{<i})\,u_i + \mu_i(z_{<i}) \qquad "
        r"\text{IAF: } z_i = \sigma_i(u_{<i})\,u_i + \mu_i(u_{<i})"
    )
    st.latex(r"\log p(z) = \log p(u) - \sum_i \log \sigma_i")
    st.markdown(
        "One masked network gives all $\\mu_i$ and $\\sigma_i$ of a layer in one pass, if what they depend on is "
        "known. MAF knows it when z is given: the density is one pass; its samples need $z_{<i}$ first. IAF knows it "
        "when u is given: samples are one pass; the density of a given z needs $u_{<i}$ first. The density of IAF's "
        "*own* samples is one pass too, because drawing them left u behind.\n\n"
        "- **Textbook**: d passes, each through the whole network, of which one coordinate is kept.\n"
        "- **Incremental**: the masks let a hidden unit see only the coordinates up to its degree, so each is "
        "calculated once, when they are known: d steps, the arithmetic of about one pass, the same result.\n"
        "- **Fixed point**: all coordinates are guessed and corrected at once until nothing changes; exact after d "
        "passes at the latest, and usually long before. The passes counted are those it took.\n\n"
        "**How time is measured.** Two calls of everything first, not counted. Then every case once, then all again: "
        "what disturbs the machine disturbs all of them; a short case is called once more, untimed, before each time, "
        "because the one before it has emptied the caches. Gradients are off; a graphics processor is waited for. A "
        "case that takes more than a second gets fewer repeats. The time is that of a whole batch, from u or z to the "
        "result. The slope is least squares of log median time on log d; its interval comes from the residuals, so it "
        "is wide where the line bends, as it does at small d where calling a layer costs more than its arithmetic. "
        "Every run is a process of its own and is kept; drawing this page never measures anything."
    )
    reading.link("time-quartiles", "slope")
