"""Over HTTP/2, as `deploy/nginx.conf` gives it, requests share a connection: every tab has its own stream."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import trustme
from playwright.sync_api import BrowserContext

from tests.browser.complaints import Complaints
from tests.browser.tabs import Tab, publish_notes
from tests.e2e.programs import Serving, request
from tests.e2e.proxies import deployed_nginx

MANY = 8
USER = "anna"


@pytest.mark.needs("nginx")
def test_many_tabs_have_a_stream_each_and_resume_when_the_server_is_deployed(
    new_context: Callable[..., BrowserContext], new_server: Callable[..., Serving], complaints: Complaints
) -> None:
    complaints.expect("net::ERR_|502|503")
    server = new_server(ZENA_TRUSTED_HOPS="1")
    server.start()
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(f"{server.directory}/key.pem")
    certificate.cert_chain_pems[0].write_to_path(f"{server.directory}/fullchain.pem")
    context = new_context(ignore_https_errors=True)
    with deployed_nginx(server.directory, server.port) as proxy:
        url = f"https://127.0.0.1:{proxy.port}"
        context.request.post(f"{url}/session", headers=server.headers(USER))
        tabs = [Tab(context, server, url=url) for _ in range(MANY)]
        for tab in tabs:
            tab.until_live()
        text = request("GET", f"{server.url}/metrics", {}).text
        assert re.findall(r"^zena_streams (\S+)$", text, re.MULTILINE) == [f"{MANY}.0"]
        server.restart(killed=False)
        publish_notes(server, USER, "after the deploy")
        for tab in tabs:
            tab.until_note("after the deploy")
            assert tab.notes() == ["after the deploy"]
