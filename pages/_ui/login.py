"""Who may look: everybody, unless the secrets have a section [auth]. Then nobody who has not logged in sees anything.

    [auth]      what st.login needs: redirect_uri, cookie_secret, client_id, client_secret, server_metadata_url
    [access]    emails = [...] and domains = [...]: who may look; without it, all whom the provider lets in

Off as it comes: the server listens on this computer only. docs/how-to/share-on-a-network.md tells how it is set up.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from pages._ui import charts


def gate() -> None:
    """End the run of a visitor who may not look, before any page, model or name is sent."""
    secrets = _secrets()
    if secrets is not None and "auth" not in secrets:
        return
    if secrets is None:
        _only("The secrets of this server cannot be read, so nobody is let in. Its log says what is wrong with them.")
    user = dict(st.user)
    if not user.get("is_logged_in"):
        _only("Log in to look at the models.", ("Log in", ":material/login:", st.login))
    elif not permitted(user, secrets.get("access", {})):
        who = charts.plain(str(user.get("email", "This account")))
        told = f"{who} may not look at this. Whoever runs the server can add it."
        if permitted({**user, "email_verified": True}, secrets["access"]):
            told = f"{who} may not look at this: the provider of the login does not say that the address is verified."
        _only(told, ("Log out", ":material/logout:", st.logout))
    else:
        st.sidebar.button("Log out", key="log-out", icon=":material/logout:", on_click=st.logout, type="tertiary")


def permitted(user: Mapping[str, Any], access: Mapping[str, Any]) -> bool:
    """Whether somebody who has logged in is among those who may look.

    Args:
        user: what the provider says of them.
        access: ``emails`` and ``domains``, lists of texts; whoever is in neither may not look. Empty: everybody may. An
            address counts where the provider says that it was verified, or with ``trust_email = true``.

    Example:
        >>> access = {"emails": ["ada@example.com"], "domains": ["uni.example"]}
        >>> def may(email):
        ...     return permitted({"email": email, "email_verified": True}, access)
        >>> may("Ada@example.com"), may("x@uni.example"), may("x@evil-uni.example"), permitted({}, access)
        (True, True, False, False)
    """
    if not access:
        return True
    email, verified = str(user.get("email", "")).casefold(), user.get("email_verified", access.get("trust_email"))
    if verified not in (True, "true") or email.count("@") != 1:
        return False
    emails, domains = ([str(one).casefold() for one in access.get(key, ())] for key in ("emails", "domains"))
    return email in emails or email.split("@")[1] in domains


def _secrets() -> Mapping[str, Any] | None:
    """All secrets, {} where there are none; None where they cannot be read, which must not open the door."""
    try:
        return dict(st.secrets)
    except StreamlitSecretNotFoundError:
        there = any(Path(file).exists() for file in st.get_option("secrets.files"))
        return None if there else {}


def _only(told: str, action: tuple[str, str, Any] | None = None) -> NoReturn:
    """The whole of what this visitor sees; it ends the run."""
    st.title("Priorscope")
    st.markdown(told)
    if action is not None:
        label, icon, act = action
        st.button(label, key="log-in-or-out", icon=icon, on_click=act, type="primary")
    st.stop()
