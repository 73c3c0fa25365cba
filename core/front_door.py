"""What every connection passes before Streamlit sees it: the names it may be asked by, and headers for the browser.

Streamlit looks at the name (the Host header) of web sockets only. A foreign page that points its own name at this
computer could still fetch over HTTP what is stored under known addresses, so the same list holds there.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEALTH = "/_stcore/health"
"""Asked by whoever watches over the server, often by number; it tells nothing but that it lives."""

POLICY = {
    "default-src": "'self'",
    # WebGL charts compile their drawing code in the browser, which is called eval; without it they stay empty.
    "script-src": "'self' 'unsafe-eval' blob:",
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

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # the address holds what the user looks at
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class FrontDoor:
    """Middleware: refuses requests under foreign names, and puts the headers on each HTTP response.

    Args:
        app: what is behind it.
        page: the front end's HTML file; the scripts that stand in it may run, no other inline script may.
        allowed_hosts: gives the names that the server may be asked by, [] for all.
    """

    def __init__(self, app: ASGIApp, page: Path, allowed_hosts: Callable[[], list[str]]) -> None:
        self.app, self._allowed_hosts = app, allowed_hosts
        policy = {**POLICY, "script-src": f"{POLICY['script-src']} {inline_scripts(page.read_text(encoding='utf-8'))}"}
        self._headers = {**HEADERS, "Content-Security-Policy": "; ".join(f"{k} {v}" for k, v in policy.items())}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        if scope["type"] == "http" and scope["path"] != HEALTH:
            host = Headers(scope=scope).get("host", "")
            if not host_allowed(host, self._allowed_hosts()):
                refusal = PlainTextResponse("This server is not to be asked under that name.\n", status_code=403)
                await refusal(scope, receive, send_with_headers)
                return
        await self.app(scope, receive, send_with_headers)


def inline_scripts(html: str) -> str:
    """The scripts in a page, each by the hash of its text, as a policy names them.

    Example:
        >>> inline_scripts("<script></script><script src='a.js'></script>")
        "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    return " ".join(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in scripts)


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
