"""What was uploaded here: the uploader, which file is looked at, and its deletion."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core import uploads as kept
from core.datasets import DATASETS, DataError
from core.datasets.titles import dataset_title
from core.plain_text import shown_error
from core.uploads import Kind, Upload

MOST_MB = 50
"""Largest file that is taken; as in .streamlit/config.toml. The command line has no such limit."""

_TAKEN = [name.casefold() for key in DATASETS for name in {key, dataset_title(key)}]
"""What nobody's own data may be called where both can be chosen."""


def uploads(kind: Kind = "images") -> list[Upload]:
    """All of a kind; says what is wrong where they cannot be listed."""
    try:
        return kept.uploads(kind)
    except (ValueError, OSError) as error:
        st.error(f"What was uploaded cannot be listed: {shown_error(error)}")
        return []


def titles(found: list[Upload]) -> dict[str, Upload]:
    """Files by what they are called in a list and in the address.

    Where that could mean another file, or one of the data sets that there are, it gets a part of its id.
    """
    names = [upload.title.casefold() for upload in found] + _TAKEN
    return {
        upload.title if names.count(upload.title.casefold()) == 1 else f"{upload.title} ({upload.id[:6]})": upload
        for upload in found
    }


def name_of(upload: Upload, kind: Kind = "images") -> str:
    """What a file is called in a list."""
    return next((name for name, other in titles(uploads(kind)).items() if other.id == upload.id), upload.title)


def uploader(kind: Kind, label: str, form: str) -> None:
    """Take a file, check it and keep it; what is wrong with it is said, and nothing of it stays.

    Args:
        kind: what it should hold.
        label: of the uploader.
        form: how such a file is written, as code.
    """
    st.file_uploader(
        label, type=["npz"], max_upload_size=MOST_MB, key=f"own-file-{kind}", on_change=partial(_take, kind)
    )
    if told := st.session_state.get(f"own-told-{kind}"):
        st.error(shown_error(told))
    with st.expander("How is such a file written?", key=f"own-form-{kind}", on_change="rerun"):
        st.code(form.strip(), language="python", wrap_lines=True)
        st.caption(f"At most {MOST_MB} MB here. Arrays of Python objects are refused: unpickling them could run code.")


def choose(kind: Kind, label: str) -> Upload | None:
    """The file that is looked at; None where there is none, which is said."""
    found = uploads(kind)
    if not found:
        st.markdown("Nothing has been uploaded yet.")
        return None
    by_name = titles(found)
    picked = st.selectbox(label, list(by_name), key=f"own_{kind}", bind="query-params", width=420)
    return by_name.get(picked)


def delete_button(kind: Kind, upload: Upload) -> None:
    """Delete it, after a second click."""
    with st.popover("Delete", icon=":material/delete:"):
        st.markdown(f"Delete **{upload.title}**? Models that were made of it stay.")
        st.button("Delete it", key=f"own-delete-{upload.id}", type="primary", on_click=_delete, args=(kind, upload))


def _take(kind: Kind) -> None:
    """The callback of the uploader: once for each file, so that a file that was deleted does not come back."""
    file = st.session_state[f"own-file-{kind}"]
    st.session_state[f"own-told-{kind}"] = ""
    if file is None:
        return
    try:
        st.session_state[f"own_{kind}"] = name_of(kept.keep(file.name, file.getvalue(), kind), kind)
    except DataError as error:
        st.session_state[f"own-told-{kind}"] = str(error)


def _delete(kind: Kind, upload: Upload) -> None:
    st.session_state[f"own-told-{kind}"] = ""
    try:
        kept.delete(upload.id, kind)
    except ValueError as error:
        st.session_state[f"own-told-{kind}"] = str(error)
