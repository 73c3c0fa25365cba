"""An image of one's own: where the encoder puts it. What is wrong with a file is said, and nothing of it is kept."""

from __future__ import annotations

import streamlit as st

from core import figures
from core.figures import theme
from core.own_image import Landing
from pages._ui import cache_browser, charts, controls, layout, own_data, place
from pages._ui.browser import Look, place_of

FILE, LANDED = "own_image", "own-landed"
"""Keys of the uploader, and of where its image landed."""


def take(shown: Look) -> Landing | None:
    """The uploader, and where its image lands; None without one."""
    charts.heading("Where does your image land?")
    if reason := layout.why_not_decoded(shown.info):
        st.markdown(f"{reason} An image needs the encoder.")
        return None
    channels, height, width = shown.info.image_shape
    size = f"{height} × {width}{' in colour' if channels == 3 else ''}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        file = st.file_uploader(f"A PNG, or an .npz of images, {size}", type=["png", "npz"], key=FILE,
                                max_upload_size=own_data.MOST_MB, width=420)  # fmt: skip
        row = st.number_input("Row of the .npz", min_value=0, value=0, max_value=10_000_000, key="own_row",
                              bind="query-params", width=150)  # fmt: skip
        inverted = st.toggle("Dark ink on light paper", key="inverted", bind="query-params",
                             help="Exchanges dark and light: the data sets have light ink on dark ground.")  # fmt: skip
    if file is None:
        st.session_state.pop(LANDED, None)
        st.caption("It stays in this session and is not kept.")
        return None
    asked = (*shown.model, file.file_id, int(row), inverted, shown.seed)
    if st.session_state.get(LANDED, (None,))[0] == asked:
        return st.session_state[LANDED][1]
    try:
        found = cache_browser.landing(*shown.model, file.name, file.getvalue(), int(row), inverted, shown.seed)
    except ValueError as error:
        st.error(f"This image cannot be used: {error}.")
        return None
    st.session_state[LANDED] = asked, found
    return found


def show(shown: Look, landed: Landing) -> None:
    """The image, how the encoder sees it, what comes back, and how usual its code is."""
    pictures, words = st.columns([2, 3], gap="medium")
    for column, picture, told in zip(
        pictures.columns(3), (landed.picture, landed.seen, landed.reconstruction),
        ("your image", "as the encoder sees it", "what comes back"), strict=True,
    ):  # fmt: skip
        scale = figures.scale_for(picture.shape[1], 112)
        column.image(
            figures.data_uri(figures.mosaic(picture[None], 1, scale=scale, border=[theme.DATA])),
            alt=told,
            caption=told,
        )
    with words:
        at = place_of(shown, landed.mean)
        if at is not None:
            st.markdown(f"It lands at **({at[0]:.2f}, {at[1]:.2f})**, the star in the map."
                        .replace("-", "−"))  # fmt: skip
            st.button("Go there", key="go_own", icon=":material/my_location:", on_click=controls.set_place,
                      args=(at, shown.place_keys))  # fmt: skip
        else:
            st.markdown("A t-SNE map has no place for a new code: choose another view to see where it lands.")
        place.words(shown.info, tuple(landed.mean.tolist()), shown.seed)
        if landed.told:
            st.caption(landed.told)
