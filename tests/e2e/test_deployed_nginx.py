"""`deploy/nginx.conf` as it stands: HTTPS and HTTP/2 in front of a server that restarts."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx
import pytest
import trustme
from httpx_sse import connect_sse

from tests.e2e.clients import Event, Headers, is_note, up_to_note
from tests.e2e.conftest import NewServer
from tests.e2e.programs import PATIENCE_SECONDS, Serving, publish_note
from tests.e2e.proxies import deployed_nginx

pytestmark = pytest.mark.needs("nginx")


@pytest.fixture
def server(new_server: NewServer) -> Serving:
    """A server that knows of the proxy in front."""
    serving = new_server(ZENA_TRUSTED_HOPS="1")
    serving.start()
    return serving


@pytest.fixture
def browser(directory: Path, server: Serving) -> Iterator[httpx.Client]:
    """A client that speaks HTTP/2 to `deploy/nginx.conf`, with `server` behind it."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(f"{directory}/key.pem")
    certificate.cert_chain_pems[0].write_to_path(f"{directory}/fullchain.pem")
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trust)
    with deployed_nginx(directory, server.port) as proxy:
        address = f"https://127.0.0.1:{proxy.port}"
        with httpx.Client(http2=True, verify=trust, base_url=address, timeout=PATIENCE_SECONDS) as client:
            yield client


@contextmanager
def stream(client: httpx.Client, headers: Headers) -> Iterator[Iterator[Event]]:
    """A stream over HTTP/2."""
    with connect_sse(client, "GET", "/events", headers=headers) as source:
        assert (source.response.status_code, source.response.http_version) == (200, "HTTP/2")
        yield (Event(sse.id, sse.event, sse.json()) for sse in source.iter_sse())


def signed_in(client: httpx.Client, server: Serving, user: str) -> Headers:
    """The headers of a browser whose user has signed in; the cookie must be one for HTTPS only."""
    answer = client.post("/session", headers=server.headers(user)).raise_for_status()
    client.cookies.clear()  # the test says which request has it
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert cookie.startswith("__Host-zena_session=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
    return {"Cookie": cookie}


def test_streams_cookies_and_commands_go_through_over_http_2(browser: httpx.Client, server: Serving) -> None:
    cookie = signed_in(browser, server, "anna")
    with stream(browser, cookie) as events:
        assert next(events).payload["mode"] == "live"
        for number in range(5):
            publish_note(server, "anna", str(number))
            up_to_note(events, str(number))
        for origin, status in ((str(browser.base_url).rstrip("/"), 202), ("https://evil.example", 403)):
            command = browser.post(
                "/commands/typing.start", headers=cookie | {"Origin": origin}, json={"where": "t"}
            )
            assert command.status_code == status, command.text
    assert browser.get("/metrics").status_code == 404


def test_while_the_server_is_down_streams_are_sent_away_in_words_that_a_browser_understands(
    browser: httpx.Client, server: Serving
) -> None:
    headers = server.headers("anna")
    with stream(browser, headers) as events:
        cursor = next(events).id
        server.stop()
        assert [event.type for event in events] == ["stream.closing"]
    retries = set()
    for _ in range(20):
        with connect_sse(browser, "GET", "/events", headers=headers) as source:
            assert source.response.status_code == 200
            (closing,) = source.iter_sse()
        assert closing.event == closing.json()["type"] == "stream.closing"
        assert closing.json()["payload"] == {"reason": "draining"}
        assert datetime.fromisoformat(closing.json()["at"]).tzinfo is not None
        retries.add(closing.retry)
    assert len(retries) > 1  # or all would come back at the same moment
    server.start()
    publish_note(server, "anna", "after the restart")
    with stream(browser, headers | {"Last-Event-ID": cursor}) as events:
        assert next(events).payload["mode"] == "resumed"
        assert is_note(next(events), "after the restart")
