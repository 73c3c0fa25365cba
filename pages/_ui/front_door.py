"""What every connection passes before Streamlit sees it: the names it may be asked by, and headers for the browser.

Streamlit looks at the name (the Host header) of web sockets only. A foreign page that points its own name at this
computer could still fetch over HTTP what is stored under known addresses, so the same list holds there.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEALTH = "/_stcore/health"
"""Asked by whoever watches over the server, often by number; it tells nothing but that it lives."""


def _inline_scripts() -> str:
    """The scripts that stand in Streamlit's own page, by the hashes of their texts: no other inline script may run."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    return " ".join(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in scripts)


CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    # WebGL charts compile their drawing code in the browser, which is called eval; without it they stay empty.
    "script-src": f"'self' {_inline_scripts()} 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    # Nothing that a name or a data set holds can make a browser ask another host, not even for a picture.
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "media-src": "'self' data: blob:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "frame-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'self'",
}
"""What a page may load and where it may send to: this server and nothing else."""

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # the address holds what the user looks at
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in CONTENT_SECURITY_POLICY.items()),
}


class FrontDoor:
    """Middleware: refuses requests under foreign names, and puts the headers on each HTTP response.

    Args:
        app: what is behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        if scope["type"] == "http" and scope["path"] != HEALTH:
            host, allowed = Headers(scope=scope).get("host", ""), st.get_option("server.allowedHosts")
            if not host_allowed(host, allowed):
                refusal = PlainTextResponse("This server is not to be asked under that name.\n", status_code=403)
                await refusal(scope, receive, send_with_headers)
                return
        await self.app(scope, receive, send_with_headers)


def host_allowed(host: str, allowed: list[str]) -> bool:
    """Whether a Host header names one of the hosts, as ``server.allowedHosts`` means it: [] stands for all.

    Example:
        >>> known = ["localhost", "*.example.com"]
        >>> [host_allowed(host, known) for host in ("localhost:8501", "a.example.com", "evil.com", "example.com")]
        [True, True, False, False]
    """
    if not allowed:
        return True
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    patterns = [pattern.strip().lower().rstrip(".") for pattern in allowed]
    return any(
        pattern == "*" or (name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern)
        for pattern in patterns
    )
