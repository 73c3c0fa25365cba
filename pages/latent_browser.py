"""What does each place decode to? A map that is decoded under the cursor, by the browser itself."""

import streamlit as st

from pages._ui import (
    browser,
    browser_canvas,
    browser_sections,
    browser_upload,
    cache_browser,
    changes,
    layout,
    reading,
    region_panel,
)
from pages._ui.turns import fragment

st.title("What does each place decode to?")
chosen = layout.require_models()
for refused in chosen:
    if reason := browser.why_not(refused):
        st.warning(reason)
fit = [one for one in chosen if browser.why_not(one) is None]
if not fit:
    layout.end()
info = fit[0]
if len(fit) > 1:
    st.info(f"One model at a time: {layout.title_of(info)}, the first of {len(fit)} chosen ones.")
st.markdown(
    "Move over the map: what is decoded there appears at once, with how **typical** the place is. A decoded image "
    "often looks plausible where neither data nor prior ever come, so look at that too. Click to fix a place, drag to "
    "select codes."
)
shown = browser.look(info)
if shown is None:
    layout.end()
browser_canvas.send(shown)


@fragment
def looked_at(shown: browser.Look) -> None:
    """The map and what is told of its places: a click in it runs this part of the page alone."""
    with changes.told():
        canvas, mirrors, at_place, selected, upload, ways, dimensions = (st.container() for _ in range(7))
        base = browser.base_code(shown)
        start = browser.start(shown, base)
        with mirrors:
            at, to = browser_canvas.inputs(shown)
            text, corners = region_panel.chosen()
        fixed = None if at is None else browser.spot(shown, base, at, "the fixed place")
        end = None if to is None else browser.spot(shown, base, to, "the end that was set")
        here = fixed or start
        first, second = browser.ends(shown, here, end)
        with upload:
            landed = browser_upload.take(shown)
            if landed is not None:
                browser_upload.show(shown, landed)
        drawn = [] if end is None else cache_browser.between(*shown.model, first.z, second.z).named()
        with canvas:
            browser_canvas.draw(shown, base, start, fixed, end, corners, browser.ways(shown, drawn), landed)
        with at_place:
            browser_sections.at_place(shown, here)
        with selected:
            if corners is not None:
                browser_sections.in_region(shown, text, corners)
        with ways:
            browser_sections.between(shown, first, second, end is not None)
        with dimensions:
            if shown.info.decodes:
                browser_sections.dimensions(shown, here)


looked_at(shown)

with st.expander("How is this computed?"):
    st.latex(r"x \sim p(x|z), \qquad z = b - W^\top W (b - c) + W^\top y")
    st.markdown(
        "The weights of the decoder come to the browser once, and the browser itself decodes: a hover asks the server "
        "for nothing. So does log q(z), the exact mixture of all posteriors in all dimensions, and log p(z) where the "
        "prior is a mixture of Gaussians. Of a flow prior in two dimensions the browser has the density of each cell; "
        "in more, the server works it out for the place that is fixed. In a plane $W$ through the centre $c$ a place "
        "$y$ stands for the code that has the coordinates $y$ in the plane and shares all others with the base $b$."
    )
    st.markdown(
        "How typical a place is: the share of each distribution's own draws that lie at a lower density. Draws of "
        "p(x|z) use the same noise everywhere, so that two pictures differ by their places only. The way along the "
        "prior is the great circle in the noise $u$ that the prior makes its draws of: the flow's own noise, or for a "
        "mixture the Knothe-Rosenblatt map, one dimension after another. It crosses quickly where the prior has no "
        "mass."
    )
    reading.link("typicality", "active-units")
