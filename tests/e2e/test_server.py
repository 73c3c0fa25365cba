"""What a server promises whatever its pages show: deep links on a fresh start, nothing foreign, this computer only."""

import re
import socket
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

pytestmark = pytest.mark.e2e


def test_a_fresh_server_whose_first_request_is_a_deep_link_shows_the_whole_frame(
    fresh_server: Callable[[], str], page: Page, settled: Callable[[Page], None]
) -> None:
    page.goto(f"{fresh_server()}/prior_vs_posterior?seed=1")
    settled(page)
    expect(page).to_have_title("Priorscope")
    links = page.get_by_test_id("stSidebarNavLink")
    names = ("Home", "Tour", "Compare", "Prior vs posterior", "Latent browser", "Pseudo-inputs", "ELBO surgery")
    names += ("Optimal prior", "Variational posterior", "Flow timing", "Results", "Model card", "Your data", "Train")
    names += ("Read the numbers",)
    expect(links).to_have_text([re.compile(name) for name in names])
    expect(links.nth(names.index("Prior vs posterior"))).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.url.split("?")[0].endswith("/prior_vs_posterior")


def test_the_navigation_leads_from_page_to_page(server: str, page: Page, settled: Callable[[Page], None]) -> None:
    page.goto(server)
    settled(page)
    for name, path in (("Prior vs posterior", "/prior_vs_posterior"), ("ELBO surgery", "/elbo_surgery"), ("Home", "/")):
        page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()
        page.wait_for_url(lambda url, path=path: url.split("?")[0] == server + path)
        settled(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page).to_have_title("Priorscope")


def test_health_and_headers(server: str) -> None:
    with urllib.request.urlopen(f"{server}/_stcore/health") as answer:
        assert answer.read() == b"ok"
    for path in ("/", "/prior_vs_posterior", "/_stcore/health"):
        with urllib.request.urlopen(server + path) as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
            policy = answer.headers["Content-Security-Policy"]
            assert "frame-ancestors 'self'" in policy and "default-src 'self'" in policy


def test_only_this_computer_can_connect(server: str) -> None:
    port = int(server.rsplit(":", 1)[1])
    # On Linux all of 127.0.0.0/8 is this computer, so a server on every address would answer at 127.0.0.2 too.
    addresses = {"127.0.0.2"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Sends nothing; the system only chooses the address it would use to go out.
        if probe.connect_ex(("192.0.2.1", 9)) == 0:
            addresses.add(probe.getsockname()[0])
    for address in addresses - {"127.0.0.1"}:
        with socket.socket() as client:
            client.settimeout(2)
            assert client.connect_ex((address, port)) != 0, f"the server answers at {address}"


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        pytest.param("https://evil.example", None, id="a foreign page"),
        pytest.param("http://evil.example", "evil.example", id="a foreign name for this computer"),
    ],
)
def test_web_sockets_of_others_are_refused(server: str, origin: str, host: str | None) -> None:
    url = server.replace("http", "ws", 1) + "/_stcore/stream"
    with connect(url, origin=server, proxy=None):
        pass  # the page's own is accepted
    # In the URL the name is what becomes the Host header; the socket still goes to the server.
    port = int(server.rsplit(":", 1)[1])
    target = f"ws://{host}:{port}/_stcore/stream" if host else url
    with socket.create_connection(("127.0.0.1", port)) as client, pytest.raises(InvalidStatus) as refusal:
        connect(target, origin=f"{origin}:{port}" if host else origin, sock=client)
    assert refusal.value.response.status_code == 403
