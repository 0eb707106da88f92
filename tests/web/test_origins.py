"""Which pages of other origins may call, and what their browser is told."""

from __future__ import annotations

import pytest

from tests.web.sites import LiveSite, Site
from tests.web.tabs import Tab

OURS = "https://app.example"
SECOND = "https://beta.example:8443"
FOREIGN = "https://evil.example"

pytestmark = pytest.mark.parametrize("changes", [{"allowed_origins": f"{OURS}, {SECOND}"}])

PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


@pytest.mark.parametrize("path", ["/commands/typing.start", "/snapshot", "/events", "/session"])
async def test_a_preflight_of_an_allowed_origin_is_answered(site: Site, path: str) -> None:
    for origin in (OURS, SECOND):
        response = await site.client.options(path, headers=PREFLIGHT | {"Origin": origin})
        assert response.status_code == 204
        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        methods = {method.strip() for method in response.headers["Access-Control-Allow-Methods"].split(",")}
        assert methods >= {"GET", "POST", "PUT", "DELETE"}
        allowed = response.headers["Access-Control-Allow-Headers"].lower()
        for name in ("authorization", "content-type", "idempotency-key", "last-event-id"):
            assert name in allowed
        assert "Origin" in response.headers["Vary"]


@pytest.mark.parametrize(
    "origin", [FOREIGN, "null", "https://app.example.evil.example", "http://app.example"]
)
async def test_no_other_origin_is_marked_whatever_it_asks(site: Site, origin: str) -> None:
    for method, path in (("OPTIONS", "/snapshot"), ("GET", "/snapshot"), ("GET", "/me"), ("HEAD", "/events")):
        headers = site.bearer() | PREFLIGHT | {"Origin": origin}
        response = await site.client.open(path, method=method, headers=headers)
        assert not [name for name, _ in response.headers if name.lower().startswith("access-control")]


async def test_answers_and_problems_are_marked_for_an_allowed_origin(site: Site) -> None:
    headers = site.bearer() | {"Origin": OURS}
    requests = [
        ("GET", "/snapshot", b"", 200),
        ("POST", "/commands/typing.start", b"{", 400),
        ("GET", "/nowhere", b"", 404),
        ("GET", "/me", b"a body", 400),
        ("HEAD", "/events", b"", 200),
        ("GET", "/events?poll=x", b"", 400),
        ("POST", "/events", b"", 405),
    ]
    for method, path, body, status in requests:
        sent = headers | ({"Content-Length": str(len(body))} if body else {})
        response = await site.client.open(path, method=method, headers=sent, data=body or None)
        assert response.status_code == status, (method, path)
        assert response.headers.get("Access-Control-Allow-Origin") == OURS, (method, path)
        assert "Idempotent-Replayed" in response.headers["Access-Control-Expose-Headers"]
    refused = await site.client.get("/me", headers={"Origin": OURS})
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, OURS)


async def test_a_stream_is_marked_for_an_allowed_origin_and_for_no_other(live: LiveSite) -> None:
    for origin, mark in ((OURS, OURS), (FOREIGN, None)):
        tab = await Tab.open(live.server.port, live.bearer() | {"Origin": origin})
        live.tabs.append(tab)
        assert (await tab.next()).event == "stream.ready"
        assert tab.headers.get("access-control-allow-origin") == mark
        assert ("vary" in tab.headers) == (mark is not None)


async def test_a_page_of_an_allowed_origin_may_use_a_cookie(site: Site) -> None:
    cookie = await site.cookie()
    response = await site.client.post(
        "/commands/typing.start", headers=cookie | {"Origin": SECOND}, json={"where": "t"}
    )
    assert response.status_code == 202
    response = await site.client.post(
        "/commands/typing.start", headers=cookie | {"Origin": FOREIGN}, json={"where": "t"}
    )
    assert response.status_code == 403
